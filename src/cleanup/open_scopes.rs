use std::cell::Cell;

/// The number of scopes that are open on a thread, and a flag that is set while any of them has something to collect.
///
/// One word holds both, because nearly all scopes collect nothing: they open with an increment, and close with a decrement
/// and a test of its result.
pub(crate) struct OpenScopes(Cell<usize>);

/// The flag, which is the sign of the word.
const HAS_COLLECTED: usize = 1 << (usize::BITS - 1);

impl OpenScopes {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(0))
    }

    /// Returns the number of open scopes: the depth of the innermost one.
    #[inline]
    pub(crate) fn depth(&self) -> usize {
        self.0.get() & !HAS_COLLECTED
    }

    #[inline]
    pub(crate) fn open(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// Closes the innermost scope. Returns `true` if any scope, inside or outside of it, has something to collect.
    #[inline]
    pub(crate) fn close(&self) -> bool {
        let open = self.0.get() - 1;
        self.0.set(open);
        open >= HAS_COLLECTED
    }

    /// Sets the flag, or removes it.
    pub(crate) fn set_collected(&self, has_collected: bool) {
        self.0.set(if has_collected { self.0.get() | HAS_COLLECTED } else { self.depth() });
    }
}
