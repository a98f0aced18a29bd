"""`eitk upload FOLDER`: whole files of other people, converted, labelled by their layout, each sent once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support import Outcome, eitk

import ei_toolkit as api
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.project import Studio
from ei_toolkit.client.upload.plan import server_samples
from ei_toolkit.dataset.recorded import RecordedFile, RecordingsFolder

RATE = 22_050


def tone(pitch: float, seconds: float = 0.5, rate: int = RATE) -> Any:
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sounds of several formats in one folder a label, a stereo one, a time series, and files that cannot be used."""
    root = tmp_path / "clips"
    for label in ("rock", "jazz"):
        (root / label).mkdir(parents=True)
    soundfile.write(root / "rock/1.flac", tone(440), RATE)
    soundfile.write(root / "rock/2.mp3", tone(550), RATE)
    soundfile.write(root / "jazz/1.wav", np.stack([tone(660), tone(880)], 1), RATE)
    soundfile.write(root / "jazz/2.ogg", tone(770), RATE)
    rows = "".join(f"{10 * i},{i % 5},{i % 3}\n" for i in range(50))
    (root / "rock/series.csv").write_text("timestamp,accX,accY\n" + rows)
    (root / "rock/broken.wav").write_bytes(b"RIFF")
    (root / "jazz/page.mp3").write_text("<html>404</html>")
    soundfile.write(root / "jazz/scipy.wav", (tone(330) * 32767).astype(np.float32), RATE, subtype="FLOAT")
    return root


@pytest.fixture
def run(endpoint: Endpoint, studio: Studio, tmp_path: Path) -> Any:
    """Run `eitk upload` against the empty project of the local studio."""
    environ = {
        "EI_API_KEY": endpoint.key, "EITK_STUDIO_URL": endpoint.api_url,
        "EITK_STUDIO_INGESTION_URL": endpoint.ingestion_url,
    }  # fmt: skip

    def upload(*arguments: str) -> Outcome:
        return eitk(tmp_path, "upload", *arguments, environ=environ)

    return upload


def test_files_of_every_format_are_converted_and_sent_once(
    run: Any, studio: Studio, folder: Path, tmp_path: Path
) -> None:
    code, out, err = run("clips", "--report", "skipped.csv")
    assert code == 1  # three files cannot be used
    assert "8 read, 5 converted, 0 warned, 3 skipped" in out
    assert "5 of 5 files are in the studio; 5 sent now" in out
    assert "error: 3 of 8 files were not uploaded" in err
    samples = {(sample.label, dict(sample.metadata)["clip"]): sample for sample in server_samples(studio)}
    assert set(samples) == {
        ("rock", "rock/1.flac"), ("rock", "rock/2.mp3"), ("rock", "rock/series.csv"), ("jazz", "jazz/1.wav"),
        ("jazz", "jazz/2.ogg"),
    }  # fmt: skip
    assert samples["jazz", "jazz/1.wav"].length_ms == pytest.approx(500)
    assert samples["rock", "rock/series.csv"].length_ms == pytest.approx(500)
    rows = (tmp_path / "skipped.csv").read_text().splitlines()
    assert rows[0] == "path,outcome,reason"
    reasons = dict(line.split(",skipped,", 1) for line in rows[1:])
    assert set(reasons) == {"rock/broken.wav", "jazz/page.mp3", "jazz/scipy.wav"}
    assert "not audio: an HTML page" in reasons["jazz/page.mp3"]
    assert "samples up to 9,830, expected −1 to 1" in reasons["jazz/scipy.wav"]
    again = run("clips", "--json")
    assert (again.code, again.data["sent"], again.data["done"], again.data["requests"]) == (1, 0, 5, 0)
    assert len(server_samples(studio)) == 5


def test_a_wav_file_is_mono_with_16_bits_at_the_rate_of_the_project(run: Any, studio: Studio, folder: Path) -> None:
    run("clips", "--rate", "8000", "--float-range", "int16", "--json")
    sample = next(s for s in server_samples(studio) if dict(s.metadata)["clip"] == "rock/1.flac")
    stored = studio.transport.get(studio.path("raw-data", sample.id), limitPayloadValues=1)["sample"]
    assert (stored["frequency"], stored["valuesCount"]) == (8000.0, 4000)


@pytest.mark.parametrize(
    ("category", "expected"),
    [("testing", {"testing"}), ("validation", {"validation"}), ("split", {"training", "testing"})],
)
def test_the_category_is_that_of_the_option(
    run: Any, studio: Studio, tmp_path: Path, category: str, expected: set[str]
) -> None:
    (tmp_path / "flat").mkdir()
    for number in range(12):
        soundfile.write(tmp_path / f"flat/{number}.wav", tone(300 + 20 * number, 0.1), RATE)
    code, out, _ = run("flat", "--label", "hum", "--category", category, "--json")
    assert code == 0, out
    samples = server_samples(studio)
    assert {sample.category for sample in samples} == expected
    assert {sample.label for sample in samples} == {"hum"} and len(samples) == 12


def test_a_time_series_with_several_labels_has_structured_labels(run: Any, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    rows = "".join(f"{i / 10},{i},{'idle' if i < 6 else 'running'}\n" for i in range(10))
    (tmp_path / "series/run1.csv").write_text("seconds_elapsed,accX,label\n" + rows)
    code, _, err = run("series", "--category", "training")
    assert code == 0, err
    [sample] = server_samples(studio)
    found = studio.transport.get(studio.path("raw-data", sample.id))["sample"]
    assert found["structuredLabels"] == [
        {"startIndex": 0, "endIndex": 5, "label": "idle"}, {"startIndex": 6, "endIndex": 9, "label": "running"},
    ]  # fmt: skip
    assert found["frequency"] == pytest.approx(10)
    again = run("series", "--category", "testing", "--json")  # moved, and its labels are kept
    assert (again.data["sent"], again.data["moved"]) == (0, 1)
    moved = studio.transport.get(studio.path("raw-data", sample.id))["sample"]
    assert (moved["category"], moved["structuredLabels"]) == ("testing", found["structuredLabels"])


def test_a_file_that_the_studio_rejects_is_named_with_its_reason(run: Any, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "sensors").mkdir()
    payload = {"interval_ms": 10, "sensors": [{"name": "x", "units": "g"}, {"name": "y", "units": "g"}]}
    for name, values in (("good", [[1, 2], [3, 4]]), ("ragged", [[1, 2], [3]])):
        document = {"protected": {"alg": "none"}, "signature": "", "payload": {**payload, "values": values}}
        (tmp_path / f"sensors/{name}.json").write_text(json.dumps(document))
    code, _, err = run("sensors", "--label", "idle", "--report", "r.csv")
    assert code == 4
    assert "1 of 2 files are not in the studio" in err
    assert [sample.label for sample in server_samples(studio)] == ["idle"]
    assert (
        "ragged.json,not uploaded,The file is not in the data acquisition format (json): values[1] has 1 numbers"
        in ((tmp_path / "r.csv").read_text().replace('"', ""))
    )


def test_one_channel_of_the_files_can_be_chosen(run: Any, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "stereo").mkdir()
    soundfile.write(tmp_path / "stereo/phase.wav", np.stack([tone(440), -tone(440)], 1), RATE)
    assert "Choose one: --channel left" in run("stereo", "--label", "hum").err
    assert run("stereo", "--label", "hum", "--channel", "right").code == 0
    assert [sample.label for sample in server_samples(studio)] == ["hum"]


def test_the_splits_of_the_folders_are_kept(run: Any, studio: Studio, tmp_path: Path) -> None:
    pitch = 200
    for split in ("train", "val", "test"):
        for label in ("a", "b"):
            (tmp_path / "data" / split / label).mkdir(parents=True)
            for number in range(2):
                soundfile.write(
                    tmp_path / "data" / split / label / f"{number}.wav", tone(pitch := pitch + 10, 0.1), RATE
                )
    code, _, err = run("data")
    assert code == 0, err
    found = sorted((sample.category, sample.label) for sample in server_samples(studio))
    assert found == sorted((split, label) for split in ("training", "validation", "testing") for label in "aabb")


def test_a_dry_run_sends_nothing(run: Any, studio: Studio, folder: Path) -> None:
    code, out, err = run("clips", "--dry-run", "--json")
    assert code == 0, err
    assert json.loads(out) == {
        "dry_run": True, "would_send": 5, "would_move": 0, "present": 0, "read": 8, "converted": 5, "warned": 0,
        "skipped": 3,
    }  # fmt: skip
    assert server_samples(studio) == []


@pytest.mark.parametrize("option", [("--label", "rock"), ("--channel", "left")])
def test_options_for_whole_files_need_a_folder(run: Any, option: tuple[str, str]) -> None:
    code, _, err = run(*option)
    assert code == 2
    assert "options for whole files, but no folder of files" in err


def test_a_folder_in_which_nothing_can_be_used_is_an_error_with_the_first_reason(run: Any, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/1.wav").write_bytes(b"")
    code, _, err = run("bad", "--label", "x")
    assert code == 1
    assert "none of the 1 files" in err and "the file is empty" in err
    (tmp_path / "none").mkdir()
    assert "no files to upload in" in run("none").err


def test_recordings_are_sent_once_with_their_metadata_and_category(run: Any, studio: Studio, tmp_path: Path) -> None:
    recordings = RecordingsFolder(tmp_path / "recordings")
    for number, category in ((1, "training"), (2, "testing")):
        sound = (tone(100 * number, rate=16_000) * 32767).astype(np.int16)
        metadata = {"board": "nano33ble", "gain": "80", "recorded": f"2026-11-29T10:00:0{number}+00:00"}
        recordings.add(RecordedFile(f"rock/{number}.wav", "rock", category, metadata), sound, 16_000)
    for sent in (2, 0):
        done = run("recordings")
        assert done.code == 0 and f"2 of 2 files are in the studio; {sent} sent now" in done.out, done.err
    samples = {dict(sample.metadata)["clip"]: sample for sample in server_samples(studio)}
    assert {name: sample.category for name, sample in samples.items()} == {
        "rock/1.wav": "training", "rock/2.wav": "testing",
    }  # fmt: skip
    own = dict(samples["rock/2.wav"].metadata)
    assert (own["board"], own["gain"], own["recorded"]) == ("nano33ble", "80", "2026-11-29T10:00:02+00:00")


def test_a_folder_is_uploaded_from_python(endpoint: Endpoint, studio: Studio, folder: Path, tmp_path: Path) -> None:
    environ = {
        "EI_API_KEY": endpoint.key, "EITK_STUDIO_URL": endpoint.api_url,
        "EITK_STUDIO_INGESTION_URL": endpoint.ingestion_url,
    }  # fmt: skip
    client = api.connect(api.open_project(tmp_path, environ=environ))
    seen: list[api.Progress] = []
    done = client.upload_folder(folder, category="training", on_progress=seen.append)
    assert done.done == done.sent == len(client.samples()) == done.read - done.skipped
    assert {now.stage for now in seen} == {"converting files", "uploading files"}
    assert {one.outcome for one in done.outcomes} >= {"skipped"}
    assert {"rock/broken.wav", "jazz/page.mp3"} <= {str(row["path"]) for row in done.records()}
    assert client.upload_folder(folder, category="training").sent == 0
    first, *others = client.samples()
    [file] = client.download_samples([first], tmp_path / "there")
    assert file.parent == tmp_path / "there/training" and soundfile.info(file).frames > 0
    client.delete_samples([first])
    assert client.samples() == tuple(others)
    with pytest.raises(api.UsageError, match="there is no folder"):
        client.upload_folder(tmp_path / "gone")
