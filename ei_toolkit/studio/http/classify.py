"""Results of classification as Edge Impulse's API describes them.

A classify job stores `{"learn": block, "labels": […], "threshold": t, "increaseMs": ms, "windowMs": ms,
"samples": [{"id", "label", "starts": [ms…], "scores": [[…]…], "labels": […]}]}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.impulse.trained_model import VARIANTS, model_id
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import keras_settings, trained_model
from ei_toolkit.studio.http.request import Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.samples import content_of, full_sample, sample_summary, sample_values, sample_with_values
from ei_toolkit.studio.http.schema import ImpulseId, Integer, Page
from ei_toolkit.studio.impulse import learn_block, processing_blocks
from ei_toolkit.studio.store.artifacts import Model
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.sample_filter import SampleFilter, has_id
from ei_toolkit.studio.store.samples import Sample


def classify_result(
    stored: Mapping[str, Any], page: Sequence[Mapping[str, Any]], samples: Mapping[int, Sample], impulse: Impulse
) -> dict[str, Any]:
    """Return the fields of a `ClassifyJobResponse`: a page of samples, and the accuracy over all of them."""
    return {
        **_page(stored, page, samples, impulse),
        "accuracy": accuracy(stored),
        "additionalMetricsByLearnBlock": [_additional(stored, _block(stored, impulse))],
    }


def classify_page(
    stored: Mapping[str, Any], page: Sequence[Mapping[str, Any]], samples: Mapping[int, Sample], impulse: Impulse
) -> dict[str, Any]:
    """Return the fields of a `ClassifyJobResponsePage`."""
    return {**_page(stored, page, samples, impulse), "totalCount": len(stored["samples"])}


def evaluation(variant: str, stored: Mapping[str, Any], impulse: Impulse) -> dict[str, Any]:
    """Return a `ModelVariantStats`."""
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
    """Return a `ClassifySampleResponseClassifications`: the scores of each window of one sample."""
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


def predicted_label(scores: Sequence[float], labels: Sequence[str], threshold: float) -> str:
    """Return the label with the best score, or `uncertain` if that score is below the threshold."""
    best = max(range(len(scores)), key=scores.__getitem__)
    return labels[best] if scores[best] >= threshold else UNCERTAIN


def accuracy(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the accuracy of a `ClassifyJobResponse`; an uncertain window counts as wrong.

    Windows whose label the model does not have are not scored: they are in `predictions` and in no figure here.
    """
    labels: list[str] = list(stored["labels"])
    counts: dict[str, dict[str, float]] = {}
    for entry in stored["samples"]:
        for actual, scores in zip(entry["labels"], entry["scores"], strict=True):
            if actual not in labels:
                continue
            row = counts.setdefault(actual, dict.fromkeys([*labels, UNCERTAIN], 0.0))
            row[predicted_label(scores, labels, stored["threshold"])] += 1
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
    """Return the `ModelPrediction`s of one sample."""
    found = []
    for start, actual, scores in zip(entry["starts"], entry["labels"], entry["scores"], strict=True):
        predicted = predicted_label(scores, stored["labels"], stored["threshold"])
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


router = APIRouter(prefix="/v1/api/{projectId:int}")


class ResultQuery(Page):
    """Which result to return; the variant is int8 if there is such a result, else float32, if none is sent."""

    impulse_id: Integer | None = None
    variant: str | None = None


Result = Annotated[ResultQuery, Query()]
VariantName = Annotated[str | None, Query()]


@router.get("/classify/all/result")
def get_classify_job_result(context: Reader, query: Result) -> Response:
    """Return the result of the last classify job for one model variant."""
    impulse = context.store.blocks.get(context.project, query.impulse_id)
    stored, available = _stored(context, impulse, query.variant)
    samples = _samples(context, stored["samples"])
    return answer({**classify_result(stored, stored["samples"], samples, impulse), "availableVariants": available})


@router.get("/classify/all/result/page")
def get_classify_job_result_page(context: Reader, query: Result) -> Response:
    """Return a page of the samples of the last classify job."""
    impulse = context.store.blocks.get(context.project, query.impulse_id)
    stored, _ = _stored(context, impulse, query.variant)
    page = query.cut(stored["samples"])
    return answer(classify_page(stored, page, _samples(context, page), impulse))


@router.get("/deployment/evaluate")
@router.get("/deployment/evaluate/cache")
def get_evaluate_job_result(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the accuracy of each variant that was tested."""
    impulse = context.store.blocks.get(context.project, impulseId)
    found = {variant: _load(context, impulse, variant) for variant in VARIANTS}
    tested = {variant: stored for variant, stored in found.items() if stored is not None}
    return answer({"result": [evaluation(variant, stored, impulse) for variant, stored in tested.items()]})


@router.get("/classify/{sampleId:int}")
@router.post("/classify/v2/{sampleId:int}")
def classify_sample(
    sampleId: int, context: Reader, impulseId: ImpulseId = None, variant: VariantName = None
) -> Response:
    """Return the scores of each window of one sample; the variant is int8 if there is such a model."""
    impulse = context.store.blocks.get(context.project, impulseId)
    return _one_variant(_classify(context, sampleId, impulse, *_trained(context, impulse), variant))


@router.get("/classify/anomaly-gmm/{blockId:int}/{sampleId:int}")
@router.post("/classify/anomaly-gmm/v2/{blockId:int}/{sampleId:int}")
def classify_sample_by_learn_block(
    sampleId: int, blockId: int, context: Reader, variant: VariantName = None
) -> Response:
    """Return the scores of each window of one sample by one learn block."""
    impulse, block = learn_block(context.store, context.project, blockId)
    return _one_variant(_classify(context, sampleId, impulse, block, trained_model(context, blockId), variant))


@router.post("/classify/v2/{sampleId:int}/variants")
def classify_sample_for_variants(
    sampleId: int, context: Reader, impulseId: ImpulseId = None, variants: str = ",".join(VARIANTS)
) -> Response:
    """Return the scores of each window of one sample for several variants."""
    impulse = context.store.blocks.get(context.project, impulseId)
    one = _classify(
        context, sampleId, impulse, *_trained(context, impulse), *(part for part in variants.split(",") if part)
    )
    results = [{"variant": name, "classifications": [found]} for name, found in one.pop("classifications").items()]
    return answer({"results": results, **one})


@router.get("/classify/v2/{sampleId:int}/raw-data/{windowIndex:int}")
def get_sample_window_from_cache(
    sampleId: int, windowIndex: int, context: Reader, impulseId: ImpulseId = None
) -> Response:
    """Return the values of one window of a sample."""
    window = context.store.blocks.get(context.project, impulseId).window
    sample = context.store.samples.get(context.project, sampleId)
    start = windowIndex * max(1, samples_in(window["windowIncreaseMs"], sample.frequency))
    if start >= sample.values_count:
        raise ApiError(f"Sample {sampleId} has no window {windowIndex}")
    end = min(sample.values_count, start + max(1, samples_in(window["windowSizeMs"], sample.frequency)))
    return answer(sample_with_values(sample, sample_values(context, sample, start, end)))


def _one_variant(found: dict[str, Any]) -> Response:
    return answer({**found, "classifications": [next(iter(found["classifications"].values()))]})


def _classify(
    context: RequestContext,
    sample_id: int,
    impulse: Impulse,
    block: dict[str, Any],
    model: Model,
    *variants: str | None,
) -> dict[str, Any]:
    """Classify a sample; `classifications` is a mapping by variant. None means int8 if there is such a model."""
    sample = context.store.samples.get(context.project, sample_id)
    names: list[str] = [name for name in variants if name is not None]
    names += [] if names else [variant for variant in VARIANTS if model_id(variant) in model.files][:1]
    missing = [name for name in names if model_id(name) not in model.files]
    if missing:
        raise ApiError(f"Learn block {block['id']} has no model variant {', '.join(missing)}")
    models = {name: str(context.store.blobs.path(model.files[model_id(name)])) for name in names}
    blocks = [dsp.windowing() for dsp in processing_blocks(context.store, impulse, block)]
    found = context.studio.compute_worker.compute(
        "classify", **content_of(context, sample), blocks=blocks, models=models
    )
    return _answer(context, impulse, block, model, sample, found)


def _answer(
    context: RequestContext,
    impulse: Impulse,
    block: dict[str, Any],
    model: Model,
    sample: Sample,
    found: dict[str, Any],
) -> dict[str, Any]:
    window = impulse.window
    settings = keras_settings(context.store.blocks.config(context.project, block["id"]), 0)
    stored = {
        "labels": model.summary["labels"],
        "threshold": settings["minimumConfidenceRating"],
        "increaseMs": window["windowIncreaseMs"],
    }
    labels = [sample.label] * len(found["times"])
    return {
        "classifications": {
            name: classification(stored, {"labels": labels, "scores": scores}, block)
            for name, scores in found["scores"].items()
        },
        "sample": full_sample(sample, sample_values(context, sample, limit=1000)),
        "windowSizeMs": window["windowSizeMs"],
        "windowIncreaseMs": window["windowIncreaseMs"],
        "alreadyInDatabase": True,
    }


def _trained(context: RequestContext, impulse: Impulse) -> tuple[dict[str, Any], Model]:
    for block in impulse.blocks("learnBlocks"):
        if model := context.store.artifacts.model(context.project, block["id"]):
            return block, model
    raise ApiError("No learn block of this impulse is trained yet")


def _stored(context: RequestContext, impulse: Impulse, variant: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return the stored result of a variant, and the variants that have a result."""
    results = context.store.artifacts
    available: list[str] = [v for v in VARIANTS if results.result(context.project, "classify", impulse.id, v)]
    chosen = variant if variant is not None else (available[0] if available else "int8")
    stored = _load(context, impulse, chosen)
    if stored is None:
        raise ApiError(f"There is no classification result of variant {chosen!r} yet: start a classify job")
    return stored, available


def _load(context: RequestContext, impulse: Impulse, variant: str) -> dict[str, Any] | None:
    blob = context.store.artifacts.result(context.project, "classify", impulse.id, variant)
    if blob is None:
        return None
    document: dict[str, Any] = json.loads(context.store.blobs.read(blob))
    return document


def _samples(context: RequestContext, entries: Sequence[dict[str, Any]]) -> dict[int, Sample]:
    chosen = SampleFilter(context.project, None, (has_id([entry["id"] for entry in entries]),))
    return {sample.id: sample for sample in context.store.samples.select(chosen)}
