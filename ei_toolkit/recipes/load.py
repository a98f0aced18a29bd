"""A recipe as settings, without writing it anywhere."""

from __future__ import annotations

import tomllib

from ei_toolkit.config import Settings
from ei_toolkit.config.parse import parse_table
from ei_toolkit.recipes.write import recipe_text, script_text


def load_recipe(name: str) -> tuple[Settings, str]:
    """Settings of a recipe and the text of its training script ("" where it has none).

    Raises UsageError for an unknown name.
    """
    settings = parse_table(Settings, tomllib.loads(recipe_text(name)), "")
    return settings, script_text(settings.impulse.script) if settings.impulse.script else ""
