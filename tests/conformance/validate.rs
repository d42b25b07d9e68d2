//! Whether a program is one that Python runs, before it is run here.

use super::damage::Damage;
use super::depth;
use super::program::{Action, Block, Function, OnStack, Statement, Try};

type Valid = Result<(), Damage>;

/// How often a loop may go round: a test is to end.
const MOST_TIMES: u32 = 1000;

pub(super) fn functions(functions: &[Function], is_generator: bool) -> Valid {
    let Some(first) = functions.first() else { return damage("it has no function").map_err(of_functions) };
    if first.is_generator != is_generator {
        let is = kind_of(first.is_generator);
        return damage(format!("it is a {is}, and the program one of a {}", kind_of(is_generator)))
            .map_err(|damage| of_functions(damage.within(0)));
    }
    for (own, function) in functions.iter().enumerate() {
        Checker { functions, own }
            .block(&function.body, Scope::default())
            .map_err(|damage| of_functions(damage.under(&format!("[{own}].b"))))?;
    }
    // It counts on every function using none but later ones.
    depth::check(functions).map_err(of_functions)
}

/// In their order: after some of them the generator is gone.
pub(super) fn actions(actions: &[Action], is_generator: bool) -> Valid {
    let mut has_generator = is_generator;
    for (at, action) in actions.iter().enumerate() {
        let checked = match action {
            Action::Make(..) | Action::DropGenerator if !is_generator => {
                damage("the program is one of a coroutine")
            }
            Action::Make(..) | Action::DropGenerator if !has_generator => {
                damage("the generator has been dropped before")
            }
            Action::Coroutine(_) if is_generator => damage("the program is one of a generator"),
            // Python gives it to where the body waits; what is awaited of a generator here is a future.
            Action::Send(_, Some(_)) if is_generator => damage("a value is sent to coroutines alone"),
            _ => Ok(()),
        };
        checked.map_err(|damage| damage.within(at).under("d"))?;
        has_generator &= !matches!(action, Action::DropGenerator | Action::Shutdown | Action::End);
    }
    Ok(())
}

fn of_functions(damage: Damage) -> Damage {
    damage.under("p")
}

fn damage<T>(what: impl Into<String>) -> Result<T, Damage> {
    Err(Damage::new(what))
}

fn kind_of(is_generator: bool) -> &'static str {
    if is_generator { "generator" } else { "coroutine" }
}

/// What is around a statement.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is around a statement, or is not")]
struct Scope {
    is_in_loop: bool,
    is_in_stack: bool,
    is_in_finally: bool,
    is_in_handler: bool,
    /// Of the loops around it.
    variables: Vec<usize>,
    /// Set before it, in its block or around that.
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
            self.statement(statement, scope).map_err(|damage| damage.within(at))
        })
    }

    /// A block that stands at a field of a statement.
    fn field(&self, at: usize, block: &Block, scope: &Scope) -> Valid {
        self.block(block, scope.clone()).map_err(|damage| damage.within(at))
    }

    /// The body of a loop, which stands at a field.
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
            Statement::Reraise => require(scope.is_in_handler, || "there is no handler around it".to_owned()),
            Statement::Call(function) | Statement::Shared(function) => self.uses(*function, false),
            Statement::Yield(_) | Statement::YieldReceive(_) | Statement::YieldX => self.yields(),
            Statement::YieldItem(variable, _) => {
                self.yields()?;
                require(scope.variables.contains(variable), || format!("no loop around it has v{variable}"))
            }
            Statement::Return(value) => {
                // What is left by it in Python, is not here.
                require(!scope.is_in_finally, || "it leaves a `finally`".to_owned())?;
                require(value.is_none() || !self.is_generator(), || "a generator returns no value".to_owned())
            }
            Statement::Break | Statement::Continue => {
                require(scope.is_in_loop, || "there is no loop around it that it could leave".to_owned())
            }
            Statement::IfX(then, otherwise) => {
                self.field(1, then, scope)?;
                self.field(2, otherwise, scope)
            }
            // As if its statements stood there themselves.
            Statement::Sequence(body) => self.statements(body, scope).map_err(|damage| damage.within(1)),
            Statement::Loop(times, body, orelse) => {
                require(*times <= MOST_TIMES, || {
                    format!("it is {times} times, and at most {MOST_TIMES} are run")
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
                require(scope.is_in_stack, || "there is no stack around it".to_owned())?;
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
                require(scope.handles.contains(handle), || format!("h{handle} is not set before it"))
            }
        }
    }

    fn try_(&self, parts: &Try, scope: &Scope) -> Valid {
        let has_handlers = !parts.handlers.is_empty();
        require(has_handlers || !parts.finally.is_empty(), || {
            "it has neither a handler nor a `finally`".to_owned()
        })?;
        require(has_handlers || parts.orelse.is_empty(), || "it has an `else` and no handler".to_owned())?;
        self.field(1, &parts.body, scope)?;
        let handles = Scope { is_in_handler: true, ..scope.clone() };
        for (at, (_, handler)) in parts.handlers.iter().enumerate() {
            self.field(1, handler, &handles).map_err(|damage| damage.within(at).within(2))?;
        }
        self.field(3, &parts.orelse, scope)?;
        let finally = Scope { is_in_finally: true, is_in_loop: false, ..scope.clone() };
        self.field(4, &parts.finally, &finally)
    }

    fn uses(&self, function: usize, as_generator: bool) -> Valid {
        let Some(used) = self.functions.get(function) else {
            return damage(format!("there is no function {function}: there are {}", self.functions.len()));
        };
        require(function > self.own, || {
            format!("function {} uses {function}, which is no later one", self.own)
        })?;
        require(used.is_generator == as_generator, || {
            format!("function {function} is a {}", kind_of(used.is_generator))
        })
    }

    fn yields(&self) -> Valid {
        require(self.is_generator(), || "a coroutine does not yield".to_owned())
    }

    fn is_generator(&self) -> bool {
        self.functions[self.own].is_generator
    }
}

/// Of what is pushed only the exit is called, and of `push` at once.
fn on_stack(what: &OnStack) -> Valid {
    match what {
        OnStack::PushAsyncExit(manager) | OnStack::Push(manager) => {
            let (times, error) = manager.enter;
            require(times == 0 && error.is_none(), || "what is pushed is not entered".to_owned())?;
            let is_async = matches!(what, OnStack::PushAsyncExit(_));
            require(is_async || manager.exit == 0, || "what `spush` pushes does not suspend".to_owned())
        }
        OnStack::Enter(_)
        | OnStack::AsyncCallback(..)
        | OnStack::Callback(..)
        | OnStack::PopAll
        | OnStack::Aclose => Ok(()),
    }
}

fn require(is_so: bool, otherwise: impl FnOnce() -> String) -> Valid {
    if is_so { Ok(()) } else { damage(otherwise()) }
}
