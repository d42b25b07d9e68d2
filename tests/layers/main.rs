//! Checks that sections import each other in one direction only, that so do the files of each section, and that each feature adds only
//! its own dependencies.

mod dependencies;
mod faults;
mod imports;
mod order;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::order::{SECTIONS, SHARED};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the code of a file without its comments, because documentation may name any section.
fn code(file: &Path) -> String {
    if file.extension().is_some_and(|extension| extension == "md") {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_section_is_known_and_has_its_contract() {
    let found: BTreeSet<_> = fs::read_dir(source())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<_> = SECTIONS.iter().map(|(section, ..)| (*section).to_owned()).collect();
    assert_eq!(found, known, "the folders of src are not the sections of order.rs");
    for section in known {
        let contract = fs::read_to_string(source().join(&section).join("mod.rs")).unwrap();
        assert!(contract.starts_with("//! "), "the mod.rs of {section} does not begin with documentation");
    }
}

/// Only Markdown pages and the files that all sections share may lie beside the sections.
#[test]
fn only_documentation_and_shared_code_lie_beside_the_sections() {
    for entry in fs::read_dir(source()).unwrap() {
        let path = entry.unwrap().path();
        let is_documentation = path.extension().is_some_and(|extension| extension == "md");
        let is_known = path.ends_with("lib.rs")
            || SHARED.iter().any(|file| path.ends_with(Path::new(file).with_extension("rs")));
        assert!(path.is_dir() || is_documentation || is_known, "{} is not a section", path.display());
    }
}

#[test]
fn tests_lie_where_their_section_does() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (section, ..) in SECTIONS {
        assert!(tests.join(section).join("main.rs").is_file(), "{section} has no test binary");
    }
}

#[test]
fn panics_are_caught_in_one_file() {
    for file in files(&source()) {
        let is_caught = code(&file).contains("AssertUnwindSafe");
        assert!(!is_caught || file.ends_with("panic.rs"), "{} asserts unwind safety", file.display());
    }
}
