"""Boards that are connected: on the page of devices, and what they predict on the page of live classification."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from at_board import AtBoard
from studio_pages import Project, Window
from trained_project import make_trained

from ei_toolkit.api.connect import Connector
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.remote_management import RunningModel
from ei_toolkit.studio.options import RunningServer


@pytest.fixture
def connect_board(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Connector]]:
    """Connect a board to the studio of the test as `eitk connect` does."""
    monkeypatch.setattr("ei_toolkit.board.protocol.at_client.CHUNK_PAUSE_S", 0)
    monkeypatch.setattr("ei_toolkit.api.connect.POLL_S", 0.02)
    server = RunningServer.read(project.studio.data)
    assert server is not None
    endpoint = Endpoint(server.api_url, server.ingestion_url, project.key, project.id, "", server.remote_management_url)
    running: list[tuple[Connector, threading.Thread]] = []

    def connect(board: AtBoard, model: RunningModel | None = None) -> Connector:
        connector = Connector(Source(board.opened), lambda: endpoint, print, print, 120, model=model)
        thread = threading.Thread(target=connector.run)
        thread.start()
        running.append((connector, thread))
        return connector

    yield connect
    for connector, thread in running:
        connector.count = 0
        thread.join(10)
        assert not thread.is_alive()


def test_a_device_is_renamed_records_a_sample_and_is_deleted(
    window: Window, connect_board: Callable[..., Connector], check_page: Callable[[Any], None]
) -> None:
    page = window.open("devices")
    page.wait_for_selector("text=No device was connected yet.")
    connect_board(AtBoard())
    page.wait_for_selector("[aria-label=Devices] >> text=Built-in microphone")
    page.click("[aria-label=Devices] button:has-text('Rename')")
    page.fill("dialog input[name=name]", '<b>desk</b> "1"')
    page.keyboard.press("Enter")
    page.wait_for_selector('[aria-label=Devices] >> text=<b>desk</b> "1"')
    page.fill("input[name=label]", "größe, rock")
    page.fill("input[name=seconds]", "0.5")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=/Sample .* has arrived: größe, rock/")
    page.wait_for_selector("section.window audio")
    [sample] = window.project.samples("training")
    assert (sample["label"], sample["totalLengthMs"]) == ("größe, rock", 500)
    check_page(page)
    page.click("text=Show it on the data page")
    page.wait_for_selector(f"text={sample['filename']}")
    page = window.open("devices")
    page.click("[aria-label=Devices] button:has-text('Delete')")
    page.click("dialog button.main")
    page.wait_for_selector("text=The device was deleted. Its samples stay.")


def test_a_recording_that_the_device_cannot_make_has_a_reason(
    window: Window, connect_board: Callable[..., Connector]
) -> None:
    connect_board(AtBoard())
    page = window.open("devices")
    page.fill("input[name=label]", "rock")
    page.evaluate("document.querySelector('input[name=seconds]').removeAttribute('max')")
    page.fill("input[name=seconds]", "9")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=/Built-in microphone records 3 s at most/")


def test_the_live_page_shows_what_a_connected_board_predicts(
    window: Window, connect_board: Callable[..., Connector], check_page: Callable[[Any], None]
) -> None:
    make_trained(window.project)
    page = window.open("classification")
    page.wait_for_selector("text=No board that runs a model is connected.")
    board = AtBoard()
    connect_board(board, RunningModel(window.project.id, "Tunes", 1))
    page.click("button:has-text('Watch')")
    page.wait_for_selector("[aria-labelledby=board] .live strong:has-text('rock')")
    assert "Features 141 ms, network 30 ms, level -31.3 dB of full scale" in page.inner_text("[aria-labelledby=board]")
    assert "75.0 %" in page.inner_text("[aria-labelledby=board] .meters")
    page.click("text=Stop watching")
    page.wait_for_selector("button:has-text('Watch')")
    check_page(page)
    page.click("button:has-text('Watch')")
    page.wait_for_selector("text=Stop watching")
    board.is_plugged = False
    page.wait_for_selector("text=/is not connected to the remote management/")
