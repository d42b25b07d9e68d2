/// Keeps a walk from restarting for ever at the same place: a restart there that came no further than the one before is
/// the last. Pages count as they are handed on, in order.
pub(super) struct Restarts<C> {
    target: Target<C>,
    /// Pages that have come since the last restart, and how many had come between it and the one before.
    arrived: u64,
    reach: u64,
}

/// Where the last restart went.
enum Target<C> {
    Never,
    To(Option<C>),
}

impl<C> Default for Restarts<C> {
    fn default() -> Self {
        Self { target: Target::Never, arrived: 0, reach: 0 }
    }
}

impl<C: Clone + PartialEq> Restarts<C> {
    pub(super) fn arrive(&mut self) {
        self.arrived += 1;
    }

    /// Whether the walk may restart there. Restarts with no page between them are the retry policy's to bound.
    pub(super) fn allow(&mut self, target: Option<&C>) -> bool {
        let again = matches!(&self.target, Target::To(last) if last.as_ref() == target);
        if again && self.arrived > 0 && self.arrived <= self.reach {
            return false;
        }
        if !again {
            (self.reach, self.arrived) = (0, 0);
        } else if self.arrived > 0 {
            (self.reach, self.arrived) = (self.arrived, 0);
        }
        self.target = Target::To(target.cloned());
        true
    }
}
