"""The JavaScript libraries are those of the list: files, hashes, versions and licences."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "ei_toolkit/studio/web/vendor"
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/vendor"))


def libraries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VENDOR / "libraries.json").read_text(encoding="utf-8"))
    return found


def test_each_file_is_as_the_list_describes_it() -> None:
    assert SCRIPT["differences"](libraries()) == []


def test_a_changed_a_missing_and_an_unlisted_file_are_found() -> None:
    listed = libraries()
    listed[0]["files"][0]["sha256"] = "0" * 64
    missing = {"file": "absent.js", "sha256": "0" * 64}
    removed = listed[1]["files"].pop(0)
    listed[2]["files"].append(missing)
    assert SCRIPT["differences"](listed) == [
        "vendor/absent.js: missing", f"vendor/{removed['file']}: not in the list", "vendor/preact.js: changed"
    ]  # fmt: skip


def test_each_library_has_a_version_and_the_text_of_its_licence() -> None:
    for library in libraries():
        assert library["version"][0].isdigit()
        assert library["licence"] in ("MIT", "Apache-2.0", "BSD-3-Clause")
        assert [entry["file"] for entry in library["files"] if entry["file"].endswith(".LICENSE")]


def test_only_the_paths_of_imports_differ_from_the_package() -> None:
    for entry in (entry for library in libraries() for entry in library["files"]):
        assert (entry["sha256"] != entry["sha256_in_package"]) == ("imports" in entry), entry["file"]
