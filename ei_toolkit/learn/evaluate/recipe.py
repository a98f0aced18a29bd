"""What is evaluated: the settings and, in expert mode, the script that they name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ei_toolkit.config import Settings
from ei_toolkit.errors import ConfigurationError


@dataclass(frozen=True)
class Recipe:
    """Complete settings and the text of their training script ("" for visual layers)."""

    name: str
    settings: Settings
    script: str = ""


def project_recipe(settings: Settings, folder: Path) -> Recipe:
    """The recipe of a project whose eitk.toml lies in `folder`. Raises ConfigurationError for a missing script."""
    if not settings.impulse.script:
        return Recipe(settings.project.name, settings)
    file = folder / settings.impulse.script
    try:
        return Recipe(settings.project.name, settings, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the training script {file} cannot be read", why=str(error), hint="Mend [impulse] script."
        ) from None


def with_training(recipe: Recipe, *, epochs: int | None) -> Recipe:
    """The recipe with another number of epochs, for a quick look."""
    if epochs is None:
        return recipe
    training = replace(recipe.settings.training, epochs=epochs)
    return replace(recipe, settings=replace(recipe.settings, training=training))
