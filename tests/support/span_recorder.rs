//! A `tracing` subscriber that records spans and events.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Level, LevelFilter, Metadata, Subscriber, dispatcher};

/// Records the spans and the events of the crate, and the spans of the tests.
#[derive(Clone)]
pub struct SpanRecorder {
    state: Arc<Mutex<State>>,
    max_level: Level,
}

#[derive(Default)]
struct State {
    spans: Vec<RecordedSpan>,
    events: Vec<String>,
}

struct RecordedSpan {
    metadata: &'static Metadata<'static>,
    parent: Option<usize>,
    fields: String,
    /// The number of handles: the span is closed when it is 0.
    handles: usize,
}

thread_local! {
    static ENTERED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl SpanRecorder {
    /// A recorder of the levels up to `max_level`.
    pub fn new(max_level: Level) -> Self {
        Self { state: Arc::default(), max_level }
    }

    /// Runs a program on this thread, with this recorder as its subscriber.
    pub fn run<T>(&self, program: impl FnOnce() -> T) -> T {
        // While there is only one, a callsite that is first reached on another thread is enabled as that thread's subscriber
        // decides, and stays disabled if it has none.
        let _second = Dispatch::new(self.clone());
        dispatcher::with_default(&Dispatch::new(self.clone()), program)
    }

    /// Records a program on a current-thread runtime with a paused clock.
    pub fn record<F: Future<Output = ()>>(max_level: Level, program: impl FnOnce(Self) -> F) -> Self {
        let recorder = Self::new(max_level);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        recorder.run(|| runtime.expect("a runtime").block_on(program(recorder.clone())));
        recorder
    }

    /// Makes the recorder the subscriber of this thread until its end: for the workers of a runtime.
    pub fn set_on_this_thread(&self) {
        std::mem::forget(dispatcher::set_default(&Dispatch::new(self.clone())));
    }

    /// The spans in the order in which they were opened, each with the names of those around it: `a/b{x=1 y=2}`.
    pub fn spans(&self) -> Vec<String> {
        let state = self.lock();
        (0..state.spans.len())
            .map(|index| format!("{}{{{}}}", state.path(index), state.spans[index].fields))
            .collect()
    }

    /// The events, each with the spans around it: `a/b: WARN x=1`.
    pub fn events(&self) -> Vec<String> {
        self.lock().events.clone()
    }

    /// The spans that are still open.
    pub fn open(&self) -> Vec<String> {
        let state = self.lock();
        let open = |index: &usize| state.spans[*index].handles > 0;
        (0..state.spans.len()).filter(open).map(|index| state.path(index)).collect()
    }

    /// The spans that are entered on this thread.
    pub fn current_path(&self) -> String {
        let state = self.lock();
        ENTERED
            .with_borrow(|entered| entered.last().map_or_else(|| "-".to_owned(), |index| state.path(*index)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn path(&self, index: usize) -> String {
        let span = &self.spans[index];
        let name = span.metadata.name();
        span.parent.map_or_else(|| name.to_owned(), |parent| format!("{}/{name}", self.path(parent)))
    }
}

fn index(id: &Id) -> usize {
    usize::try_from(id.into_u64()).expect("an index") - 1
}

impl Subscriber for SpanRecorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Not those of reqwest and hyper.
        let is_known = ["withal", "test"].iter().any(|target| metadata.target().starts_with(target))
            || metadata
                .module_path()
                .is_none_or(|module| !module.contains("hyper") && !module.contains("reqwest"));
        is_known && *metadata.level() <= self.max_level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.max_level))
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let current = ENTERED.with_borrow(|entered| entered.last().copied());
        let parent = if span.is_contextual() { current } else { span.parent().map(index) };
        let mut fields = String::new();
        span.record(&mut Fields(&mut fields));
        let mut state = self.lock();
        state.spans.push(RecordedSpan { metadata: span.metadata(), parent, fields, handles: 1 });
        Id::from_u64(state.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = String::new();
        values.record(&mut Fields(&mut fields));
        let recorded = &mut self.lock().spans[index(span)].fields;
        if !recorded.is_empty() {
            recorded.push(' ');
        }
        recorded.push_str(&fields);
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let path = self.current_path();
        let mut fields = String::new();
        event.record(&mut Fields(&mut fields));
        self.lock().events.push(format!("{path}: {} {fields}", event.metadata().level()));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(index(span)));
    }

    fn exit(&self, span: &Id) {
        let left = ENTERED.with_borrow_mut(Vec::pop);
        assert_eq!(
            left,
            Some(index(span)),
            "spans are exited innermost first, on the thread that entered them"
        );
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.lock().spans[index(id)].handles += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let handles = &mut self.lock().spans[index(&id)].handles;
        *handles -= 1;
        *handles == 0
    }

    fn current_span(&self) -> Current {
        let current = ENTERED.with_borrow(|entered| entered.last().copied());
        current.map_or_else(Current::none, |index| {
            Current::new(Id::from_u64(index as u64 + 1), self.lock().spans[index].metadata)
        })
    }
}

struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        match field.name() {
            "message" => write!(self.0, "{value}"),
            name => write!(self.0, "{name}={value}"),
        }
        .expect("a string accepts all text");
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, format_args!("{value}"));
    }
}
