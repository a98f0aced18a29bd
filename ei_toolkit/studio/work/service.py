"""The helper process of the server: `python -m ei_toolkit.studio.work.service DATA`, JSON lines in and out."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit import dsp
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.errors import EitkError
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.work.acquisition import read_acquisition
from ei_toolkit.studio.work.values import read_values

Question = Mapping[str, Any]


def _catalogue(_: Question) -> list[dict[str, Any]]:
    return [asdict(dsp.describe(block)) for block in dsp.block_types()]


def _shape(question: Question) -> list[int]:
    """[frames, bins] of a window; the parameters are checked on the way."""
    q = question
    return list(dsp.output_shape(q["block"], q["samples"], q["frequency"], q["version"], **q["params"]))


def _inspect(question: Question) -> dict[str, Any]:
    """What an acquisition file holds."""
    found = read_acquisition(Path(question["path"]), question["format"])
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
    values = read_values(Path(question["path"]), question["format"])[question["start"] : question["end"]]
    if len(values) > question["limit"]:
        values = values[np.linspace(0, len(values) - 1, question["limit"]).round().astype(int)]
    table: list[list[float]] = values.astype(float).tolist()
    return table


def _wav(question: Question) -> str:
    """A slice of one axis as the bytes of a WAV file, in hexadecimal."""
    values = read_values(Path(question["path"]), question["format"])
    if not 0 <= question["axis"] < values.shape[1]:
        raise Refusal(f"There is no axis {question['axis']}")
    piece = values[question["start"] : question["end"], question["axis"]]
    samples = np.clip(np.round(piece), -32768, 32767).astype(np.int16)
    return wav_bytes(samples, round(question["rate"])).hex()


OPERATIONS: Mapping[str, Callable[[Question], Any]] = {
    "catalogue": _catalogue,
    "shape": _shape,
    "inspect": _inspect,
    "values": _values,
    "wav": _wav,
}


def reply(question: Question) -> dict[str, Any]:
    """The answer to one question; what goes wrong becomes an error that a client may read."""
    try:
        return {"result": OPERATIONS[question["op"]](question)}
    except (EitkError, Refusal) as error:
        return {"error": str(error)}
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
