"""Files of programs as JSON: a header, then one program per line; compressed if the name ends in .gz."""

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


class FormatError(Exception):
    """An error in a line of a file."""


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def header(**fields: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "python": platform.python_version(), **fields}


class Reader:
    """An open file of programs: its header, and an iterator of the programs."""

    def __init__(self, path: str, file: TextIO):
        self.path = path
        self.lines = enumerate(file, start=1)
        first = next(self.lines, None)
        if first is None:
            raise FormatError(f"{path}: the file is empty")
        self.header = self.parse(*first)
        if self.header.get("schema") != SCHEMA:
            raise FormatError(f"{path}: line 1: unsupported schema {self.header.get('schema')}, expected {SCHEMA}")

    def __iter__(self) -> Iterator[Case]:
        for number, line in self.lines:
            case = self.parse(number, line)
            missing = [field for field in ("id", "f", "p", "d", "t") if field not in case]
            if missing:
                raise FormatError(f"{self.path}: line {number}: the program lacks {', '.join(map(repr, missing))}")
            yield case

    def parse(self, number: int, line: str) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise FormatError(f"{self.path}: line {number}: {error}") from None
        if not isinstance(value, dict):
            raise FormatError(f"{self.path}: line {number}: not an object")
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
            raise FormatError(f"{path}: {error}") from None


def side_by_side(readers: list[Reader]) -> Iterator[tuple[Case, ...]]:
    """Yields the versions of each program in the files."""
    for cases in itertools.zip_longest(*readers):
        if len({case and case["id"] for case in cases}) != 1:
            raise FormatError(f"{', '.join(reader.path for reader in readers)} contain different programs")
        yield cases


@contextlib.contextmanager
def writing(path: str) -> Iterator[TextIO]:
    with contextlib.ExitStack() as stack:
        if path == STANDARD_STREAM:
            yield sys.stdout
        elif path.endswith(".gz"):
            raw = stack.enter_context(open(path, "wb"))
            # Without name and time: the same programs make the same file.
            compressed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9)
            yield stack.enter_context(io.TextIOWrapper(compressed))
        else:
            yield stack.enter_context(open(path, "w"))


def write(file: TextIO, value: Any) -> None:
    file.write(dumps(value) + "\n")
