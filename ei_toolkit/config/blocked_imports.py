"""Make imports of packages fail for a while: those that a library imports if it can, and that are not needed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def blocked_imports(names: Iterable[str]) -> Iterator[None]:
    """Make imports of the packages fail that are not imported yet; they can be imported afterwards."""
    blocked = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None makes the import fail
    try:
        yield
    finally:
        for name in blocked:
            sys.modules.pop(name, None)
