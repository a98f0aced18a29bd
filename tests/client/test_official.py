"""Request classes of the official client, each imported without the others."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ei_toolkit import client
from ei_toolkit.client.official import CAPITAL, PACKAGE, official

IMPORT = re.compile(rf"from {PACKAGE}\.models\.(\w+) import (\w+)")


def models() -> list[tuple[str, str]]:
    """(module, class) of every model, from the text of the package; importing it would take seconds."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None
    return IMPORT.findall((Path(spec.origin).parent / "models" / "__init__.py").read_text())


def used() -> set[str]:
    """The classes that the client asks for."""
    sources = Path(client.__file__).parent.rglob("*.py")
    return {name for file in sources for name in re.findall(r'\bofficial\("(\w+)"\)', file.read_text())}


def test_every_class_that_the_client_uses_is_in_the_module_that_its_name_gives() -> None:
    modules = {name: module for module, name in models()}
    assert len(used()) > 10
    assert {name: modules.get(name) for name in used()} == {name: CAPITAL.sub("_", name).lower() for name in used()}


def test_a_value_of_a_wrong_type_is_rejected_by_the_class() -> None:
    request = official("GenerateFeaturesRequest")(dspId=3, calculateFeatureImportance=True)
    assert request.to_dict() == {"dspId": 3, "calculateFeatureImportance": True}
    with pytest.raises(ValueError, match="dspId"):
        official("GenerateFeaturesRequest")(dspId="three")


def test_a_class_that_does_not_exist_is_an_error() -> None:
    with pytest.raises((ImportError, AttributeError)):
        official("NoSuchRequest")


def test_several_threads_get_the_same_class() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(official, ["MoveRawDataRequest"] * 24))
    assert len({id(one) for one in found}) == 1


ORDER = f"""
import sys
from ei_toolkit import client
from ei_toolkit.client.official import official
first = official("MoveRawDataRequest")
assert "{PACKAGE}" not in sys.modules
loaded = sum(name.startswith("{PACKAGE}.models.") for name in sys.modules)
assert loaded < 50, loaded
"""


def test_one_class_does_not_import_the_others() -> None:
    done = subprocess.run([sys.executable, "-c", ORDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
