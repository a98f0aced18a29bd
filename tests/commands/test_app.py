from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from ei_toolkit.commands.app import run
from ei_toolkit.commands.environment import Environment
from ei_toolkit.console import Console

HEAVY = {"tensorflow", "librosa", "edgeimpulse_api", "edgeimpulse", "numpy", "fastapi", "matplotlib", "scipy"}


def environment(folder: Path) -> Environment:
    return Environment(Console(io.StringIO(), io.StringIO()), folder, {})


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from ei_toolkit.commands.app import run; run(['--help']); "
    code += f"sys.exit(', '.join({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "Usage: eitk" in done.stdout


@pytest.mark.parametrize("flags", [["--json", "config", "show"], ["config", "show", "--json"]])
def test_shared_flags_stand_before_or_behind_the_command(tmp_path: Path, flags: list[str]) -> None:
    env = environment(tmp_path)
    assert run(flags, env) == 0
    assert env.console.stdout.getvalue().startswith('{"project.name"')  # type: ignore[attr-defined]


def test_an_error_ends_in_its_exit_code_and_says_what_to_try(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepoch = 3\n")
    env = environment(tmp_path)
    assert run(["config", "show"], env) == 3
    assert "Did you mean epochs?" in env.console.stderr.getvalue()  # type: ignore[attr-defined]


def test_a_wrong_flag_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["config", "show", "--nonsense"], environment(tmp_path)) == 2


def test_what_nobody_foresaw_is_a_message_and_a_traceback_only_with_debug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("ei_toolkit.commands.environment.load_config", broken)
    for flags, traced in (([], False), (["--debug"], True)):
        env = environment(tmp_path)
        assert run(["config", "show", *flags], env) == 1
        shown = env.console.stderr.getvalue()  # type: ignore[attr-defined]
        assert "error: ZeroDivisionError: by zero" in shown
        assert ("Traceback" in shown) is traced
