"""The helper process of the server: `python -m ei_toolkit.studio.jobs.compute_worker DATA`, JSON lines in and out."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.eon.library.request import LibraryDspBlock
from ei_toolkit.errors import EitkError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.acquisition import read_acquisition
from ei_toolkit.studio.jobs.windows import cut, read_axis, read_values, resample
from ei_toolkit.studio.store.packs import Place

Question = Mapping[str, Any]


def _content(question: Question) -> bytes:
    return Place.parse(question["content"]).read()


def _catalogue(_: Question) -> list[dict[str, Any]]:
    return [asdict(dsp.describe(block)) for block in dsp.block_types()]


def _shape(question: Question) -> list[int]:
    """[frames, bins] of a window; the parameters are checked on the way."""
    q = question
    return list(dsp.output_shape(q["block"], q["samples"], q["frequency"], q["version"], **_params(q)))


def _params(question: Question) -> dict[str, Any]:
    """Parameters that the block has; any other name might be taken for an argument of the function that is called."""
    params: dict[str, Any] = question["params"]
    known = {parameter.name for parameter in dsp.describe(question["block"]).parameters}
    for name in params:
        if name not in known:
            raise ApiError(f"The {question['block']} block has no parameter {name!r}")
    return params


def _inspect(question: Question) -> dict[str, Any]:
    """What an acquisition file holds."""
    found = read_acquisition(_content(question), question["format"])
    return {
        "format": question["format"],
        "interval_ms": found.interval_ms,
        "sensors": found.sensors,
        "values_count": len(found.values),
        "device_name": found.device_name,
        "device_type": found.device_type,
    }


def _values(question: Question) -> list[list[float]]:
    """Values from `start` to before `end`, thinned out to `limit` instants."""
    values = read_values(_content(question), question["format"])[question["start"] : question["end"]]
    if len(values) > question["limit"]:
        values = values[np.linspace(0, len(values) - 1, question["limit"]).round().astype(int)]
    table: list[list[float]] = values.astype(float).tolist()
    return table


def _wav(question: Question) -> str:
    """A slice of one axis as the bytes of a WAV file, in hexadecimal."""
    values = read_values(_content(question), question["format"])
    if not 0 <= question["axis"] < values.shape[1]:
        raise ApiError(f"There is no axis {question['axis']}")
    piece = values[question["start"] : question["end"], question["axis"]]
    samples = np.clip(np.round(piece), -32768, 32767).astype(np.int16)
    return wav_bytes(samples, round(question["rate"])).hex()


def _run(question: Question) -> dict[str, Any]:
    """Features of values that are sent, and their mean over the frames."""
    q = question
    frames, bins = _shape(q)
    features = dsp.run(q["block"], q["values"], q["frequency"], q["version"], **_params(q))
    profile = features.reshape(frames, bins).mean(axis=0)
    return {"features": features.tolist(), "frames": frames, "bins": bins, "profile": profile.tolist()}


def _windows(question: Question) -> npt.NDArray[np.float32]:
    """(windows, features) of a stored sample through one block."""
    q = question
    values = read_axis(_content(q), q["format"], q["sensors"], q["axis"])
    windows = cut(resample(values, q["rate"], q["frequency"]), q["samples"], q["increase"], q["pad"])
    if not len(windows):
        raise ApiError("The sample is shorter than a window, and padZeros is off")
    features = dsp.run_many(q["block"], windows, q["frequency"], q["version"], **_params(q))
    return features.astype(np.float32)


def _times(question: Question, count: int) -> list[tuple[float, float]]:
    starts = [index * float(question["increaseMs"]) for index in range(count)]
    return [(start, start + question["windowMs"]) for start in starts]


def _window_features(question: Question) -> dict[str, Any]:
    """Some features of each window of a sample, and when the windows are."""
    features = _windows(question)
    return {"values": _columns(features, question["columns"]), "times": _times(question, len(features))}


def _explorer(question: Question) -> dict[str, Any]:
    """Some features of each window that was stored."""
    x, y = (np.load(question[name], mmap_mode="r") for name in ("x", "y"))
    return {"values": _columns(x, question["columns"]), "rows": y.tolist()}


def _columns(features: npt.NDArray[np.float32], columns: list[int]) -> list[list[float]]:
    if not all(0 <= column < features.shape[1] for column in columns):
        raise ApiError(f"There are {features.shape[1]} features; the axes {columns} are not all among them")
    chosen: list[list[float]] = features[:, columns].astype(float).tolist()
    return chosen


def _classify(question: Question) -> dict[str, Any]:
    """Scores of each window of a sample, by model variant; `blocks` are the processing blocks side by side."""
    parts = [_windows({**question, **block}) for block in question["blocks"]]
    features = np.concatenate(parts, axis=1)
    scores = {
        variant: Interpreter(Path(path).read_bytes()).predict(features).astype(float).tolist()
        for variant, path in question["models"].items()
    }
    return {"scores": scores, "times": _times(question["blocks"][0], len(features))}


def _predict(question: Question) -> list[float]:
    """Scores of one row of features."""
    row = np.asarray([question["features"]], np.float32)
    scores: list[float] = Interpreter(Path(question["model"]).read_bytes()).predict(row)[0].astype(float).tolist()
    return scores


def _cost(question: Question) -> dict[str, int]:
    """Estimated instructions and bytes of memory of a block on a Cortex-M4F."""
    from ei_toolkit.eon.library.blocks import block_code
    from ei_toolkit.eon.library.cost import window_instructions, window_ram_bytes

    block = LibraryDspBlock(1, question["block"], question["version"], question["params"])
    code = block_code(block, question["samples"], question["frequency"])
    return {"instructions": window_instructions(code), "ram": window_ram_bytes([code])}


OPERATIONS: Mapping[str, Callable[[Question], Any]] = {
    "catalogue": _catalogue,
    "shape": _shape,
    "inspect": _inspect,
    "values": _values,
    "wav": _wav,
    "run": _run,
    "window_features": _window_features,
    "explorer": _explorer,
    "classify": _classify,
    "predict": _predict,
    "cost": _cost,
}


def reply(question: Question) -> dict[str, Any]:
    """The answer to one question; what goes wrong becomes an error that a client may read."""
    try:
        return {"result": OPERATIONS[question["op"]](question)}
    except (EitkError, ApiError) as error:
        return {"error": str(error)}
    except FileNotFoundError:
        return {"error": "What was asked about is not there any more"}
    except Exception:  # noqa: BLE001 - the edge of the process: one bad question must not end it
        traceback.print_exc(file=sys.stderr)
        return {"error": "The calculation failed; see the studio's log"}


def main() -> None:
    """Answer until the server goes."""
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(reply(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
