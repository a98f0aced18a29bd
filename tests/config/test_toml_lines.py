"""Lines of keys, found again in files of every form that TOML has."""

from __future__ import annotations

import re
import tomllib

import pytest

from ei_toolkit.config.recipes import recipe_names, recipe_text
from ei_toolkit.config.toml_lines import line_numbers, line_of

TEXT = '''# comment with [brackets] and "quotes
top = 1  # line 2

[training]   # line 4
epochs = 5
name.first = "a"
lines = """
[not.a.table]
x = 1
"""
list = [
  1,  # ]
  { a = 2 },
]
literal = \'\'\'
'one' " [
\'\'\'
inline = { a = { b = 1 } }
"quoted key" = "#"

[[layers]]
units = 1
[layers.inner]
deep = 2
[[layers]]
units = 3
[layers.inner]
deep = 4
'''


def test_each_key_has_the_line_where_it_begins() -> None:
    assert line_numbers(TEXT) == {
        "top": 2, "training": 4, "training.epochs": 5, "training.name": 6, "training.name.first": 6,
        "training.lines": 7, "training.list": 11, "training.literal": 15, "training.inline": 18,
        "training.inline.a": 18, "training.inline.a.b": 18, "training.quoted key": 19,
        "layers[0]": 21, "layers": 21, "layers[0].units": 22, "layers[0].inner": 23, "layers[0].inner.deep": 24,
        "layers[1]": 25, "layers[1].units": 26, "layers[1].inner": 27, "layers[1].inner.deep": 28,
    }  # fmt: skip


@pytest.mark.parametrize("name", recipe_names())
def test_every_key_of_a_recipe_has_the_line_that_has_its_name(name: str) -> None:
    text = recipe_text(name)
    found, lines = line_numbers(text), text.splitlines()
    for key, line in found.items():
        assert key.split(".")[-1].split("[")[0] in lines[line - 1]
    assert {re.split(r"[.\[]", key)[0] for key in found} == set(tomllib.loads(text))


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("training.epochs", 5),
        ("training.unknown", 4),
        ("training.list[1].a", 11),
        ("layers[1].units", 26),
        ("layers[2].units", 21),
        ("training[0].epochs", 5),
        ("elsewhere.key", None),
        ("", None),
    ],
)
def test_a_key_without_a_line_has_that_of_the_table_around_it(key: str, line: int | None) -> None:
    assert line_of(key, line_numbers(TEXT)) == line


def test_lines_may_end_as_on_windows_and_the_last_one_not_at_all() -> None:
    assert line_numbers("a = 1\r\n[b]\r\nc = 2") == {"a": 1, "b": 2, "b.c": 3}


def test_many_lines_take_little_time() -> None:
    text = "[board.colours]\n" + "".join(f'label{i} = "red"\n' for i in range(3000)) + "[x]\nlist = [\n" + "1,\n" * 9000
    assert line_numbers(text + "]\n")["x.list"] == 3003
