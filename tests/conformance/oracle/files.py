"""Files of programs: a header, then a program a line, as JSON; compressed where the name ends in .gz."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import platform
import sys
import zlib
from collections.abc import Iterator
from typing import Any, TextIO

from syntax import Case

SCHEMA = 1
STANDARD_STREAM = "-"


class Damaged(Exception):
    """What is wrong with which line of a file."""


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def header(**fields: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "python": platform.python_version(), **fields}


class Reader:
    """A file of programs, open: its header, and the programs by iteration."""

    def __init__(self, path: str, file: TextIO):
        self.path = path
        self.lines = enumerate(file, start=1)
        first = next(self.lines, None)
        if first is None:
            raise Damaged(f"{path}: it is empty")
        self.header = self.parse(*first)
        if self.header.get("schema") != SCHEMA:
            raise Damaged(f"{path}: line 1: its schema is {self.header.get('schema')}, not {SCHEMA}")

    def __iter__(self) -> Iterator[Case]:
        for number, line in self.lines:
            case = self.parse(number, line)
            missing = [field for field in ("id", "f", "p", "d", "t") if field not in case]
            if missing:
                raise Damaged(f"{self.path}: line {number}: the program has no {', '.join(map(repr, missing))}")
            yield case

    def parse(self, number: int, line: str) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise Damaged(f"{self.path}: line {number}: {error}") from None
        if not isinstance(value, dict):
            raise Damaged(f"{self.path}: line {number}: it is no object")
        return value


@contextlib.contextmanager
def reading(path: str) -> Iterator[Reader]:
    with contextlib.ExitStack() as stack:
        if path == STANDARD_STREAM:
            file = sys.stdin
        elif path.endswith(".gz"):
            file = stack.enter_context(gzip.open(path, "rt"))
        else:
            file = stack.enter_context(open(path))
        try:
            yield Reader(path, file)
        except (EOFError, UnicodeDecodeError, zlib.error, gzip.BadGzipFile) as error:
            raise Damaged(f"{path}: {error}") from None


def side_by_side(readers: list[Reader]) -> Iterator[tuple[Case, ...]]:
    """Each program as the files have it."""
    for cases in itertools.zip_longest(*readers):
        if len({case and case["id"] for case in cases}) != 1:
            raise Damaged(f"{', '.join(reader.path for reader in readers)} are not of the same programs")
        yield cases


@contextlib.contextmanager
def writing(path: str) -> Iterator[TextIO]:
    with contextlib.ExitStack() as stack:
        if path == STANDARD_STREAM:
            yield sys.stdout
        elif path.endswith(".gz"):
            raw = stack.enter_context(open(path, "wb"))
            # No name and no time: the same programs make the same file.
            compressed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9)
            yield stack.enter_context(io.TextIOWrapper(compressed))
        else:
            yield stack.enter_context(open(path, "w"))


def write(file: TextIO, value: Any) -> None:
    file.write(dumps(value) + "\n")
