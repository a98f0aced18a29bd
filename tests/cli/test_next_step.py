"""The line that names the next command: the order of the steps, and to whom it is shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support import write_clips

from ei_toolkit.cli.app import run
from ei_toolkit.cli.commands import COMMANDS
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import WORKFLOW, Environment
from ei_toolkit.cli.next_step import NEXT, note_next_step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(step: str, out: io.StringIO, err: io.StringIO, **flags: bool) -> str:
    note_next_step(Environment(Console(out, err, **flags), Path(), {}), step)
    assert out.getvalue() == ""
    return err.getvalue()


def test_the_steps_lead_from_init_to_tail() -> None:
    step, steps = "init", []
    while step in NEXT:
        step = NEXT[step].removeprefix("eitk ")
        steps.append(step)
    assert steps == ["slice", "upload", "impulse apply", "train", "build", "flash", "tail"]
    assert len(NEXT) == len(steps)
    order = [list(COMMANDS).index(each.split()[0]) for each in steps]
    assert order == sorted(order)


@pytest.mark.parametrize("step", NEXT)
def test_a_person_at_a_terminal_sees_the_next_command(step: str) -> None:
    assert shown(step, Terminal(), Terminal()).strip() == f"next: {NEXT[step]}"


def test_programs_pipes_and_quiet_do_not() -> None:
    assert shown("init", io.StringIO(), Terminal()) == ""
    assert shown("init", Terminal(), io.StringIO()) == ""
    assert shown("init", Terminal(), Terminal(), quiet=True) == ""
    assert shown("init", Terminal(), Terminal(), json_output=True) == ""


def test_a_command_of_a_workflow_does_not(tmp_path: Path) -> None:
    out, err = Terminal(), Terminal()
    note_next_step(Environment(Console(out, err), tmp_path, {WORKFLOW: "1"}), "init")
    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_init_and_slice_name_the_next_command_and_a_dry_run_does_not(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=3)
    for words, last in (
        ("init --clips clips --dry-run", None),
        ("init --clips clips", "next: eitk slice"),
        ("slice --dry-run -j 1", None),
        ("slice -j 1", "next: eitk upload"),
    ):
        err = Terminal()
        assert run(words.split(), Environment(Console(Terminal(), err), tmp_path, {"TERM": "dumb"})) == 0
        lines = [line for line in err.getvalue().splitlines() if "next: " in line]
        assert [line.strip() for line in lines] == ([last] if last else [])
