//! How deep the programs go, and a stack that is deep enough.

use std::panic::resume_unwind;
use std::thread;

use super::damage::Damage;
use super::program::{Block, Function, Statement};

/// Statements inside of one another, through calls as well. The programs of the oracle come to 35.
pub(super) const DEEPEST: usize = 100;

/// What is awaited is polled on top of whoever awaits it: where nothing is optimized that takes up to 100 kB each, so that
/// the deepest programs need 10 MB.
const STACK: usize = 64 << 20;

/// Runs what polls programs.
pub(super) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK);
        let thread = builder.spawn_scoped(scope, work).expect("there is memory for its stack");
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Of functions that use none but later ones.
pub(super) fn check(functions: &[Function]) -> Result<(), Damage> {
    let mut depths = vec![0; functions.len()];
    for (own, function) in functions.iter().enumerate().rev() {
        let held = deepest_held(&function.body, &depths);
        depths[own] = of_block(&function.body, held, &depths);
        if depths[own] > DEEPEST {
            let what = format!("it goes {} deep, and at most {DEEPEST} can be run", depths[own]);
            return Err(Damage::new(what).within(own));
        }
    }
    Ok(())
}

/// The deepest function that a handle may be of: where it is used may be deeper than where it is set.
fn deepest_held(block: &Block, depths: &[usize]) -> usize {
    let of_statement = |statement: &Statement| match statement {
        Statement::Handle(_, function) => depths[*function],
        _ => deepest(blocks(statement), |block| deepest_held(block, depths)),
    };
    deepest(block, of_statement)
}

fn of_block(block: &Block, held: usize, depths: &[usize]) -> usize {
    deepest(block, |statement| {
        let inside = deepest(blocks(statement), |block| of_block(block, held, depths));
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

fn deepest<T>(items: impl IntoIterator<Item = T>, depth: impl FnMut(T) -> usize) -> usize {
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
