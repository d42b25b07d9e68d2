//! Finds the files that a file imports, by its paths that begin with `crate`, `self` or `super`.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A module path below `src`: `["context", "policy", "detach"]`.
pub(crate) type Module = Vec<String>;

/// Returns the paths that occur in the code of `module`, with `crate`, `self` and `super` resolved.
///
/// Excludes `$crate::x`, which the users of a macro resolve through public paths, and `pub(in crate::x)`.
pub(crate) fn imports(module: &Module, code: &str) -> Vec<Module> {
    let stream = code.parse::<TokenStream>().expect("source file is not valid Rust");
    let mut found = Vec::new();
    walk(module, 0, stream, &mut found);
    found
}

/// `depth` is the number of inline modules around the tokens.
fn walk(module: &Module, depth: usize, stream: TokenStream, found: &mut Vec<Module>) {
    let tokens: Vec<_> = stream.into_iter().collect();
    let mut index = 0;
    while index < tokens.len() {
        let before = index.checked_sub(1).map(|index| tokens[index].to_string());
        let is_excepted = before.is_some_and(|token| token == "$" || token == "in");
        if is_root(&tokens[index]) && is_separator(&tokens[index + 1..]) && !is_excepted {
            let base = module.iter().cloned().chain((0..depth).map(|_| String::new())).collect();
            index = read(&tokens, index, base, found);
            continue;
        }
        if let TokenTree::Group(group) = &tokens[index] {
            let is_module = index >= 2 && tokens[index - 2].to_string() == "mod" && is_braces(group);
            walk(module, depth + usize::from(is_module), group.stream(), found);
        }
        index += 1;
    }
}

/// Reads one path, or the branches of a group of paths; returns the index of the token after it.
fn read(tokens: &[TokenTree], mut index: usize, mut path: Module, found: &mut Vec<Module>) -> usize {
    loop {
        match tokens.get(index) {
            Some(TokenTree::Group(group)) if is_braces(group) => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                for branch in tokens.split(|token| token.to_string() == ",") {
                    if !branch.is_empty() {
                        read(branch, 0, path.clone(), found);
                    }
                }
                return index + 1;
            }
            Some(TokenTree::Ident(name)) => match name.to_string().as_str() {
                "crate" => path.clear(),
                "self" => {}
                "super" => drop(path.pop()),
                name => path.push(name.to_owned()),
            },
            // A glob, or the generics of the path before it.
            _ => {
                found.push(path);
                return index;
            }
        }
        index += 1;
        if !is_separator(&tokens[index..]) {
            found.push(path);
            return index;
        }
        index += 2;
    }
}

fn is_root(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(name) if ["crate", "self", "super"].iter().any(|root| name == root))
}

fn is_separator(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    tokens.len() >= 2 && tokens[..2].iter().all(is_colon)
}

fn is_braces(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}

/// Returns the file that holds a module path: the deepest of its prefixes that is a file.
pub(crate) fn file_of(path: &[String], files: &BTreeSet<Module>) -> Option<Module> {
    (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|prefix| files.contains(prefix))
}
