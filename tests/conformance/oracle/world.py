"""The environment of a running program: its trace, its generators, and its managers."""

from __future__ import annotations

import sys
import types
import weakref
from asyncio.exceptions import CancelledError
from collections.abc import Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from raised import KINDS, A, B, Base, chain, make
from source import source
from syntax import Function


@types.coroutine
def suspend(times: int, token: int):
    """Yields the token to the driver; returns the last value that is sent."""
    sent = None
    for _ in range(times):
        sent = yield token
    return sent


@types.coroutine
def suspend_and_raise(times: int, token: int, exception: BaseException):
    for _ in range(times):
        yield token
    raise exception


class World:
    """One run of a program. It owns the interpreter's hooks until the next run."""

    def __init__(self, program: list[Function]):
        self.trace: list[str] = []
        # Generators are named by their function and by this number.
        self.generator_count = 0
        self.iterated: list[weakref.ref[types.AsyncGeneratorType]] = []
        # Generators whose last reference is gone, which the driver has to close.
        self.dropped: list[types.AsyncGeneratorType] = []
        self.shared_coroutines: dict[int, Coroutine] = {}
        self.functions = self.compile(program)
        sys.set_asyncgen_hooks(firstiter=self.first_iterated, finalizer=self.dropped.append)
        sys.unraisablehook = self.unraisable

    @staticmethod
    def compile(program: list[Function]) -> list:
        functions: list = []
        names = {
            "A": A,
            "B": B,
            "Base": Base,
            "CE": CancelledError,
            "Mgr": Manager,
            "AsyncExitStack": AsyncExitStack,
            "aclosing": aclosing,
            "chain": chain,
            "F": functions,
        }
        exec(compile(source(program), "<case>", "exec"), names)
        functions += [names[f"f{index}"] for index in range(len(program))]
        return functions

    def log(self, event: str) -> None:
        self.trace.append(event)

    def generator(self, function: int) -> types.AsyncGeneratorType:
        generator = self.functions[function](self)
        generator.__name__ = f"g{function}.{self.generator_count}"
        self.generator_count += 1
        return generator

    def manager(self, function: int):
        """Makes a manager from the function: `asynccontextmanager` finalizes the generators of its calls."""
        return asynccontextmanager(self.generator)(function)

    def shared(self, function: int) -> Coroutine:
        """Returns the one coroutine that several functions await."""
        if function not in self.shared_coroutines:
            self.shared_coroutines[function] = self.functions[function](self)
        return self.shared_coroutines[function]

    async def async_callback(self, number: int, suspends: int, error: list | None) -> None:
        self.log(f"cb {number}")
        await suspend(suspends, -number)
        if error:
            raise make(*error)

    def callback(self, number: int, error: list | None) -> None:
        self.log(f"cb {number}")
        if error:
            raise make(*error)

    # Short names for the source of programs.
    l = log  # noqa: E741
    gen = generator
    acm = manager
    acb = async_callback
    scb = callback
    sus = staticmethod(suspend)
    susr = staticmethod(suspend_and_raise)

    def first_iterated(self, generator: types.AsyncGeneratorType) -> None:
        self.log(f"hook first {generator.__name__}")
        self.iterated.append(weakref.ref(generator))

    def unraisable(self, unraisable) -> None:
        exception = unraisable.exc_value
        self.log("unraisable " + ("?" if exception is None else chain(exception)))


class Manager:
    """An asynchronous context manager that acts as the program specifies."""

    def __init__(self, world: World, fields: list):
        self.world = world
        _, self.number, self.enter_suspends, self.enter_error, self.exit_suspends, self.exit_action = fields

    async def __aenter__(self) -> int:
        self.world.log(f"enter {self.number}")
        await suspend(self.enter_suspends, -self.number)
        if self.enter_error:
            raise make(*self.enter_error)
        return self.number

    async def __aexit__(self, _type, exception, _traceback) -> bool:
        self.log_exit(exception)
        await suspend(self.exit_suspends, -self.number)
        return self.act(exception)

    def exit(self, _type, exception, _traceback) -> bool:
        """The exit as a plain function, for `push`."""
        self.log_exit(exception)
        return self.act(exception)

    sexit = exit

    def log_exit(self, exception: BaseException | None) -> None:
        self.world.log(f"exit {self.number} {'-' if exception is None else chain(exception)}")

    def act(self, exception: BaseException | None) -> bool:
        """Performs the exit action; returns True to suppress the exception."""
        match self.exit_action:
            case ["sup"]:
                return True
            case ["supk", kind]:
                return isinstance(exception, Exception if kind == "Exc" else KINDS[kind])
            case ["same"] if exception is not None:
                raise exception
            case ["raise", kind, number]:
                raise make(kind, number)
        return False
