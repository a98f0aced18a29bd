"""From the bytes of a serial line to lines of text, and from lines to events.

The formats are eitk's JSON lines, and the text of Edge Impulse's sketches and SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Unknown, Warning
from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.config.untrusted_json import read_json

FORMER_UNCERTAIN = "undecided"  # old name: images that were flashed with a version before 0.3 print it
MAX_LINE_BYTES = 8192
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class LineSplitter:
    """Collects bytes and returns each complete line without control characters. Lines that are too long are dropped."""

    def __init__(self) -> None:
        self._partial = b""
        self._dropping = False

    def add(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes."""
        *whole, self._partial = (self._partial + data).split(b"\n")
        if whole and self._dropping:
            whole, self._dropping = whole[1:], False
        if len(self._partial) > MAX_LINE_BYTES:
            self._partial, self._dropping = b"", True
        short = (line for line in whole if len(line) <= MAX_LINE_BYTES)
        return [CONTROL.sub("", line.decode("utf-8", errors="replace")) for line in short]


SKETCH = re.compile(r"^Predictions \(DSP: (\d{1,9}) ms\., Classification: (\d{1,9}) ms\., Anomaly: \d{1,9} ms\.\):\s*$")
SDK = re.compile(
    r"^Timing: DSP (\d{1,9}) (ms|us), inference (\d{1,9}) (ms|us), anomaly \d{1,9} (?:ms|us)"
    r"(?:, postprocessing \d{1,9} (?:ms|us))?\s*$"
)
SDK_TITLE = re.compile(r"^#Classification (?:predictions|results):\s*$")
LABEL = {
    "sketch": re.compile(r"^ {4}(\S.*?): ([01]\.\d{5})\s*$"),
    "sdk": re.compile(r"^ {2,4}(\S.*?): +([01]\.\d{6})\s*$"),
}
ANOMALY = re.compile(r"^\s*(?:anomaly score|Anomaly prediction):\s+-?\d+\.\d+\s*$")
ERROR = re.compile(
    r"^(?:ERR\b|Error\b|ERROR\b|Failed\b|Not a valid AT command|Command not found|No handler for command)"
)
INFORMATION = re.compile(
    r"^(?:Edge Impulse Inferencing Demo|Inferencing settings:|Starting inferencing|Inferencing stopped|Recording|"
    r"Begin output|End output|Features \(|===== |> |#Object|\s+(?:Interval|Frame size|Sample length|No\. of classes):)"
)
SCORE_TOLERANCE = 6e-6  # five decimals, truncated or rounded
MAX_LABELS = 256


@dataclass
class _Block:
    """The scores of one window, of which each line adds one."""

    source: str
    dsp_us: int
    nn_us: int
    lines: list[str]
    scores: dict[str, float] = field(default_factory=dict)
    broken: bool = False


class Parser:
    """Parses lines to events. `threshold` determines the winner in formats that do not contain one."""

    def __init__(self, threshold: float = 0.6) -> None:
        self._threshold = threshold
        self._block: _Block | None = None
        self._labels: frozenset[str] | None = None

    def feed(self, line: str) -> list[Event]:
        """Return the events that `line` completes."""
        if line.startswith("{"):
            return self._json(line)
        if block := _block_of(line):
            return [*self.flush(), *self._start(block)]
        if self._block is not None and self._continues(self._block, line):
            return []
        return [*self.flush(), *_single(line)]

    def flush(self) -> list[Event]:
        """Return the event of the current block, which no further line continues."""
        block, self._block = self._block, None
        if block is None:
            return []
        if block.broken or not self._is_valid(block.scores):
            return [Unknown(line) for line in block.lines]
        winner = _winner(block.scores, self._threshold)
        return [Prediction(block.scores, winner, block.source, block.dsp_us, block.nn_us)]

    def _start(self, block: _Block) -> list[Event]:
        self._block = block
        return []

    def _continues(self, block: _Block, line: str) -> bool:
        if SDK_TITLE.match(line) and not block.scores:
            return True
        if ANOMALY.match(line):
            return True
        match = LABEL[block.source].match(line)
        if match is None:
            return False
        block.lines.append(line)
        block.broken |= match[1] in block.scores or len(block.scores) >= MAX_LABELS
        block.scores[match[1]] = float(match[2])
        return True

    def _is_valid(self, scores: Mapping[str, float]) -> bool:
        if self._labels is not None and self._labels != frozenset(scores):
            return False
        return bool(scores) and _is_distribution(list(scores.values()))

    def _json(self, line: str) -> list[Event]:
        data = _eitk_object(line)
        if data is None:
            return [*self.flush(), Unknown(line)]
        if "scores" not in data:
            self._learn_labels(data)
            return [*self.flush(), Info(line, data)]
        prediction = _prediction(data)
        if prediction is None or not self._is_valid(prediction.scores):
            return [*self.flush(), Unknown(line)]
        self._labels = self._labels or frozenset(prediction.scores)
        if self._block is not None and _nearly_equal(self._block.scores, prediction.scores):
            self._block = None  # the JSON line repeats the prediction of the text block
        return [*self.flush(), prediction]

    def _learn_labels(self, data: Mapping[str, Any]) -> None:
        info = data.get("info")
        labels = info.get("labels") if isinstance(info, dict) else None
        if isinstance(labels, list) and labels and all(isinstance(label, str) for label in labels):
            self._labels = frozenset(labels)


def _block_of(line: str) -> _Block | None:
    if match := SKETCH.match(line):
        return _Block("sketch", int(match[1]) * 1000, int(match[2]) * 1000, [line])
    if match := SDK.match(line):
        return _Block("sdk", _microseconds(match[1], match[2]), _microseconds(match[3], match[4]), [line])
    return None


def _microseconds(number: str, unit: str) -> int:
    return int(number) * (1000 if unit == "ms" else 1)


def _single(line: str) -> list[Event]:
    if not line.strip():
        return []
    if ERROR.match(line):
        return [Warning(line.strip())]
    return [Info(line.strip()) if INFORMATION.match(line) else Unknown(line)]


def _is_distribution(scores: Sequence[float]) -> bool:
    """Whether the scores can be a softmax: their sum is 1, for the multiples of 1/256 of int8 models approximately."""
    if not all(0.0 <= score <= 1.0 for score in scores):
        return False
    error = abs(sum(scores) - 1)
    if all(abs(score * 256 - round(score * 256)) <= 256 * SCORE_TOLERANCE * 2 for score in scores):
        return error <= (len(scores) + 1) / 512
    return error <= len(scores) * SCORE_TOLERANCE * 2


def _winner(scores: Mapping[str, float], threshold: float) -> str:
    best = max(scores, key=lambda label: scores[label])
    return best if scores[best] >= threshold else UNCERTAIN


def _nearly_equal(a: Mapping[str, float], b: Mapping[str, float]) -> bool:
    return a.keys() == b.keys() and all(abs(a[label] - b[label]) <= 2 * SCORE_TOLERANCE for label in a)


def _eitk_object(line: str) -> dict[str, Any] | None:
    try:
        data = read_json(line)
    except ValueError:
        return None
    return data if isinstance(data, dict) and data.get("eitk") == 1 and data["eitk"] is not True else None


def _prediction(data: Mapping[str, Any]) -> Prediction | None:
    """Validate one of eitk's JSON lines; None if any value in it is not possible."""
    scores, winner = data["scores"], data.get("winner")
    if not isinstance(scores, dict) or not all(_is_number(score) for score in scores.values()):
        return None
    numbers = {key: data.get(key) for key in ("seq", "end", "ms", "dsp_us", "nn_us", "overruns")}
    if not all(
        value is None or (isinstance(value, int) and _is_number(value) and value >= 0) for value in numbers.values()
    ):
        return None
    q, level, texts = data.get("q"), data.get("level_dbfs"), (data.get("model"), data.get("led"))
    if not (level is None or _is_number(level)) or not all(text is None or isinstance(text, str) for text in texts):
        return None
    if winner == FORMER_UNCERTAIN and winner not in scores:
        winner = UNCERTAIN
    if not isinstance(winner, str) or (winner != UNCERTAIN and winner not in scores):
        return None
    if q is not None and not _equals_scores(q, list(scores.values())):
        return None
    return Prediction(
        scores,
        winner,
        "eitk",
        model=texts[0],
        led=texts[1],
        level_dbfs=level,
        q=tuple(q) if q is not None else None,
        **numbers,
    )


def _equals_scores(q: object, scores: list[float]) -> bool:
    """Whether the int8 outputs equal the scores: score = (q + 128) / 256."""
    if not isinstance(q, list) or len(q) != len(scores):
        return False
    whole = all(isinstance(value, int) and _is_number(value) and -128 <= value <= 127 for value in q)
    return whole and all(
        abs((value + 128) / 256 - score) <= 2 * SCORE_TOLERANCE for value, score in zip(q, scores, strict=True)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18
