"""Packages whose import fails for a while."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from ei_toolkit.config.blocked_imports import blocked_imports


@pytest.fixture
def optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package that can be imported."""
    (tmp_path / "optional_package.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "optional_package"


def test_an_import_fails_in_the_block_and_works_after_it(optional: str) -> None:
    with pytest.raises(ZeroDivisionError), blocked_imports([optional]):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(optional)
        raise ZeroDivisionError
    assert importlib.import_module(optional) is sys.modules.pop(optional)


def test_what_is_imported_already_stays(optional: str) -> None:
    module = importlib.import_module(optional)
    with blocked_imports([optional]):
        assert importlib.import_module(optional) is module
    assert sys.modules.pop(optional) is module
