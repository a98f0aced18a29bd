"""All commands in three folders and five kinds of output: exit codes, streams, JSON, words and the first output."""

from __future__ import annotations

import io
import json
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from command_lines import LINES
from scripted_studio import scripted_studio
from support import eitk

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.errors import EXIT_CODES, GateNotMet

STORED = Path(__file__).parents[1] / "migration" / "data" / "14dd2da.tar.xz"
MODES = ("terminal 60", "terminal 120", "pipe", "json", "quiet")
FIRST_OUTPUT_S = 2.0  # of processor time, so that a busy machine does not count
END_S = 20.0
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
RAW = ("dataset card", "runs export")  # text for a file
HEAVY = ("report -o x.html", "card -o x.md", "gate --dry-run")  # more than a second of processor time
VERDICT = GateNotMet.exit_code  # its reasons are a result
LONGEST_WORD = 40  # a longer one does not fit beside the name of a row
SOME_MODES = ("terminal 60", "json")  # of the messages that are the same in all folders
CHANGING = ("doctor",)  # with times that differ from run to run
FEWER_COLUMNS = ("runs list",)  # on a narrow terminal

EMPTY_PROJECT = LINES | {
    "init": 3, "config set board.name host": 0, "impulse diff": 4, "impulse apply": 4, "record --label rock": 2,
}  # fmt: skip
"""In a project without clips: eitk.toml of a recipe, and a studio that has nothing."""
FINISHED = {
    "init": 3, "config show": 0, "config show --origin": 0, "config check": 0, "config get impulse.dsp": 0,
    "config set training.epochs 3 --dry-run": 0, "config schema": 0, "dataset audit": 0, "dataset card": 0,
    "slice --dry-run": 0, "upload --dry-run": 0, "samples list": 0, "samples count": 0, "samples diff": 0,
    "samples delete 1 --dry-run": 0, "impulse show": 0, "impulse diff": 0, "train --dry-run": 0, "test --no-run": 0,
    "profile": 0, "jobs list": 0, "jobs follow 1": 0, "studio status": 0, "studio projects": 0,
    "studio keys list --project 1": 0, "boards": 0, "board stop host": 0, "board check host": 6,
    "tail --board host": 6, "play gone.wav": 6, "gate --dry-run": 0, "champion list": 0, "runs list": 0,
    "runs show 1": 0, "runs compare 1 2": 0, "runs export": 0, "runs seen gate": 1, "report -o x.html": 0,
    "card -o x.md": 0, "clean --dry-run": 0, "clean": 2, "help": 0, "help upload": 0,
}  # fmt: skip
"""In a project with a trained model, builds, runs and a studio of its own; nothing is trained or compiled."""
CLIP = "../clips/rock/rock.10.wav"
JOB = (
    ("dataset verify", 1), ("dataset audit", 0), ("slice", 0), ("slice", 0), ("features", 1), ("explore", 1),
    ("upload", 0), ("upload", 0), ("impulse apply -o training.epochs=2", 0), ("impulse pull", 0),
    ("train -o training.epochs=2", 0), ("train --eon", 0), ("test", 0), ("profile", 0), ("build", 0),
    ("flash --board host", 0), (f"play {CLIP} --board host", 0), ("tail --board host --count 1", 0),
    (f"verify {CLIP} --board host", 0), (f"classify {CLIP}", 0), ("classify ../clips/rock", 0),
    ("evaluate --quick", 0), ("gate", 7), ("champion list", 0), ("champion rollback", 3),
    ("samples pull pulled", 0), ("samples delete 1 --yes", 0), ("runs compare 1 2 --plot difference.html", 0),
    ("report -o report.html", 0), ("card -o card.md", 0), ("jobs cancel 1", 0), ("board stop host", 0),
    ("studio stop", 0), ("clean --yes", 0),
)  # fmt: skip
"""Everything that one does in a project, in this order, with the exit codes."""


class Recorder(io.StringIO):
    """A stream that notes when something was first written to it."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal
        self.first: float | None = None

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        if text.strip() and self.first is None:
            self.first = time.process_time()
        return super().write(text)


@pytest.fixture(scope="module")
def studio_without_answers() -> Iterator[dict[str, str]]:
    with scripted_studio() as studio:
        yield studio.environ


@pytest.fixture
def no_project(tmp_path: Path, studio_without_answers: dict[str, str]) -> tuple[Path, dict[str, str]]:
    return tmp_path, studio_without_answers


@pytest.fixture
def empty_project(tmp_path: Path, studio_without_answers: dict[str, str]) -> tuple[Path, dict[str, str]]:
    assert eitk(tmp_path, "init", "--recipe", "reference", "--board", "host").code == 0
    return tmp_path, studio_without_answers


@pytest.fixture(scope="module")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("finished")
    with tarfile.open(STORED) as tar:
        tar.extractall(folder, filter="data")
    project = folder / "eitk-project" / "robust"
    yield project, {}
    eitk(project, "studio", "stop")


def modes_of(state: str, line: str, expected: int) -> tuple[str, ...]:
    """The kinds of output in which a line is run: of an error in a second folder only two, as the first has all."""
    if line in HEAVY:
        return ("json",) if line.startswith("gate") else ("terminal 60",)
    return SOME_MODES if expected not in (0, 1) and state == "empty_project" else MODES


def marks(number: int, mode: str, modes: tuple[str, ...]) -> Any:
    """SOME_MODES are daily for each line, and one of its other modes, in turn; the rest is exhaustive."""
    others = [one for one in modes if one not in SOME_MODES]
    return () if mode not in others or mode == others[number % len(others)] else pytest.mark.exhaustive


CELLS = [
    pytest.param(state, line, mode, id=f"{state}-{line}-{mode}", marks=marks(number, mode, modes))
    for state, lines in (("no_project", LINES), ("empty_project", EMPTY_PROJECT), ("finished_project", FINISHED))
    for number, line in enumerate(lines)
    for modes in [modes_of(state, line, lines[line])]
    for mode in modes
]


@pytest.mark.parametrize(("state", "line", "mode"), CELLS)
def test_a_command_in_a_state_and_a_kind_of_output(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, state: str, line: str, mode: str
) -> None:
    folder, environ = request.getfixturevalue(state)
    expected = {"no_project": LINES, "empty_project": EMPTY_PROJECT, "finished_project": FINISHED}[state][line]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    code, out, err = run_line(monkeypatch, folder, environ, line, mode)
    assert code in EXIT_CODES
    assert code == expected, err
    check_streams(code, out, err, mode, line)
    if mode == "terminal 60" and expected == 0 and line not in (*CHANGING, *FEWER_COLUMNS, *HEAVY, "init"):
        wide = run_line(monkeypatch, folder, environ, line, "pipe")[1]
        narrow = CONTROL.sub("", out)
        assert [word for word in wide.split() if len(word) <= LONGEST_WORD and word not in narrow] == []


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_a_whole_job_in_a_kind_of_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Every command that trains, compiles, writes or removes something, in one project."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    with tarfile.open(STORED) as tar:
        tar.extractall(tmp_path, filter="data")
    project = tmp_path / "eitk-project" / "robust"
    try:
        for line, expected in JOB:
            code, out, err = run_line(monkeypatch, project, {}, line, mode)
            assert (line, code) == (line, expected), err
            check_streams(code, out, err, mode, line)
    finally:
        eitk(project, "board", "stop", "host")
        eitk(project, "studio", "stop")


def run_line(
    monkeypatch: pytest.MonkeyPatch, folder: Path, environ: Mapping[str, str], line: str, mode: str
) -> tuple[int, str, str]:
    """Run a line, and check the time of its first output and of its end."""
    monkeypatch.setenv("COLUMNS", mode.partition(" ")[2] or "80")
    flags = {"json": ["--json"], "quiet": ["--quiet"]}.get(mode, [])
    out, err = (Recorder(terminal=mode.startswith("terminal")) for _ in range(2))
    started = time.process_time()
    code = run([*line.split(), *flags], Environment(Console(out, err), folder, dict(environ)))
    assert time.process_time() - started < END_S
    first = [stream.first for stream in (out, err) if stream.first is not None]
    assert mode == "quiet" or min(first) - started < FIRST_OUTPUT_S
    return code, out.getvalue(), err.getvalue()


def check_streams(code: int, out: str, err: str, mode: str, line: str) -> None:
    """Check what is on stdout and stderr."""
    assert "Traceback" not in err and "this is an error in eitk" not in err
    if not mode.startswith("terminal"):
        assert not CONTROL.search(out + err)
    if code not in (0, 1, VERDICT):
        assert out == ""
    if mode == "json":
        check_json(code, out, err)
    elif code not in (0, 1):
        assert "error: " in CONTROL.sub("", err)
    if mode == "quiet":
        allowed = ("warning: ", "error: ", "  why: ", "  try: ", "  | ")
        assert [one for one in err.splitlines() if not one.startswith(allowed)] == []
    if mode.startswith("terminal") and line not in RAW:
        width = int(mode.partition(" ")[2])
        lines = re.split(r"[\r\n]", CONTROL.sub("", out + err))
        longest = max((len(word) for one in lines for word in one.split()), default=0)
        assert [one for one in lines if len(one) > max(width, longest + len("warning: "))] == []


def check_json(code: int, out: str, err: str) -> None:
    """Check that stdout is one JSON value, or one in each line, and that an error is an object on stderr."""
    for part in out.splitlines():
        json.loads(part, parse_constant=pytest.fail)
    if code not in (0, 1):
        error: dict[str, Any] = json.loads(err.splitlines()[-1])
        assert {"code", "message", "why", "hint"} <= error.keys()
        assert error["code"] == code and error["message"]
