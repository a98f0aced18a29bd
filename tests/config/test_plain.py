"""Settings survive the way to plain values and back: what is kept with a model is what it was made with."""

from __future__ import annotations

import json
import tomllib

import pytest

from ei_toolkit.config import Settings
from ei_toolkit.config.parse import parse_table
from ei_toolkit.config.recipes import recipe_names, recipe_text
from ei_toolkit.config.settings import plain


@pytest.mark.parametrize("recipe", recipe_names())
def test_plain_values_give_the_settings_back(recipe: str) -> None:
    settings = parse_table(Settings, tomllib.loads(recipe_text(recipe)), "")
    assert parse_table(Settings, json.loads(json.dumps(plain(settings))), "") == settings


def test_a_block_looks_as_it_does_in_the_file() -> None:
    settings = parse_table(Settings, tomllib.loads(recipe_text("reference")), "")
    assert plain(settings)["impulse"]["dsp"][0]["noise_floor_db"] == -50
