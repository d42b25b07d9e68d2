//! Validation of programs before they run: each must be one that Python compiles and runs.

use super::depth;
use super::format_error::FormatError;
use super::program::{Action, Block, Function, OnStack, Statement, Try};

type Valid = Result<(), FormatError>;

/// The limit of iterations of a loop, so that the test ends.
const MAX_LOOP_TIMES: u32 = 1000;

pub(super) fn functions(functions: &[Function], is_generator: bool) -> Valid {
    let Some(first) = functions.first() else { return invalid("there is no function").map_err(of_functions) };
    if first.is_generator != is_generator {
        let is = kind_of(first.is_generator);
        return invalid(format!("a {is} cannot be driven as a {}", kind_of(is_generator)))
            .map_err(|error| of_functions(error.at_index(0)));
    }
    for (own, function) in functions.iter().enumerate() {
        Checker { functions, own }
            .block(&function.body, Scope::default())
            .map_err(|error| of_functions(error.at_path(&format!("[{own}].b"))))?;
    }
    // Requires that every function uses only later ones, which was checked above.
    depth::check(functions).map_err(of_functions)
}

/// Checks the actions in order: some of them drop the generator.
pub(super) fn actions(actions: &[Action], is_generator: bool) -> Valid {
    let mut has_generator = is_generator;
    for (at, action) in actions.iter().enumerate() {
        let checked = match action {
            Action::Make(..) | Action::DropGenerator if !is_generator => {
                invalid("the program drives a coroutine")
            }
            Action::Make(..) | Action::DropGenerator if !has_generator => {
                invalid("the generator was dropped before")
            }
            Action::Coroutine(_) if is_generator => invalid("the program drives a generator"),
            // In Python the value reaches the innermost suspension; here the awaitable of a generator is a future,
            // which takes none.
            Action::Send(_, Some(_)) if is_generator => invalid("values can only be sent to coroutines"),
            _ => Ok(()),
        };
        checked.map_err(|error| error.at_index(at).at_path("d"))?;
        has_generator &= !matches!(action, Action::DropGenerator | Action::Shutdown | Action::End);
    }
    Ok(())
}

fn of_functions(error: FormatError) -> FormatError {
    error.at_path("p")
}

fn invalid<T>(what: impl Into<String>) -> Result<T, FormatError> {
    Err(FormatError::new(what))
}

fn kind_of(is_generator: bool) -> &'static str {
    if is_generator { "generator" } else { "coroutine" }
}

/// The context of a statement.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is around a statement, or is not")]
struct Scope {
    is_in_loop: bool,
    is_in_stack: bool,
    is_in_finally: bool,
    is_in_handler: bool,
    /// The variables of the loops around the statement.
    variables: Vec<usize>,
    /// The handles that were set before the statement, in its block or in one around it.
    handles: Vec<usize>,
}

struct Checker<'a> {
    functions: &'a [Function],
    own: usize,
}

impl Checker<'_> {
    fn block(&self, block: &Block, mut scope: Scope) -> Valid {
        self.statements(block, &mut scope)
    }

    fn statements(&self, block: &Block, scope: &mut Scope) -> Valid {
        block.iter().enumerate().try_for_each(|(at, statement)| {
            self.statement(statement, scope).map_err(|error| error.at_index(at))
        })
    }

    /// Checks a block in a field of a statement.
    fn field(&self, at: usize, block: &Block, scope: &Scope) -> Valid {
        self.block(block, scope.clone()).map_err(|error| error.at_index(at))
    }

    /// Checks the body of a loop in a field of a statement.
    fn repeated(&self, at: usize, body: &Block, variable: Option<usize>, scope: &Scope) -> Valid {
        let mut scope = Scope { is_in_loop: true, ..scope.clone() };
        scope.variables.extend(variable);
        self.field(at, body, &scope)
    }

    fn statement(&self, statement: &Statement, scope: &mut Scope) -> Valid {
        match statement {
            Statement::Log(_)
            | Statement::Await(..)
            | Statement::AwaitRaise(..)
            | Statement::Raise(_)
            | Statement::RaiseFrom(..) => Ok(()),
            Statement::Reraise => {
                require(scope.is_in_handler, || "`reraise` outside of a handler".to_owned())
            }
            Statement::Call(function) | Statement::Shared(function) => self.uses(*function, false),
            Statement::Yield(_) | Statement::YieldReceive(_) | Statement::YieldX => self.yields(),
            Statement::YieldItem(variable, _) => {
                self.yields()?;
                require(scope.variables.contains(variable), || format!("no surrounding loop has v{variable}"))
            }
            Statement::Return(value) => {
                // A `return` in a `finally` discards the exception in Python, and does not here.
                require(!scope.is_in_finally, || "`return` inside a `finally`".to_owned())?;
                require(value.is_none() || !self.is_generator(), || {
                    "a generator cannot return a value".to_owned()
                })
            }
            Statement::Break | Statement::Continue => {
                require(scope.is_in_loop, || "`break` or `continue` outside of a loop".to_owned())
            }
            Statement::IfX(then, otherwise) => {
                self.field(1, then, scope)?;
                self.field(2, otherwise, scope)
            }
            // Its statements count as part of the surrounding block.
            Statement::Sequence(body) => self.statements(body, scope).map_err(|error| error.at_index(1)),
            Statement::Loop(times, body, orelse) => {
                require(*times <= MAX_LOOP_TIMES, || {
                    format!("a loop of {times} iterations exceeds the limit of {MAX_LOOP_TIMES}")
                })?;
                self.repeated(2, body, None, scope)?;
                self.field(3, orelse, scope)
            }
            Statement::Try(parts) => self.try_(parts, scope),
            Statement::With(_, body) => self.field(2, body, scope),
            Statement::WithFunction(function, body) => {
                self.uses(*function, true)?;
                self.field(2, body, scope)
            }
            Statement::Stack(body) => self.field(1, body, &Scope { is_in_stack: true, ..scope.clone() }),
            Statement::OnStack(what) => {
                require(scope.is_in_stack, || "there is no surrounding stack".to_owned())?;
                on_stack(what)
            }
            Statement::For(function, variable, body, orelse) => {
                self.uses(*function, true)?;
                self.repeated(3, body, Some(*variable), scope)?;
                self.field(4, orelse, scope)
            }
            Statement::Aclosing(function, variable, body) => {
                self.uses(*function, true)?;
                self.repeated(3, body, Some(*variable), scope)
            }
            Statement::Handle(handle, function) => {
                scope.handles.push(*handle);
                self.uses(*function, true)
            }
            Statement::OnHandle(handle, _) => {
                require(scope.handles.contains(handle), || format!("h{handle} was not set before"))
            }
        }
    }

    fn try_(&self, parts: &Try, scope: &Scope) -> Valid {
        let has_handlers = !parts.handlers.is_empty();
        require(has_handlers || !parts.finally.is_empty(), || {
            "`try` with neither a handler nor a `finally`".to_owned()
        })?;
        require(has_handlers || parts.orelse.is_empty(), || {
            "`try` with an `else` and no handler".to_owned()
        })?;
        self.field(1, &parts.body, scope)?;
        let handles = Scope { is_in_handler: true, ..scope.clone() };
        for (at, (_, handler)) in parts.handlers.iter().enumerate() {
            self.field(1, handler, &handles).map_err(|error| error.at_index(at).at_index(2))?;
        }
        self.field(3, &parts.orelse, scope)?;
        let finally = Scope { is_in_finally: true, is_in_loop: false, ..scope.clone() };
        self.field(4, &parts.finally, &finally)
    }

    fn uses(&self, function: usize, as_generator: bool) -> Valid {
        let Some(used) = self.functions.get(function) else {
            return invalid(format!("unknown function {function} of {}", self.functions.len()));
        };
        require(function > self.own, || {
            format!("function {} uses {function}, which is not a later one", self.own)
        })?;
        require(used.is_generator == as_generator, || {
            format!("function {function} is a {}", kind_of(used.is_generator))
        })
    }

    fn yields(&self) -> Valid {
        require(self.is_generator(), || "a coroutine cannot yield".to_owned())
    }

    fn is_generator(&self) -> bool {
        self.functions[self.own].is_generator
    }
}

/// Checks a pushed manager, of which only the exit is called, and by `push` without an await.
fn on_stack(what: &OnStack) -> Valid {
    match what {
        OnStack::PushAsyncExit(manager) | OnStack::Push(manager) => {
            let (times, error) = manager.enter;
            require(times == 0 && error.is_none(), || "a pushed manager cannot have an enter".to_owned())?;
            let is_async = matches!(what, OnStack::PushAsyncExit(_));
            require(is_async || manager.exit == 0, || "a manager pushed by `spush` cannot suspend".to_owned())
        }
        OnStack::Enter(_)
        | OnStack::AsyncCallback(..)
        | OnStack::Callback(..)
        | OnStack::PopAll
        | OnStack::Aclose => Ok(()),
    }
}

fn require(is_so: bool, otherwise: impl FnOnce() -> String) -> Valid {
    if is_so { Ok(()) } else { invalid(otherwise()) }
}
