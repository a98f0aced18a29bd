"""The kept inputs of the fuzz targets, and some changes of each, end with a result or an error of the parser."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGETS: dict[str, Callable[[bytes], None]] = runpy.run_path(str(HERE / "targets.py"))["TARGETS"]
INPUTS = sorted(file for file in (HERE / "corpus").rglob("*") if file.is_file())
CHANGES = 5


def changed(data: bytes, chance: random.Random) -> bytes:
    """A copy with some bytes replaced, removed or repeated."""
    content = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        length = chance.choice([1, 2, 4, 64])
        content[at : at + length] = chance.choice([chance.randbytes(length), b"", content[at : at + length] * 2])
    return bytes(content)


def test_every_target_has_kept_inputs() -> None:
    assert {file.parent.name for file in INPUTS} == TARGETS.keys()


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_an_input_ends_with_a_result_or_an_error_of_the_parser(file: Path) -> None:
    target, data, chance = TARGETS[file.parent.name], file.read_bytes(), random.Random(file.name)
    for content in (data, b"", *(changed(data, chance) for _ in range(CHANGES))):
        target(content)
