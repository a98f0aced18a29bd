"""The completions of the shell, requested as bash requests them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import support


def offered(words: str) -> list[str]:
    """Completions of the last word."""
    asked = {"_EITK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [Path(sys.executable).with_name("eitk")], env=os.environ | asked, capture_output=True, text=True, check=False
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.parametrize(("words", "expected"), [
    ("eitk init --recipe r", ["reference", "regression", "robust"]),
    ("eitk init --board e", ["emulated"]),
    ("eitk tail --board ", ["nano33ble", "emulated", "host"]),
    ("eitk flash --port a", ["auto"]),
    ("eitk ga", ["gate"]),
])  # fmt: skip
def test_boards_ports_recipes_and_commands_are_offered(words: str, expected: list[str]) -> None:
    assert [word for word in offered(words) if word in expected] == expected


SIGNS = {"bash": "complete -o default", "zsh": "#compdef eitk", "fish": "complete --command eitk"}


@pytest.mark.parametrize("shell", SIGNS)
def test_each_shell_has_its_own_script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert support.eitk(tmp_path, "--show-completion", shell).code == 0
    script = capsys.readouterr().out
    assert [name for name, sign in SIGNS.items() if sign in script] == [shell]
    assert f"complete_{shell}" in script


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_zsh_and_fish_get_completions_in_their_form(shell: str) -> None:
    asked = {"_EITK_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "eitk ga"}
    asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    eitk = Path(sys.executable).with_name("eitk")
    out = subprocess.run([eitk], env=os.environ | asked, capture_output=True, text=True, check=False).stdout
    assert out.startswith("gate\t" if shell == "fish" else "_arguments ")
    assert "gate" in out


def test_another_shell_is_an_error_with_those_that_exist(tmp_path: Path) -> None:
    code, out, err = support.eitk(tmp_path, "--show-completion", "tcsh")
    assert (code, out) == (2, "")
    assert "'bash', 'zsh', 'fish'" in err
