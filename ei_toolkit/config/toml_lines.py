"""The line of each key of a TOML file, which the parser of the standard library does not give."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""+'  # a text may end in one or two quotation marks of its own
    r"|'''.*?'''+"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{]|[\]}]|\n",
    re.DOTALL,
)


def line_numbers(text: str) -> dict[str, int]:
    """Return the line of each key of valid TOML by its dotted name, such as `impulse.layers[1].units`."""
    lines: dict[str, int] = {}
    elements: dict[str, int] = {}  # of arrays of tables
    table = ""
    for line, statement in _statements(text):
        if statement.startswith("["):
            table = _header(statement, elements)
            lines.setdefault(table, line)
            lines.setdefault(re.sub(r"\[\d+\]$", "", table), line)
        else:
            for key in _keys(tomllib.loads(statement), table):
                lines.setdefault(key, line)
    return lines


def line_of(key: str, lines: Mapping[str, int]) -> int | None:
    """Return the line of a key, or of the nearest table around it; None if there is none.

    A single table counts as an array of one: `impulse.dsp[0].type` is also found as `impulse.dsp.type`.
    """
    while key:
        for name in (key, key.replace("[0]", "")):
            if name in lines:
                return lines[name]
        key = re.sub(r"(^|\.)[^.\[]+$|\[\d+\]$", "", key)
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header and each key with its value, and the line where it begins."""
    depth, start, line = 0, 0, 1
    for token in TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and depth == 0:
            if statement := _code(text[start : token.start()]):
                yield line, statement
            line += text.count("\n", start, token.end())
            start = token.end()
    if statement := _code(text[start:]):
        yield line, statement


def _code(statement: str) -> str:
    """Return a statement; empty for a blank line or a comment."""
    found = statement.strip()
    return "" if found.startswith("#") else found


def _header(statement: str, elements: dict[str, int]) -> str:
    """Return the name of the table that a header opens, and count the elements of arrays of tables."""
    names = _path(tomllib.loads(statement))
    name = ""
    for index, part in enumerate(names):
        name = f"{name}.{part}".strip(".")
        if index == len(names) - 1 and statement.startswith("[["):
            elements[name] = elements.get(name, -1) + 1
        if name in elements:
            name = f"{name}[{elements[name]}]"
    return name


def _path(table: Any) -> list[str]:
    """Return the keys down to the empty table of a header."""
    names = []
    while table:
        if isinstance(table, list):
            table = table[0]
            continue
        ((name, table),) = table.items()
        names.append(name)
    return names


def _keys(table: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, value in table.items():
        key = f"{where}.{name}".strip(".")
        yield key
        if isinstance(value, Mapping):
            yield from _keys(value, key)
