use std::fmt;

use super::rules::{Micros, Rules, seconds};
use super::simulation::Simulation;

/// The columns of a row of figures.
pub(super) const HEADER: &str = "\
| scenario | time | kills | stops | fenced | set aside | pages | missing | twice | lost owners | without an owner: mean, longest | \
pages of the slowest, the fastest workers |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// The figures of a simulation.
pub(super) struct Figures {
    pub(super) name: &'static str,
    pub(super) rules: Rules,
    pub(super) time: Micros,
    pub(super) kills: u64,
    pub(super) stops: u64,
    /// The calls that were fenced.
    pub(super) refused: u64,
    pub(super) set_aside: u64,
    /// The partitions that always fail.
    pub(super) broken: u64,
    pub(super) stored: u64,
    pub(super) duplicates: u64,
    pub(super) missing: u64,
    /// The pages up to the checkpoints of all partitions.
    pub(super) pages: u64,
    /// The number of claims of partitions whose owner was killed or stopped.
    pub(super) losses: usize,
    pub(super) mean_loss: Micros,
    pub(super) longest_loss: Micros,
    /// The longest time from the end of a lease or a delay to the next claim.
    pub(super) longest_delay: Micros,
    /// The pages per second of the slowest and the fastest 5 % of the workers, relative to the median.
    pub(super) rates: (f64, f64),
}

impl Figures {
    /// Runs a simulation.
    pub(super) fn of(name: &'static str, rules: Rules) -> Self {
        let mut simulation = Simulation::new(rules);
        let time = simulation.run();
        let (missing, pages) = simulation.engine.missing();
        let rates = simulation.rates();
        let [low, median, high] =
            [rates.len() / 20, rates.len() / 2, rates.len() * 19 / 20].map(|at| rates[at]);
        let counts = &simulation.engine.counts;
        let mean = counts.lost.iter().sum::<Micros>().checked_div(counts.lost.len() as u64);
        Self {
            name,
            rules,
            time,
            kills: simulation.kills,
            stops: simulation.stops,
            refused: counts.refused,
            set_aside: counts.set_aside,
            broken: simulation.broken(),
            stored: counts.stored,
            duplicates: counts.duplicates,
            missing,
            pages,
            losses: counts.lost.len(),
            mean_loss: mean.unwrap_or(0),
            longest_loss: counts.lost.iter().copied().max().unwrap_or(0),
            longest_delay: counts.delays.iter().copied().max().unwrap_or(0),
            rates: (low / median, high / median),
        }
    }
}

/// A row of the table.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, kills, stops, refused, set_aside, pages, missing, duplicates, losses, rates, ..
        } = self;
        write!(
            f,
            "| {name} | {:.0} s | {kills} | {stops} | {refused} | {set_aside} | {pages} | ",
            seconds(self.time)
        )?;
        write!(f, "{missing} | {duplicates} | {losses} | ")?;
        match losses {
            0 => f.write_str("| ")?,
            _ => write!(f, "{:.1} s, {:.1} s | ", seconds(self.mean_loss), seconds(self.longest_loss))?,
        }
        write!(f, "{:.0} %, {:.0} % |", rates.0 * 100.0, rates.1 * 100.0)
    }
}
