use crate::tasks::Canceller;

/// The tasks of a group that are not over, each in a place of its own: it leaves by that.
#[derive(Default)]
pub(super) struct Members {
    places: Vec<Place>,
    /// The first that is free.
    free: Option<usize>,
    count: usize,
}

enum Place {
    Taken(Canceller),
    /// With the next one.
    Free(Option<usize>),
}

impl Members {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn add(&mut self, canceller: Canceller) -> usize {
        self.count += 1;
        let Some(free) = self.free else {
            self.places.push(Place::Taken(canceller));
            return self.places.len() - 1;
        };
        if let Place::Free(next) = std::mem::replace(&mut self.places[free], Place::Taken(canceller)) {
            self.free = next;
        }
        free
    }

    pub(super) fn remove(&mut self, place: usize) {
        self.count -= 1;
        self.places[place] = Place::Free(self.free.replace(place));
        if self.count == 0 {
            // Nothing is left of a crowd.
            *self = Self::default();
        }
    }

    /// To be called when the group is not locked any more.
    pub(super) fn cancellers(&self) -> Vec<Canceller> {
        let taken = |place: &Place| match place {
            Place::Taken(canceller) => Some(canceller.clone()),
            Place::Free(_) => None,
        };
        self.places.iter().filter_map(taken).collect()
    }
}
