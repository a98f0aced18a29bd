"""Request classes of the official client, each imported without the others.

`import edgeimpulse_api` imports a thousand models and takes seconds; one request class with what it refers to takes a
tenth of a second. Therefore the `__init__` of the package is not run: its models are imported below an empty package,
which is removed again. The models stay imported, so that a later import of the whole package reuses them: no class
exists twice.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "edgeimpulse_api"
CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_empty: dict[str, ModuleType] = {}
_import_lock = threading.Lock()


def official(name: str) -> Any:
    """Return a request class such as `CreateImpulseRequest`; its constructor validates."""
    with _import_lock:
        if PACKAGE in sys.modules:
            return getattr(sys.modules[PACKAGE], name)
        with _empty_package_imported():
            module = importlib.import_module(f"{PACKAGE}.models.{CAPITAL.sub('_', name).lower()}")
        return getattr(module, name)


@contextmanager
def _empty_package_imported() -> Iterator[None]:
    if not _empty:
        _empty.update(_empty_packages())
    sys.modules.update(_empty)
    try:
        yield
    finally:
        for name in _empty:
            del sys.modules[name]


def _empty_packages() -> dict[str, ModuleType]:
    """The package and its models, with only the paths where their modules are found."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(PACKAGE)
    package, models = ModuleType(PACKAGE), ModuleType(f"{PACKAGE}.models")
    package.__path__ = list(spec.submodule_search_locations)
    models.__path__ = [str(Path(folder) / "models") for folder in package.__path__]
    return {PACKAGE: package, models.__name__: models}
