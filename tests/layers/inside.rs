//! Checks that the files of a section import each other in one direction only, and by the path of the file.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Module, file_of, imports};
use crate::order::{Order, SECTIONS};
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

fn is_facade(module: &Module, files: &Files) -> bool {
    files.keys().any(|other| other.len() > module.len() && other.starts_with(module))
}

/// Returns the faults in the imports of a section, one line for each.
fn faults(section: &str, order: Order, files: &Files) -> Vec<String> {
    let modules: BTreeSet<_> = files.keys().cloned().collect();
    let order: Vec<Module> = order
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(|file| [section].into_iter().chain(file.split('/')).map(str::to_owned).collect())
        .collect();
    let rank = |module: &Module| order.iter().position(|file| file == module);
    let mut faults = Vec::new();
    for (module, code) in files {
        // A `mod.rs` may import anything below it, because it declares and re-exports the files.
        if is_facade(module, files) {
            continue;
        }
        let name = module.join("/");
        let Some(own) = rank(module) else {
            faults.push(format!("{name} has no place in tests/layers/order.rs"));
            continue;
        };
        for import in imports(module, code).into_iter().filter(|import| import.first() == module.first()) {
            let Some(file) = file_of(&import, &modules) else { continue };
            let path = import.join("::");
            if is_facade(&file, files) {
                faults.push(format!("{name} imports {path} through a mod.rs: import the file"));
            } else if rank(&file).is_some_and(|other| other > own) {
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
    let faults: Vec<_> =
        SECTIONS.iter().flat_map(|(section, _, order)| faults(section, order, &files(section))).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Tests the check: it finds an import that is planted in real code, in each form in which an import can be written.
#[test]
fn a_planted_import_is_found() {
    let (section, _, order) = SECTIONS.iter().find(|(section, ..)| *section == "coroutine").unwrap();
    let mut lines = order.iter().flat_map(|line| line.split_whitespace());
    let (first, last) = (lines.next().unwrap(), lines.next_back().unwrap());
    let plants = [
        format!("use super::{last}::Planted;"),
        format!("use crate::{section}::{{self, {last}::{{Planted, Other as _}}}};"),
        format!("fn planted() {{ let _ = super::{last}::planted(); }}"),
        format!("mod inner {{ use super::super::{last}::Planted; }}"),
    ];
    for plant in plants {
        let mut files = files(section);
        let module = vec![(*section).to_owned(), first.to_owned()];
        let code = files.get_mut(&module).unwrap();
        *code = format!("{code}\n{plant}");
        let faults = faults(section, order, &files);
        assert!(faults.iter().any(|fault| fault.contains("against the direction")), "{plant}: {faults:?}");
    }
    let mut files = files(section);
    files.get_mut(&vec![(*section).to_owned(), last.to_owned()]).unwrap().push_str("\nuse super::Planted;\n");
    let faults = faults(section, order, &files);
    assert!(faults.iter().any(|fault| fault.contains("through a mod.rs")), "{faults:?}");
}
