//! The arguments: `[--quick] [GROUP]..`, and those that cargo adds.

use super::Group;

pub(super) enum Mode<'g> {
    /// Measure and report these groups.
    Compare(Vec<&'g Group>, Speed),
    /// Run these groups briefly, as under `cargo test`.
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

/// The hidden argument that precedes group, row and size.
pub(super) const ONCE: &str = "--once";

pub(super) fn parse(args: impl Iterator<Item = String>, groups: &[Group]) -> Result<Mode<'_>, String> {
    let args: Vec<String> = args.collect();
    if let [first, group, row, size] = args.as_slice()
        && first == ONCE
    {
        let size = size.parse().map_err(|_| format!("{size:?} is not a size"))?;
        return Ok(Mode::Once { group: group.clone(), row: row.clone(), size });
    }
    let (flags, wanted): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|given| *given == flag);
    if has("--list") {
        return Ok(Mode::List);
    }
    // Without `--bench`, the caller is `cargo test`. Its arguments may be meant for other test binaries, so unknown names are
    // not an error.
    if !has("--bench") {
        let named = choose(groups, &wanted).unwrap_or_default();
        return Ok(Mode::Check(named));
    }
    for flag in flags.iter().filter(|flag| !["--bench", "--quick"].contains(&flag.as_str())) {
        eprintln!("{flag} is ignored");
    }
    let speed = if has("--quick") { Speed::Quick } else { Speed::Full };
    choose(groups, &wanted).map(|chosen| Mode::Compare(chosen, speed))
}

/// Returns the named groups, or all groups if none is named. The name of a section selects its groups: `pages` selects
/// `pages/..`.
fn choose<'g>(groups: &'g [Group], wanted: &[&String]) -> Result<Vec<&'g Group>, String> {
    let matches = |group: &Group, name: &str| {
        group
            .name
            .strip_prefix(name.trim_end_matches('/'))
            .is_some_and(|r| r.is_empty() || r.starts_with('/'))
    };
    if let Some(unknown) = wanted.iter().find(|name| !groups.iter().any(|group| matches(group, name))) {
        let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
        return Err(format!("no group {unknown:?}; the groups are: {}", names.join(", ")));
    }
    let chosen = |group: &&Group| wanted.is_empty() || wanted.iter().any(|name| matches(group, name));
    Ok(groups.iter().filter(chosen).collect())
}
