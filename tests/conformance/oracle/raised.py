"""The exceptions of the programs, and their names in a trace."""

from __future__ import annotations

from asyncio.exceptions import CancelledError


class A(Exception):
    """An exception of the programs."""


class B(Exception):
    """Another exception of the programs."""


class Base(BaseException):
    """An exception that `except Exception` does not catch."""


KINDS: dict[str, type[BaseException]] = {
    "A": A,
    "B": B,
    "Base": Base,
    "RT": RuntimeError,
    "SI": StopIteration,
    "SAI": StopAsyncIteration,
    "GE": GeneratorExit,
    "CE": CancelledError,
}
NAMES = {exception: name for name, exception in KINDS.items()} | {TypeError: "TE", ValueError: "VE"}

# Parts of messages, with labels. The first match counts, so longer texts precede their parts.
MESSAGES = [
    ("anext(): asynchronous generator is already", "running-anext"),
    ("athrow(): asynchronous generator is already", "running-athrow"),
    ("aclose(): asynchronous generator is already", "running-aclose"),
    ("asynchronous generator is already running", "running-anext"),
    ("cannot reuse already awaited __anext__()/asend()", "reuse-asend"),
    ("cannot reuse already awaited aclose()/athrow()", "reuse-athrow"),
    ("async generator ignored GeneratorExit", "ignored-ge"),
    ("coroutine ignored GeneratorExit", "coro-ignored-ge"),
    ("async generator raised StopIteration", "agen-raised-si"),
    ("async generator raised StopAsyncIteration", "agen-raised-sai"),
    ("coroutine raised StopIteration", "coro-raised-si"),
    ("can't send non-None value to a just-started async generator", "nonnone-agen"),
    ("can't send non-None value to a just-started coroutine", "nonnone-coro"),
    ("cannot reuse already awaited coroutine", "reuse-coro"),
    ("coroutine is being awaited already", "being-awaited"),
    ("generator didn't yield", "acm-noyield"),
    ("generator didn't stop after athrow", "acm-nostop-athrow"),
    ("generator didn't stop after throw", "acm-nostop-athrow"),
    ("generator didn't stop", "acm-nostop"),
    ("already executing", "executing"),
]
# The prefix of a type or a message without a label. The generated programs never raise one.
UNKNOWN = "?"

CHAIN_LIMIT = 8


def make(kind: str, number: int) -> BaseException:
    return KINDS[kind](number)


def label(exception: BaseException) -> str:
    """Returns `KIND`, `KIND:number` or `KIND:label of the message`."""
    name = NAMES.get(type(exception)) or UNKNOWN + type(exception).__name__
    if not exception.args:
        return name
    argument = exception.args[0]
    if not isinstance(argument, str):
        return f"{name}:{argument}"
    for part, message in MESSAGES:
        if part in argument:
            return f"{name}:{message}"
    return f"{name}:{UNKNOWN}{argument}"


def chain(exception: BaseException) -> str:
    """Returns the exception, followed by its causes and contexts."""
    parts = [label(exception)]
    seen = {id(exception)}
    while len(parts) < CHAIN_LIMIT:
        if exception.__cause__ is not None:
            relation, exception = "cause", exception.__cause__
        elif exception.__context__ is not None and not exception.__suppress_context__:
            relation, exception = "ctx", exception.__context__
        else:
            break
        if id(exception) in seen:
            parts.append("loop")
            break
        seen.add(id(exception))
        parts.append(f"{relation} {label(exception)}")
    return " | ".join(parts)
