"""Compare detections in a long recording with the regions in which labels occur.

The definitions are those of Edge Impulse's performance calibration: the first detection of the right label in a region
is a true positive; a further one is a duplicate, one of another label incorrect, one outside of all regions spurious.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["incorrect", "duplicate", "spurious"]


@dataclass(frozen=True)
class Region:
    """A part of a recording that has one label, BACKGROUND for none."""

    label: int
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Detection:
    """A label that becomes recognised at a time."""

    label: int
    time_ms: float


@dataclass(frozen=True)
class FalsePositive:
    """A detection that is wrong, with the region that it is in; None if it is in none."""

    kind: Kind
    detection: Detection
    region: Region | None


@dataclass(frozen=True)
class LabelStats:
    """Counts of one label. `missed` are its regions without a detection of it."""

    label: int
    true_positives: int
    true_negatives: int
    false_positives: tuple[FalsePositive, ...]
    missed: tuple[Region, ...]

    @property
    def false_positive_rate(self) -> float:
        """Share of wrong detections among these and the regions of others without one."""
        count = len(self.false_positives)
        return count / (count + self.true_negatives) if count else 0.0

    @property
    def false_negative_rate(self) -> float:
        """Share of the regions of the label in which it is not detected."""
        return len(self.missed) / (len(self.missed) + self.true_positives) if self.missed else 0.0


def label_stats(
    regions: Sequence[Region], detections: Sequence[Detection], labels: Sequence[int], tolerance_ms: float
) -> list[LabelStats]:
    """Return the counts of each of the labels. A detection up to `tolerance_ms` after the end of a region is in it."""
    found: set[Region] = set()
    wrong: list[FalsePositive] = []
    seen: set[tuple[int, Region]] = set()
    for one in detections:
        region = _region_of(one, regions, tolerance_ms)
        if region is not None:
            seen.add((one.label, region))
        if region is not None and region.label == one.label and region not in found:
            found.add(region)
        else:
            wrong.append(FalsePositive(_kind(one, region), one, region if region and region.label in labels else None))
    return [
        LabelStats(
            label=label,
            true_positives=sum(region.label == label for region in found),
            true_negatives=sum(one.label != label and (label, one) not in seen for one in regions),
            false_positives=tuple(one for one in wrong if one.detection.label == label),
            missed=tuple(one for one in regions if one.label == label and one not in found),
        )
        for label in labels
    ]


def _region_of(detection: Detection, regions: Sequence[Region], tolerance_ms: float) -> Region | None:
    """Return the region that a detection is in: one of its own label where several are."""
    near = [one for one in regions if one.start_ms <= detection.time_ms <= one.end_ms + tolerance_ms]
    own = [one for one in near if one.label == detection.label]
    inside = [one for one in near if detection.time_ms <= one.end_ms]
    return next(iter([*own, *inside, *near]), None)


def _kind(detection: Detection, region: Region | None) -> Kind:
    if region is None or region.label < 0:
        return "spurious"
    return "duplicate" if region.label == detection.label else "incorrect"
