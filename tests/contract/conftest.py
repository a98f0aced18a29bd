"""A studio with a trained project, tested with the unmodified official clients."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.studio.lifecycle import LocalStudio, ensure, stop

RATE = 16000
LABELS = ("classical", "rock")


@dataclass
class Project:
    """A project in a running studio, and the ids of its objects."""

    studio: LocalStudio
    folder: Path
    id: int = 1
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.studio.key}

    def call(self, verb: str, path: str, **arguments: Any) -> dict[str, Any]:
        url = f"{self.studio.api_url}/api/{self.id}{path}"
        answer = requests.request(verb, url, headers=self.headers, timeout=60, **arguments).json()
        assert answer["success"], answer
        return answer

    def upload(self, category: str, label: str, files: dict[str, bytes], **headers: str) -> list[dict[str, Any]]:
        parts = [("data", (name, data, "audio/wav")) for name, data in files.items()]
        url = f"{self.studio.ingestion_url}/api/{category}/files"
        answer = requests.post(url, files=parts, headers={**self.headers, "x-label": label, **headers}, timeout=60)
        return answer.json()["files"]

    def upload_tones(self) -> None:
        """Upload samples of two labels for training and for testing."""
        for category, count in (("training", 8), ("testing", 3)):
            for label in LABELS:
                for number in range(count):
                    seed = 1000 * len(category) + 100 * len(label) + number
                    metadata = json.dumps({"artist": f"{label}-{number % 4}"})
                    file = {f"{label}.{category}{number}.wav": tone(label, seed)}
                    [outcome] = self.upload(category, label, file, **{"x-metadata": metadata})
                    self.ids["sample"] = outcome["sampleId"]

    def run(self, path: str, **arguments: Any) -> dict[str, Any]:
        """Start a job and wait until it has finished; it must succeed."""
        started = self.call("POST", f"/jobs/{path}", **arguments)
        return self.wait(started["id"])

    def wait(self, job: int, seconds: float = 240) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status = self.call("GET", f"/jobs/{job}/status")["job"]
            if "finished" in status:
                assert status["finishedSuccessful"], self.log(job)
                return status
            time.sleep(0.1)
        raise AssertionError(f"job {job} did not end: {self.log(job)}")

    def log(self, job: int) -> str:
        lines = self.call("GET", f"/jobs/{job}/stdout")["stdout"]
        return "".join(line["data"] for line in reversed(lines))


def tone(label: str, seed: int, seconds: float = 1.5) -> bytes:
    """A WAV that a small network can distinguish from that of the other label: a sine, or noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(RATE * seconds)) / RATE
    sine = 8000 * np.sin(2 * np.pi * rng.uniform(200, 400) * t)
    samples = sine if label == "classical" else 3000 * rng.standard_normal(t.size)
    return wav_bytes(samples.astype(np.int16), RATE)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A studio with one empty project."""
    folder = tmp_path_factory.mktemp("contract")
    paths = ProjectPaths(folder)
    yield Project(ensure(paths, "Contract Project"), folder)
    stop(paths.studio)


@pytest.fixture(scope="session")
def trained(project: Project) -> Project:
    """The same project, with samples, an impulse, features, a model, results and a deployment."""
    project.upload_tones()
    _make_impulse(project)
    dsp, learn = project.ids["dsp"], project.ids["learn"]
    settings = {"frame_length": "0.02", "frame_stride": 0.02, "fft_length": 64, "noise_floor_db": -52}
    project.call("POST", f"/dsp/{dsp}", json={"config": settings})
    project.ids["job"] = project.run("generate-features", json={"dspId": dsp})["id"]
    layers = [{"type": "dense", "neurons": 8}]
    body = {"mode": "visual", "visualLayers": layers, "trainingCycles": 3, "customParameters": {"seed": "7"}}
    project.run(f"train/keras/{learn}", json={**body, "customValidationMetadataKey": "artist"})
    project.run("classify", json={"modelVariants": ["int8", "float32"]})
    built = project.call("POST", "/jobs/build-ondevice-model?type=arduino", json={"engine": "tflite-eon"})
    project.ids["deployment"] = built["deploymentVersion"]
    project.wait(built["id"])
    return project


def _make_impulse(project: Project) -> None:
    ids = [project.call("POST", "/impulse/get-new-block-id")["blockId"] for _ in range(3)]
    project.ids |= dict(zip(("input", "dsp", "learn"), ids, strict=True))
    window = {"windowSizeMs": 1000, "windowIncreaseMs": 500, "frequencyHz": RATE, "padZeros": True}
    time_series = {"id": ids[0], "type": "time-series", "name": "Time series", "title": "Time series data", **window}
    spectrogram = {"id": ids[1], "type": "spectrogram", "name": "Spectrogram", "title": "Spectrogram"}
    classifier = {"id": ids[2], "type": "keras", "name": "Classifier", "title": "Classification", "dsp": [ids[1]]}
    document = {
        "inputBlocks": [time_series],
        "dspBlocks": [{**spectrogram, "axes": ["audio"], "input": ids[0], "implementationVersion": 4}],
        "learnBlocks": [classifier],
    }
    project.ids["impulse"] = project.call("POST", "/impulse", json=document)["id"]
