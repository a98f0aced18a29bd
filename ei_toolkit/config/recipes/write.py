"""Write a recipe as eitk.toml, with the user's folder, labels, name and board filled in."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType

from ei_toolkit.config import CONFIG_NAME, Settings
from ei_toolkit.config.address import is_address
from ei_toolkit.config.archive import is_archive
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.parse import parse_table
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.config.setting import check_settings
from ei_toolkit.errors import ConfigurationError, UsageError

TRAINING_SCRIPTS = resources.files(__package__).joinpath("training_scripts")
"""Scripts for expert mode. They are no modules of the package: a studio runs them and hands them their names."""
NETWORKS_SCRIPT = "networks.py"
NETWORK_SCRIPTS: Mapping[str, str] = MappingProxyType({
    f"{name.replace('-', '_')}.py": name
    for name in ("cnn-d", "cnn-b4", "cnn-a4", "resnet18", "lstm", "resnet18-lstm")
})  # fmt: skip
"""Training scripts that are `networks.py` with another network, by their names in a project."""
INSERTED_FROM = "# The part that is inserted begins here.\n"


@dataclass(frozen=True)
class Adjustment:
    """A setting of a recipe that is replaced, and why, for the comment behind it."""

    table: str
    key: str
    value: str | int | bool
    comment: str = ""


def recipe_names() -> list[str]:
    """Names of the recipes, in alphabetical order."""
    files = (file.name for file in resources.files(__package__).iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """The text of a recipe. Raises UsageError for an unknown name."""
    if name not in recipe_names():
        raise UsageError(f"there is no recipe {name!r}", hint="Recipes: " + ", ".join(recipe_names()))
    return resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def write_recipe(
    recipe: str,
    folder: Path,
    *,
    clips: Path | str | None,
    name: str | None,
    force: bool,
    board: str | None = None,
    labels: Sequence[str] = (),
    adjusted: Sequence[Adjustment] = (),
    say: Callable[[str], None] = lambda _text: None,
) -> Path:
    """Write `folder`/eitk.toml from a recipe, and its training script beside it; return the path of eitk.toml.

    `labels` and `adjusted` replace settings of the recipe. With `force` an existing eitk.toml is replaced; a script
    that was changed is kept beside the new one, and `say` receives a note of that. Raises ConfigurationError for an
    existing file without `force` and for an invalid value; UsageError for an unknown recipe or a folder of clips that
    does not exist.
    """
    import tomlkit

    document = tomlkit.parse(recipe_text(recipe))
    script = str(document.get("impulse", {}).get("script", ""))
    for file in (folder / wanted for wanted in (CONFIG_NAME, script) if wanted):
        if file.exists() and not force and not _is_ours(file):
            raise ConfigurationError(f"{file} is already there", hint="Edit it, or replace it with: eitk init --force")
    for table, key, value in (("project", "name", name), ("project", "labels", list(labels)), ("board", "name", board)):
        if value:
            document[table][key] = value
    if clips is not None:
        document["dataset"]["root"] = _relative(clips, folder)
    for one in adjusted:
        item = tomlkit.item(one.value)
        if one.comment:
            item.comment(one.comment)
            item.trivia.comment_ws = "   "
        document[one.table][one.key] = item
    check_settings(parse_table(Settings, document.unwrap(), ""))
    folder.mkdir(parents=True, exist_ok=True)
    if script:
        _set_aside(folder / script, say)
        write_text(folder / script, script_text(script))
    schema = ProjectPaths(folder).schema.relative_to(folder)
    write_text(folder / CONFIG_NAME, f"#:schema ./{schema.as_posix()}\n{tomlkit.dumps(document)}")
    return folder / CONFIG_NAME


def script_text(file: str, instead: Mapping[str, str] = MappingProxyType({})) -> str:
    """The complete text of a training script that ships with the recipes, or of networks.py for one of its networks.

    What several scripts have in common is inserted, because a studio runs a script without the package. `instead` maps
    a file that would be inserted to another one that defines the same names.
    """
    if file in NETWORK_SCRIPTS:
        return with_constants(_shipped(NETWORKS_SCRIPT), {"NETWORK": NETWORK_SCRIPTS[file]})
    parts = re.compile(r"^# insert (\w+\.py)\n", re.MULTILINE)
    return parts.sub(lambda found: _inserted(instead.get(found[1], found[1])), _shipped(file))


def _shipped(file: str) -> str:
    return TRAINING_SCRIPTS.joinpath(file).read_text(encoding="utf-8")


def _inserted(file: str) -> str:
    """The part of a shipped file that is inserted into scripts; its first lines are for the file itself."""
    return _shipped(file).partition(INSERTED_FROM)[2]


def with_constants(script: str, values: Mapping[str, object]) -> str:
    """Return a script whose lines `NAME = value` set other values; the comments behind them stay."""
    for name, value in values.items():
        script, found = re.subn(rf"(?m)^{name} = [^#\n]*?(  #.*)?$", _constant(name, value), script, count=1)
        assert found == 1, name
    return script


def _constant(name: str, value: object) -> str:
    shown = json.dumps(value) if isinstance(value, str) else repr(value)
    return f"{name} = {shown}\\1"


def _is_ours(file: Path) -> bool:
    """Whether a file is a training script as it ships, which can be written again without loss."""
    is_shipped = file.name in NETWORK_SCRIPTS or TRAINING_SCRIPTS.joinpath(file.name).is_file()
    return is_shipped and script_text(file.name).encode() == file.read_bytes()


def _set_aside(script: Path, say: Callable[[str], None]) -> None:
    """Keep a script that somebody changed under a name that is free."""
    if not script.exists() or _is_ours(script):
        return
    names = (script.with_name(f"{script.name}.bak{number}") for number in chain(("",), count(2)))
    kept = script.rename(next(name for name in names if not name.exists()))
    say(f"{script.name} was changed: it is kept as {kept.name}")


def _relative(clips: Path | str, folder: Path) -> str:
    """Return the path of the clips from the folder of the project, and an address as it is."""
    if is_address(str(clips)):
        return str(clips)
    clips = Path(clips)
    if not clips.is_dir() and not is_archive(clips):
        raise UsageError(f"there is no folder {clips}", hint="Give a folder with one folder of clips for each label.")
    return os.path.relpath(clips.resolve(), folder.resolve())


def load_recipe(name: str) -> tuple[Settings, str]:
    """Settings of a recipe and the text of its training script ("" where it has none).

    Raises UsageError for an unknown name.
    """
    settings = parse_table(Settings, tomllib.loads(recipe_text(name)), "")
    return settings, script_text(settings.impulse.script) if settings.impulse.script else ""
