"""Run commands of eitk in processes of their own, each printed before it runs."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import WORKFLOW
from ei_toolkit.errors import EitkError


class CommandFailed(EitkError):
    """A command of a workflow has ended with an error, which it has printed; its exit code is passed on."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(f"{command} ended with exit code {code}", hint="See the messages above.")
        self.exit_code = code


@dataclass(frozen=True)
class Shell:
    """A folder to run commands in, a console to print them on, and settings that each gets with -o."""

    folder: Path
    console: Console
    options: tuple[str, ...] = ()

    def run(self, *arguments: str) -> None:
        """Run one command and show its output. Raises CommandFailed."""
        self._run(arguments, capture=False)

    def json(self, *arguments: str) -> Any:
        """Run one command with --json and return its result. Raises CommandFailed."""
        return json.loads(self._run((*arguments, "--json"), capture=True))

    def _run(self, arguments: tuple[str, ...], *, capture: bool) -> str:
        arguments = (*arguments, *chain.from_iterable(("-o", text) for text in self.options))
        shown = "eitk " + shlex.join(arguments)
        self.console.note(f"\n$ {shown}")
        self.console.stderr.flush()
        done = subprocess.run(
            [sys.executable, "-m", "ei_toolkit", *arguments],
            cwd=self.folder,
            env=os.environ | {WORKFLOW: "1"},
            stdout=subprocess.PIPE if capture else self.console.stderr,
            stderr=self.console.stderr,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(shown, done.returncode)
        return done.stdout or ""
