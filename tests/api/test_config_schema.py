"""The JSON Schema of eitk.toml refuses what `eitk config check` refuses, as far as a schema can express it."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from support import eitk

from ei_toolkit.api.config_schema import settings_schema
from ei_toolkit.api.settings_check import setting_faults
from ei_toolkit.config import Settings
from ei_toolkit.config.dotted import set_in
from ei_toolkit.config.parse import try_table
from ei_toolkit.config.ranges import Range
from ei_toolkit.config.recipes import recipe_names, recipe_text

VALIDATOR = Draft7Validator(settings_schema())
REFERENCE = tomllib.loads(recipe_text("reference"))


def schema_refuses(table: dict[str, Any]) -> bool:
    return not VALIDATOR.is_valid(table)


def check_refuses(table: dict[str, Any]) -> bool:
    faults: list[Any] = []
    settings = try_table(Settings, table, "", faults)
    return bool(faults or settings is None or list(setting_faults(settings)))


def changed(key: str, value: Any) -> dict[str, Any]:
    table = copy.deepcopy(REFERENCE)
    assert set_in(table, key, value)
    return table


def test_the_schema_is_valid() -> None:
    Draft7Validator.check_schema(settings_schema())


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_valid(name: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(recipe_text(name)))] == []


def test_an_empty_file_is_valid() -> None:
    assert not schema_refuses({})


def leaves(node: Any, prefix: str = "") -> list[tuple[str, Field[Any]]]:
    found = []
    for f in fields(node):
        value = getattr(node, f.name)
        found += leaves(value, f"{prefix}{f.name}.") if is_dataclass(value) else [(prefix + f.name, f)]
    return found


LEAVES = dict(leaves(Settings()))
RANGES = {key: f.metadata["allowed"] for key, f in LEAVES.items() if isinstance(f.metadata.get("allowed"), Range)}
BEYOND = [
    *((key, allowed.low - (0 if allowed.above else 1)) for key, allowed in RANGES.items()),
    *((key, allowed.high + (0 if allowed.below else 1)) for key, allowed in RANGES.items() if allowed.high < 10**12),
]
PAIRS = ("slice.augment.noise_snr_db", "tune.learning_rate")
WRONG = [
    *((key, [value, value]) if key in PAIRS else (key, value) for key, value in BEYOND),
    ("slice.augment.noise_snr_db", [1]),
    ("slice.augment.noise_snr_db", [1, 2, 3]),
    ("training.epochs", 2.5),
    ("training.epochs", "5"),
    ("training.epochs", True),
    ("training.int8", 1),
    ("training.epoch", 5),
    ("trainings", {}),
    ("project.labels", "rock"),
    ("project.labels", [1]),
    ("project.name", 5),
    ("dataset.split", "random"),
    ("slice.level", "loud"),
    ("board.name", "uno"),
    ("board.colours", {"rock": "mauve"}),
    ("build.engine", "eon"),
    ("build.engine", "tensorrt"),
    ("build.target", "zip64"),
    ("build.model_type", "int16"),
    ("studio.url", "htp://x/v1"),
    ("studio.url", "https://x"),
    ("impulse.dsp.type", "wavelet"),
    ("impulse.dsp.implementation_version", 9),
    ("impulse.dsp.num_filter", 3),
    ("impulse.dsp.fft_length", [64]),
    ("impulse.dsp.fft_length", 65),
    ("impulse.dsp.frame_stride", 0),
    ("impulse.dsp.noise_floor_db", 12),
    ("impulse.dsp", {"fft_length": 64}),
    ("impulse.layers", 3),
    ("impulse.layers[0].type", "lstm"),
    ("impulse.layers[0].columns", 0),
    ("impulse.layers[1].filters", 5000),
    ("impulse.layers[1].kernel", 0),
    ("impulse.layers[1].pool", "first"),
    ("impulse.layers[2].rate", 1),
    ("impulse.layers[2]", {"type": "dropout"}),
    ("impulse.layers[2]", {"rate": 0.1}),
    ("impulse.layers[6].width", 1),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_what_the_check_refuses_the_schema_refuses_too(key: str, value: Any) -> None:
    table = changed(key, value)
    assert check_refuses(table), "the check accepts it"
    assert schema_refuses(table), "the schema accepts it"


LONGER = ("slice.window_ms", "slice.sample_rate")  # the blocks and layers of the recipe need more
RIGHT = [
    *((key, allowed.low + (1e-6 if allowed.above else 0)) for key, allowed in RANGES.items() if key not in LONGER),
    ("training.learning_rate", 1),
    ("impulse.dsp", [{"type": "mfe"}, {"type": "mfcc", "num_cepstral": 13}]),
    ("impulse.layers[6]", {"type": "flatten", "units": 3}),
    ("impulse.layers[6]", {"type": "dense", "units": 3}),
    ("slice.augment.noise_snr_db", []),
    ("studio", {"url": "https://studio.edgeimpulse.com/v1"}),
    ("studio", {"url": "local"}),
]


@pytest.mark.parametrize(("key", "value"), RIGHT)
def test_what_the_check_accepts_the_schema_accepts_too(key: str, value: Any) -> None:
    table = changed(key, [value, value] if key in PAIRS and value else value)
    assert not check_refuses(table), "the check refuses it"
    assert not schema_refuses(table), "the schema refuses it"


def test_an_engine_of_the_cloud_is_valid_with_the_cloud_only() -> None:
    table = changed("build.engine", "tensorrt")
    assert schema_refuses(table) and check_refuses(table)
    table["studio"]["url"] = "https://studio.edgeimpulse.com/v1"
    assert not schema_refuses(table) and not check_refuses(table)


def test_each_setting_has_its_description_and_its_default() -> None:
    properties = settings_schema()["properties"]
    for key, f in LEAVES.items():
        node: Any = {"properties": properties}
        for name in key.split("."):
            node = node["properties"][name]
        assert node["description"] == f.metadata["description"]
        assert "default" in node
    epochs = properties["training"]["properties"]["epochs"]
    assert (epochs["minimum"], epochs["maximum"], epochs["default"]) == (1, 10_000, 30)


def test_init_writes_the_schema_that_the_first_line_names(tmp_path: Path) -> None:
    assert eitk(tmp_path, "init").code == 0
    first = (tmp_path / "eitk.toml").read_text().splitlines()[0]
    assert first.startswith("#:schema ./")
    written = (tmp_path / first.removeprefix("#:schema ")).read_text()
    assert eitk(tmp_path, "config", "schema", "--json").data == settings_schema()
    assert written == eitk(tmp_path, "config", "schema").out


def test_the_schema_can_be_written_to_a_file(tmp_path: Path) -> None:
    assert eitk(tmp_path, "config", "schema", "-o", "x.json").code == 0
    assert (tmp_path / "x.json").read_text() == eitk(tmp_path, "config", "schema").out
    assert eitk(tmp_path, "config", "schema", "-o", "gone/x.json").code == 2
