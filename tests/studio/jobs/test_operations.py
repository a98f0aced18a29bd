"""The operations of the compute worker: results, errors of requests, and unexpected errors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.jobs.compute_worker import OPERATIONS, respond

VALUES = np.arange(200, dtype=np.int16)
WINDOW = {"block": "spectrogram", "version": 4, "frequency": 16000.0, "samples": 1600, "params": {}}


def content(folder: Path, data: bytes, start: int = 0, size: int | None = None) -> dict[str, Any]:
    """Arguments that name a part of a file which holds the data between other bytes."""
    file = folder / "pack"
    file.write_bytes(b"before" + data + b"after")
    digest = hashlib.sha256(data).hexdigest()
    where = {"path": str(file), "start": 6 + start, "size": len(data) if size is None else size, "sha256": digest}
    return {"content": where, "format": "wav", "sensors": ["audio"], "rate": 16000.0}


def result(operation: str, **arguments: Any) -> Any:
    response = respond(json.loads(json.dumps({"operation": operation, **arguments})))
    assert "error" not in response, response
    return json.loads(json.dumps(response["result"]))


def error(operation: str, **arguments: Any) -> str:
    response = respond({"operation": operation, **arguments})
    assert response.keys() == {"error"}, response
    return str(response["error"])


def test_the_catalogue_describes_every_block_with_its_parameters() -> None:
    found = {block["type"]: block for block in result("catalogue", params={})}
    assert set(found) == {"spectrogram", "mfe", "mfcc", "summary-57", "summary-207"}
    assert (found["mfe"]["feature_names"], len(found["summary-57"]["feature_names"])) == ([], 57)
    assert {parameter["name"] for parameter in found["mfe"]["parameters"]} >= {"num_filters", "fft_length"}


def test_the_values_of_a_sample_are_read_from_their_byte_range(tmp_path: Path) -> None:
    where = content(tmp_path, wav_bytes(VALUES, 16000))
    assert result("values", **where, start=10, end=13, limit=99) == [[10.0], [11.0], [12.0]]
    assert result("values", **where, start=0, end=200, limit=3) == [[0.0], [100.0], [199.0]]
    assert result("values", **where, start=5, end=5, limit=3) == []


def test_content_that_is_missing_or_changed_is_an_error_that_names_no_file(tmp_path: Path) -> None:
    where = content(tmp_path, wav_bytes(VALUES, 16000))
    gone = {**where, "content": {**where["content"], "path": str(tmp_path / "gone")}}
    changed = {**where, "content": {**where["content"], "start": 7}}
    for arguments in (gone, changed):
        message = error("values", **arguments, start=0, end=1, limit=1)
        assert message == "The requested content is not stored any more: delete the sample and upload it again"


def test_an_acquisition_file_is_inspected(tmp_path: Path) -> None:
    sensors = [{"name": "x", "units": "g"}, {"name": "y"}]
    payload = {"device_name": "n", "interval_ms": 5, "sensors": sensors, "values": [[1, 2], [3, 4], [5, 6]]}
    where = {**content(tmp_path, json.dumps({"payload": payload}).encode()), "format": "json"}
    found = result("inspect", **where, name="a.json", hmac_key="")
    assert (found["format"], found["interval_ms"], found["values_count"]) == ("json", 5.0, 3)
    assert found["sensors"] == [["x", "g"], ["y", ""]]
    assert (found["device_name"], found["device_type"]) == ("n", None)


def test_a_file_in_another_format_is_an_error_of_the_request(tmp_path: Path) -> None:
    where = {**content(tmp_path, b"{}"), "format": "json"}
    message = error("inspect", **where, name="a.json", hmac_key="")
    assert message == "The file is not in the data acquisition format (json): payload is missing"


@pytest.mark.parametrize("axis", [-1, 1, 99])
def test_audio_of_an_axis_that_does_not_exist_is_an_error(tmp_path: Path, axis: int) -> None:
    where = content(tmp_path, wav_bytes(VALUES, 16000))
    assert error("wav", **where, axis=axis, start=0, end=5) == f"There is no axis {axis}"


def test_parameters_are_checked_by_name_and_value() -> None:
    assert error("shape", **{**WINDOW, "params": {"samples": 1}}) == "The spectrogram block has no parameter 'samples'"
    assert "fft_length" in error("shape", **{**WINDOW, "params": {"fft_length": "x"}})
    assert "implementation version 99" in error("shape", **{**WINDOW, "version": 99}).replace("_", " ")


def test_the_cost_grows_with_the_window() -> None:
    small, large = (result("cost", **{**WINDOW, "samples": samples}) for samples in (1600, 16000))
    assert 5 * small["cycles"] < large["cycles"] < 15 * small["cycles"]
    assert small["ram"] <= large["ram"]


def windowing(**changes: Any) -> dict[str, Any]:
    times = {"increase": 800, "pad": False, "axis": "audio", "windowMs": 100, "increaseMs": 50}
    return {**WINDOW, **times, **changes}


def test_windows_of_a_sample_have_chosen_features_and_times(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-999, 999, 3200).astype(np.int16)
    where = content(tmp_path, wav_bytes(noise, 16000))
    found = result("window_features", **where, **windowing(), columns=[0, 5])
    assert found["times"] == [[0.0, 100.0], [50.0, 150.0], [100.0, 200.0]]
    assert [len(row) for row in found["values"]] == [2, 2, 2]
    single = result("run", **WINDOW, values=noise[800:2400].tolist())
    assert found["values"][1] == pytest.approx([single["features"][0], single["features"][5]], rel=1e-6)


def test_a_sample_that_is_too_short_for_a_window_is_an_error_unless_it_may_be_padded(tmp_path: Path) -> None:
    where = content(tmp_path, wav_bytes(VALUES, 16000))
    message = error("window_features", **where, **windowing(), columns=[0])
    assert message == "The sample is shorter than a window, and padZeros is off"
    assert len(result("window_features", **where, **windowing(pad=True), columns=[0])["values"]) == 1


def test_a_sample_of_another_rate_is_resampled_before_it_is_cut(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(-999, 999, 1600).astype(np.int16)  # 200 ms at 8 kHz
    where = {**content(tmp_path, wav_bytes(noise, 8000)), "rate": 8000.0}
    assert len(result("window_features", **where, **windowing(), columns=[0])["values"]) == 3


@pytest.mark.parametrize("columns", [[0, 1, 6], [-1, 0, 1]])
def test_a_column_that_a_feature_table_has_not_is_an_error(tmp_path: Path, columns: list[int]) -> None:
    np.save(tmp_path / "x.npy", np.arange(12, dtype=np.float32).reshape(2, 6))
    np.save(tmp_path / "y.npy", np.ones((2, 4), np.int32))
    paths = {axis: str(tmp_path / f"{axis}.npy") for axis in "xy"}
    assert result("explorer", **paths, columns=[5, 0])["values"] == [[5.0, 0.0], [11.0, 6.0]]
    message = error("explorer", **paths, columns=columns)
    assert message == f"The features {columns} are not all available; the block has 6 features, counted from 0"


def test_an_unexpected_error_is_printed_for_the_log_and_not_shown_to_the_client(
    capsys: pytest.CaptureFixture[str],
) -> None:
    message = error("values", start=0)
    assert message == "The computation failed; see the log of the studio"
    assert "KeyError" in capsys.readouterr().err


def test_an_unknown_operation_is_an_unexpected_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert error("divide") == "The computation failed; see the log of the studio"
    assert "divide" in capsys.readouterr().err and "divide" not in OPERATIONS
