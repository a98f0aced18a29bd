"""The completions of the shell, requested as bash requests them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def offered(words: str) -> list[str]:
    """Completions of the last word."""
    asked = {"_EITK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [Path(sys.executable).with_name("eitk")], env=os.environ | asked, capture_output=True, text=True, check=False
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.parametrize(("words", "expected"), [
    ("eitk init --recipe ", ["reference", "robust"]),
    ("eitk init --board e", ["emulated"]),
    ("eitk tail --board ", ["nano33ble", "emulated", "host"]),
    ("eitk flash --port a", ["auto"]),
    ("eitk ga", ["gate"]),
])  # fmt: skip
def test_boards_ports_recipes_and_commands_are_offered(words: str, expected: list[str]) -> None:
    assert [word for word in offered(words) if word in expected] == expected
