"""From settings to a studio: the key is sent to valid addresses only, and unused settings are noted."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import eitk

from ei_toolkit.api.connection import endpoint_of
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config import load_config
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio.options import Options

KEY = "ei_" + "0" * 40
LOCAL_API = "http://127.0.0.1:4801/v1"


def remote(folder: Path, url: str, ingestion: str) -> str:
    environ = {"EI_API_KEY": KEY, "EITK_STUDIO_URL": url, "EITK_STUDIO_INGESTION_URL": ingestion}
    return endpoint_of(load_config(folder, environ), environ).ingestion_url


@pytest.mark.parametrize("ingestion", ["http://192.0.2.1:19999", "foo", "http://localhost:abc", "/"])
def test_an_upload_address_is_checked_like_an_api_address(tmp_path: Path, ingestion: str) -> None:
    with pytest.raises(ConfigurationError, match=r"studio\.ingestion_url") as caught:
        remote(tmp_path, LOCAL_API, ingestion)
    assert caught.value.hint


def test_a_configured_upload_address(tmp_path: Path) -> None:
    assert remote(tmp_path, LOCAL_API, "http://localhost:4811/") == "http://localhost:4811"
    assert remote(tmp_path, "https://studio.a.example/v1", "") == "https://ingestion.a.example"


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is started, and no request is sent."""
    started = SimpleNamespace(
        api_url=LOCAL_API, ingestion_url="http://127.0.0.1:4811", remote_management_url="", key=KEY
    )
    monkeypatch.setattr("ei_toolkit.api.connection.ensure", lambda *_a, **_k: started)
    monkeypatch.setattr("ei_toolkit.api.connection.open_studio", lambda transport: transport)


def messages(folder: Path, environ: dict[str, str]) -> str:
    console: Any = Console(io.StringIO(), io.StringIO(), json_output=True)
    connect(Environment(console, folder, environ), load_config(folder, environ), creates=True)
    assert console.stdout.getvalue() == ""
    return str(console.stderr.getvalue())


@pytest.mark.usefixtures("studio")
def test_a_key_that_is_not_used_is_noted_once(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").touch()
    assert messages(tmp_path, {"EI_API_KEY": KEY}).count("EI_API_KEY is not used") == 1
    assert messages(tmp_path, {"EI_API_KEY": ""}) == messages(tmp_path, {}) == ""
    elsewhere = {"EITK_STUDIO_URL": LOCAL_API, "EITK_STUDIO_INGESTION_URL": "http://127.0.0.1:4811"}
    assert messages(tmp_path, {"EI_API_KEY": KEY, **elsewhere}) == ""


@pytest.mark.usefixtures("studio")
def test_a_folder_without_a_project_is_a_warning(tmp_path: Path) -> None:
    assert f"there is no eitk.toml in {tmp_path} or above; eitk init writes one" in messages(tmp_path, {})


READING = (
    "samples list", "samples count", "samples pull there", "samples delete 1 --yes", "impulse show", "impulse pull",
    "train", "test", "profile", "build", "jobs list", "jobs follow 1", "jobs cancel 1",
)  # fmt: skip


@pytest.mark.parametrize("words", READING)
def test_a_command_that_reads_starts_no_studio_in_an_empty_folder(
    tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.api.connection.ensure", lambda *_a, **_k: pytest.fail("a studio was started"))
    code, out, err = eitk(tmp_path, *words.split())
    assert (code, out) == (3, "")
    assert f"there is no project in {tmp_path} or above" in err
    assert "try: eitk init" in err
    assert list(tmp_path.iterdir()) == []


def test_doctor_starts_no_studio_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.api.connection.ensure", lambda *_a, **_k: pytest.fail("a studio was started"))
    (found,) = (one for one in eitk(tmp_path, "doctor", "--json").data if one["what"] == "studio")
    assert (found["verdict"], found["hint"]) == ("warning", "eitk init")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("studio")
def test_the_update_of_a_studio_of_an_older_eitk_is_noted(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").touch()
    folder = load_config(tmp_path, {}).paths.studio
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(Options(folder).database)) as database:
        database.execute("PRAGMA user_version = 1")
    assert "updating the data of the local studio" in messages(tmp_path, {})
