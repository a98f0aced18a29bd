"""What tests of many folders share: import it with `from support import ...`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment


class Outcome(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON object on stdout; None where nothing was printed."""
        return json.loads(self.out) if self.out else None


def eitk(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Outcome:
    """Run one command line in `folder`, in this process, with no environment variables but `environ`."""
    out, err = io.StringIO(), io.StringIO()
    code = run(arguments, Environment(Console(out, err), folder, dict(environ or {})))
    return Outcome(code, out.getvalue(), err.getvalue())
