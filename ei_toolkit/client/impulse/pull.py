"""Write the impulse of a project into eitk.toml; equal values and everything else in the file are unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from ei_toolkit.client.impulse.state import DspState, ImpulseState
from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.toml_tables import update_tables
from ei_toolkit.config.untrusted_toml import read_toml
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.layers import layer_table, settings_layers

SCRIPT = "model.py"


@dataclass(frozen=True)
class Pulled:
    """The tables that describe an impulse: [slice], [impulse], [training]. `None` removes a key."""

    tables: Mapping[str, Mapping[str, Any]]

    def data(self) -> dict[str, Any]:
        """Return the tables for --json."""
        return {name: {k: v for k, v in table.items() if v is not None} for name, table in self.tables.items()}

    def text(self) -> str:
        """Return the tables as TOML."""
        return tomlkit.dumps(self.data()).rstrip()


def pulled_tables(state: ImpulseState) -> Pulled:
    """Return an impulse as tables of eitk.toml. Raises ConfigurationError for a layer type that it does not have."""
    learn = state.learn
    expert = learn.mode == "expert"
    layers = None if expert else [layer_table(layer) for layer in settings_layers(learn.layers)]
    training: dict[str, Any] = {
        "epochs": learn.epochs,
        "learning_rate": learn.learning_rate,
        "batch_size": learn.batch_size,
        "validation": learn.validation,
        "validation_group": learn.validation_group,
        "auto_class_weights": learn.auto_class_weights,
        "spec_augment": learn.spec_augment,
        "int8": learn.profile_int8,
    }
    if learn.seed is not None:
        training["seed"] = learn.seed
    window = state.input
    return Pulled(
        {
            "slice": {
                "sample_rate": round(window.frequency_hz),
                "window_ms": window.window_ms,
                "hop_ms": window.increase_ms,
            },
            "impulse": {
                "dsp": [_dsp(block) for block in state.dsp],
                "layers": layers,
                "script": SCRIPT if expert else None,
            },
            "training": training,
        }
    )


def write_pulled(root: Path, pulled: Pulled, state: ImpulseState) -> tuple[Path, ...]:
    """Write the tables into `root`/eitk.toml, and an expert script beside it; return the files that were written.

    Raises ConfigurationError where eitk.toml cannot be read, or a script with other contents exists.
    """
    file = root / CONFIG_NAME
    document = tomlkit.parse(_checked_text(file))
    update_tables(document, pulled.tables)
    written = [file]
    if state.learn.mode == "expert":
        written.append(_write_script(root / SCRIPT, state.learn.script))
    write_text(file, tomlkit.dumps(document))
    return tuple(written)


def _checked_text(file: Path) -> str:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        read_toml(text)
    except ValueError as error:
        raise ConfigurationError(f"{file} cannot be read", why=str(error)) from None
    return text


def _write_script(file: Path, script: str) -> Path:
    if file.exists() and file.read_text(encoding="utf-8") != script:
        raise ConfigurationError(f"{file} already exists with other contents", hint="Move it away, then pull again.")
    write_text(file, script)
    return file


def _dsp(block: DspState) -> dict[str, Any]:
    return {
        "type": block.type,
        "implementation_version": block.version,
        "name": block.name,
        **{key: _value(text) for key, text in block.config.items()},
    }


def _value(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
