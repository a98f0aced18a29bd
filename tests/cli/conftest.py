"""Commands import what they need when they run, so a module first imported while a test has patched another
would keep the fake for good: `from x import f` binds what `x.f` is just then. Hence: import it all beforehand."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import ei_toolkit

PATCHED = ("ei_toolkit.client", "ei_toolkit.cli", "ei_toolkit.report", "ei_toolkit.studio.lifecycle")
"""Where the tests of commands patch functions, and where these are imported from."""


@pytest.fixture(scope="session", autouse=True)
def everything_is_imported() -> None:
    for module in pkgutil.walk_packages(ei_toolkit.__path__, "ei_toolkit."):
        if module.name.startswith(PATCHED):
            importlib.import_module(module.name)
