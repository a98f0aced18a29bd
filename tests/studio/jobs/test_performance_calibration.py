"""Performance calibration with a model that separates a tone from noise: its recordings, and what it finds in them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from studio_in_process import Api
from tiny_model import linear_classifier

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.impulse import dsp
from ei_toolkit.studio.http.errors import ApiError

RATE = 16_000
WINDOW = {"id": 1, "type": "time-series", "name": "t", "title": "t", "windowSizeMs": 500, "windowIncreaseMs": 250,
          "frequencyHz": RATE, "padZeros": True}  # fmt: skip
DSP = {"id": 2, "type": "mfe", "name": "m", "title": "m", "axes": ["audio"], "input": 1, "implementationVersion": 4}
LEARN = {"id": 3, "type": "keras", "name": "k", "title": "k", "dsp": [2]}


def tone(seconds: float) -> Any:
    return (9000 * np.sin(2 * np.pi * 3000 * np.arange(round(RATE * seconds)) / RATE)).astype(np.int16)


def noise(seconds: float, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(0, 300, round(RATE * seconds)).astype(np.int16)


@pytest.fixture
def calibrated(api: Api) -> Api:
    """A project with testing samples and a trained model."""
    api.fields("POST", "/1/impulse", json={"inputBlocks": [WINDOW], "dspBlocks": [DSP], "learnBlocks": [LEARN]})
    config = dict(api.studio.store.blocks.config(1, 2))
    rows = [
        dsp.run_many("mfe", sound[None, : RATE // 2].astype(np.float32), float(RATE), 4, **config)[0]
        for sound in (noise(1), tone(1) + noise(1, 2))
    ]
    means = np.stack(rows)
    scale = 8 / float(np.square(means[1] - means[0]).sum())
    model = linear_classifier(means * scale, -np.square(means).sum(axis=1) / 2 * scale)
    files = {"tflite-float32": api.studio.store.blobs.put(model)}
    summary = {"labels": ["noise", "tone"], "featureCount": means.shape[1]}
    api.studio.store.artifacts.put_model(1, 3, files, summary)
    return api


def upload_testing(api: Api) -> None:
    api.upload({"noise.wav": wav_bytes(noise(3, 5), RATE)}, "testing", x_label="noise")
    for number in range(3):
        sound = wav_bytes(tone(1 + number / 2), RATE)
        api.upload({f"tone{number}.wav": sound}, "testing", x_label="tone")


def calibrate(api: Api, **options: Any) -> list[str]:
    body = {"backgroundNoiseLabel": "noise", **options}
    job = api.fields("POST", "/1/jobs/performance-calibration", json=body)["id"]
    try:
        return api.run(job)
    except ApiError:
        api.studio.store.jobs.finish(job, success=False)
        raise


def best_of(api: Api) -> dict[str, Any]:
    sets = api.fields("GET", "/1/performance-calibration/parameter-sets")["parameterSets"]
    [best] = [one for one in sets if one["isBest"]]
    return best


def test_tones_in_noise_are_all_detected_once_and_nothing_else_is(calibrated: Api) -> None:
    upload_testing(calibrated)
    calibrate(calibrated, sampleLengthMinutes=0.5)
    regions = calibrated.fields("GET", "/1/performance-calibration/ground-truth")["samples"]
    tones = [one for one in regions if one["type"] == "sample"]
    assert len(tones) > 5 and {one["labelIdx"] for one in tones} == {1}
    best = best_of(calibrated)
    assert best["aggregateStats"] == {"falsePositiveRate": 0, "falseNegativeRate": 0}
    assert best["stats"][0]["truePositives"] == len(tones) == len(best["detections"])
    for region, detection in zip(tones, best["detections"], strict=True):
        assert region["start"] < detection["time"] < region["start"] + region["length"] + 2000
    assert best["params"]["parametersStandard"]["detectionThreshold"] >= 0.5


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def upload(api: Api, content: bytes) -> str:
    answer = api.fields("POST", "/1/performance-calibration/files", files={"zip": ("a.zip", content)})
    return str(answer["uploadKey"])


def test_an_uploaded_recording_has_the_regions_of_its_label_track(calibrated: Api) -> None:
    sound = np.concatenate([noise(2), tone(2), noise(2), tone(1)])
    track = b"2.0\t4.0\ttone\r\n6.0\t7.0\ttone\n"
    key = upload(calibrated, zipped({"folder/sound.wav": wav_bytes(sound, RATE), "folder/labels.txt": track}))
    calibrate(calibrated, uploadKey=key)
    best = best_of(calibrated)
    assert [best["stats"][0][name] for name in ("truePositives", "falsePositives", "falseNegatives")] == [2, 0, 0]
    wav = calibrated.call("GET", "/1/performance-calibration/wav").content
    assert wav == wav_bytes(sound, RATE)


WAV = wav_bytes(noise(2), RATE)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": b"0\t1\ttone"}, "must have one .wav file, but has 0"),
        ({"a.wav": WAV, "b.wav": WAV, "a.txt": b""}, "must have one .wav file, but has 2"),
        ({"a.wav": WAV, "a.txt": b"one\ttwo\ttone"}, "Line 1 of the label track is not start, end and label"),
        ({"a.wav": WAV, "a.txt": b"0\t1\ttone\n1\t9\ttone"}, "Line 2 of the label track"),
        ({"a.wav": WAV, "a.txt": b"0\tnan\ttone"}, "Line 1 of the label track"),
        ({"a.wav": wav_bytes(noise(0.1), RATE), "a.txt": b""}, "shorter than a window"),
    ],
)
def test_a_zip_that_is_not_a_labelled_recording_is_refused(
    calibrated: Api, files: dict[str, bytes], message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        calibrate(calibrated, uploadKey=upload(calibrated, zipped(files)))


def test_what_is_missing_is_named(calibrated: Api) -> None:
    with pytest.raises(ApiError, match="There are no testing samples of noise"):
        calibrated.upload({"tone.wav": wav_bytes(tone(1), RATE)}, "testing", x_label="tone")
        calibrate(calibrated)
    with pytest.raises(ApiError, match="The model has no label hum; labels: noise, tone"):
        calibrate(calibrated, backgroundNoiseLabel="hum")
    with pytest.raises(ApiError, match="There is no upload with this key"):
        calibrate(calibrated, uploadKey="x")
    assert "start one first" in calibrated.error("GET", "/1/performance-calibration/raw-result")
    body = {"backgroundNoiseLabel": "noise", "sampleLengthMinutes": 600}
    assert "60 or less" in calibrated.error("POST", "/1/jobs/performance-calibration", json=body)


def test_an_impulse_without_a_trained_model_is_not_supported(api: Api) -> None:
    api.fields("POST", "/1/impulse", json={"inputBlocks": [WINDOW], "dspBlocks": [DSP], "learnBlocks": [LEARN]})
    status = api.fields("GET", "/1/performance-calibration/status")
    assert status == {"available": False, "unsupportedProjectError": "No learn block of this impulse is trained yet"}
    body = {"backgroundNoiseLabel": "noise"}
    assert "is trained yet" in api.error("POST", "/1/jobs/performance-calibration", json=body)


def test_parameters_are_checked(calibrated: Api) -> None:
    standard = {"averageWindowDurationMs": 500, "detectionThreshold": 1.5, "suppressionMs": 0}
    params = {"type": "standard", "version": 1, "parametersStandard": standard}
    error = calibrated.error("POST", "/1/performance-calibration/parameters", json={"params": params})
    assert "detectionThreshold must be 1 or less, but is 1.5" in error
