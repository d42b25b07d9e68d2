use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::chain::Chain;
use super::task::{Begun, Lost, Task, begin};
use super::{Landing, Outcome, Want};
use crate::pages::Cursor;

/// A chain that goes on, on a task, while the consumer is busy with the pages it has.
///
/// The chain travels: it comes home through the channel, behind the pages it fetched, whenever it has fetched as many
/// as there is room for, and is sent out again when a page is taken. So nothing of it is shared, and no task waits for
/// the consumer.
pub(in crate::pages) struct Ahead<T, C, E> {
    room: usize,
    ready: VecDeque<Landing<T, C>>,
    chain: Whereabouts<T, C, E>,
    /// What the chain brought home besides pages: its end, or an error.
    last: Option<Last<E>>,
}

/// What is left to tell when the pages are used up, and whether it is of a page that was restarted from.
type Last<E> = (Outcome<E>, bool);

enum Whereabouts<T, C, E> {
    Here(Box<Chain<T, C, E>>),
    Away { task: Task<()>, inbox: UnboundedReceiver<Message<T, C, E>> },
    Panicked(Box<dyn Any + Send>),
    Gone,
}

enum Message<T, C, E> {
    Page(Landing<T, C>),
    Home(Box<Chain<T, C, E>>, Option<Last<E>>),
}

impl<T, C, E> Ahead<T, C, E>
where
    T: Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    pub(super) fn new(chain: Chain<T, C, E>, room: usize) -> Self {
        let chain = Whereabouts::Here(Box::new(chain));
        Self { room, ready: VecDeque::new(), chain, last: None }
    }

    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        want: Want,
        landing: &mut Landing<T, C>,
    ) -> Poll<Outcome<E>> {
        loop {
            self.collect();
            if let Some(landed) = self.ready.pop_front() {
                *landing = landed;
                self.send_out(want.less(&landing.page));
                return Poll::Ready(Outcome::Page);
            }
            if let Some((last, restarted)) = self.last.take() {
                landing.restarted = restarted;
                return Poll::Ready(last);
            }
            match &mut self.chain {
                Whereabouts::Here(chain) => {
                    let outcome = ready!(chain.poll_page_away(cx, landing));
                    if let Outcome::Page = &outcome {
                        self.send_out(want.less(&landing.page));
                    }
                    return Poll::Ready(outcome);
                }
                Whereabouts::Away { task, inbox } => {
                    if let Some(message) = ready!(inbox.poll_recv(cx)) {
                        self.receive(message);
                        continue;
                    }
                    // It hung up without bringing the chain home.
                    let lost = ready!(task.poll(cx));
                    self.chain = Whereabouts::Gone;
                    match lost {
                        Err(Lost::Panic(payload)) => resume_unwind(payload),
                        Ok(()) | Err(Lost::Shutdown) => return Poll::Ready(Outcome::Shutdown),
                    }
                }
                Whereabouts::Panicked(_) => {
                    let gone = mem::replace(&mut self.chain, Whereabouts::Gone);
                    let Whereabouts::Panicked(payload) = gone else { unreachable!("matched just now") };
                    resume_unwind(payload)
                }
                Whereabouts::Gone => return Poll::Ready(Outcome::End),
            }
        }
    }

    pub(super) fn retry(&mut self) -> bool {
        match &mut self.chain {
            Whereabouts::Here(chain) => chain.retry(),
            _ => false,
        }
    }

    /// Takes what the task has sent so far.
    fn collect(&mut self) {
        while let Whereabouts::Away { inbox, .. } = &mut self.chain {
            match inbox.try_recv() {
                Ok(message) => self.receive(message),
                Err(_) => return,
            }
        }
    }

    fn receive(&mut self, message: Message<T, C, E>) {
        match message {
            Message::Page(page) => self.ready.push_back(page),
            Message::Home(chain, last) => {
                self.chain = Whereabouts::Here(chain);
                self.last = last;
            }
        }
    }

    /// Sends the chain out to fill the room that is left, unless it is out already or has nothing more to bring.
    fn send_out(&mut self, want: Want) {
        let want = self.ready.iter().fold(want, |want, landed| want.less(&landed.page));
        let room = self.room.saturating_sub(self.ready.len());
        let here = matches!(self.chain, Whereabouts::Here(_));
        if !here || self.last.is_some() || room == 0 || want.is_none() {
            return;
        }
        let Whereabouts::Here(chain) = mem::replace(&mut self.chain, Whereabouts::Gone) else {
            unreachable!("matched just now");
        };
        let (outbox, inbox) = unbounded_channel();
        match begin(Errand { chain: Some(chain), landing: Landing::new(None), outbox, room, want }) {
            Begun::Away(task) => self.chain = Whereabouts::Away { task, inbox },
            Begun::Here(errand) => {
                self.chain = errand.chain.map_or(Whereabouts::Gone, Whereabouts::Here);
                self.take_all(inbox);
            }
            Begun::Done(()) => self.take_all(inbox),
            Begun::Panic(payload) => {
                self.chain = Whereabouts::Panicked(payload);
                self.take_all(inbox);
            }
        }
    }

    fn take_all(&mut self, mut inbox: UnboundedReceiver<Message<T, C, E>>) {
        while let Ok(message) = inbox.try_recv() {
            self.receive(message);
        }
    }
}

/// The chain on its way: fetches until the room is full or nothing is left, then comes home.
struct Errand<T, C, E> {
    chain: Option<Box<Chain<T, C, E>>>,
    landing: Landing<T, C>,
    outbox: UnboundedSender<Message<T, C, E>>,
    room: usize,
    want: Want,
}

impl<T, C: Cursor, E> Future for Errand<T, C, E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        while let Some(chain) = &mut this.chain {
            let last = if this.room == 0 || this.want.is_none() {
                None
            } else {
                match ready!(chain.poll_page_away(cx, &mut this.landing)) {
                    Outcome::Page => {
                        this.room -= 1;
                        this.want = this.want.less(&this.landing.page);
                        let landed = mem::replace(&mut this.landing, Landing::new(None));
                        // Nobody to receive it: the stream is being dropped, and this task aborted.
                        drop(this.outbox.send(Message::Page(landed)));
                        continue;
                    }
                    last => Some((last, this.landing.restarted)),
                }
            };
            if let Some(chain) = this.chain.take() {
                drop(this.outbox.send(Message::Home(chain, last)));
            }
        }
        Poll::Ready(())
    }
}

/// Nothing in it is pinned: the fetch lies in a box of its own.
impl<T, C, E> Unpin for Errand<T, C, E> {}
