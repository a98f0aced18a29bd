"""All methods of the official PerformanceCalibrationApi, in the order in which they are used, with a trained model."""

from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes

RATE = 16_000


@pytest.fixture(scope="module")
def client(trained: Any) -> Any:
    import edgeimpulse_api as ea

    trained.upload_tones()  # test_every_method has moved samples between training and testing
    keys = {"ApiKeyAuthentication": trained.studio.key}
    return ea.ApiClient(ea.Configuration(host=trained.studio.api_url, api_key=keys))


@pytest.fixture(scope="module")
def api(client: Any) -> Any:
    import edgeimpulse_api as ea

    return ea.PerformanceCalibrationApi(client)


def start(client: Any, trained: Any, **options: Any) -> None:
    import edgeimpulse_api as ea

    request = ea.StartPerformanceCalibrationRequest(backgroundNoiseLabel="rock", **options)
    trained.wait(ea.JobsApi(client).start_performance_calibration_job(trained.id, request).id)


def test_a_synthetic_recording_is_calibrated_and_parameters_are_chosen(client: Any, api: Any, trained: Any) -> None:
    import edgeimpulse_api as ea

    before = api.get_performance_calibration_status(trained.id)
    assert (before.available, before.unsupported_project_error) == (False, None)
    start(client, trained, sampleLengthMinutes=0.3)
    status = api.get_performance_calibration_status(trained.id)
    assert status.available and status.options.sample_length_minutes == 0.3

    regions = api.get_performance_calibration_ground_truth(trained.id).samples
    assert {region.type for region in regions} == {"noise", "sample"}
    assert [region.label_string for region in regions if region.type == "sample"] == ["classical"] * (len(regions) // 2)
    assert regions[-1].start + regions[-1].length == pytest.approx(18_000, abs=2)
    assert regions[1].samples[0].length == regions[1].length == 1500

    scores = api.get_performance_calibration_raw_result(trained.id).detections
    assert (scores[0].start, scores[0].end, scores[1].start, len(scores)) == (0, 1000, 250, 69)
    assert sum(scores[0].result) == pytest.approx(1, abs=0.02)

    sets = api.get_performance_calibration_parameter_sets(trained.id).parameter_sets
    [best] = [one for one in sets if one.is_best]
    assert best.labels == ["classical"] and best.window_size_ms == 1000
    [stats] = best.stats
    assert stats.true_positives + stats.false_negatives == len(regions) // 2
    assert best.aggregate_stats.false_negative_rate == stats.false_negative_rate

    with wave.open(io.BytesIO(bytes(api.get_wav_file(trained.id, _preload_content=False).data))) as recording:
        assert (recording.getframerate(), recording.getnframes()) == (RATE, 18 * RATE)

    assert api.get_performance_calibration_saved_parameters(trained.id).params is None
    saved = ea.PerformanceCalibrationSaveParameterSetRequest(params=best.params)
    assert api.set_performance_calibration_saved_parameters(trained.id, saved).success
    assert api.get_performance_calibration_saved_parameters(trained.id).params == best.params
    assert api.delete_performance_calibration_saved_parameters(trained.id).success
    assert api.get_performance_calibration_saved_parameters(trained.id).params is None


def test_an_uploaded_recording_is_calibrated_and_cleared(client: Any, api: Any, trained: Any, tmp_path: Path) -> None:
    time_s = np.arange(RATE * 2) / RATE
    sine = 8000 * np.sin(2 * np.pi * 300 * time_s)
    noise = 3000 * np.random.default_rng(1).standard_normal(RATE * 4)
    sound = np.concatenate([noise[: RATE * 2], sine, noise[RATE * 2 :]]).astype(np.int16)
    file = tmp_path / "recorded.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("recorded.wav", wav_bytes(sound, RATE))
        archive.writestr("recorded.txt", "2.0\t4.0\tclassical\n")
    key = api.upload_labeled_audio(trained.id, str(file)).upload_key
    start(client, trained, uploadKey=key)
    regions = api.get_performance_calibration_ground_truth(trained.id).samples
    assert [(one.type, one.start, one.length) for one in regions] == [
        ("noise", 0, 2000), ("sample", 2000, 2000), ("noise", 4000, 2000),
    ]  # fmt: skip
    [best] = [one for one in api.get_performance_calibration_parameter_sets(trained.id).parameter_sets if one.is_best]
    assert [one.true_positives + one.false_negatives for one in best.stats] == [1]
    assert api.clear_performance_calibration_state(trained.id).success
    assert not api.get_performance_calibration_status(trained.id).available
