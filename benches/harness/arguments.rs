//! `[--quick] [GROUP]..`, and what cargo adds to it.

use super::Group;

pub(super) enum Mode<'g> {
    /// Measure and report these.
    Compare(Vec<&'g Group>, Speed),
    /// Run these briefly: what a bench does under `cargo test`.
    Check(Vec<&'g Group>),
    List,
    /// Run one row, under callgrind.
    Once {
        group: String,
        row: String,
        size: u64,
    },
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Speed {
    Quick,
    Full,
}

/// The hidden argument before group, row and size.
pub(super) const ONCE: &str = "--once";

pub(super) fn parse(args: impl Iterator<Item = String>, groups: &[Group]) -> Result<Mode<'_>, String> {
    let args: Vec<String> = args.collect();
    if let [first, group, row, size] = args.as_slice()
        && first == ONCE
    {
        let size = size.parse().map_err(|_| format!("{size:?} is no size"))?;
        return Ok(Mode::Once { group: group.clone(), row: row.clone(), size });
    }
    let (flags, wanted): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|given| *given == flag);
    if has("--list") {
        return Ok(Mode::List);
    }
    // Without `--bench` it was `cargo test` that called, maybe with arguments for its own harness: the names among them
    // are those of tests elsewhere.
    if !has("--bench") {
        let named = choose(groups, &wanted).unwrap_or_default();
        return Ok(Mode::Check(named));
    }
    for flag in flags.iter().filter(|flag| !["--bench", "--quick"].contains(&flag.as_str())) {
        eprintln!("{flag} means nothing here");
    }
    let speed = if has("--quick") { Speed::Quick } else { Speed::Full };
    choose(groups, &wanted).map(|chosen| Mode::Compare(chosen, speed))
}

/// Every group where none is named; a name is a group's own, or a section's: `pages` is all of `pages/..`.
fn choose<'g>(groups: &'g [Group], wanted: &[&String]) -> Result<Vec<&'g Group>, String> {
    let matches = |group: &Group, name: &str| {
        group
            .name
            .strip_prefix(name.trim_end_matches('/'))
            .is_some_and(|r| r.is_empty() || r.starts_with('/'))
    };
    if let Some(unknown) = wanted.iter().find(|name| !groups.iter().any(|group| matches(group, name))) {
        let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
        return Err(format!("no group {unknown:?}; there are: {}", names.join(", ")));
    }
    let chosen = |group: &&Group| wanted.is_empty() || wanted.iter().any(|name| matches(group, name));
    Ok(groups.iter().filter(chosen).collect())
}
