//! The nesting depth of programs, and a thread whose stack suffices for it.

use std::panic::resume_unwind;
use std::thread;

use super::format_error::FormatError;
use super::program::{Block, Function, Statement};

/// The limit of nested statements, including those in called functions. The oracle's programs reach 35.
pub(super) const MAX_DEPTH: usize = 100;

/// Each awaited future is polled on the stack of the one that awaits it. Without optimization this takes up to 100 kB
/// per level, so the deepest programs need 10 MB.
const STACK: usize = 64 << 20;

/// Runs `work`, which polls programs, on a thread with a large stack.
pub(super) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK);
        let thread = builder.spawn_scoped(scope, work).expect("memory for the stack");
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Checks the depth of functions that use only later ones.
pub(super) fn check(functions: &[Function]) -> Result<(), FormatError> {
    let mut depths = vec![0; functions.len()];
    for (own, function) in functions.iter().enumerate().rev() {
        let held = max_handle_depth(&function.body, &depths);
        depths[own] = block_depth(&function.body, held, &depths);
        if depths[own] > MAX_DEPTH {
            let what = format!("a depth of {} exceeds the limit of {MAX_DEPTH}", depths[own]);
            return Err(FormatError::new(what).at_index(own));
        }
    }
    Ok(())
}

/// The depth of the deepest function that a handle may refer to. A handle may be used deeper than it is set.
fn max_handle_depth(block: &Block, depths: &[usize]) -> usize {
    let of_statement = |statement: &Statement| match statement {
        Statement::Handle(_, function) => depths[*function],
        _ => max_depth(blocks(statement), |block| max_handle_depth(block, depths)),
    };
    max_depth(block, of_statement)
}

fn block_depth(block: &Block, held: usize, depths: &[usize]) -> usize {
    max_depth(block, |statement| {
        let inside = max_depth(blocks(statement), |block| block_depth(block, held, depths));
        let used = match statement {
            Statement::Call(function)
            | Statement::Shared(function)
            | Statement::WithFunction(function, _)
            | Statement::For(function, ..)
            | Statement::Aclosing(function, ..) => depths[*function],
            Statement::OnHandle(..) => held,
            _ => 0,
        };
        1 + inside.max(used)
    })
}

fn max_depth<T>(items: impl IntoIterator<Item = T>, depth: impl FnMut(T) -> usize) -> usize {
    items.into_iter().map(depth).max().unwrap_or_default()
}

fn blocks(statement: &Statement) -> Vec<&Block> {
    match statement {
        Statement::Sequence(body)
        | Statement::With(_, body)
        | Statement::WithFunction(_, body)
        | Statement::Stack(body)
        | Statement::Aclosing(_, _, body) => vec![body],
        Statement::IfX(one, other) | Statement::Loop(_, one, other) | Statement::For(_, _, one, other) => {
            vec![one, other]
        }
        Statement::Try(parts) => {
            let handlers = parts.handlers.iter().map(|(_, handler)| handler);
            [&parts.body, &parts.orelse, &parts.finally].into_iter().chain(handlers).collect()
        }
        Statement::Log(_)
        | Statement::Await(..)
        | Statement::AwaitRaise(..)
        | Statement::Call(_)
        | Statement::Shared(_)
        | Statement::Yield(_)
        | Statement::YieldReceive(_)
        | Statement::YieldX
        | Statement::YieldItem(..)
        | Statement::Raise(_)
        | Statement::Reraise
        | Statement::RaiseFrom(..)
        | Statement::Return(_)
        | Statement::Break
        | Statement::Continue
        | Statement::OnStack(_)
        | Statement::Handle(..)
        | Statement::OnHandle(..) => Vec::new(),
    }
}
