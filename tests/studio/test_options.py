"""The record of a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.studio.options import RunningServer


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:4800/v1"), ("0.0.0.0", "http://127.0.0.1:4800/v1"),
        ("::1", "http://[::1]:4800/v1"), ("::", "http://[::1]:4800/v1"), ("studio.lan", "http://studio.lan:4800/v1"),
    ],
)  # fmt: skip
def test_the_addresses_of_a_server_can_be_connected_to(tmp_path: Path, host: str, url: str) -> None:
    server = RunningServer(7, host, 4800, 4810, "1.0")
    server.write(tmp_path)
    found = RunningServer.read(tmp_path)
    assert found == server and found is not None
    assert (found.api_url, found.ingestion_url) == (url, url.replace("4800/v1", "4810"))


def test_a_folder_without_a_record_has_none(tmp_path: Path) -> None:
    assert RunningServer.read(tmp_path) is None
