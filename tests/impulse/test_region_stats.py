"""Detections compared with regions: each kind of mistake, counted by hand."""

from __future__ import annotations

from ei_toolkit.impulse.calibration import BACKGROUND
from ei_toolkit.impulse.region_stats import Detection, LabelStats, Region, label_stats

ROCK, JAZZ = 0, 1
REGIONS = (
    Region(BACKGROUND, 0, 1000), Region(ROCK, 1000, 2000), Region(BACKGROUND, 2000, 4000), Region(JAZZ, 4000, 5000),
)  # fmt: skip


def stats(*detections: tuple[int, float], tolerance_ms: float = 0) -> list[LabelStats]:
    return label_stats(REGIONS, [Detection(*one) for one in detections], (ROCK, JAZZ), tolerance_ms)


def kinds(one: LabelStats) -> list[str]:
    return [wrong.kind for wrong in one.false_positives]


def test_one_detection_in_each_region_is_right() -> None:
    rock, jazz = stats((ROCK, 1500), (JAZZ, 4500))
    assert (rock.true_positives, rock.true_negatives, rock.false_positives, rock.missed) == (1, 3, (), ())
    assert (jazz.true_positives, jazz.false_positive_rate, jazz.false_negative_rate) == (1, 0, 0)


def test_a_further_detection_is_a_duplicate_and_one_of_another_label_incorrect() -> None:
    rock, jazz = stats((ROCK, 1100), (ROCK, 1900), (JAZZ, 1500))
    assert (kinds(rock), kinds(jazz)) == (["duplicate"], ["incorrect"])
    assert rock.true_positives == 1 and jazz.missed == (REGIONS[3],)
    assert jazz.false_positives[0].region == REGIONS[1]
    assert (jazz.false_negative_rate, jazz.true_negatives, jazz.false_positive_rate) == (1, 2, 1 / 3)


def test_a_detection_in_the_background_or_after_the_end_is_spurious() -> None:
    rock, _ = stats((ROCK, 500), (ROCK, 9000))
    assert kinds(rock) == ["spurious", "spurious"] and rock.false_positives[0].region is None


def test_a_detection_shortly_after_a_region_belongs_to_it() -> None:
    assert stats((ROCK, 2300))[0].true_positives == 0
    assert stats((ROCK, 2300), tolerance_ms=500)[0].true_positives == 1
    assert kinds(stats((JAZZ, 2300), tolerance_ms=500)[1]) == ["spurious"]
