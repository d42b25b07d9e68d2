//! A discrete simulation of 1,000 workers and 100,000 partitions, with the semantics of the engines: workers are killed and
//! stopped, pages are slow, and partitions fail.
//!
//! The documentation has the table that it prints: `cargo test --test fleet simulation -- --nocapture`.

mod engine;
mod figures;
mod random;
mod rules;
#[expect(clippy::module_inception, reason = "the file of `Simulation`")]
mod simulation;

use std::sync::LazyLock;
use std::thread;

use self::figures::Figures;
use self::rules::{Micros, Rules, SECOND};

const HOUR: Micros = 3_600 * SECOND;

/// The failures: each worker is killed six times an hour, and stopped six times an hour, for 20 seconds on average. One page
/// in a thousand takes a minute. One page in a hundred fails, and one partition in a hundred always fails.
const FAILURES: Rules = Rules {
    kill_every: Some(HOUR / 6),
    stop_every: Some((HOUR / 6, 20 * SECOND)),
    slow: 0.001,
    fails: 0.01,
    broken: 0.01,
    ..Rules::CALM
};

const SCENARIOS: [(&str, Rules); 6] = [
    ("calm", Rules::CALM),
    ("kills and stops", Rules { slow: 0.0, fails: 0.0, broken: 0.0, ..FAILURES }),
    ("slow and failing pages", Rules { kill_every: None, stop_every: None, ..FAILURES }),
    ("all failures", FAILURES),
    ("all failures, lease time 5 s", Rules { lease: 5 * SECOND, ..FAILURES }),
    ("all failures, lease time 120 s", Rules { lease: 120 * SECOND, ..FAILURES }),
];

static FIGURES: LazyLock<Vec<Figures>> = LazyLock::new(|| {
    let runs = SCENARIOS.map(|(name, rules)| thread::spawn(move || Figures::of(name, rules)));
    runs.into_iter().map(|run| run.join().expect("a simulation ends")).collect()
});

#[test]
fn no_page_is_missing_or_stored_twice() {
    for figures in &*FIGURES {
        assert_eq!((figures.duplicates, figures.missing), (0, 0), "{figures}");
        assert_eq!(figures.stored, figures.pages, "{figures}");
    }
    // The failures have happened.
    assert!(FIGURES[3].refused > 100 && FIGURES[3].kills > 100 && FIGURES[3].stops > 100, "{}", FIGURES[3]);
}

/// The simulation detects duplicates: without fences, there are some.
#[test]
fn without_fences_pages_are_stored_twice() {
    let few = Rules { workers: 100, partitions: 10_000, ..FAILURES };
    assert_eq!(Figures::of("fenced", few).duplicates, 0);
    let figures = Figures::of("not fenced", Rules { is_fenced: false, ..few });
    assert!(figures.duplicates > 0, "{figures}");
}

#[test]
fn only_partitions_that_always_fail_are_set_aside() {
    for figures in &*FIGURES {
        assert_eq!(figures.set_aside, figures.broken, "{figures}");
    }
}

/// A partition whose owner is lost waits until its lease expires, and then for the next worker that claims.
#[test]
fn a_partition_whose_owner_is_lost_waits_for_one_lease_time() {
    for figures in &*FIGURES {
        assert!(figures.longest_loss <= figures.rules.lease + figures.rules.poll + SECOND, "{figures}");
        assert!(figures.longest_delay <= figures.rules.poll + SECOND, "{figures}");
    }
}

/// The other partitions are read meanwhile, so the fleet as a whole loses only the time of its workers, and the wait at the
/// end.
#[test]
fn the_fleet_does_not_wait_for_leases() {
    let calm = FIGURES[0].time;
    for figures in &FIGURES[1..] {
        // The last partition may have 20 pages, one of which takes a minute, and its owner may be lost.
        assert!(figures.time < calm * 11 / 10 + 2 * figures.rules.lease + 120 * SECOND, "{figures}");
    }
}

#[test]
fn every_worker_gets_its_share() {
    for figures in &*FIGURES {
        let (slowest, fastest) = figures.rates;
        assert!(slowest > 0.7 && fastest < 1.3, "{figures}");
    }
}

/// The random times depend on the logarithm function of the platform.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_documentation_has_the_table() {
    let rows: Vec<_> = FIGURES.iter().map(|figures| format!("{figures}\n")).collect();
    let table = format!("{}\n{}", figures::HEADER, rows.concat());
    println!("{table}");
    assert!(
        include_str!("../../../src/fleet/scale.md").contains(&table),
        "src/fleet/scale.md needs this table:\n{table}"
    );
}
