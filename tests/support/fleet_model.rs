//! Random interleavings of the calls of a fleet's engine, compared with a trivial model: at no step does a partition have two
//! valid owners, and a checkpoint is never stored without its items.
//!
//! The model is generic over the engine: the tests of each engine implement [`Storage`] and call [`run`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use withal::fleet::{Claimed, Engine, Outcome};
use withal::pages::{Checkpoint, by_cursor};

use crate::random::Random;

/// The operations that the model needs of an engine, in addition to its calls. The lease time of the engine must be longer
/// than the test, so that leases expire only by [`expire`](Self::expire).
pub trait Storage {
    type Engine: Engine<Item = u64, Cursor = u64>;

    /// `true` if a renewal or a release of a claim that has ended, or whose lease has expired, may have no effect and yet not
    /// be fenced, as with an engine that fences only commits.
    const FENCES_COMMITS_ONLY: bool = false;
    /// `true` if a partition that is released after its lease has expired waits for the delay of its retry.
    const DELAYS_AFTER_EXPIRY: bool = true;
    /// `true` if the progress counts a partition as pending when its lease has expired or its delay has elapsed.
    const COUNTS_EXPIRED: bool = true;
    /// `true` if the engine counts attempts exactly.
    const COUNTS_ATTEMPTS: bool = true;

    /// Returns the engine of one of the workers. The engines of all workers share their storage.
    fn engine(&self, worker: usize) -> &Self::Engine;

    /// Makes all leases expire, unless they are renewed again, and ends all delays.
    fn expire(&self) -> impl Future<Output = ()>;

    /// Returns the stored items of a partition, in order.
    fn items(&self, partition: &str) -> impl Future<Output = Vec<u64>>;
}

type Token<S> = <<S as Storage>::Engine as Engine>::Token;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Waiting,
    Leased,
    /// Leased, but the lease has expired.
    Expired,
    /// The owner has made a call after its lease had expired: an engine may have renewed the lease, or not.
    Unknown,
    SetAside,
    Finished,
}

/// A partition of the model.
struct Row {
    state: State,
    /// The last claim, unless it was released.
    owner: Option<usize>,
    items: Vec<u64>,
    checkpoint: Checkpoint<u64>,
    is_done: bool,
    attempt: u32,
    error: String,
}

/// A claim that a worker keeps, perhaps after it has ended.
struct Held<T> {
    id: usize,
    worker: usize,
    partition: String,
    token: T,
    /// A token from before the last commit, which must not commit again.
    stale: Option<T>,
}

/// The counts of a run, which show that each kind of call has been made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    pub claims: u64,
    pub commits: u64,
    pub fenced: u64,
    pub stale: u64,
    pub renewals: u64,
    pub releases: u64,
    pub expirations: u64,
    /// The partitions that were set aside, and freed again.
    pub retried: u64,
}

const WORKERS: usize = 3;
const PARTITIONS: usize = 5;
/// The maximum number of claims that are kept.
const HELD: usize = 12;

struct Model<'s, S: Storage> {
    storage: &'s S,
    random: Random,
    rows: BTreeMap<String, Row>,
    held: Vec<Held<Token<S>>>,
    claims: usize,
    next_item: u64,
    prefix: String,
    counts: Counts,
}

/// Runs `steps` random calls. The names of the partitions begin with `prefix`.
///
/// # Panics
///
/// Panics at the first difference from the model, with the seed and the step.
pub async fn run<S: Storage>(storage: &S, prefix: &str, seed: u64, steps: usize) -> Counts {
    let mut model = Model {
        storage,
        random: Random(seed),
        rows: BTreeMap::new(),
        held: Vec::new(),
        claims: 0,
        next_item: 0,
        prefix: prefix.to_owned(),
        counts: Counts::default(),
    };
    for step in 0..steps {
        let at = format!("seed {seed}, step {step}");
        model.step(&at).await;
    }
    for (name, row) in &model.rows {
        assert_eq!(storage.items(name).await, row.items, "seed {seed}, the items of {name} at the end");
    }
    model.counts
}

impl<S: Storage> Model<'_, S> {
    fn engine(&mut self) -> &S::Engine {
        self.storage.engine(self.random.below(WORKERS))
    }

    async fn step(&mut self, at: &str) {
        match self.random.below(100) {
            0..30 => self.claim(at).await,
            30..62 => self.commit(at).await,
            62..72 => self.renew(at).await,
            72..84 => self.release(at).await,
            84..90 => self.read(at).await,
            90..93 => self.expire().await,
            93..95 => self.progress(at).await,
            95..98 => self.commit_stale(at).await,
            98 => self.retry_set_aside(at).await,
            _ => self.add(at).await,
        }
    }

    /// Adds a partition that exists, and a new one if most are finished.
    async fn add(&mut self, at: &str) {
        let unfinished =
            self.rows.values().filter(|row| !matches!(row.state, State::Finished | State::SetAside));
        let mut names: Vec<String> = Vec::new();
        if unfinished.count() < PARTITIONS {
            names.push(format!("{}{}", self.prefix, self.rows.len()));
        }
        let existing = self.random.below(self.rows.len());
        names.extend(self.rows.keys().nth(existing).cloned());
        self.engine().add(names.clone()).await.unwrap_or_else(|error| panic!("{at}: {error}"));
        for name in names {
            self.rows.entry(name).or_insert_with(|| Row {
                state: State::Free,
                owner: None,
                items: Vec::new(),
                checkpoint: Checkpoint::default(),
                is_done: false,
                attempt: 0,
                error: String::new(),
            });
        }
    }

    async fn retry_set_aside(&mut self, at: &str) {
        let count = self.engine().retry_set_aside().await.unwrap_or_else(|error| panic!("{at}: {error}"));
        let mut expected = 0;
        for row in self.rows.values_mut().filter(|row| row.state == State::SetAside) {
            (row.state, row.attempt) = (State::Free, 0);
            expected += 1;
        }
        assert_eq!(count, expected, "{at}");
        self.counts.retried += count;
    }

    async fn claim(&mut self, at: &str) {
        self.counts.claims += 1;
        let worker = self.random.below(WORKERS);
        let claimed =
            self.storage.engine(worker).claim().await.unwrap_or_else(|error| panic!("{at}: {error}"));
        let has = |state: State| self.rows.values().any(|row| row.state == state && !row.is_done);
        // A finished partition whose owner may add others.
        let ends = |state: State| {
            self.rows.values().any(|row| row.state == state && row.is_done && row.owner.is_some())
        };
        let partition = match claimed {
            Claimed::Partition(partition) => partition,
            Claimed::NotYet(wait) => {
                assert!(!has(State::Free) && !has(State::Expired), "{at}: a partition was free");
                assert!(
                    [State::Leased, State::Waiting, State::Unknown]
                        .into_iter()
                        .any(|state| has(state) || ends(state)),
                    "{at}: all partitions are finished"
                );
                assert!(wait < Duration::from_secs(86400 * 365), "{at}: {wait:?}");
                return;
            }
            Claimed::Finished => {
                for state in [State::Free, State::Expired, State::Leased, State::Waiting, State::Unknown] {
                    assert!(!has(state), "{at}: a partition is {state:?}");
                }
                assert!(!ends(State::Leased), "{at}: an owner may add partitions");
                return;
            }
        };
        let row = self
            .rows
            .get_mut(&partition.name)
            .unwrap_or_else(|| panic!("{at}: {partition:?}", partition = partition.name));
        assert!(
            matches!(row.state, State::Free | State::Expired | State::Unknown) && !row.is_done,
            "{at}: {} was claimed while it was {:?}",
            partition.name,
            row.state
        );
        assert_eq!(partition.checkpoint, row.checkpoint, "{at}: the checkpoint of {}", partition.name);
        row.attempt += 1;
        if S::COUNTS_ATTEMPTS {
            assert_eq!(partition.attempt, row.attempt, "{at}: the attempt of {}", partition.name);
        }
        // A checkpoint is never stored without its items.
        assert_eq!(
            self.storage.items(&partition.name).await,
            row.items,
            "{at}: the items of {}",
            partition.name
        );
        self.claims += 1;
        (row.state, row.owner) = (State::Leased, Some(self.claims));
        if self.held.len() == HELD {
            let forgotten = self.random.below(HELD);
            self.held.swap_remove(forgotten);
        }
        self.held.push(Held {
            id: self.claims,
            worker,
            partition: partition.name,
            token: partition.token,
            stale: None,
        });
    }

    /// Returns a random claim: two times out of three the latest claim of its partition, otherwise any, perhaps one that has
    /// ended.
    fn pick(&mut self) -> Option<usize> {
        if self.held.is_empty() {
            return None;
        }
        let wants_owner = self.random.below(3) > 0;
        let from = self.random.below(self.held.len());
        let mut places = (0..self.held.len()).map(|n| (from + n) % self.held.len());
        let owns = |held: &Held<_>| self.rows[&held.partition].owner == Some(held.id);
        if wants_owner { places.find(|place| owns(&self.held[*place])).or(Some(from)) } else { Some(from) }
    }

    /// Returns a claim, its row, and whether it is the owner.
    fn parts(&mut self, place: usize) -> (&S::Engine, &mut Held<Token<S>>, &mut Row, bool) {
        let held = &mut self.held[place];
        let row = self.rows.get_mut(&held.partition).expect("claims are of known partitions");
        let is_owner = row.owner == Some(held.id);
        (self.storage.engine(held.worker), held, row, is_owner)
    }

    async fn commit(&mut self, at: &str) {
        let Some(place) = self.pick() else { return };
        let items: Vec<u64> = (0..self.random.below(4) as u64).map(|n| self.next_item + n).collect();
        // A number that is unique, also among checkpoints of commits without items.
        self.next_item += 4;
        let (next, is_done) = (self.next_item, self.random.below(12) == 0);
        let shared: Arc<[u64]> = items.clone().into();
        let checkpoint = checkpoint(next, is_done).await;
        let (engine, held, row, is_owner) = self.parts(place);
        let is_expected = is_owner && !row.is_done;
        let before = held.token.clone();
        let owned = engine.commit(&mut held.token, shared, &checkpoint).await;
        let owned = owned.unwrap_or_else(|error| panic!("{at}: {error}")).is_owned();
        assert_eq!(owned, is_expected, "{at}: the commit of claim {} of {}", held.id, held.partition);
        if owned {
            held.stale = Some(before);
            row.items.extend(items);
            row.checkpoint = checkpoint;
            row.attempt = 1;
            row.is_done = is_done;
            if row.state == State::Expired {
                row.state = State::Unknown;
            }
            self.counts.commits += 1;
        } else {
            self.counts.fenced += 1;
        }
    }

    /// A commit with the token from before the last commit: the connection broke, and the caller repeats it.
    async fn commit_stale(&mut self, at: &str) {
        let Some(place) = self.pick() else { return };
        self.next_item += 4;
        let (item, next) = (self.next_item - 1, self.next_item);
        let (engine, held, _, _) = self.parts(place);
        let Some(mut stale) = held.stale.clone() else { return };
        let owned = engine.commit(&mut stale, [item].into(), &Checkpoint::new(Some(next), 0)).await;
        assert!(
            !owned.unwrap_or_else(|error| panic!("{at}: {error}")).is_owned(),
            "{at}: a commit was repeated"
        );
        self.counts.stale += 1;
    }

    async fn renew(&mut self, at: &str) {
        let Some(place) = self.pick() else { return };
        let (engine, held, row, is_owner) = self.parts(place);
        let owned =
            engine.renew(&held.token).await.unwrap_or_else(|error| panic!("{at}: {error}")).is_owned();
        if !S::FENCES_COMMITS_ONLY {
            assert_eq!(owned, is_owner, "{at}: the renewal of claim {} of {}", held.id, held.partition);
        }
        if is_owner && row.state == State::Expired {
            row.state = State::Unknown;
        }
        self.counts.renewals += 1;
    }

    async fn read(&mut self, at: &str) {
        let Some(place) = self.pick() else { return };
        let (engine, held, row, is_owner) = self.parts(place);
        let stored = engine.read(&mut held.token).await.unwrap_or_else(|error| panic!("{at}: {error}"));
        let expected = is_owner.then(|| row.checkpoint.clone());
        assert_eq!(stored, expected, "{at}: claim {} of {} reads", held.id, held.partition);
    }

    async fn release(&mut self, at: &str) {
        let Some(place) = self.pick() else { return };
        let outcome = match self.random.below(10) {
            0..2 => Outcome::Done,
            2..6 => Outcome::Continue,
            6..9 => Outcome::Retry { after: Duration::from_secs(3600), error: at.to_owned() },
            _ => Outcome::SetAside { error: at.to_owned() },
        };
        let (engine, held, row, is_owner) = self.parts(place);
        let owned = engine.release(&held.token, outcome.clone()).await;
        let owned = owned.unwrap_or_else(|error| panic!("{at}: {error}")).is_owned();
        if !S::FENCES_COMMITS_ONLY {
            assert_eq!(owned, is_owner, "{at}: the release of claim {} of {}", held.id, held.partition);
        }
        if is_owner {
            let was_expired = matches!(row.state, State::Expired | State::Unknown);
            row.owner = None;
            row.is_done |= outcome == Outcome::Done;
            row.state = match outcome {
                _ if row.is_done => State::Finished,
                Outcome::Continue => {
                    row.attempt -= 1;
                    State::Free
                }
                Outcome::SetAside { error } => {
                    row.error = error;
                    State::SetAside
                }
                _ if was_expired && !S::DELAYS_AFTER_EXPIRY => State::Unknown,
                _ => State::Waiting,
            };
        }
        self.counts.releases += 1;
    }

    async fn expire(&mut self) {
        self.storage.expire().await;
        for row in self.rows.values_mut() {
            row.state = match row.state {
                State::Leased | State::Unknown => State::Expired,
                State::Waiting => State::Free,
                state => state,
            };
        }
        self.counts.expirations += 1;
    }

    async fn progress(&mut self, at: &str) {
        let progress = self.engine().progress().await.unwrap_or_else(|error| panic!("{at}: {error}"));
        let count = |states: &[State]| {
            self.rows.values().filter(|row| !row.is_done && states.contains(&row.state)).count() as u64
        };
        let items: usize = self.rows.values().map(|row| row.items.len()).sum();
        assert_eq!(progress.items, items as u64, "{at}");
        assert_eq!(progress.done, self.rows.values().filter(|row| row.is_done).count() as u64, "{at}");
        let unfinished = [State::Free, State::Waiting, State::Leased, State::Expired, State::Unknown];
        assert_eq!(progress.unfinished(), count(&unfinished), "{at}: {progress:?}");
        if S::COUNTS_EXPIRED && count(&[State::Unknown]) == 0 {
            assert_eq!(progress.pending, count(&[State::Free, State::Expired]), "{at}: {progress:?}");
            assert_eq!(progress.waiting, count(&[State::Waiting]), "{at}: {progress:?}");
        }
        let aside = self.rows.iter().filter(|(_, row)| row.state == State::SetAside);
        let mut aside: Vec<_> = aside.map(|(name, row)| (&**name, &*row.error)).collect();
        aside.sort_unstable();
        let found: Vec<_> =
            progress.set_aside.iter().map(|entry| (&*entry.partition, &*entry.error)).collect();
        assert_eq!(found, aside, "{at}");
    }
}

/// Returns a checkpoint at a cursor. Only a stream can create one that is done.
async fn checkpoint(cursor: u64, is_done: bool) -> Checkpoint<u64> {
    let checkpoint = Checkpoint::new(Some(cursor), 0);
    if !is_done {
        return checkpoint;
    }
    let mut empty = by_cursor(async |_| Ok::<_, Infallible>((Vec::<u64>::new(), None))).resume(checkpoint);
    assert!(matches!(empty.try_next().await, Ok(None)));
    empty.checkpoint()
}
