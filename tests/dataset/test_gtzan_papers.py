"""The datasheet and the Croissant metadata agree with the index."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ei_toolkit.config.project import bundled
from ei_toolkit.dataset.index import load_index

GTZAN = bundled("datasets") / "gtzan"
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "gtzan_croissant.py"


def croissant() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GTZAN / "croissant.json").read_text(encoding="utf-8"))
    return data


def test_croissant_is_what_its_script_makes() -> None:
    made = subprocess.run([sys.executable, SCRIPT], capture_output=True, check=True).stdout
    assert made == (GTZAN / "croissant.json").read_bytes()


def test_croissant_describes_the_index_that_is_there() -> None:
    (index,) = [file for file in croissant()["distribution"] if file["@id"] == "index.csv"]
    data = (GTZAN / "index.csv").read_bytes()
    assert index["sha256"] == hashlib.sha256(data).hexdigest()
    columns = [field["source"]["extract"]["column"] for field in croissant()["recordSet"][0]["field"]]
    assert columns == data.decode().splitlines()[0].split(",")


def test_croissant_has_what_version_one_requires() -> None:
    document = croissant()
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert {"@context", "name", "description", "license", "url", "citeAs", "datePublished"} <= document.keys()
    for file in document["distribution"]:
        assert {"@id", "name", "encodingFormat"} <= file.keys()
        assert file["@type"] == "cr:FileSet" or ({"contentUrl"} <= file.keys() and {"sha256", "md5"} & file.keys())


def test_both_say_plainly_that_the_clips_have_no_licence() -> None:
    assert "The clips carry no licence" in croissant()["usageInfo"]
    assert "## Licence: there is none" in (GTZAN / "DATASHEET.md").read_text(encoding="utf-8")


def test_the_table_of_the_datasheet_counts_the_index() -> None:
    text = (GTZAN / "DATASHEET.md").read_text(encoding="utf-8")
    for genre in sorted({track.genre for track in load_index().tracks.values()}):
        tracks = [track for track in load_index().tracks.values() if track.genre == genre]
        groups, unknown = len({t.group for t in tracks}), sum(not t.artist for t in tracks)
        assert f"| {genre} | 100 | {groups} | {unknown} | {sum(bool(t.part) for t in tracks)} |" in text


def test_no_audio_is_kept_with_the_index() -> None:
    names = {path.name for path in GTZAN.iterdir()}
    assert names == {"index.csv", "sources.toml", "croissant.json", "DATASHEET.md"}
