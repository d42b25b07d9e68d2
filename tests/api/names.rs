//! Checks the names of the public API in the snapshot: a glob import of every section must compile, and no call may be
//! ambiguous.

use std::collections::{BTreeMap, BTreeSet};

const SNAPSHOT: &str = include_str!("public-api.txt");

/// The sections whose items a program may import by globs into one scope.
const SECTIONS: &[&str] = &[
    "cleanup",
    "context",
    "coroutine",
    "desugar",
    "fleet",
    "generator",
    "pages",
    "resources",
    "tasks",
    "testing",
];

/// The names that the prelude of the 2024 edition brings into scope, in all three namespaces.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
    "align_of",
    "align_of_val",
    "drop",
    "size_of",
    "size_of_val",
];

/// The methods of futures' `FutureExt`, `TryFutureExt`, `StreamExt` and `TryStreamExt` that one of our traits could
/// plausibly have, too: on a type with both, calls would be ambiguous (E0034).
const FUTURES_METHODS: &[&str] = &[
    "all",
    "and_then",
    "any",
    "boxed",
    "buffer_unordered",
    "buffered",
    "by_ref",
    "catch_unwind",
    "chain",
    "chunks",
    "collect",
    "concat",
    "count",
    "cycle",
    "enumerate",
    "filter",
    "filter_map",
    "flat_map",
    "flatten",
    "fold",
    "for_each",
    "forward",
    "fuse",
    "inspect",
    "into_stream",
    "left_stream",
    "map",
    "map_err",
    "map_ok",
    "next",
    "now_or_never",
    "or_else",
    "peekable",
    "poll_next_unpin",
    "poll_unpin",
    "ready_chunks",
    "right_stream",
    "scan",
    "select_next_some",
    "shared",
    "skip",
    "skip_while",
    "split",
    "take",
    "take_until",
    "take_while",
    "then",
    "try_chunks",
    "try_collect",
    "try_filter",
    "try_fold",
    "try_for_each",
    "try_next",
    "unzip",
    "zip",
];

/// A path of the snapshot, without its generic arguments.
type Segments = Vec<String>;

/// Splits a path at each `::` outside of brackets and drops the generic arguments; what follows the path is ignored.
fn segments(path: &str) -> Segments {
    let mut segments = vec![String::new()];
    let mut depth = 0_usize;
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // The arrow of a closure's bound is not a bracket.
            '-' if chars.next_if_eq(&'>').is_some() => {}
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth > 0 => {}
            ':' if chars.next_if_eq(&':').is_some() => segments.push(String::new()),
            c if c.is_alphanumeric() || c == '_' => segments.last_mut().expect("not empty").push(c),
            _ => break,
        }
    }
    segments
}

/// The items of a snapshot that are declared with one of these keywords.
fn items(snapshot: &str, keywords: &[&str]) -> Vec<Segments> {
    let declared = |line: &str| {
        let line = line.trim_start_matches("#[non_exhaustive] ").strip_prefix("pub ")?;
        let path = keywords.iter().find_map(|keyword| line.strip_prefix(keyword)?.strip_prefix(' '))?;
        path.starts_with("withal::").then(|| segments(path))
    };
    snapshot.lines().filter_map(declared).collect()
}

/// The names that a glob import of each module brings into scope, without those of the crate's root.
fn modules(snapshot: &str) -> BTreeMap<String, BTreeSet<String>> {
    let modules = items(snapshot, &["mod"]);
    let mut names = BTreeMap::<_, BTreeSet<_>>::new();
    let declared = items(
        snapshot,
        &[
            "struct",
            "enum",
            "union",
            "trait",
            "type",
            "fn",
            "async fn",
            "const fn",
            "unsafe fn",
            "const",
            "static",
            "macro",
            "mod",
            "use",
        ],
    );
    for path in declared {
        let (name, module) = path.split_last().expect("a path has segments");
        if module.len() > 1 && modules.iter().any(|known| known == module) {
            names.entry(module.join("::")).or_default().insert(name.clone());
        }
    }
    names
}

/// The methods of each public trait.
fn trait_methods() -> BTreeMap<String, BTreeSet<String>> {
    let traits = items(SNAPSHOT, &["trait"]);
    let mut methods = BTreeMap::<_, BTreeSet<_>>::new();
    for path in items(SNAPSHOT, &["fn", "async fn"]) {
        let (name, owner) = path.split_last().expect("a path has segments");
        if traits.iter().any(|known| known == owner) {
            methods.entry(owner.join("::")).or_default().insert(name.clone());
        }
    }
    methods
}

/// The names that two of the sets have in common, each with the owners of the sets.
fn shared(sets: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<&str, Vec<&str>> {
    let mut owners = BTreeMap::<_, Vec<_>>::new();
    for (owner, names) in sets {
        for name in names {
            owners.entry(name.as_str()).or_default().push(owner.as_str());
        }
    }
    owners.retain(|_, owners| owners.len() > 1);
    owners
}

/// The content of `every_name.rs`: an import of each name that a glob import of every section brings into scope.
/// The compiler rejects an ambiguous one.
pub(crate) fn imports(snapshot: &str) -> String {
    let modules = modules(snapshot);
    let names: BTreeSet<_> =
        SECTIONS.iter().flat_map(|section| &modules[&format!("withal::{section}")]).collect();
    let imports =
        names.into_iter().filter(|name| *name != "Error").map(|name| format!("use super::{name};\n"));
    "// Generated from `public-api.txt`.\n\n".to_owned() + &imports.collect::<String>()
}

#[test]
fn no_two_modules_export_the_same_name() {
    let modules = modules(SNAPSHOT);
    for section in [
        "cleanup",
        "context",
        "coroutine",
        "desugar",
        "fleet",
        "generator",
        "pages",
        "pages::http",
        "resources",
        "tasks",
        "testing",
    ] {
        assert!(modules.contains_key(&format!("withal::{section}")), "{section} is missing");
    }
    let mut shared = shared(&modules);
    // Every section has its error, which is named with its section: `pages::Error`.
    shared.remove("Error");
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn no_module_exports_a_name_of_the_prelude() {
    for (module, names) in modules(SNAPSHOT) {
        let shadowed: Vec<_> = PRELUDE.iter().filter(|name| names.contains(**name)).collect();
        assert!(shadowed.is_empty(), "{module} exports {shadowed:?}");
    }
}

#[test]
fn no_two_traits_have_the_same_method() {
    let methods = trait_methods();
    assert!(methods["withal::generator::AsyncGeneratorExt"].contains("aclose"));
    let mut shared = shared(&methods);
    // The local traits have the methods of their counterparts. A type implements one or the other, so that no call is
    // ambiguous.
    for method in ["aenter", "aexit", "grace_period", "target"] {
        assert!(shared.remove(method).is_some_and(|owners| owners.len() == 2), "{method}");
    }
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn no_trait_has_a_method_of_the_futures_extension_traits() {
    for (owner, methods) in trait_methods() {
        let ambiguous: Vec<_> = FUTURES_METHODS.iter().filter(|name| methods.contains(**name)).collect();
        assert!(ambiguous.is_empty(), "{owner} has {ambiguous:?}");
    }
}

#[test]
fn paths_are_split_outside_of_their_arguments() {
    assert_eq!(
        segments("withal::tasks::Spawner<E>::spawn<F: a::b>(&self) -> c"),
        ["withal", "tasks", "Spawner", "spawn"]
    );
    assert_eq!(segments("withal::a::B<F: Fn() -> C<D>>::e"), ["withal", "a", "B", "e"]);
    assert_eq!(segments("withal::context::async_with!"), ["withal", "context", "async_with"]);
    assert_eq!(segments("withal::pages::Cursor: core::clone::Clone"), ["withal", "pages", "Cursor"]);
}
