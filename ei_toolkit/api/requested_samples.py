"""Record the samples that a studio requests with a board that speaks Edge Impulse's AT commands.

What fits the buffer of the board is recorded there. eitk's sketch also sends longer recordings in blocks, of which the
sample is made here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import numpy as np

from ei_toolkit.audio.acquisition_file import sound_file
from ei_toolkit.board.protocol.at_client import STAGES, AtClient, AtConfig, AtSensor
from ei_toolkit.board.recording import BoardLines, BoardRecording, check_complete, identify
from ei_toolkit.board.transport.link import Link
from ei_toolkit.client.remote_management import (
    DeviceDescription,
    RemoteManagement,
    RunningModel,
    SampleRequest,
    SensorDescription,
)
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.errors import BoardError

OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9_.-]+")  # in a label; the board has the label in a line with commas
REPORTED_STAGES = {STAGES[0]: "sampleStarted", STAGES[2]: "sampleProcessing"}
LONGEST_STREAMED_S = 600  # 29 MB as a file
IDENTIFY_TIMEOUT_S = 1.5  # the sketch answers in less time; other firmware does not answer
INTERVALS_MS = (0.06, 0.064)  # that mean 16,000 Hz: the tools send 0.06, 0.062 or 0.0625
PROGRESS_STEP = 10  # percent


@dataclass(frozen=True)
class SampleRecorder:
    """Records with a connected board; `lines` are those of a sketch that sends recordings in blocks, else None."""

    client: AtClient
    config: AtConfig
    lines: BoardLines | None

    @classmethod
    def of(cls, link: Link) -> Self:
        """Stop the board on a link and read what it is. Raises BoardError if it has no ID or no sensor."""
        client = AtClient(link)
        client.connect()
        config = client.config()
        if not config.device_id or not config.device_type or not config.sensors:
            raise BoardError("the board states no ID, no type or no sensor", hint="Flash it again: eitk flash")
        lines = BoardLines(link)
        try:
            identify(lines, IDENTIFY_TIMEOUT_S)
        except BoardError:
            client.connect()  # the question is still in the input of the other firmware
            return cls(client, config, None)
        return cls(client, config, lines)

    def description(self, model: RunningModel | None = None) -> DeviceDescription:
        """Return what the board, with a model, states of itself."""
        sensors = [SensorDescription(one.name, self._longest_s(one), one.frequencies) for one in self.config.sensors]
        return DeviceDescription(self.config.device_id, self.config.device_type, sensors, model)

    def record(self, remote: RemoteManagement, request: SampleRequest) -> bytes:
        """Record a sample and report each stage; return its file. Raises BoardError."""
        sensor = next((one for one in self.config.sensors if one.name == request.sensor), None)
        if self.lines and sensor and request.length_ms > 1000 * sensor.max_length_s:
            return self._record_blocks(self.lines, remote, request)
        return self._record_buffer(remote, request)

    def _longest_s(self, sensor: AtSensor) -> float:
        return LONGEST_STREAMED_S if self.lines else sensor.max_length_s

    def _record_buffer(self, remote: RemoteManagement, request: SampleRequest) -> bytes:
        progress = _Progress(remote)

        def on_stage(stage: str) -> None:
            if name := REPORTED_STAGES.get(stage):
                remote.report(**{name: True})

        return self.client.sample(
            device_label(request.label), request.interval_ms, request.length_ms, request.sensor, request.hmac_key,
            on_stage=on_stage, on_bytes=progress.to,
        ).data  # fmt: skip

    def _record_blocks(self, lines: BoardLines, remote: RemoteManagement, request: SampleRequest) -> bytes:
        if not INTERVALS_MS[0] <= request.interval_ms < INTERVALS_MS[1]:
            raise BoardError(
                f"the microphone has one frequency, 16000 Hz, and not the interval {request.interval_ms:g} ms"
            )
        if request.length_ms > 1000 * LONGEST_STREAMED_S:
            raise BoardError(f"the longest sample is {LONGEST_STREAMED_S} s, not {request.length_ms / 1000:g} s")
        progress, count = _Progress(remote), request.length_ms * MICROPHONE_RATE_HZ // 1000
        samples = np.zeros(count, np.int16)
        with BoardRecording(lines, count, classify_afterwards=False) as recording:
            remote.report(sampleStarted=True)
            for piece in recording.pieces():
                if piece is not None:
                    end = piece.first + len(piece.samples)
                    samples[piece.first : end] = piece.samples
                    progress.to(end, count)
        check_complete(recording)
        remote.report(sampleProcessing=True)
        own = self.config
        return sound_file(samples, MICROPHONE_RATE_HZ, own.device_id, own.device_type, request.hmac_key)


@dataclass
class _Progress:
    """Reports that a sample is read, at every PROGRESS_STEP."""

    remote: RemoteManagement
    percent: int = -1

    def to(self, done: int, total: int) -> None:
        if (now := min(100, 100 * done // total)) >= self.percent + PROGRESS_STEP:
            self.percent = now
            self.remote.report(sampleReading=True, progressPercentage=now)


def device_label(label: str) -> str:
    """Return a label for a command of a board, which takes no commas and no other characters than ASCII."""
    return OTHER_CHARACTERS.sub("_", label)[:64] or "sample"
