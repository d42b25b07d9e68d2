/// The number of most recent cursors that are compared with each new one.
const WINDOW: usize = 8;

/// Detects a repeated cursor, in bounded memory and without hashing.
///
/// The last few cursors are compared one by one. Brent's algorithm detects longer cycles: a stationary cursor, the
/// tortoise, is compared with each new one, and moves to the newest cursor at intervals that double each time.
#[derive(Debug)]
pub(super) struct CycleDetector<C> {
    recent: Vec<C>,
    oldest: usize,
    tortoise: Option<C>,
    /// Windows since the tortoise last moved, and the number of windows after which it moves next.
    windows: u64,
    power: u64,
}

impl<C: Clone + PartialEq> CycleDetector<C> {
    pub(super) fn new() -> Self {
        Self { recent: Vec::new(), oldest: 0, tortoise: None, windows: 0, power: 1 }
    }

    /// Inserts a cursor; returns `false` if it was inserted before.
    #[inline(always)]
    pub(super) fn insert(&mut self, cursor: &C) -> bool {
        let is_recent = match <&[C; WINDOW]>::try_from(self.recent.as_slice()) {
            // The length is known, so that the comparisons are unrolled.
            Ok(recent) => recent.iter().any(|seen| seen == cursor),
            Err(_) => self.recent.contains(cursor),
        };
        if is_recent || self.tortoise.as_ref() == Some(cursor) {
            return false;
        }
        match self.recent.get_mut(self.oldest) {
            // `clone_from` reuses the allocation in the slot, so that no page allocates for its cursor.
            Some(slot) => slot.clone_from(cursor),
            None => self.recent.push(cursor.clone()),
        }
        self.oldest += 1;
        if self.oldest == WINDOW {
            self.end_window(cursor);
        }
        true
    }

    #[inline(never)]
    fn end_window(&mut self, cursor: &C) {
        self.oldest = 0;
        self.windows += 1;
        if self.windows == self.power {
            self.windows = 0;
            self.power = self.power.saturating_mul(2);
            self.tortoise = Some(cursor.clone());
        }
    }

    /// Forgets all cursors except this one: the stream continues from it, even if it was fetched before.
    pub(super) fn reset(&mut self, cursor: Option<&C>) {
        *self = Self::new();
        if let Some(cursor) = cursor {
            self.insert(cursor);
        }
    }
}
