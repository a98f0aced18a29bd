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
LINE_END = re.compile(rb"\r\n|\n|\r")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class LineSplitter:
    """Collects bytes and returns each complete line without control characters. Lines that are too long are dropped.

    A line ends with a line feed, a carriage return or both.
    """

    def __init__(self) -> None:
        self._partial = b""
        self._dropping = False
        self._ended_with_return = False

    def add(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes."""
        if data and self._ended_with_return:
            self._ended_with_return = False
            data = data.removeprefix(b"\n")  # the second byte of an end of line whose first byte was read before
        if not data:
            return []
        self._ended_with_return = data.endswith(b"\r")
        *whole, self._partial = LINE_END.split(self._partial + data)
        if whole and self._dropping:
            whole, self._dropping = whole[1:], False
        if len(self._partial) > MAX_LINE_BYTES:
            self._partial, self._dropping = b"", True
        short = (line for line in whole if len(line) <= MAX_LINE_BYTES)
        return [CONTROL.sub("", line.decode("utf-8", errors="replace")) for line in short]


# Edge Impulse has printed "Predictions (DSP: 98 ms., Classification: 205 ms., Anomaly: 0 ms.):" and "Timing: DSP 98 ms,
# inference 205 ms, anomaly 0 ms", followed by a title, with different units, times, titles, indents and decimals.
TIME = r"[A-Za-z][A-Za-z ]{0,30}:? {1,3}\d{1,9}(?:\.\d{1,6})? ?(?:ms|us)\.?"
TIMES = rf"{TIME}(?:, {TIME}){{0,7}}"
HEADERS = {
    "sketch": re.compile(rf"^\s*Predictions \(({TIMES})\):?\s*$"),
    "sdk": re.compile(rf"^\s*Timing: ({TIMES})\s*$"),
}
ONE_TIME = re.compile(r"([A-Za-z]+):? {1,3}(\d+(?:\.\d+)?) ?(ms|us)")
DSP_TIME, NETWORK_TIMES = "dsp", ("classification", "inference", "time")
TITLE = re.compile(r"^\s*(?:#?Classification (?:predictions|results)|Predictions):\s*$")
LABEL = re.compile(r"^(?P<indent>\s*)(?P<label>\S.*?):\s*(?P<score>[01]\.(?P<decimals>\d{2,8}))\s*$")
LIST = re.compile(r"^\s*\[(.*)\]\s*$")
BARE_LIST = re.compile(r"^[-\d., ]+$")
ANOMALY = re.compile(r"^\s*(?:anomaly score|Anomaly prediction):\s+-?\d+\.\d+\s*$")
ERROR = re.compile(
    r"^(?:ERR\b|Error\b|ERROR\b|Failed\b|Not a valid AT command|Command not found|No handler for command|"
    r"run_classifier returned: -?[1-9])"
)
INFORMATION = re.compile(
    r"^(?:Edge Impulse Inferencing Demo|Edge Impulse standalone inferencing|run_classifier returned: 0|"
    r"Running neural network|Inferencing settings:|Starting inferencing|Inferencing stopped|Recording|"
    r"Begin output|End output|Features \(|===== |> |#Object|\s+(?:Interval|Frame size|Sample length|No\. of classes):)"
)
DECIMALS = 5  # of the scores in eitk's lines
MAX_LABELS = 256


def tolerance_of(decimals: int) -> float:
    """Return by how much a printed score may differ from the exact one, truncated or rounded to these decimals."""
    return 0.6 * 10.0**-decimals


SCORE_TOLERANCE = tolerance_of(DECIMALS)


@dataclass
class _Block:
    """The scores of one window, of which each line adds one.

    All lines of a block have the same indent and number of decimals; another one is a sign of a damaged line.
    """

    source: str
    dsp_us: int | None
    nn_us: int | None
    lines: list[str]
    scores: dict[str, float] = field(default_factory=dict)
    style: tuple[str, int] | None = None
    broken: bool = False

    @property
    def tolerance(self) -> float:
        """By how much each score may differ from the exact one."""
        return tolerance_of(self.style[1] if self.style else DECIMALS)

    def add(self, match: re.Match[str]) -> None:
        """Add the score of one label."""
        style = match["indent"], len(match["decimals"])
        self.style = self.style or style
        if style != self.style and match["label"] == "anomaly":
            return  # an anomaly score of old sketches, which has three decimals
        label = match["label"]
        self.broken |= style != self.style or label in self.scores or len(self.scores) >= MAX_LABELS
        self.scores[label] = float(match["score"])


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
        if self._block is not None and _continues(self._block, line):
            return []
        if block := _block_of(line):
            finished = self.flush()
            self._block = block
            return finished
        return [*self.flush(), *_single(line)]

    def flush(self) -> list[Event]:
        """Return the event of the current block, which no further line continues."""
        block, self._block = self._block, None
        if block is None:
            return []
        if block.broken or not self._is_valid(block.scores, block.tolerance):
            return [Unknown(line) for line in block.lines]
        winner = _winner(block.scores, self._threshold)
        return [Prediction(block.scores, winner, block.source, block.dsp_us, block.nn_us)]

    def _is_valid(self, scores: Mapping[str, float], tolerance: float = SCORE_TOLERANCE) -> bool:
        if self._labels is not None and self._labels != frozenset(scores):
            return False
        return bool(scores) and _is_distribution(list(scores.values()), tolerance)

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
    """The block that a line with times or a title starts; None for any other line."""
    for source, header in HEADERS.items():
        if match := header.match(line):
            times = {name.lower(): _microseconds(value, unit) for name, value, unit in ONE_TIME.findall(match[1])}
            network = [times[name] for name in NETWORK_TIMES if name in times]
            return _Block(source, times.get(DSP_TIME), network[0] if network else None, [line])
    return _Block("sketch", None, None, [line]) if TITLE.match(line) else None


def _continues(block: _Block, line: str) -> bool:
    """Whether a line belongs to the block; its scores are added."""
    if not line.strip() or ANOMALY.match(line) or (TITLE.match(line) and not block.scores):
        return True
    match = LIST.match(line)
    if match and BARE_LIST.match(match[1]):
        return True  # the scores without their labels; a line for each label follows
    labels = [LABEL.match(part) for part in match[1].split(", ")] if match else [LABEL.match(line)]
    if not all(labels):
        return False
    block.lines.append(line)
    for label in labels:
        if label:
            block.add(label)
    return True


def _microseconds(number: str, unit: str) -> int:
    return round(float(number) * (1000 if unit == "ms" else 1))


def _single(line: str) -> list[Event]:
    if not line.strip():
        return []
    if ERROR.match(line):
        return [Warning(line.strip())]
    return [Info(line.strip()) if INFORMATION.match(line) else Unknown(line)]


def _is_distribution(scores: Sequence[float], tolerance: float) -> bool:
    """Whether the scores can be a softmax: their sum is 1, for the multiples of 1/256 of int8 models approximately."""
    if not all(0.0 <= score <= 1.0 for score in scores):
        return False
    allowed = len(scores) * tolerance * 2
    if all(abs(score * 256 - round(score * 256)) <= 256 * tolerance * 2 for score in scores):
        allowed = max(allowed, (len(scores) + 1) / 512)
    return abs(sum(scores) - 1) <= allowed


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
