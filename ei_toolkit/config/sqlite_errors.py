"""Errors of SQLite files as errors of eitk. A write error is not treated as corruption."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ei_toolkit.errors import DataError


@contextmanager
def sqlite_errors(path: Path, *, if_damaged: str, then: str) -> Iterator[None]:
    """Raise DataError for what SQLite raises about the file `path`.

    `if_damaged` is the hint for a file that is not a database, `then` what to do after a disk has space again.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        hint = f"Check the permissions of {path.parent} and the space on its disk; then {then}."
        raise DataError(f"{path} cannot be read or written", why=str(error), hint=hint) from None
    except sqlite3.DatabaseError as error:
        raise DataError(f"{path} is damaged", why=str(error), hint=if_damaged) from None
