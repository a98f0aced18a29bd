from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ei_toolkit.dataset import lengths
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.lengths import Lengths, measure_lengths, rows_of_clips, suggest_window

Write = Callable[..., Path]


def of(*seconds: float) -> Lengths:
    return Lengths({f"{number}.wav": one for number, one in enumerate(seconds)}, len(seconds))


@pytest.mark.parametrize(
    ("seconds", "window_ms", "pad"),
    [
        ((1.0, 1.0, 1.0), 1000, False),
        ((1.0, 1.0, 0.7), 1000, True),
        ((1.26, 1.26), 1200, False),
        ((0.45, 0.5, 0.52), 500, True),
        ((0.02, 0.03), 100, True),
        ((2.99999, 3.00001, 2.5), 3000, True),
    ],
)
def test_the_window_of_short_clips_is_their_median(seconds: tuple[float, ...], window_ms: int, pad: bool) -> None:
    found = suggest_window(of(*seconds), 3000, 1500)
    assert found is not None
    assert (found.window_ms, found.hop_ms, found.pad) == (window_ms, window_ms // 2, pad)
    assert "median" in found.reason


def test_mostly_long_clips_keep_the_window_and_the_short_ones_are_padded() -> None:
    found = suggest_window(of(10, 10, 1), 3000, 1500)
    assert found is not None
    assert (found.window_ms, found.hop_ms, found.pad) == (3000, 1500, True)
    assert found.reason == "1 of 3 clips are shorter"


@pytest.mark.parametrize("seconds", [(), (3.0, 30.0)])
def test_nothing_is_suggested_where_the_window_suits(seconds: tuple[float, ...]) -> None:
    assert suggest_window(of(*seconds), 3000, 1500) is None


def clips_of(folder: Path, *names: str) -> list[Clip]:
    return [Clip(folder / name, name, name.split("/")[0], "training") for name in names]


def known(clips: list[Clip]) -> list[KnownClip]:
    return [KnownClip(clip, clip.name, clip.group, None) for clip in clips]


def test_the_lengths_of_readable_clips_are_measured(tmp_path: Path, write_clip: Write) -> None:
    write_clip(tmp_path / "a" / "1.wav", 1.5)
    (tmp_path / "a" / "2.wav").write_text("no sound")
    found = measure_lengths(clips_of(tmp_path, "a/1.wav", "a/2.wav", "a/gone.wav"), 2)
    assert found.seconds == {"a/1.wav": pytest.approx(1.5)}
    assert not found.is_estimate


def test_of_many_clips_some_are_measured(tmp_path: Path, write_clip: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lengths, "MOST_MEASURED", 2)
    names = [f"a/{number}.wav" for number in range(5)]
    for name in names:
        write_clip(tmp_path / name, 2)
    clips = clips_of(tmp_path, *names)
    found = measure_lengths(clips, 1)
    assert set(found.seconds) == {"a/0.wav", "a/3.wav"}
    assert found.is_estimate
    assert rows_of_clips(known(clips), found)[0].seconds == pytest.approx(10)


def test_rows_have_the_splits_of_the_layout_in_their_order() -> None:
    clips = [Clip(Path(), f"{label}/{split}{i}", label, split, "g" if i else "h")
             for label in ("b", "a") for split in ("testing", "training", "validation") for i in (0, 1, 1)]  # fmt: skip
    rows = rows_of_clips(known(clips), Lengths({}, len(clips)))
    assert [(row.label, row.split, row.clips, row.groups, row.seconds) for row in rows[:3]] == [
        ("a", "training", 3, 2, 0),
        ("a", "validation", 3, 2, 0),
        ("a", "testing", 3, 2, 0),
    ]
