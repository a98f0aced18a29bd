from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ei_toolkit.config import Settings
from ei_toolkit.dataset.plan import plan_slices
from ei_toolkit.report.cards import data_card

Write = Callable[..., Path]


def test_the_card_of_ones_own_clips(clips: Path, settings: Settings) -> None:
    card = data_card(settings, plan_slices(settings, clips.parent))
    assert "10 clips, 10 groups. 0 of the clips are tracks of the" in card
    assert "| rock | training | 4 | 4 |" in card
    assert "You are responsible for the licence" in card
    assert "nobody can grant" not in card
    assert "Known faults" not in card


def test_the_card_of_gtzan_states_the_missing_licence(tmp_path: Path, settings: Settings, write_clip: Write) -> None:
    for track in ("classical.00051", "classical.00003", "rock.00010", "rock.00030"):
        write_clip(tmp_path / "clips" / track.split(".")[0] / f"{track}.wav", seed=int(track[-2:]))
    (tmp_path / "clips" / "rock" / "rock.00020.wav").touch()
    card = data_card(settings, plan_slices(settings, tmp_path))
    assert "without a licence, which nobody can grant now" in card
    assert "* classical.00051: same recording as classical.00080" in card
    assert "* 1 clips left out: the file is empty" in card
    assert "You are responsible for the licence" not in card


def test_the_card_names_the_split_and_the_preparation(clips: Path, settings: Settings) -> None:
    settings = replace(settings, slice=replace(settings.slice, level="rms"))
    card = data_card(settings, plan_slices(settings, clips.parent))
    assert "Split: group, 20% of each label held out, seed 7." in card
    assert "A window of 1000 ms is cut every 1000 ms." in card
    assert "Level: rms." in card


def test_the_card_names_the_rules_of_the_layout(tmp_path: Path, settings: Settings, write_clip: Write) -> None:
    for number, split in enumerate(("train", "test") * 4):
        label = "calm" if number < 4 else "wild"
        write_clip(tmp_path / "clips" / split / label / f"speaker_{number}" / "1.wav", seed=number)
    card = data_card(settings, plan_slices(settings, tmp_path))
    assert "* Labels: the folders.\n* Split: the folders test, train.\n* Groups: folders named as speakers" in card
