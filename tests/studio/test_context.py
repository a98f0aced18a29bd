"""The parts of a studio: options, devices, activity, and what opening a data folder cleans."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit import __version__
from ei_toolkit.studio.context import Activity, Studio
from ei_toolkit.studio.devices import DEFAULT_DEVICE, DEVICES, device
from ei_toolkit.studio.options import Options, RunningServer
from ei_toolkit.studio.server import parse

RECORD = {"pid": 7, "host": "127.0.0.1", "port": 4800, "ingestion_port": 4810, "version": "1"}


def test_opening_a_folder_deletes_what_an_interrupted_process_left(tmp_path: Path) -> None:
    Studio.open(Options(tmp_path)).close()
    (tmp_path / "incoming" / "123.0").write_bytes(b"half a blob")
    (tmp_path / "incoming" / "job-5-x").mkdir()
    unused = tmp_path / "blobs" / "ab" / ("ab" * 32)
    unused.parent.mkdir()
    unused.write_bytes(b"of no row")
    os.utime(unused, (0, 0))
    Studio.open(Options(tmp_path)).close()
    assert not list((tmp_path / "incoming").iterdir()) and not unused.exists()


def test_a_studio_is_idle_since_its_last_request(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    activity = Activity()
    clock[0] = 107.0
    assert activity.idle_s == 7.0
    activity.begin()
    activity.begin()
    clock[0] = 120.0
    activity.end()
    clock[0] = 125.0
    assert activity.idle_s == 0.0  # one request still runs
    activity.end()
    clock[0] = 128.0
    assert activity.idle_s == 3.0


def test_the_files_of_a_folder_have_their_places(tmp_path: Path) -> None:
    options = Options(tmp_path)
    assert (options.database, options.logs) == (tmp_path / "studio.sqlite", tmp_path / "logs")
    assert (options.running, options.lock) == (tmp_path / "server.json", tmp_path / "server.lock")


def test_a_record_of_a_server_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = RunningServer(7, "::1", 4801, 4811)
    written.write(tmp_path)
    assert RunningServer.read(tmp_path) == written and written.version == __version__
    assert (written.api_url, written.ingestion_url) == ("http://[::1]:4801/v1", "http://[::1]:4811")


@pytest.mark.parametrize(
    "change",
    [{"pid": 0}, {"pid": -1}, {"pid": "x"}, {"pid": None}, {"port": []}, {"pid": 1e400}],
)
def test_a_record_with_a_wrong_value_counts_as_none(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / "server.json").write_text(json.dumps({**RECORD, **change}))
    found = RunningServer.read(tmp_path)
    assert found is None or (found.pid == 7 and "port" in change and found.port == 4)


@given(st.binary(max_size=80))
def test_no_content_of_a_record_raises_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "server.json").write_bytes(content)
    assert RunningServer.read(folder) is None


@pytest.mark.parametrize("name", [each.mcu for each in DEVICES])
def test_a_device_is_found_by_its_name(name: str) -> None:
    assert device(name).mcu == name


@pytest.mark.parametrize("name", [None, "", "ARDUINO-NANO-33-BLE", "unknown"])
def test_an_unknown_device_is_the_default_one(name: str | None) -> None:
    assert device(name) is DEFAULT_DEVICE


def test_the_options_of_the_server_process_have_the_defaults_of_the_command(tmp_path: Path) -> None:
    assert parse([str(tmp_path)]) == Options(tmp_path)
    everything = [
        str(tmp_path), "--host", "::", "--port", "1", "--ingestion-port", "2", "--jobs", "3", "--job-limit", "4.5",
        "--allow-scripts", "--idle", "6",
    ]  # fmt: skip
    assert parse(everything) == Options(tmp_path, "::", 1, 2, 3, 4.5, True, 6.0)


@pytest.mark.parametrize("arguments", [[], ["data", "--port", "many"], ["data", "--unknown"]])
def test_wrong_arguments_of_the_server_process_are_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


def test_the_logs_of_jobs_can_be_read_only_by_their_owner(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir(mode=0o755)
    Studio.open(Options(tmp_path)).close()
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
