"""The predictions of a connected board, sent to the studio while it requests them.

The messages are those of Edge Impulse's model runner for Linux (version 4 of the remote management): `impulseRecord`
with the scores and times of one window. `winner` and `levelDbfs`, which the sketch prints, are additions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ei_toolkit.board.protocol.at_client import AtClient
from ei_toolkit.board.protocol.at_firmware import begin
from ei_toolkit.board.protocol.events import Prediction
from ei_toolkit.board.protocol.parser import LineSplitter, Parser
from ei_toolkit.board.transport.link import Link, LinkLost, lost_connection, prompts_before
from ei_toolkit.client.remote_management import RemoteManagement


class PredictionStream:
    """Lets a board classify and sends its predictions while `is_on`; else the board waits for commands.

    Every method raises BoardError if the board is lost, and NetworkError if the connection to the studio has ended.
    """

    def __init__(self, link: Link, client: AtClient, remote: RemoteManagement) -> None:
        self._link, self._client, self._remote = link, client, remote
        self._lines, self._parser = LineSplitter(), Parser()
        self._sent = 0
        self.is_on = False

    def switch(self, is_on: bool) -> None:
        """Begin or end to send predictions, and report it."""
        if is_on and not self.is_on:
            self._start()
        elif not is_on:
            self.end()
        self._remote.report(**{"inferenceStreamStarted" if is_on else "inferenceStreamStopped": True})

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the board wait for commands meanwhile."""
        was_on = self.is_on
        self.end()
        yield
        if was_on:
            self._start()

    def end(self) -> None:
        """Let the board wait for commands."""
        if self.is_on:
            self.is_on = False
            self._client.connect()

    def _start(self) -> None:
        try:
            begin(self._link)
        except LinkLost as error:
            raise lost_connection(error) from None
        self.is_on = True

    def relay(self, timeout_s: float) -> None:
        """Send the predictions that the board has printed; wait for them at most `timeout_s` seconds."""
        try:
            data = self._link.read(timeout_s)
            found = [] if data else self._parser.flush()
            for line in self._lines.add(data):
                self._link.acknowledge(1 + prompts_before(line))
                found += self._parser.feed(line)
        except LinkLost as error:
            raise lost_connection(error) from None
        for event in found:
            if isinstance(event, Prediction):
                self._sent += 1
                self._remote.report(**record_of(event, self._sent))


def record_of(prediction: Prediction, index: int) -> dict[str, Any]:
    """Return the message of one prediction; times are in ms."""
    times = {"dsp": prediction.dsp_us, "classification": prediction.nn_us}
    record: dict[str, Any] = {
        "result": {"classification": dict(prediction.scores)},
        "timing": {**{name: (value or 0) / 1000 for name, value in times.items()}, "anomaly": 0},
        "winner": prediction.winner,
    }
    if prediction.level_dbfs is not None:
        record["levelDbfs"] = prediction.level_dbfs
    return {"impulseRecord": record, "timestamp": int(1000 * time.time()), "index": index}
