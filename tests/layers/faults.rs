//! Checks that sections import only those below them, and that the files of a section import each other in one direction
//! only, and by the path of the file.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Module, file_of, imports};
use crate::order::{Order, SECTIONS, SHARED};
use crate::source;

/// The code of each file of a section, by its module path.
type Files = BTreeMap<Module, String>;

fn files(section: &str) -> Files {
    let root = source();
    let files =
        crate::files(&root.join(section)).into_iter().filter(|file| file.extension() == Some("rs".as_ref()));
    files
        .map(|file| {
            let relative = file.strip_prefix(&root).unwrap().with_extension("");
            let mut module: Module = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|name| name == "mod") {
                module.pop();
            }
            (module, crate::code(&file))
        })
        .collect()
}

fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|(section, ..)| *section == name)
}

fn is_facade(module: &Module, files: &Files) -> bool {
    files.keys().any(|other| other.len() > module.len() && other.starts_with(module))
}

/// Returns the faults in the imports of a section, one line for each.
fn faults((section, below, order): &(&str, &[&str], Order), files: &Files) -> Vec<String> {
    let modules: BTreeSet<_> = files.keys().cloned().collect();
    let order: Vec<Module> = order
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(|file| [*section].into_iter().chain(file.split('/')).map(str::to_owned).collect())
        .collect();
    let rank = |module: &Module| order.iter().position(|file| file == module);
    let mut faults = Vec::new();
    for (module, code) in files {
        let name = module.join("/");
        let is_mod = is_facade(module, files);
        let own = rank(module);
        if !is_mod && own.is_none() {
            faults.push(format!("{name} has no place in tests/layers/order.rs"));
        }
        for import in imports(module, code) {
            let path = import.join("::");
            let Some(root) = import.first() else { continue };
            if root != section {
                if is_section(root) && !below.contains(&root.as_str()) {
                    faults.push(format!("{name} imports {path} against the direction of the sections"));
                }
                continue;
            }
            let Some(file) = file_of(&import, &modules) else { continue };
            if is_mod {
                // A `mod.rs` may import the files below it, and those before all of these. Others could close a circle.
                let first = order.iter().position(|file| file.starts_with(module));
                let is_before = rank(&file).is_some() && rank(&file) < first;
                if !file.starts_with(module) && !is_before {
                    faults.push(format!("{name}/mod.rs imports {path} from beside it"));
                }
            } else if is_facade(&file, files) {
                faults.push(format!("{name} imports {path} through a mod.rs: import the file"));
            } else if rank(&file) > own {
                faults.push(format!("{name} imports {path} against the direction"));
            }
        }
    }
    let is_file = |file: &&Module| !modules.contains(*file);
    faults.extend(order.iter().filter(is_file).map(|file| format!("{} is not a file", file.join("/"))));
    faults
}

#[test]
fn files_of_a_section_import_in_one_direction() {
    let faults: Vec<_> = SECTIONS.iter().flat_map(|section| faults(section, &files(section.0))).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Returns the paths that a file that all sections share may not import: those of the sections, and of the shared files
/// after it.
fn faults_of_shared(shared: &str, code: &str) -> Vec<Module> {
    let own = SHARED.iter().position(|file| *file == shared);
    let is_fault = |path: &Module| {
        path.first().is_some_and(|root| is_section(root) || SHARED.iter().position(|file| file == root) > own)
    };
    imports(&vec![shared.to_owned()], code).into_iter().filter(is_fault).collect()
}

/// The code that all sections share is below them, and has a direction, too.
#[test]
fn shared_code_imports_no_section_and_in_one_direction() {
    for shared in SHARED {
        let code = crate::code(&source().join(shared).with_extension("rs"));
        assert_eq!(faults_of_shared(shared, &code), Vec::<Module>::new(), "{shared}");
        let planted = format!("{code}\nuse crate::tasks::Planted;");
        assert_eq!(faults_of_shared(shared, &planted).len(), 1, "{shared}");
    }
    let circle = "use crate::known_error::describe;";
    assert_eq!(faults_of_shared("box_error", circle).len(), 1);
    assert_eq!(faults_of_shared("as_error", circle).len(), 0);
}

/// Tests the check: it finds an import that is planted in real code, in each form in which an import can be written.
#[test]
fn a_planted_import_is_found() {
    let against = "against the direction";
    let plants = [
        ("coroutine/error", "use super::run_all::Planted;", against),
        ("coroutine/error", "use crate::coroutine::{self, run_all::{Planted, Other as _}};", against),
        ("coroutine/error", "fn planted() { let _ = super::run_all::planted(); }", against),
        ("coroutine/error", "mod inner { use super::super::run_all::Planted; }", against),
        ("coroutine/run_all", "use super::Planted;", "through a mod.rs"),
        ("coroutine/error", "use crate::tasks::Planted;", "of the sections"),
        ("coroutine/error", "use crate :: { tasks::Planted };", "of the sections"),
        ("coroutine/error", "use super::super::tasks::Planted;", "of the sections"),
        ("pages/http/classify", "use super::super::super::tasks::Planted;", "of the sections"),
        ("pages/http/classify", "use super::paginators::by_link::Planted;", against),
        ("context/scope/state", "use super::super::stack::entry::Planted;", against),
        ("context/scope", "use super::stack::entry::Planted;", "from beside it"),
        ("tasks/executor", "pub use super::event_loop::event_loop::Planted;", "from beside it"),
    ];
    for (file, plant, want) in plants {
        let module: Module = file.split('/').map(str::to_owned).collect();
        let section = SECTIONS.iter().find(|(section, ..)| *section == module[0]).unwrap();
        let mut files = files(section.0);
        let code = files.get_mut(&module).unwrap();
        *code = format!("{code}\n{plant}");
        let faults = faults(section, &files);
        assert!(faults.iter().any(|fault| fault.contains(want)), "{plant} in {file}: {faults:?}");
    }
}
