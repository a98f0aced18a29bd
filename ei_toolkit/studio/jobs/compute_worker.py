"""The compute worker: `python -m ei_toolkit.studio.jobs.compute_worker` reads requests and writes responses.

See `compute_client` for the format.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.segments import find_segments
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.eon.library.blocks import CODE, block_code
from ei_toolkit.eon.library.cost import window_instructions, window_ram_bytes
from ei_toolkit.eon.library.request import LibraryDspBlock
from ei_toolkit.eon.profile import CYCLES_PER_INSTRUCTION
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs import responder
from ei_toolkit.studio.jobs.inspection import inspect_content
from ei_toolkit.studio.jobs.responder import Operations, Request
from ei_toolkit.studio.jobs.windows import cut, read_axis, read_values, resample
from ei_toolkit.studio.store.packs import ByteRange


def _content(request: Request) -> bytes:
    return ByteRange.from_json(request["content"]).read()


def _catalogue(_: Request) -> list[dict[str, Any]]:
    return [asdict(dsp.describe(block)) for block in dsp.block_types()]


def _shape(request: Request) -> list[int]:
    """Return [frames, bins] of a window. Raises an error for parameters that the block does not accept."""
    return list(
        dsp.output_shape(
            request["block"], request["samples"], request["frequency"], request["version"], **_params(request)
        )
    )


def _params(request: Request) -> dict[str, Any]:
    """Return the parameters of the request. Raises ApiError for a name that is no parameter of the block.

    Without this check such a name could replace an argument of the function that is called.
    """
    params: dict[str, Any] = request["params"]
    known = {parameter.name for parameter in dsp.describe(request["block"]).parameters}
    for name in params:
        if name not in known:
            raise ApiError(f"The {request['block']} block has no parameter {name!r}")
    return params


def _inspect(request: Request) -> dict[str, Any]:
    return inspect_content(_content(request), request["format"], request["name"], request["hmac_key"])


def _values(request: Request) -> list[list[float]]:
    """Return the values from `start` up to `end` (exclusive). At most `limit` rows are selected, at equal distances."""
    values = read_values(_content(request), request["format"])[request["start"] : request["end"]]
    if len(values) > request["limit"]:
        values = values[np.linspace(0, len(values) - 1, request["limit"]).round().astype(int)]
    table: list[list[float]] = values.astype(float).tolist()
    return table


def _wav(request: Request) -> str:
    """Return a slice of one axis as a WAV file, encoded in hexadecimal."""
    values = read_values(_content(request), request["format"])
    if not 0 <= request["axis"] < values.shape[1]:
        raise ApiError(f"There is no axis {request['axis']}")
    part = values[request["start"] : request["end"], request["axis"]]
    samples = np.clip(np.round(part), -32768, 32767).astype(np.int16)
    return wav_bytes(samples, round(request["rate"])).hex()


def _segments(request: Request) -> list[tuple[float, float]]:
    """Return start and end in ms of the segments that hold the loud events of a sample."""
    values = read_values(_content(request), request["format"])
    generator = None if request["seed"] is None else np.random.default_rng(request["seed"])
    return find_segments(values, request["rate"], request["lengthMs"], generator)


def _run(request: Request) -> dict[str, Any]:
    """Return the features of the given values, and their mean over the frames."""
    frames, bins = _shape(request)
    features = dsp.run(
        request["block"], request["values"], request["frequency"], request["version"], **_params(request)
    )
    profile = features.reshape(frames, bins).mean(axis=0)
    return {"features": features.tolist(), "frames": frames, "bins": bins, "profile": profile.tolist()}


def _windows(request: Request) -> npt.NDArray[np.float32]:
    """Return the (windows, features) of a stored sample that one block computes."""
    values = read_axis(_content(request), request["format"], request["sensors"], request["axis"])
    windows = cut(
        resample(values, request["rate"], request["frequency"]), request["samples"], request["increase"], request["pad"]
    )
    if not len(windows):
        raise ApiError("The sample is shorter than a window, and padZeros is off")
    features = dsp.run_many(request["block"], windows, request["frequency"], request["version"], **_params(request))
    return features.astype(np.float32)


def _times(request: Request, count: int) -> list[tuple[float, float]]:
    starts = [index * float(request["increaseMs"]) for index in range(count)]
    return [(start, start + request["windowMs"]) for start in starts]


def _window_features(request: Request) -> dict[str, Any]:
    """Return the chosen features of each window of a sample, and the windows' start and end in ms."""
    features = _windows(request)
    return {"values": _columns(features, request["columns"]), "times": _times(request, len(features))}


def _explorer(request: Request) -> dict[str, Any]:
    """Return the chosen features of all windows of a stored feature table, and their label rows."""
    x, y = (np.load(request[name], mmap_mode="r", allow_pickle=False) for name in ("x", "y"))
    return {"values": _columns(x, request["columns"]), "rows": y.tolist()}


def _columns(features: npt.NDArray[np.float32], columns: list[int]) -> list[list[float]]:
    if not all(0 <= column < features.shape[1] for column in columns):
        raise ApiError(
            f"The features {columns} are not all available; the block has {features.shape[1]} features, counted from 0"
        )
    chosen: list[list[float]] = features[:, columns].astype(float).tolist()
    return chosen


def _classify(request: Request) -> dict[str, Any]:
    """Return the scores of each window of a sample by model variant. The features of all `blocks` are concatenated."""
    parts = [_windows({**request, **block}) for block in request["blocks"]]
    features = np.concatenate(parts, axis=1)
    scores = {
        variant: Interpreter(Path(path).read_bytes()).predict(features).astype(float).tolist()
        for variant, path in request["models"].items()
    }
    return {"scores": scores, "times": _times(request["blocks"][0], len(features))}


def _predict(request: Request) -> list[float]:
    """Return the scores of one row of features."""
    row = np.asarray([request["features"]], np.float32)
    scores: list[float] = Interpreter(Path(request["model"]).read_bytes()).predict(row)[0].astype(float).tolist()
    return scores


def _cost(request: Request) -> dict[str, int]:
    """Return the estimated cycles and bytes of memory of a block on a Cortex-M4F; empty for a block without C++."""
    if request["block"] not in CODE:
        return {}
    block = LibraryDspBlock(1, request["block"], request["version"], request["params"])
    code = block_code(block, request["samples"], request["frequency"])
    cycles = round(window_instructions(code) * CYCLES_PER_INSTRUCTION["float32"])
    return {"cycles": cycles, "ram": window_ram_bytes([code])}


OPERATIONS: Operations = {
    "catalogue": _catalogue,
    "shape": _shape,
    "inspect": _inspect,
    "values": _values,
    "wav": _wav,
    "segments": _segments,
    "run": _run,
    "window_features": _window_features,
    "explorer": _explorer,
    "classify": _classify,
    "predict": _predict,
    "cost": _cost,
}


def respond(request: Request) -> dict[str, Any]:
    """Return the result of a request, or an error message for the client of the API."""
    return responder.respond(OPERATIONS, request)


if __name__ == "__main__":
    responder.serve(OPERATIONS)
