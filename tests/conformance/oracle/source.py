"""Translation of programs to Python.

In the source, `R` is a `world.World`, whose methods have short names; `F` is the list of the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from syntax import Block, Function, Statement, mentions

# The names of the classes that differ from the names of their kinds.
EXCEPTIONS = {
    "AB": "(A, B)",
    "Exc": "Exception",
    "BaseExc": "BaseException",
    "GE": "GeneratorExit",
    "RT": "RuntimeError",
    "SAI": "StopAsyncIteration",
    "SI": "StopIteration",
}


def source(program: list[Function]) -> str:
    writer = Writer()
    for index, function in enumerate(program):
        writer.function(index, function)
    return "\n".join(writer.lines) + "\n"


def exception(name: str) -> str:
    return EXCEPTIONS.get(name, name)


class Writer:
    """Collects the lines of a program."""

    def __init__(self):
        self.lines: list[str] = []
        self.indent = 0
        self.last_name = 0

    def line(self, text: str) -> None:
        self.lines.append(" " * self.indent + text)

    @contextmanager
    def suite(self, head: str) -> Iterator[None]:
        """Indents the lines that are written inside."""
        self.line(head)
        self.indent += 1
        yield
        self.indent -= 1

    def fresh(self, letter: str) -> str:
        """Returns a name that the program does not use yet."""
        self.last_name += 1
        return f"{letter}{self.last_name}"

    def function(self, index: int, function: Function) -> None:
        with self.suite(f"async def f{index}(R):"):
            self.line("x = None")
            if mentions(function["b"], ("h_new",)):
                self.line("h0 = h1 = None")
                self.block("try:", function["b"], None)
                # A traceback keeps the frame, which would prevent their finalization.
                self.line("finally: h0 = h1 = None")
            else:
                self.statements(function["b"], None)
            if function["t"] == "g":
                self.line("if 0: yield")

    def statements(self, block: Block, handled: str | None) -> None:
        """Writes a block; `handled` is the name of the exception of the surrounding handler."""
        if not block:
            self.line("pass")
        for statement in block:
            self.statement(statement, handled)

    def block(self, head: str, block: Block, handled: str | None, first: str | None = None) -> None:
        with self.suite(head):
            if first is not None:
                self.line(first)
            self.statements(block, handled)

    def orelse(self, block: Block, handled: str | None, first: str | None = None) -> None:
        if block:
            self.block("else:", block, handled, first)

    def statement(self, statement: Statement, handled: str | None) -> None:
        match statement:
            case ["log", number]:
                self.line(f'R.l("log {number}")')
            case ["aw", suspends, token]:
                self.line(f"x = await R.sus({suspends}, {token})")
                self.line('if x is not None: R.l("got %s" % x)')
            case ["awr", suspends, token, kind, number]:
                self.line(f"await R.susr({suspends}, {token}, {exception(kind)}({number}))")
            case ["raise", kind, number]:
                self.line(f"raise {exception(kind)}({number})")
            case ["reraise"]:
                self.line("raise")
            case ["raisefrom", kind, number, is_from_handled]:
                cause = handled if is_from_handled else None
                self.line(f"raise {exception(kind)}({number}) from {cause}")
            case ["y", value]:
                self.line(f"yield {value}")
            case ["xy", value]:
                self.receive(f"yield {value}")
            case ["yx"]:
                self.receive("yield x")
            case ["yv", item, True]:
                self.receive(f"yield v{item}")
            case ["yv", item, False]:
                self.line(f"yield v{item}")
            case ["ret"]:
                self.line("return")
            case ["retv", value]:
                self.line(f"return {value}")
            case ["brk"]:
                self.line("break")
            case ["cont"]:
                self.line("continue")
            case ["call", function]:
                self.line(f"x = await F[{function}](R)")
                self.line('R.l("ret %s" % x)')
            case ["shared", function]:
                self.line(f"x = await R.shared({function})")
                self.line('R.l("ret %s" % x)')
            case ["st", *operation]:
                self.stack_operation(operation)
            case ["h_new", handle, function]:
                self.line(f"h{handle} = R.gen({function})")
            case ["h_op", handle, *operation]:
                self.line(f"x = await h{handle}.{handle_operation(operation)}")
                self.line('R.l("h %s" % x)')
            case _:
                self.compound(statement, handled)

    def receive(self, value: str) -> None:
        self.line(f"x = {value}")
        self.line('R.l("recv %s" % x)')

    def compound(self, statement: Statement, handled: str | None) -> None:
        """A statement with blocks."""
        match statement:
            case ["seq", block]:
                self.statements(block, handled)
            case ["ifx", block, orelse]:
                self.block("if x is None:", block, handled)
                self.block("else:", orelse, handled)
            case ["loop", times, block, orelse]:
                self.block(f"for {self.fresh('i')} in range({times}):", block, handled)
                self.orelse(orelse, handled)
            case ["try", block, handlers, orelse, final]:
                self.block("try:", block, handled)
                for catches, handler in handlers:
                    name = self.fresh("e")
                    head = f"except {exception(catches)} as {name}:"
                    self.block(head, handler, name, first=f'R.l("caught " + chain({name}))')
                self.orelse(orelse, handled)
                if final:
                    self.block("finally:", final, None)
            case ["with", ["acm", function], block]:
                self.block(f"async with R.acm({function}) as av:", block, handled, first='R.l("as %s" % av)')
            case ["with", manager, block]:
                self.block(f"async with Mgr(R, {manager}):", block, handled)
            case ["stack", block]:
                self.block("async with AsyncExitStack() as st:", block, handled)
            case ["afor", function, item, block, orelse]:
                self.block(f"async for v{item} in R.gen({function}):", block, handled, first=logged_item(item))
                self.orelse(orelse, handled, first='R.l("else")')
            case ["aclosing", function, item, block]:
                name = self.fresh("c")
                with self.suite(f"async with aclosing(R.gen({function})) as {name}:"):
                    self.block(f"async for v{item} in {name}:", block, handled, first=logged_item(item))
                self.line(f"{name} = None")
            case _:
                raise ValueError(f"{statement} is not a statement")

    def stack_operation(self, operation: list) -> None:
        match operation:
            case ["enter", manager]:
                self.line(f"await st.enter_async_context(Mgr(R, {manager}))")
            case ["pexit", manager]:
                self.line(f"st.push_async_exit(Mgr(R, {manager}))")
            case ["spush", manager]:
                self.line(f"st.push(Mgr(R, {manager}).sexit)")
            case ["acb", number, suspends, error]:
                self.line(f"st.push_async_callback(R.acb, {number}, {suspends}, {error})")
            case ["scb", number, _, error]:
                self.line(f"st.callback(R.scb, {number}, {error})")
            case ["pop_all"]:
                self.line("st = st.pop_all()")
            case ["aclose"]:
                self.line("await st.aclose()")
            case _:
                raise ValueError(f"{operation} is nothing that an exit stack does")


def logged_item(item: int) -> str:
    return f'R.l("item %s" % v{item})'


def handle_operation(operation: list) -> str:
    match operation:
        case ["an"]:
            return "__anext__()"
        case ["as", value]:
            return f"asend({value})"
        case ["at", kind, number]:
            return f"athrow({exception(kind)}({number}))"
        case ["ac"]:
            return "aclose()"
    raise ValueError(f"{operation} is nothing that is awaited of a generator")
