//! The syntax tree of programs.

use super::raised::Kind;

/// `None`, or an integer.
pub(super) type Value = Option<i64>;

pub(super) type Block = Vec<Statement>;

#[derive(Clone)]
pub(super) struct Function {
    pub(super) is_generator: bool,
    pub(super) body: Block,
}

#[derive(Clone)]
pub(super) enum Statement {
    Log(i64),
    /// Suspends a number of times.
    Await(u32, i64),
    /// Suspends a number of times, then raises.
    AwaitRaise(u32, i64, Error),
    Call(usize),
    Shared(usize),
    Yield(Value),
    YieldReceive(Value),
    YieldX,
    YieldItem(usize, bool),
    Raise(Error),
    Reraise,
    /// Raises from the handled exception if `true`, or else from `None`.
    RaiseFrom(Error, bool),
    Return(Value),
    Break,
    Continue,
    IfX(Block, Block),
    Sequence(Block),
    Loop(u32, Block, Block),
    Try(Box<Try>),
    With(Manager, Block),
    WithFunction(usize, Block),
    Stack(Block),
    OnStack(OnStack),
    For(usize, usize, Block, Block),
    Aclosing(usize, usize, Block),
    Handle(usize, usize),
    OnHandle(usize, Operation),
}

#[derive(Clone)]
pub(super) struct Try {
    pub(super) body: Block,
    pub(super) handlers: Vec<(Catches, Block)>,
    pub(super) orelse: Block,
    pub(super) finally: Block,
}

/// An exception by its kind and its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Error(pub(super) Kind, pub(super) i64);

#[derive(Debug, Clone, Copy)]
pub(super) struct Manager {
    pub(super) id: i64,
    /// The number of suspensions of the enter, and the error that it raises after them.
    pub(super) enter: (u32, Option<Error>),
    pub(super) exit: u32,
    pub(super) exit_action: ExitAction,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum ExitAction {
    None,
    Suppress,
    SuppressKind(Catches),
    /// Raises the error of the block again.
    Same,
    Raise(Error),
}

#[derive(Clone, Copy)]
pub(super) enum OnStack {
    Enter(Manager),
    PushAsyncExit(Manager),
    Push(Manager),
    AsyncCallback(i64, u32, Option<Error>),
    Callback(i64, Option<Error>),
    PopAll,
    Aclose,
}

/// An operation on a generator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    Anext,
    Asend(Value),
    Athrow(Error),
    Aclose,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Catches {
    Kind(Kind),
    AOrB,
    Exception,
    BaseException,
}

/// An action on the program from outside.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    /// Makes an awaitable of the generator in a slot.
    Make(usize, Operation),
    Coroutine(usize),
    Send(usize, Value),
    Run(usize),
    Throw(usize, Error),
    Close(usize),
    Drop(usize),
    DropGenerator,
    Shutdown,
    End,
}
