"""Calibrate the decisions of a board: scores of labelled recordings, and the settings that meet a stated aim.

The settings are chosen on half of the groups and tested on the other half, which is kept back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.audio.decode import read_blocks
from ei_toolkit.audio.window import cut_blocks, samples_in
from ei_toolkit.config import Config, DatasetSettings
from ei_toolkit.config.settings import BoardSettings, Reading
from ei_toolkit.config.units import counted, percent
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.cutting import reason_of
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import DataError, GateNotMet
from ei_toolkit.evaluation.candidate import Candidate
from ei_toolkit.evaluation.classify import BATCH, NetworkScorer
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.held_out import held_out_clips
from ei_toolkit.impulse.calibration import (
    BACKGROUND,
    Aim,
    Decisions,
    OperatingPoint,
    Rate,
    Recording,
    choose,
    event_counts,
    hourly_interval,
    operating_points,
    settings_to_try,
    share_interval,
    trade_off,
)
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.split import grouped_folds

LOG_SUFFIXES = (".ndjson", ".jsonl")
"""Files of `eitk tail --json`."""
MORE_RECORDINGS = "Add recordings: of each label from two groups at least, and some minutes of background."

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Result:
    """What settings reach on some of the recordings, with the intervals."""

    point: OperatingPoint
    false_per_hour: Rate
    recall: Rate
    recordings: int
    groups: int

    def reaches(self, aim: Aim) -> bool:
        """Whether the aim is within the intervals or better."""
        return (aim.false_per_hour is None or self.false_per_hour.low <= aim.false_per_hour) and (
            aim.recall is None or self.recall.high >= aim.recall
        )

    def data(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "false_accepts": self.point.false_accepts, "hours": self.point.hours,
            "false_accepts_per_hour": vars(self.false_per_hour),
            "false_rejects": self.point.labelled - self.point.recognised, "labelled": self.point.labelled,
            "recall": vars(self.recall), "recordings": self.recordings, "groups": self.groups,
        }  # fmt: skip


@dataclass(frozen=True)
class Calibration:
    """The chosen settings, their results on the groups that chose them and on those kept back, and the trade-off."""

    chosen: Decisions
    validation: Result
    kept_back: Result
    curve: tuple[OperatingPoint, ...]


def choose_settings(
    recordings: Sequence[Recording], labels: Sequence[str], aim: Aim, board: BoardSettings
) -> Calibration:
    """Choose the settings that meet the aim on half of the groups, and test them on the others.

    Raises DataError where a label has recordings of one group only, GateNotMet where no settings meet the aim.
    """
    validation, kept_back = _halves(recordings, labels)
    points = operating_points(validation, board.hop_ms, board.hysteresis, settings_to_try(len(labels)))
    curve = trade_off(points)
    best = choose(points, aim)
    if best is None:
        nearest = ", or ".join(
            f"{one.false_per_hour:.1f} false accepts per hour with a recall of {percent(one.recall)}"
            for one in dict.fromkeys((curve[0], curve[-1]))
        )
        raise GateNotMet(
            f"no threshold, smoothing and hold time meet the aim on {counted(len(validation), 'recording')}",
            why=f"the nearest reach {nearest}",
            hint="State a weaker aim, or train with recordings of this microphone and of its surroundings.",
        )
    return Calibration(
        best.decisions,
        measure(validation, board, best.decisions),
        measure(kept_back, board, best.decisions),
        tuple(curve),
    )


def measure(recordings: Sequence[Recording], board: BoardSettings, decisions: Decisions) -> Result:
    """Test settings on recordings."""
    (point,) = operating_points(recordings, board.hop_ms, board.hysteresis, [decisions])
    false, _ = event_counts(recordings, board.hysteresis, [decisions])
    hours = [len(one.scores) * board.hop_ms / 3_600_000 for one in recordings]
    return Result(
        point=point,
        false_per_hour=hourly_interval(false[:, 0].tolist(), hours),
        recall=share_interval(point.recognised, point.labelled),
        recordings=len(recordings),
        groups=len({one.group for one in recordings}),
    )


def _halves(recordings: Sequence[Recording], labels: Sequence[str]) -> tuple[list[Recording], list[Recording]]:
    """Return the recordings of half of the groups of each label, and those of the others."""
    for number, label in [(BACKGROUND, "background"), *enumerate(labels)]:
        if len({one.group for one in recordings if one.label == number}) == 1:
            raise DataError(
                f"all recordings of {label} are of one group", why="half of the groups are kept back for the test",
                hint=MORE_RECORDINGS,
            )  # fmt: skip
    numbers = [one.label + 1 for one in recordings]  # from 0: the background
    (kept_back, validation), *_ = grouped_folds(numbers, [one.group for one in recordings], 2, seed=7)
    return [recordings[place] for place in validation], [recordings[place] for place in kept_back]


@dataclass(frozen=True)
class Collected:
    """Recordings with their scores, and a sentence for each file that was skipped."""

    recordings: tuple[Recording, ...]
    skipped: tuple[str, ...]


def collect_recordings(
    config: Config, candidate: Candidate, manifest: Manifest, folder: Path | None, progress: Progress
) -> Collected:
    """Compute the scores of the recordings in a folder, else of the project's testing clips.

    What the model was trained on is left out, and so are the other clips of these artists. A folder has one folder for
    each label, with sound files or logs of `eitk tail --json`; folders that are no labels of the model are background.
    Raises DataError where nothing is left.
    """
    root = folder or clips_root(config.settings.dataset, config.paths.root)
    scorer = NetworkScorer(candidate.settings, candidate.labels, Interpreter(candidate.model))
    given = _recorded(config, root) if folder else _held_out(root, manifest)
    clips = [one for one in given if not _seen(one, candidate)]
    logs = sorted(file for file in root.glob("*/*") if file.suffix in LOG_SUFFIXES) if folder else []
    found: list[Recording] = []
    skipped = []
    if count := len(given) - len(clips):
        skipped.append(f"skipped {counted(count, 'recording')}: the model was trained on them or on their groups")
    for done, known in enumerate(clips, 1):
        try:
            scores = stream_scores(known.clip.path, scorer, config.settings.board.hop_ms)
            found.append(Recording(known.clip.name, known.group, _number(known.clip.label, scorer.labels), scores))
        except DataError as error:
            skipped.append(f"skipped {known.clip.name}: {reason_of(error, known.clip)}")
        progress(done, known.clip.name)
    found.extend(part for log in logs for part in logged_scores(log, root, scorer.labels))
    if not found:
        raise DataError(
            "there is no recording that the model was not trained on", why="; ".join(skipped[:3]),
            hint="Give a folder of other recordings: eitk calibrate RECORDINGS, with RECORDINGS/<label>/*.wav.",
        )  # fmt: skip
    return Collected(tuple(found), tuple(skipped))


def _seen(known: KnownClip, candidate: Candidate) -> bool:
    by_group = candidate.settings.dataset.split != "track"
    return candidate.provenance.has(known.sha256, known.group, by_group=by_group)


def _held_out(root: Path, manifest: Manifest) -> list[KnownClip]:
    return [
        KnownClip(Clip(root / one.name, one.name, one.label), one.sha256, one.artist, None)
        for one in held_out_clips(manifest)
    ]


def _recorded(config: Config, root: Path) -> list[KnownClip]:
    """Return the sound files of a folder of recordings; none where it has logs only."""
    if not root.is_dir():
        raise DataError(f"{root} is not a folder of recordings", hint="RECORDINGS/<label>/*.wav")
    settings = replace(
        config.settings,
        project=replace(config.settings.project, labels=()),
        dataset=DatasetSettings(labels_from="folder", split_from="none", group_from=config.settings.dataset.group_from),
    )
    try:
        return find_known_clips(root, settings, root)
    except DataError:
        if any(file.suffix in LOG_SUFFIXES for file in root.glob("*/*")):
            return []
        raise


def _number(label: str, labels: Sequence[str]) -> int:
    return labels.index(label) if label in labels else BACKGROUND


def stream_scores(path: Path, scorer: NetworkScorer, hop_ms: int) -> Any:
    """Return the scores (windows, labels) of a file as the board computes them: one window each hop, silence too.

    Raises DataError for a file that cannot be read or is shorter than a window.
    """
    rate, reading = scorer.rate, Reading(scorer.settings.slice.channel, scorer.settings.slice.float_range)
    length, hop = samples_in(scorer.window_ms, rate), samples_in(hop_ms, rate)
    windows = (window for _, window in cut_blocks(read_blocks(path, rate, reading=reading), length, hop))
    parts = []
    while batch := list(islice(windows, BATCH)):
        parts.append(scorer.scores(batch))
    if not parts:
        raise DataError(f"shorter than a window of {scorer.window_ms / 1000:g} s")
    return np.concatenate(parts)


def logged_scores(log: Path, root: Path, labels: Sequence[str]) -> Iterator[Recording]:
    """Yield the predictions of a log of `eitk tail --json`, one recording for each start of the board.

    Raises DataError for a line that is no event, or for scores of other labels.
    """
    name = log.relative_to(root).as_posix()
    parts: list[list[list[float]]] = []
    last = None
    for number, line in enumerate(log.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            event = read_json(line) if line.strip() else {}
            if event.get("event") != "prediction":
                continue
            scores, sequence = [float(event["scores"][label]) for label in labels], event.get("seq")
            if len(event["scores"]) != len(labels):
                raise KeyError(*(set(event["scores"]) - set(labels)))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise DataError(
                f"{name}:{number} is not an event of this model", why=f"{type(error).__name__}: {error}",
                hint=f"eitk tail --json > {name}, with the model whose labels are {', '.join(labels)}",
            ) from None  # fmt: skip
        if not parts or (sequence is not None and last is not None and sequence <= last):
            parts.append([])
        last = sequence
        parts[-1].append(scores)
    for part, rows in enumerate(parts):
        own = f"{name}#{part}" if len(parts) > 1 else name
        yield Recording(own, name, _number(log.parent.name, labels), np.array(rows, np.float32))
