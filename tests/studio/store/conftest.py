"""A store with an empty project, opened without a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ei_toolkit.studio.store import Store


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    """A store whose project 1 is empty."""
    store = Store.open(tmp_path / "data")
    store.projects.create("p")
    yield store
    store.close()
