//! Time per operation.

use std::time::Duration;

use super::arguments::Speed;
use super::group::float;
use super::{Clock, Group};

/// Returns the nanoseconds per operation of each row.
pub(super) fn measure(group: &Group, speed: Speed) -> Vec<f64> {
    match group.clock {
        Clock::Wall => medians(group, speed),
        Clock::Paused { .. } => {
            let n = group.counted.next_multiple_of(group.step);
            group.rows.iter().map(|row| nanoseconds(row.run(n)) / float(n)).collect()
        }
    }
}

fn medians(group: &Group, speed: Speed) -> Vec<f64> {
    let (long_enough, rounds) = match speed {
        Speed::Quick => (Duration::from_millis(1), 9),
        Speed::Full => (Duration::from_millis(5), 41),
    };
    let sizes: Vec<u64> =
        group.rows.iter().map(|row| calibrate(|n| row.run(n), group.step, long_enough)).collect();
    let mut samples = vec![Vec::with_capacity(rounds); group.rows.len()];
    // In turn, so that other load on the machine slows down all rows alike.
    for _ in 0..rounds {
        for ((row, &n), samples) in group.rows.iter().zip(&sizes).zip(&mut samples) {
            samples.push(nanoseconds(row.run(n)) / float(n));
        }
    }
    samples.into_iter().map(median).collect()
}

/// Returns a size that takes about the given time. Finding it also warms up the row.
fn calibrate(run: impl Fn(u64) -> Duration, step: u64, long_enough: Duration) -> u64 {
    let mut n = step;
    while run(n) < long_enough {
        n *= 2;
    }
    n
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
