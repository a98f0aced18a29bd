"""Windows without a label, which training omits, labels that a model was not trained on, and validation samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from studio_in_process import Api

from ei_toolkit.training.request import TrainRequest

IMPULSE = {
    "inputBlocks": [{"id": 1, "type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000,
                     "padZeros": True}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "axes": ["audio"], "input": 1, "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}  # fmt: skip
LONG = 8000  # 500 ms: nine windows, which end at 100, 150, … 500 ms
HALF = {"structuredLabels": [{"startIndex": 0, "endIndex": 3999, "label": "rock"}]}  # what ends up to 250 ms: four


def run(api: Api, path: str, **body: Any) -> list[str]:
    """The log of a job that succeeds."""
    return api.run(api.fields("POST", f"/1/jobs/{path}", json=body)["id"])


def half_label(api: Api, category: str) -> None:
    """Label the first half of one sample, and nothing else of it."""
    sample = api.json("GET", f"/1/raw-data?category={category}&filename=half")["samples"][0]["id"]
    assert api.json("POST", f"/1/raw-data/{sample}/structured-labels", json=HALF)["success"]


def test_windows_without_a_label_or_with_an_unknown_one(
    api: Api, requests: list[TrainRequest], make_noise: Any
) -> None:
    api.json("POST", "/1/impulse", json=IMPULSE)
    for category in ("training", "testing"):
        seed = len(category) * 100
        for number, label in enumerate(("classical", "rock", "rock")):
            name = "half" if number == 2 else label
            files = {f"{name}-{category}.wav": make_noise(seed + number, LONG)}
            api.upload(files, category, x_label=label)
        half_label(api, category)
    for number, label in enumerate(("rock", "polka")):
        api.upload({f"{label}-validation.wav": make_noise(700 + number, LONG)}, "validation", x_label=label)

    log = run(api, "train/keras/3", trainingCycles=1)
    assert "Samples for validation that are left out, because no training sample has their label: 1" in log
    [request] = requests
    assert (len(request.labels), sum(request.validation)) == (22 + 9, 9)
    assert "5 windows are omitted: they end in a part of a multi-label sample that has no label" in log
    assert request.class_names == ["classical", "rock"]
    metadata = api.json("GET", "/1/dsp/2/metadata")
    assert metadata["labels"] == ["classical", "rock"] and metadata["windowCount"] == 9 + 9 + 4
    assert sorted(sample["windowCount"] for sample in metadata["includedSamples"]) == [4, 9, 9]
    y = api.call("GET", "/1/dsp-data/2/y/training").content
    assert len(np.frombuffer(y[-22 * 16 :], np.int32)) == 22 * 4

    assert "5 windows are omitted" in "".join(run(api, "classify"))
    assert set(accuracy(api)["summaryPerClass"]) == {"classical", "rock"}

    assert api.json("POST", "/1/raw-data/batch/edit-labels?category=testing", json={"label": "jazz"})["success"]
    assert "27 windows with labels the model does not know: jazz; not scored" in run(api, "classify")
    found = accuracy(api)
    assert (found["accuracyScore"], found["totalSummary"]) == (0.0, {"good": 0, "bad": 0})
    assert found["summaryPerClass"] == found["confusionMatrixValues"] == {}
    assert api.json("GET", "/1/classify/all/result")["additionalMetricsByLearnBlock"][0]["additionalMetrics"] == []
    page = api.json("GET", "/1/classify/all/result/page?limit=1")
    assert page["success"] and {p["predictionCorrect"] for p in page["predictions"]} == {False}
    assert {r["accuracy"]["raw"] for r in api.json("GET", "/1/deployment/evaluate")["result"]} == {0.0}


def accuracy(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.json("GET", "/1/classify/all/result")["accuracy"]
    return found
