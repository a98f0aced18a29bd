"""Write a candidate into eitk.toml, with its training script beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomlkit

from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.settings import plain
from ei_toolkit.config.toml_tables import update_tables
from ei_toolkit.config.untrusted_toml import read_toml
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.tuning.candidate import Candidate


@dataclass(frozen=True)
class Applied:
    """The tables of eitk.toml that a candidate sets (None removes a key), and its script."""

    tables: Mapping[str, Mapping[str, Any]]
    script_name: str
    script: str


def applied(candidate: Candidate) -> Applied:
    """Return what a candidate writes. The name of the script has a hash of its text, so no other script is replaced."""
    settings = candidate.settings
    name = f"tuned-{sha256(candidate.script.encode()).hexdigest()[:8]}.py"
    cut, training = plain(settings.slice), plain(settings.training)
    keys = (
        "epochs", "learning_rate", "batch_size", "validation", "validation_group", "auto_class_weights",
        "spec_augment", "int8", "seed",
    )  # fmt: skip
    [block] = plain(settings.impulse.dsp)
    tables = {
        "slice": {key: cut[key] for key in ("window_ms", "hop_ms", "level")},
        "impulse": {"dsp": {k: v for k, v in block.items() if k != "name"}, "layers": None, "script": name},
        "training": {key: training[key] for key in keys},
    }
    return Applied(tables, name, candidate.script)


def write_applied(root: Path, found: Applied) -> tuple[Path, Path]:
    """Write the script, then the tables into `root`/eitk.toml; return both files.

    Raises ConfigurationError if eitk.toml cannot be read.
    """
    file, script = root / CONFIG_NAME, root / found.script_name
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        read_toml(text)
    except ValueError as error:
        raise ConfigurationError(f"{file} cannot be read", why=str(error), hint="Correct the file.") from None
    document = tomlkit.parse(text)
    update_tables(document, found.tables)
    write_text(script, found.script)
    write_text(file, tomlkit.dumps(document))
    return file, script
