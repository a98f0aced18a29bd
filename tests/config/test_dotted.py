"""Values in nested tables by their dotted names."""

from __future__ import annotations

from typing import Any

import pytest

from ei_toolkit.config.dotted import set_in, value_in
from ei_toolkit.errors import UsageError


def tables() -> dict[str, Any]:
    return {"training": {"epochs": 3}, "impulse": {"dsp": {"type": "mfe"}, "layers": [{"units": 1}, {"units": 2}]}}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.epochs", 3),
        ("training", {"epochs": 3}),
        ("impulse.layers[1].units", 2),
        ("impulse.dsp.type", "mfe"),
        ("impulse.dsp[0].type", "mfe"),
        ("impulse.dsp[0]", {"type": "mfe"}),
    ],
)
def test_a_value_is_found_by_its_name(key: str, value: Any) -> None:
    assert value_in(tables(), key) == value


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("training.epoch", "Did you mean training.epochs?"),
        ("trainin.epochs", "Did you mean training?"),
        ("impulse.layers[0].unit", "Did you mean impulse.layers[0].units?"),
        ("impulse.layers[2].units", "eitk config show lists all settings."),
        ("impulse.layers.units", "eitk config show lists all settings."),
        ("training.epochs.x", "eitk config show lists all settings."),
        ("impulse.dsp[1]", "eitk config show lists all settings."),
    ],
)
def test_a_name_without_a_value_is_refused_with_a_similar_one(key: str, hint: str) -> None:
    with pytest.raises(UsageError, match="is not a setting") as caught:
        value_in(tables(), key)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "key",
    ["training.epochs", "training.seed", "board.hop_ms", "slice.augment.copies", "impulse.layers[1].units",
     "impulse.dsp.num_filters", "impulse.dsp[0].num_filters"],
)  # fmt: skip
def test_a_value_that_was_set_is_found(key: str) -> None:
    table = tables()
    assert set_in(table, key, 7)
    assert value_in(table, key) == 7


@pytest.mark.parametrize("key", ["impulse.layers[2].units", "training.epochs.x", "impulse.layers.units"])
def test_nothing_is_set_where_there_is_no_table(key: str) -> None:
    table = tables()
    assert not set_in(table, key, 7)
    assert table == tables()
