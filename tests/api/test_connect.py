"""`eitk connect`: a board that records what a studio requests; cables, servers and keys that go away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from at_board import AtBoard
from running_studio import RunningStudio
from websocket import create_connection

from ei_toolkit.api import connect
from ei_toolkit.api.connect import ConnectedSample, Connector
from ei_toolkit.api.requested_samples import device_label
from ei_toolkit.board.protocol import at_client
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.client.remote_management import RunningModel, SampleRequest, parse_request
from ei_toolkit.errors import BoardError, CredentialError

DEVICE = "ac:87:a3:0a:2d:1b"


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "POLL_S", 0.01)
    monkeypatch.setattr(connect, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(connect, "RETRY_PAUSE_S", 0.01)
    monkeypatch.setattr(at_client, "CHUNK_PAUSE_S", 0)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path / "studio")
    yield running
    running.stop()


class Running:
    """A connector in a thread; `error` is what ended it."""

    def __init__(self, studio: RunningStudio, board: AtBoard, **limits: Any) -> None:
        self.notes: list[str] = []
        self.samples: list[ConnectedSample] = []
        self.error: Exception | None = None
        self.connector = Connector(
            Source(board.opened), studio.endpoint, self.notes.append, self.samples.append,
            **{"seconds": 20, **limits},
        )  # fmt: skip
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.connector.run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def end(self) -> None:
        self.connector.seconds, self.connector._deadline = 0, 0.0
        self.thread.join(10)
        assert not self.thread.is_alive()

    def noted(self, text: str, times: int = 1) -> None:
        wait_until(lambda: sum(text in note for note in self.notes) >= times)


@pytest.fixture
def run(studio: RunningStudio) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(board: AtBoard, **limits: Any) -> Running:
        started.append(Running(studio, board, **limits))
        return started[-1]

    yield start
    for one in started:
        one.end()


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.005)


def mode(studio: RunningStudio) -> str:
    return str(studio.call("GET", f"/device/{DEVICE}").get("device", {}).get("remoteMgmtMode"))


def request_sample(studio: RunningStudio, **values: Any) -> dict[str, Any]:
    body = {"label": "rock", "lengthMs": 500, "category": "training", "intervalMs": 0.0625, **values}
    return studio.call("POST", f"/device/{DEVICE}/start-sampling", json=body)


def test_a_requested_sample_is_recorded_by_the_board_and_arrives_with_its_label(studio: Any, run: Any) -> None:
    board = AtBoard()
    connector = run(board, count=2)
    connector.noted(f"ARDUINO_NANO33BLE {DEVICE} is connected")
    assert mode(studio) == "ingestion"
    assert request_sample(studio, label="größe, hip-hop")["success"]
    wait_until(lambda: len(connector.samples) == 1)
    assert request_sample(studio, category="testing")["success"]
    connector.thread.join(10)
    assert connector.error is None and not connector.thread.is_alive()
    first, second = connector.samples
    assert (first.label, first.category, second.category) == ("größe, hip-hop", "training", "testing")
    [stored] = studio.call("GET", "/raw-data?category=training")["samples"]
    assert (stored["id"], stored["label"], stored["totalLengthMs"]) == (first.sample, "größe, hip-hop", 500)
    assert stored["deviceType"] == "ARDUINO_NANO33BLE"
    key = studio.studio.store.projects.get(1).hmac_key
    assert f"AT+SAMPLESETTINGS=gr_e_hip-hop,0.0625,500,{key}" in board.commands
    assert board.commands[-1] == "r" and board.closed == 1
    wait_until(lambda: mode(studio) == "disconnected")


def test_a_sample_that_is_longer_than_the_buffer_is_sent_in_blocks_and_signed(studio: Any, run: Any) -> None:
    board = AtBoard(streams=True)
    connector = run(board)
    connector.noted("is connected")
    [sensor] = studio.call("GET", f"/device/{DEVICE}")["device"]["sensors"]
    assert sensor["maxSampleLengthS"] == 600
    assert request_sample(studio, lengthMs=5008)["success"]
    wait_until(lambda: len(connector.samples) == 1)
    [stored] = studio.call("GET", "/raw-data?category=training")["samples"]
    assert (stored["totalLengthMs"], stored["valuesCount"], stored["signatureValidate"]) == (5008, 80_128, True)
    assert (stored["deviceName"], stored["deviceType"]) == (DEVICE, "ARDUINO_NANO33BLE")
    assert "m 80128" in board.commands
    values = studio.call("GET", f"/raw-data/{stored['id']}")["payload"]["values"]
    assert [value for [value] in values] == [i % 999 for i in range(80_128)]
    assert request_sample(studio, lengthMs=500)["success"]  # what fits the buffer is recorded there
    wait_until(lambda: len(connector.samples) == 2)
    assert any(command.startswith("AT+SAMPLESTART") for command in board.commands)


def test_a_long_sample_of_which_a_block_is_lost_is_not_uploaded(studio: Any, run: Any) -> None:
    board = AtBoard(streams=True)
    board.lost_block = 7
    connector = run(board)
    connector.noted("is connected")
    request_sample(studio, lengthMs=4000)
    connector.noted("the sample rock was not recorded: 1 blocks of the recording were lost")
    assert studio.call("GET", "/raw-data?category=training")["samples"] == []


def test_a_request_of_10_hours_is_refused_and_the_board_stays_connected(studio: Any, run: Any) -> None:
    connector = run(AtBoard(streams=True))
    connector.noted("is connected")
    answer = request_sample(studio, lengthMs=36_000_000)
    assert not answer["success"] and "records 600 s at most" in answer["error"]
    assert request_sample(studio)["success"]
    wait_until(lambda: len(connector.samples) == 1)


class LiveLog:
    """A client of the live log that receives debug streams."""

    def __init__(self, studio: RunningStudio) -> None:
        token = studio.call("GET", "/socket-token")["token"]["socketToken"]
        address = f"ws://127.0.0.1:{studio.ports[0]}/socket.io/?EIO=4&transport=websocket&token={token}"
        self.socket = create_connection(address, timeout=5)

    def next_record(self, stream: int) -> dict[str, Any]:
        while True:
            packet = str(self.socket.recv())
            if packet.startswith(f'42["debug-stream-data-{stream}",'):
                message: dict[str, Any] = json.loads(packet[2:])[1]
                return message


def test_the_predictions_of_a_board_are_sent_while_they_are_requested(studio: Any, run: Any) -> None:
    board = AtBoard()
    connector = run(board, model=RunningModel(1, "Tunes", 4))
    connector.noted("is connected")
    device = studio.call("GET", f"/device/{DEVICE}")["device"]
    assert (device["remoteMgmtMode"], device["inferenceInfo"]["deployedVersion"]) == ("inference", 4)
    assert board.predictions is None
    log = LiveLog(studio)
    stream = studio.call("POST", f"/device/{DEVICE}/debug-stream/inference/start")["streamId"]
    first, second = log.next_record(stream), log.next_record(stream)
    assert (first["index"], second["index"]) == (1, 2)
    assert first["impulseRecord"] == {
        "result": {"classification": {"classical": 0.25, "rock": 0.75}}, "winner": "rock", "levelDbfs": -31.25,
        "timing": {"dsp": 140.5, "classification": 30.25, "anomaly": 0},
    }  # fmt: skip
    assert request_sample(studio)["success"]
    wait_until(lambda: len(connector.samples) == 1)
    assert board.commands[-2:] == ["?", "r"]  # it was stopped for the recording, and predicts again
    assert log.next_record(stream)["index"] > 2
    assert studio.call("POST", f"/device/{DEVICE}/debug-stream/stop", json={"streamId": stream})["success"]
    wait_until(lambda: board.predictions is None)
    log.socket.close()


def test_predictions_that_are_sent_when_the_studio_stops_end_on_the_board(studio: Any, run: Any) -> None:
    board = AtBoard()
    connector = run(board, model=RunningModel(1, "Tunes", 4))
    connector.noted("is connected")
    studio.call("POST", f"/device/{DEVICE}/debug-stream/inference/start")
    wait_until(lambda: board.predictions is not None)
    studio.stop()
    connector.noted("trying again in")
    assert board.predictions is None
    studio.start()
    connector.noted("is connected", times=2)
    assert request_sample(studio)["success"]


def test_a_board_that_cannot_record_is_reported_to_the_studio_and_stays_connected(studio: Any, run: Any) -> None:
    board = AtBoard(fails="the buffer is full")
    connector = run(board)
    connector.noted("is connected")
    request_sample(studio)
    connector.noted("the sample rock was not recorded: the board did not record (the buffer is full)")
    board.fails = ""
    wait_until(lambda: request_sample(studio)["success"])
    wait_until(lambda: len(connector.samples) == 1)
    assert sum("is connected" in note for note in connector.notes) == 1


def test_a_cable_that_is_pulled_while_recording_leaves_nothing_and_the_board_may_return(studio: Any, run: Any) -> None:
    board = AtBoard()
    board.unplug_at = "AT+SAMPLESTART"
    connector = run(board)
    connector.noted("is connected")
    request_sample(studio)
    connector.noted("waiting for the board")
    wait_until(lambda: mode(studio) == "disconnected")
    assert studio.call("GET", "/raw-data?category=training")["samples"] == []
    board.unplug_at, board.is_plugged = "", True
    connector.noted("is connected", times=2)
    assert request_sample(studio)["success"]
    wait_until(lambda: len(connector.samples) == 1)


def test_a_cable_that_is_pulled_while_nothing_happens_disconnects_the_device(studio: Any, run: Any) -> None:
    board = AtBoard()
    connector = run(board)
    connector.noted("is connected")
    board.is_plugged = False
    connector.noted("the connection to the board was lost (device disconnected); waiting for the board")
    wait_until(lambda: mode(studio) == "disconnected")


def test_a_studio_that_stops_is_waited_for(studio: Any, run: Any) -> None:
    connector = run(AtBoard())
    connector.noted("is connected")
    studio.stop()
    connector.noted("trying again in")
    studio.start()
    connector.noted("is connected", times=2)
    assert request_sample(studio)["success"]


def test_a_studio_that_stops_while_the_board_records_does_not_disturb_the_board(studio: Any, run: Any) -> None:
    board = AtBoard()
    board.at_command["AT+SAMPLESTART"] = studio.stop
    connector = run(board)
    connector.noted("is connected")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(request_sample, studio)  # its answer does not come
        connector.noted("trying again in")
    studio.start()
    connector.noted("is connected", times=2)
    assert request_sample(studio, label="after")["success"]
    wait_until(lambda: [sample.label for sample in connector.samples] == ["after"])
    assert [one["label"] for one in studio.call("GET", "/raw-data?category=training")["samples"]] == ["after"]


@pytest.mark.parametrize("when", ["before", "while connected"])
def test_a_key_that_is_not_accepted_ends_the_connection(
    studio: Any, run: Any, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.studio.remote.session.KEY_CHECK_INTERVAL_S", 0.02)
    if when == "before":
        studio.studio.store.keys.revoke(1, studio.key_id)
    connector = run(AtBoard())
    if when == "while connected":
        connector.noted("is connected")
        studio.studio.store.keys.revoke(1, studio.key_id)
    connector.thread.join(10)
    assert isinstance(connector.error, CredentialError)
    assert "the studio does not accept the key for devices" in str(connector.error)
    assert studio.key not in str(connector.error)


def test_a_device_that_is_connected_already_is_waited_for(studio: Any, run: Any) -> None:
    first = run(AtBoard())
    first.noted("is connected")
    second = run(AtBoard())
    second.noted("another program has connected this device")
    first.end()
    second.noted("is connected;")


def test_the_time_ends_the_connection(studio: Any, run: Any) -> None:
    connector = run(AtBoard(), seconds=0.1)
    connector.thread.join(5)
    assert connector.error is None and not connector.thread.is_alive()


def test_without_a_board_at_the_start_the_command_ends(studio: Any, run: Any) -> None:
    board = AtBoard()
    board.is_plugged = False
    connector = run(board)
    connector.thread.join(5)
    assert isinstance(connector.error, BoardError) and "cannot be reached" in str(connector.error)


VALID = {"label": "x", "length": 1000, "interval": 0.06, "path": "/api/training/data", "sensor": "m", "hmacKey": "k"}


def test_a_request_is_read() -> None:
    assert parse_request(VALID) == SampleRequest("x", 1000, 0.06, "m", "training", "k")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label", ""), ("label", "a\nb"), ("label", 7), ("label", "x" * 300), ("length", -1), ("length", True),
        ("length", "1000"), ("length", 1e12), ("length", float("nan")), ("interval", 0), ("interval", None),
        ("path", "/api/training/data/../../x"), ("path", "http://other/api/training/data"), ("path", None),
        ("sensor", "a\rAT+CLEARCONFIG"), ("sensor", 1), ("hmacKey", "a\rAT+CLEARCONFIG"), ("hmacKey", 7),
    ],
)  # fmt: skip
def test_a_request_with_a_value_that_is_not_possible_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        parse_request({**VALID, name: value})


@pytest.mark.parametrize("label", ["a,b", "a\rAT+CLEARCONFIG", "größe", "", "/", "x" * 500])
def test_a_label_in_a_command_of_a_board_has_only_characters_that_it_takes(label: str) -> None:
    assert device_label(label).replace("_", "a").replace("-", "a").isalnum() and len(device_label(label)) <= 64
