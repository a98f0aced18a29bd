"""Inputs that have stopped people, as a generator writes them: each is read right, or rejected with the true reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from audio_files import by_ffmpeg
from support import Outcome, eitk

from ei_toolkit.audio.decode import read_blocks, read_clip
from ei_toolkit.board.protocol.events import Prediction
from ei_toolkit.board.protocol.parser import LineSplitter, Parser
from ei_toolkit.config import load_config
from ei_toolkit.dataset.clip_label import labels_of_clips
from ei_toolkit.dataset.manifest import Manifest

SHARED = Path(os.environ.get("EITK_SHARED", Path(__file__).resolve().parents[3] / "shared"))
MAKE = SHARED / "field-cases" / "make"
pytestmark = pytest.mark.skipif(not MAKE.is_file(), reason="the generator of field cases is not at hand")
READ = {  # seconds
    "vbr-xing.mp3": 6.0, "constant-no-xing.mp3": 6.034, "variable-no-xing.mp3": 6.034, "average-no-xing.mp3": 6.034,
    "unknown-total.flac": 6.0,
}  # fmt: skip
WARNED = {
    "data-size-zero.wav": (64_000, "the header gives a length of 0; read to the end of the file"),
    "short-by-one-sample.wav": (63_999, "cut short, 0.062 ms of sound are missing; read without them"),
}
SKIPPED = {
    "damaged-middle.ogg": "damaged at 2.69 s, 0.43 s of sound are missing",
    "float-in-int16-range.wav": "samples up to 9,830, expected −1 to 1. Divide by 32768",
    "page.mp3": "not audio: an HTML page",
    "antiphase.wav": "the channels cancel each other in their mean",
    "clip.webm": "WebM or Matroska needs ffmpeg, which is not installed",
}
EXPORTS = {  # exit code and what is printed
    "backslash-path": (0, "1 accepted"),
    "label-is-null": (0, "1 accepted"),
    "label-is-text": (0, "1 accepted"),
    "no-name": (0, "1 accepted"),
    "entry-is-null": (1, "rejected an entry without a path: its entry in info.labels is not an object"),
    "missing-file": (1, "rejected a/other.wav: it is not in the zip"),
    "unknown-category": (1, "rejected a/rock.1.wav: its entry in info.labels is not valid: category must be"),
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of generated inputs."""
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, MAKE, folder], check=True)
    return folder


@pytest.fixture
def sliced(cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """`eitk slice` of all sounds as clips of rock beside some of classical, on a machine without ffmpeg."""
    monkeypatch.setenv("PATH", "")
    shutil.copytree(cases / "split-folders" / "train" / "classical", tmp_path / "clips" / "classical")
    (tmp_path / "clips" / "rock").mkdir()
    for name in (*READ, *WARNED, *SKIPPED):
        shutil.copy(cases / name, tmp_path / "clips" / "rock")
    (tmp_path / "eitk.toml").write_text('[dataset]\nroot = "clips"\nsplit = "track"\n')
    return eitk(tmp_path, "slice", "--jobs", "1", "--json")


@pytest.mark.parametrize("name", READ)
def test_a_file_that_was_read_wrong_equals_the_whole_decode_of_another_decoder(cases: Path, name: str) -> None:
    expected = by_ffmpeg(cases / name)
    got = read_clip(cases / name, 44_100)
    assert len(got) == len(expected) == pytest.approx(READ[name] * 44_100, abs=44)
    assert np.abs(got - expected).max() <= 1
    assert np.array_equal(np.concatenate(list(read_blocks(cases / name, 44_100))), got)


@pytest.mark.parametrize("name", WARNED)
def test_a_file_that_was_rejected_is_read_with_a_warning(cases: Path, name: str) -> None:
    warnings: list[str] = []
    length, words = WARNED[name]
    assert len(read_clip(cases / name, 16_000, warn=warnings.append)) == length
    assert warnings == [f"{name}: {words}"]


def test_slice_reads_warns_of_and_skips_each_with_its_reason(
    sliced: Outcome, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sliced.code == 0, sliced.err
    skipped = {one["clip"].removeprefix("rock/"): one["reason"] for one in sliced.data["skipped"]}
    assert skipped.keys() == SKIPPED.keys()
    for name, reason in SKIPPED.items():
        assert skipped[name].startswith(reason)
    assert sliced.data["warnings"] == [f"rock/{name}: {words}" for name, (_, words) in sorted(WARNED.items())]
    counts = sliced.data["counts"]
    assert (counts["read"], counts["skipped"], counts["warned"]) == (16, 5, 2)
    assert capfd.readouterr() == ("", "")  # notes of decoders


def test_splits_around_labels_are_kept_and_can_be_labels(cases: Path, tmp_path: Path) -> None:
    done = eitk(tmp_path, "init", "--clips", str(cases / "split-folders"))
    assert "splits: the folders test, train" in done.err and "(recipe robust, labels: classical, rock)" in done.out
    assert eitk(tmp_path, "slice", "--jobs", "1").code == 0
    windows = Manifest.read(load_config(tmp_path, {}).paths.manifest).windows
    assert {(one.clip.split("/")[0], one.split) for one in windows} == {("train", "training"), ("test", "testing")}
    forced = eitk(tmp_path, "init", "--force", "--clips", str(cases / "split-folders"), "--labels-from", "folder",
                  "--split-from", "none")  # fmt: skip
    assert "labels: test, train" in forced.out


def test_labels_in_names_are_suggested_with_their_numbers(cases: Path, tmp_path: Path) -> None:
    done = eitk(tmp_path, "init", "--clips", str(cases / "labels-in-names"))
    assert "labels are taken from names of files: classical (6), rock (6) (--labels-from name)" in done.err
    assert eitk(tmp_path, "slice", "--dry-run").code == 0


def test_clips_that_cannot_be_read_are_named_before_a_label_that_cannot_be_split(cases: Path, tmp_path: Path) -> None:
    assert eitk(tmp_path, "init", "--clips", str(cases / "one-good-clip")).code == 0
    done = eitk(tmp_path, "slice", "--jobs", "1")
    assert done.code == 1
    assert "2 of its 3 clips cannot be used (rock/1.wav: not audio that can be read" in done.err
    assert "Replace these clips first." in done.err


def test_a_clip_in_a_nested_folder_has_the_same_label_everywhere(cases: Path, tmp_path: Path) -> None:
    shutil.copytree(cases / "nested", tmp_path / "clips")
    shutil.copytree(cases / "labels-in-names", tmp_path / "clips" / "other")
    done = eitk(tmp_path, "init", "--clips", "clips", "--labels-from", "folder", "--json")
    assert {(row["label"], row["files"]) for row in done.data["layout"]["rows"]} == {("normal", 1), ("other", 12)}
    settings = load_config(tmp_path, {}).settings
    named = [tmp_path / "clips" / "normal" / "sub" / "c.wav", cases / "nested" / "normal" / "sub" / "c.wav"]
    assert labels_of_clips(named, settings, tmp_path) == ["normal", "normal"]


@pytest.mark.parametrize("name", EXPORTS)
def test_an_entry_of_an_export_is_stored_or_rejected_with_its_reason(cases: Path, tmp_path: Path, name: str) -> None:
    code, words = EXPORTS[name]
    assert eitk(tmp_path, "studio", "projects", "--add", "P", "--data", "data").code == 0
    done = eitk(tmp_path, "studio", "import", str(cases / f"export-{name}.zip"), "--data", "data")
    assert (done.code, words in done.out + done.err) == (code, True), done


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_the_predictions_of_a_sketch_of_2024_are_read(cases: Path, end: bytes) -> None:
    data, parser = (cases / "edge-impulse-sketch-2024.txt").read_bytes().replace(b"\r\n", end), Parser()
    events = [event for line in LineSplitter().add(data) for event in parser.feed(line)] + parser.flush()
    assert [event.scores for event in events if isinstance(event, Prediction)] == [{"classical": 0.1, "rock": 0.9}] * 3
    assert len(events) == 3
