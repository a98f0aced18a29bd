"""Processing blocks as Edge Impulse's API describes them: settings, features and their metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.impulses import parameters_of
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer, stored_file
from ei_toolkit.studio.http.schema import Flag, RequestModel, json_body
from ei_toolkit.studio.impulse import ProcessingBlock, processing_block
from ei_toolkit.studio.store.artifacts import Features
from ei_toolkit.studio.store.sample_filter import ENABLED, SampleFilter


class DspConfigRequest(RequestModel):
    """A `DSPConfigRequest`: parameters of the block, sent as text, numbers or booleans."""

    config: dict[str, Any] = {}

    def known(self, parameters: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return the values that are sent for parameters that the block has."""
        known = {parameter["name"] for parameter in parameters}
        return {name: text_of(value) for name, value in self.config.items() if name in known and value is not None}


def text_of(value: Any) -> str:
    """Return a parameter as the API writes it: always a string, booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_groups(parameters: Sequence[Mapping[str, Any]], config: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the `DSPGroup`s: each parameter with its value and default."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for parameter in parameters:
        default = text_of(parameter["default"])
        groups.setdefault(parameter["group"], []).append(
            {
                "name": parameter["title"],
                "param": parameter["name"],
                "type": parameter["type"],
                "value": config.get(parameter["name"], default),
                "defaultValue": default,
                "help": parameter["help"],
                "readonly": False,
                "shouldShow": not parameter["hidden"],
                "required": False,
                "showClickToSet": False,
            }
        )
    return [{"group": group, "items": items} for group, items in groups.items()]


def dsp_info(
    block: Mapping[str, Any],
    window: Mapping[str, Any],
    classes: Sequence[str],
    features: Features | None,
    expected: int,
) -> dict[str, Any]:
    """Return a `DSPInfo`."""
    generated: dict[str, Any] = {"generated": features is not None, "classes": list(classes)}
    if features:
        generated |= {"count": features.summary["featureCount"], "labels": []}
    return {
        "id": block["id"],
        "name": block["name"],
        "windowLength": window["windowSizeMs"],
        "type": block["type"],
        "classes": list(classes),
        "features": generated,
        "expectedWindowCount": expected,
        "inputAxes": list(block["axes"]),
        "canCalculateFeatureImportance": False,
        "calculateFeatureImportance": False,
        "canNormalizeData": False,
        "normalizeData": "none",
        "hasAutoTune": False,
        "hasAutotunerResults": False,
        "usesState": False,
    }


def dsp_metadata(
    features: Features | None, window: Mapping[str, Any], config: Mapping[str, str], created: str, included: bool
) -> dict[str, Any]:
    """Return a `DSPMetadata`: of the generated features; `generated` is false if there are none."""
    empty: dict[str, Any] = {"labels": [], "windowCount": 0, "featureCount": 0, "samples": []}
    summary = features.summary if features else empty
    frames, bins = (features.summary["frames"], features.summary["bins"]) if features else (0, 0)
    shape = {"width": bins} if frames == 1 else {"width": frames, "height": bins}
    return {
        "created": features.created if features else created,
        "generated": features is not None,
        "dspConfig": summary.get("parameters", dict(config)),
        "labels": summary["labels"],
        "windowCount": summary["windowCount"],
        "featureCount": summary["featureCount"],
        "includedSamples": [{"id": id_, "windowCount": n} for id_, n in summary["samples"]] if included else [],
        "windowSizeMs": window["windowSizeMs"],
        "windowIncreaseMs": window["windowIncreaseMs"],
        "padZeros": window["padZeros"],
        "frequency": window["frequencyHz"],
        "outputConfig": {"type": "flat" if frames == 1 else "spectrogram", "shape": shape},
        "fftUsed": [int(config["fft_length"])] if config.get("fft_length", "").isdigit() else [],
    }


def feature_labels(frames: int, bins: int, own: Sequence[str] = ()) -> list[str]:
    """Return a name for each feature: the block's own, or its frame and bin, ordered by frame."""
    return list(own) or [f"frame {frame} bin {bin_}" for frame in range(frames) for bin_ in range(bins)]


def line_graph(name: str, profile: Sequence[float]) -> dict[str, Any]:
    """Return a `DspRunGraph`: the mean over all frames of each bin."""
    return {
        "name": f"{name}, mean over frames",
        "type": "linear",
        "X": {name: list(profile)},
        "y": [float(bin_) for bin_ in range(len(profile))],
        "lineWidth": 1.0,
        "smoothing": False,
        "axisLabels": {"X": "Bin", "y": "Value"},
    }


Row = Sequence[float]  # label index from 1, sample id, start and end in ms, as in the y file of the features


def explorer_points(
    values: Sequence[Sequence[float]], rows: Sequence[Row], labels: Sequence[str], names: Mapping[int, str]
) -> dict[str, Any]:
    """Return the fields of a `DspTrainedFeaturesResponse`: one point for each window, with its coordinates by axis."""
    points = [_point(row, labels, names) for row in rows]
    data = [
        {"X": {str(axis): number for axis, number in enumerate(value)}, **point}
        for value, point in zip(values, points, strict=True)
    ]
    return {"totalSampleCount": len(data), "data": data, "skipFirstFeatures": 0}


def sample_points(values: Sequence[Sequence[float]], rows: Sequence[Row], label: str, name: str) -> dict[str, Any]:
    """Return the fields of a `DspSampleFeaturesResponse`: the points of one sample, with coordinates as a list."""
    points = [_point(row, [label], {round(row[1]): name}) for row in rows]
    data = [{"X": list(value), **point} for value, point in zip(values, points, strict=True)]
    return {"totalSampleCount": len(data), "data": data, "skipFirstFeatures": 0}


def _point(row: Row, labels: Sequence[str], names: Mapping[int, str]) -> dict[str, Any]:
    label, sample, start, end = row
    where = {"id": round(sample), "name": names.get(round(sample), ""), "startMs": float(start), "endMs": float(end)}
    return {"y": round(label), "yLabel": labels[round(label) - 1], "sample": where}


router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/dsp/{dspId:int}")
def get_dsp_config(dspId: int, context: Reader) -> Response:
    """Return the settings of a block."""
    return answer(dsp_config(context, processing_block(context.store, context.project, dspId)))


@router.post("/dsp/{dspId:int}")
def set_dsp_config(
    dspId: int, context: Admin, body: Annotated[DspConfigRequest, Depends(json_body(DspConfigRequest))]
) -> Response:
    """Change the parameters that are sent and keep the others; the block must be able to run with all of them."""
    block = processing_block(context.store, context.project, dspId)
    changes = body.known(parameters_of(context.studio.compute_worker.catalogue(), block.type))
    _shape(context, block, {**block.config, **changes})
    context.store.blocks.configure(context.project, dspId, changes)
    return answer()


@router.post("/dsp/{dspId:int}/clear")
def clear_dsp_block(dspId: int, context: Admin) -> Response:
    """Delete the features of a block."""
    processing_block(context.store, context.project, dspId)
    context.store.artifacts.clear_features(context.project, dspId)
    return answer()


@router.get("/dsp/{dspId:int}/metadata")
def get_dsp_metadata(
    dspId: int, context: Reader, category: str = "training", excludeIncludedSamples: Flag = False
) -> Response:
    """Return what the features of a category were computed from."""
    block = processing_block(context.store, context.project, dspId)
    features = context.store.artifacts.features(context.project, dspId, category)
    created = context.store.blocks.get(context.project, block.impulse).modified
    return answer(dsp_metadata(features, block.window, block.config, created, not excludeIncludedSamples))


@router.get("/dsp-data/{dspId:int}/x/{category}")
def download_dsp_data(dspId: int, category: str, context: Reader) -> Response:
    """Return the features as a NumPy file of shape (windows, features), float32."""
    return _npy(context, generated_features(context, dspId, category).x)


@router.get("/dsp-data/{dspId:int}/y/{category}")
def download_dsp_labels(dspId: int, category: str, context: Reader) -> Response:
    """Return label index (from 1), sample id, start and end in ms of each window, as a NumPy file of int32."""
    return _npy(context, generated_features(context, dspId, category).y)


def dsp_config(context: RequestContext, block: ProcessingBlock) -> dict[str, Any]:
    """Return the fields of a `DSPConfigResponse`."""
    parameters = parameters_of(context.studio.compute_worker.catalogue(), block.type)
    features = context.store.artifacts.features(context.project, block.id)
    expected = context.store.samples.count(SampleFilter(context.project, "training", (ENABLED,)))
    info = dsp_info(block.document, block.window, context.store.samples.labels(context.project), features, expected)
    return {"dsp": info, "config": parameter_groups(parameters, block.config)}


def generated_features(context: RequestContext, block: int, category: str) -> Features:
    """Return the features of a processing block. Raises ApiError if none were generated."""
    processing_block(context.store, context.project, block)
    features = context.store.artifacts.features(context.project, block, category)
    if features is None:
        raise ApiError(f"No {category} features were generated for block {block} yet: start a generate-features job")
    return features


def _npy(context: RequestContext, digest: str) -> Response:
    return stored_file(context.store.blobs.path(digest), "application/octet-stream")


def _shape(context: RequestContext, block: ProcessingBlock, config: dict[str, str]) -> tuple[int, int]:
    """Return (frames, bins) of a window. Raises ApiError for parameters that the block cannot run with."""
    frames, bins = context.studio.compute_worker.compute("shape", **block.dsp_request(config))
    return frames, bins
