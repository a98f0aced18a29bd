"""The plan of a slicing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import write_clips

from ei_toolkit.config import DatasetSettings, Settings, SliceSettings
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.plan import plan_slices


def test_a_plan_compares_no_clip_with_each_other_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 20,000 clips these were 200 million comparisons, which took minutes."""
    compared = []

    def equal(one: KnownClip, other: object) -> bool:
        compared.append(one)
        return one is other

    write_clips(tmp_path / "clips", clips=10, seconds=1)
    monkeypatch.setattr(KnownClip, "__eq__", equal)
    settings = Settings(dataset=DatasetSettings(root="clips"), slice=SliceSettings(window_ms=1000))
    plan = plan_slices(settings, tmp_path)
    assert len(plan.tasks) + len(plan.skipped) == 20
    assert len(compared) <= 20
