/// How far back a repetition is noticed at once.
const WINDOW: usize = 8;

/// Finds a cursor that was there before, in bounded memory and without hashing: the last few are compared as they are,
/// and Brent's algorithm finds what comes round in a wider circle.
#[derive(Debug)]
pub(super) struct Repeats<C> {
    recent: Vec<C>,
    oldest: usize,
    tortoise: Option<C>,
    /// Rounds of the window since the tortoise sat down, and those after which it moves up.
    rounds: u64,
    patience: u64,
}

impl<C: Clone + PartialEq> Repeats<C> {
    pub(super) fn new() -> Self {
        Self { recent: Vec::new(), oldest: 0, tortoise: None, rounds: 0, patience: 1 }
    }

    /// Whether this cursor was there before; it is remembered from now on.
    #[inline(always)]
    pub(super) fn seen(&mut self, cursor: &C) -> bool {
        if self.recent.contains(cursor) || self.tortoise.as_ref() == Some(cursor) {
            return true;
        }
        match self.recent.get_mut(self.oldest) {
            // `clone_from` keeps the slot's allocation: no cursor costs one a page.
            Some(slot) => slot.clone_from(cursor),
            None => self.recent.push(cursor.clone()),
        }
        self.oldest += 1;
        if self.oldest == WINDOW {
            self.round(cursor);
        }
        false
    }

    #[inline(never)]
    fn round(&mut self, cursor: &C) {
        self.oldest = 0;
        self.rounds += 1;
        if self.rounds == self.patience {
            self.rounds = 0;
            self.patience = self.patience.saturating_mul(2);
            self.tortoise = Some(cursor.clone());
        }
    }

    /// Forgets what was seen, but for this cursor: the walk was told to go on over it.
    pub(super) fn restart(&mut self, cursor: Option<&C>) {
        *self = Self::new();
        if let Some(cursor) = cursor {
            self.seen(cursor);
        }
    }
}
