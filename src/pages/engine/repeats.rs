use std::mem;

/// How far back a repetition is noticed at once.
const WINDOW: usize = 8;

/// Finds a cursor that was there before, in bounded memory and without hashing: the last few are compared as they are,
/// and Brent's algorithm finds what comes round in a wider circle.
#[derive(Debug)]
pub(super) struct Repeats<C> {
    recent: Vec<C>,
    oldest: usize,
    tortoise: Option<C>,
    /// Steps since the tortoise sat down, and the steps after which it moves up.
    steps: u64,
    patience: u64,
}

impl<C: Clone + PartialEq> Repeats<C> {
    pub(super) fn new() -> Self {
        Self { recent: Vec::new(), oldest: 0, tortoise: None, steps: 0, patience: WINDOW as u64 }
    }

    /// Whether this cursor was there before; it is remembered from now on.
    pub(super) fn seen(&mut self, cursor: &C) -> bool {
        if self.recent.contains(cursor) || self.tortoise.as_ref() == Some(cursor) {
            return true;
        }
        self.remember(cursor);
        self.steps += 1;
        if self.steps == self.patience {
            self.steps = 0;
            self.patience = self.patience.saturating_mul(2);
            self.tortoise = Some(cursor.clone());
        }
        false
    }

    /// Forgets what was seen, but for this cursor: the walk was told to go on over it.
    pub(super) fn restart(&mut self, cursor: Option<&C>) {
        drop(mem::replace(self, Self::new()));
        if let Some(cursor) = cursor {
            self.remember(cursor);
        }
    }

    fn remember(&mut self, cursor: &C) {
        if self.recent.len() < WINDOW {
            self.recent.push(cursor.clone());
        } else {
            // `clone_from` keeps the slot's allocation: no cursor costs one a page.
            self.recent[self.oldest].clone_from(cursor);
            self.oldest = (self.oldest + 1) % WINDOW;
        }
    }
}
