"""The recipes that ship: complete eitk.toml files, written out by `eitk init`."""

from ei_toolkit.config.recipes.write import Adjustment, recipe_names, recipe_text, write_recipe

__all__ = ["Adjustment", "recipe_names", "recipe_text", "write_recipe"]
