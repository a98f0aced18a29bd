"""Results of classifying as Edge Impulse describes them.

What a classify job stores: `{"learn": block, "labels": […], "threshold": t, "increaseMs": ms, "windowMs": ms,
"samples": [{"id", "label", "starts": [ms…], "scores": [[…]…], "labels": […]}]}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ei_toolkit.studio.answers.sample import sample_summary
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.samples import Sample

UNCERTAIN = "uncertain"


def classify_result(
    stored: Mapping[str, Any], page: Sequence[Mapping[str, Any]], samples: Mapping[int, Sample], impulse: Impulse
) -> dict[str, Any]:
    """Fields of a `ClassifyJobResponse`: a page of samples, the accuracy over all."""
    return {
        **_page(stored, page, samples, impulse),
        "accuracy": accuracy(stored),
        "additionalMetricsByLearnBlock": [_additional(stored, _block(stored, impulse))],
    }


def classify_page(
    stored: Mapping[str, Any], page: Sequence[Mapping[str, Any]], samples: Mapping[int, Sample], impulse: Impulse
) -> dict[str, Any]:
    """Fields of a `ClassifyJobResponsePage`."""
    return {**_page(stored, page, samples, impulse), "totalCount": len(stored["samples"])}


def evaluation(variant: str, stored: Mapping[str, Any], impulse: Impulse) -> dict[str, Any]:
    """A `ModelVariantStats`."""
    found = accuracy(stored)
    counts = found["confusionMatrixValues"]
    total = found["totalSummary"]["good"] + found["totalSummary"]["bad"]
    return {
        "modelType": variant,
        "learnBlockId": stored["learn"],
        "learnBlockType": _block(stored, impulse).get("type", "keras"),
        "confusionMatrix": {
            actual: {predicted: {"raw": n} for predicted, n in row.items()} for actual, row in counts.items()
        },
        "trainingLabels": list(stored["labels"]),
        "classificationLabels": sorted(counts),
        "totalWindowCount": total,
        "totalCorrectWindowCount": {"raw": float(found["totalSummary"]["good"])},
        "accuracy": {"raw": found["accuracyScore"]},
    }


def _block(stored: Mapping[str, Any], impulse: Impulse) -> dict[str, Any]:
    return impulse.block("learnBlocks", stored["learn"]) or {"id": stored["learn"], "type": "keras", "name": "deleted"}


def _page(
    stored: Mapping[str, Any], page: Sequence[Mapping[str, Any]], samples: Mapping[int, Sample], impulse: Impulse
) -> dict[str, Any]:
    known = [entry for entry in page if entry["id"] in samples]
    block = {"title": "Classification", "dsp": [], **_block(stored, impulse)}
    return {
        "result": [
            {
                "sampleId": entry["id"],
                "sample": sample_summary(samples[entry["id"]]),
                "classifications": [classification(stored, entry, block)],
            }
            for entry in known
        ],
        "predictions": [prediction for entry in known for prediction in _predictions(stored, entry)],
    }


def classification(stored: Mapping[str, Any], entry: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    """A `ClassifySampleResponseClassifications`: the scores of every window of one sample."""
    labels = stored["labels"]
    increase = float(stored["increaseMs"])
    expected = [{"startIndex": i, "endIndex": i, "label": label} for i, label in enumerate(entry["labels"])]
    return {
        "learnBlock": dict(block),
        "result": [dict(zip(labels, scores, strict=True)) for scores in entry["scores"]],
        "minimumConfidenceRating": stored["threshold"],
        "expectedLabels": expected,
        "thresholds": [],
        "intervalMs": increase,
        "frequencyHz": 1000.0 / increase if increase else 0.0,
        "resultCount": len(entry["scores"]),
    }


def verdict(scores: Sequence[float], labels: Sequence[str], threshold: float) -> str:
    """The label of a window: the best score's, `uncertain` if even that is below the threshold."""
    best = max(range(len(scores)), key=scores.__getitem__)
    return labels[best] if scores[best] >= threshold else UNCERTAIN


def accuracy(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A `ModelPrediction` accuracy over all windows; uncertain counts as wrong."""
    labels: list[str] = list(stored["labels"])
    counts: dict[str, dict[str, float]] = {}
    for entry in stored["samples"]:
        for actual, scores in zip(entry["labels"], entry["scores"], strict=True):
            row = counts.setdefault(actual, dict.fromkeys([*labels, UNCERTAIN], 0.0))
            row[verdict(scores, labels, stored["threshold"])] += 1
    good = {actual: round(row.get(actual, 0)) for actual, row in counts.items()}
    bad = {actual: round(sum(row.values())) - good[actual] for actual, row in counts.items()}
    total = sum(good.values()) + sum(bad.values())
    recalls = [good[actual] / (good[actual] + bad[actual]) for actual in counts]
    return {
        "totalSummary": {"good": sum(good.values()), "bad": sum(bad.values())},
        "summaryPerClass": {actual: {"good": good[actual], "bad": bad[actual]} for actual in counts},
        "confusionMatrixValues": counts,
        "allLabels": [*labels, UNCERTAIN],
        "accuracyScore": sum(good.values()) / total if total else 0.0,
        "balancedAccuracyScore": sum(recalls) / len(recalls) if recalls else 0.0,
    }


def _predictions(stored: Mapping[str, Any], entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`ModelPrediction`s of one sample."""
    found = []
    for start, actual, scores in zip(entry["starts"], entry["labels"], entry["scores"], strict=True):
        predicted = verdict(scores, stored["labels"], stored["threshold"])
        found.append(
            {
                "sampleId": entry["id"],
                "startMs": float(start),
                "endMs": float(start) + stored["windowMs"],
                "label": actual,
                "prediction": predicted,
                "predictionCorrect": predicted == actual,
            }
        )
    return found


def _additional(stored: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
    metrics = [
        {"name": name, "value": f"{value:.2f}", "fullPrecisionValue": float(value)}
        for name, value in stored.get("metrics", {}).items()
        if value is not None
    ]
    return {
        "learnBlockId": stored["learn"],
        "learnBlockName": block.get("name", "Classifier"),
        "additionalMetrics": metrics,
    }
