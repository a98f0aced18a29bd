"""Console blocks with an output are run, and the output is compared; commands of all other blocks are parsed."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile
from typer.main import get_command

from ei_toolkit.cli.app import _hoist_shared_flags, app, run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md")} - {ROOT / "docs/commands.md"})
BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
RUN_ELSEWHERE = {
    "cpp-library.md": "tests/eon/library compiles the example and compares its scores",
}
"""Pages whose outputs need a trained model, and what runs their commands."""


class Step(NamedTuple):
    """A command line of a block and its output."""

    command: str
    output: str


class Block(NamedTuple):
    """A block of a page, by its number from 0."""

    page: str
    number: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"{self.page} {self.number}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        for number, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            lines = re.sub(r"\\\n\s*", "", text)  # a command on several lines
            found = re.findall(r"^ *\$ (.*)\n((?:(?! *\$ ).*\n)*)", lines, re.MULTILINE)
            yield Block(page.name, number, tuple(Step(*step) for step in found))


BLOCKS = tuple(blocks())
WITH_OUTPUT = [block for block in BLOCKS if any(step.output.strip() for step in block.steps)]


def nothing(_folder: Path) -> None:
    """The block makes what it needs."""


def wrong_settings(folder: Path) -> None:
    """An eitk.toml with the two faults of the page in their lines."""
    lines = [""] * 31
    lines[10:12] = ["[training]", "epochs = -3"]
    lines[27:31] = ["[impulse.dsp]", 'type = "mfe"', "implementation_version = 4", "num_filter = 40"]
    (folder / "eitk.toml").write_text("\n".join(lines) + "\n")


def two_labels_of_esc50(folder: Path) -> None:
    """Clips of silence in the layout of ESC-50: forty of each label, of 36 and 37 recordings."""
    root = folder / "ESC-50"
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    rows = []
    for target, (label, recordings) in enumerate({"dog": 36, "rain": 37}.items()):
        for number in range(40):
            name = f"{number % 5 + 1}-{target}{number % recordings:04d}-{chr(65 + number // recordings)}-{target}.wav"
            soundfile.write(root / "audio" / name, np.zeros(5 * 8000, np.int16), 8000)
            rows.append((name, number % 5 + 1, target, label, "False", f"{target}{number % recordings:04d}", "A"))
    with (root / "meta/esc50.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("filename", "fold", "target", "category", "esc10", "src_file", "take"))
        out.writerows(rows)


PREPARED: dict[tuple[str, int], Callable[[Path], None]] = {
    ("configuration.md", 0): wrong_settings,
    ("data-layouts.md", 0): two_labels_of_esc50,
    ("getting-started.md", 1): nothing,
}
"""What a block needs in its folder."""


def printed(folder: Path, command: str) -> str:
    """Run one command line in this process; return stdout and stderr as a terminal would show them."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "eitk"
    out = io.StringIO()
    run(arguments, Environment(Console(out, out), folder, {}))
    return out.getvalue()


def is_as_shown(output: str, shown: str) -> bool:
    """Whether an output is the shown one. `…` stands for any text: in a line, or for lines of its own."""
    lines = [line.rstrip() for line in shown.rstrip("\n").splitlines()]
    parts = [r"(?:.*\n)*?" if line.strip() == "…" else any_text(line) + r" *\n" for line in lines]
    return re.fullmatch("".join(parts), output) is not None


def any_text(line: str) -> str:
    return "[^\n]*?".join(map(re.escape, line.split("…")))


@pytest.mark.parametrize("block", [block for block in WITH_OUTPUT if block.page not in RUN_ELSEWHERE], ids=str)
def test_the_output_of_a_block_is_what_its_commands_print(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # files are named as in this folder
    assert (block.page, block.number) in PREPARED, "add what the block needs to PREPARED"
    PREPARED[block.page, block.number](tmp_path)
    for step in block.steps:
        output = printed(tmp_path, step.command)
        assert is_as_shown(output, step.output), f"$ {step.command}\n{output}"


def test_every_prepared_block_is_on_its_page() -> None:
    assert set(PREPARED) <= {(block.page, block.number) for block in WITH_OUTPUT}


def commands_of(block: Block) -> Iterator[list[str]]:
    """The commands of eitk in a block, also those behind `&&`."""
    for step in block.steps:
        for part in re.split(r"&&|\||;", re.sub(r"\s#.*$", "", step.command)):
            words = shlex.split(part)
            if words[:1] == ["eitk"]:
                yield words[1:]


@pytest.mark.parametrize("block", [block for block in BLOCKS if any(commands_of(block))], ids=str)
def test_the_commands_of_a_block_are_accepted(block: Block) -> None:
    """Every option, argument and value is parsed as by the command itself, without running it."""
    for words in commands_of(block):
        command: Any = get_command(app)
        rest = own_words(words)
        while hasattr(command, "commands") and rest:
            _, command, rest = command.resolve_command(None, rest)
        if not hasattr(command, "commands"):
            command.make_context("eitk", rest)


def own_words(words: list[str]) -> list[str]:
    """The command and what belongs to it, without the options that all commands share."""
    rest = iter(_hoist_shared_flags(words))
    for word in rest:
        if not word.startswith("-"):
            return [word, *rest]
        if word in ("-C", "-o", "--set", "--project-dir"):
            next(rest)
    return []


def test_three_dots_stand_for_any_text() -> None:
    assert is_as_shown("wrote /tmp/a.toml\nx\ny\nend\n", "wrote …/a.toml\n…\nend\n")
    assert not is_as_shown("wrote /tmp/b.toml\n", "wrote …/a.toml\n")
    assert not is_as_shown("one\ntwo\n", "one\n")
