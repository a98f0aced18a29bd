"""TOML of others: what is not valid or too deep is a ValueError."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.config import load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.untrusted_toml import read_toml
from ei_toolkit.errors import ConfigurationError

DEEP = "value = " + "[" * 20_000 + "]" * 20_000


def test_a_table_is_read() -> None:
    assert read_toml("[a]\nb = [1, [2]]") == {"a": {"b": [1, [2]]}}


@pytest.mark.parametrize("text", [DEEP, "value = " + "[" * 101 + "]" * 101, ".".join("a" * 200) + " = 1"])
def test_deep_tables_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="TOML is nested too deeply"):
        read_toml(text)


def test_a_deep_configuration_is_an_error_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text(DEEP)
    with pytest.raises(ConfigurationError, match=r"eitk.toml cannot be read") as caught:
        load_config(tmp_path, {})
    assert caught.value.why == "TOML is nested too deeply"


def test_a_deep_lock_file_is_an_error_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "eitk.lock").write_text(DEEP)
    with pytest.raises(ConfigurationError, match=r"eitk.lock cannot be read"):
        read_lock(tmp_path / "eitk.lock")
