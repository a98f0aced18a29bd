"""Connect a board to a studio: register it, record the samples that the studio requests, and send its predictions."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ei_toolkit.api.prediction_stream import PredictionStream
from ei_toolkit.api.requested_samples import SampleRecorder, device_label
from ei_toolkit.board.transport.link import Link, LinkLost, lost_connection
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.remote_management import (
    DeviceDescription,
    RemoteManagement,
    RunningModel,
    SampleRequest,
    StreamRequest,
)
from ei_toolkit.client.upload.ingestion import BatchKey, Ingestion, Item, Rejected, RetryableError
from ei_toolkit.errors import ApiError, BoardError, CredentialError, EitkError

POLL_S = 0.5  # between two looks at the board and at the clock
STREAM_POLL_S = 0.05  # the same while predictions are sent
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0  # between two tries to reach the studio or the board
UPLOAD_TRIES, RETRY_PAUSE_S = 5, 0.5
RESUME = b"r\n"  # eitk's sketch classifies again

Note = Callable[[str], None]


@dataclass(frozen=True)
class ConnectedSample:
    """A sample that was recorded and uploaded; `sample` is its id where the studio states it."""

    label: str
    category: str
    file: str
    bytes: int
    sample: int | None


@dataclass
class Connector:
    """Keeps a board connected to a studio.

    `endpoint` returns the addresses and the key, which may change when a local studio starts again. `note` gets what
    happens, `on_sample` each sample that has arrived. `seconds` and `count` end the connection; None means never. With
    `model`, the model of the board, the studio may request its predictions.
    """

    source: Source
    endpoint: Callable[[], Endpoint]
    note: Note
    on_sample: Callable[[ConnectedSample], None]
    seconds: float | None = None
    count: int | None = None
    model: RunningModel | None = None
    samples: list[ConnectedSample] = field(default_factory=list)
    _deadline: float | None = None
    _pause_s: float = FIRST_PAUSE_S

    def run(self) -> None:
        """Serve until the time or the number of samples is reached.

        A board that is unplugged and a studio that does not answer are waited for. Raises BoardError if there is no
        board at the start, CredentialError if the key is refused.
        """
        self._deadline = None if self.seconds is None else time.monotonic() + self.seconds
        link: Link | None = self.source.first()
        while link is not None:
            try:
                self._serve_board(link)
                return
            except BoardError as error:
                self.note(f"{error}; waiting for the board")
            finally:
                link.close()
            link = self._reopened()

    @property
    def _is_over(self) -> bool:
        is_late = self._deadline is not None and time.monotonic() >= self._deadline
        return is_late or (self.count is not None and len(self.samples) >= self.count)

    def _serve_board(self, link: Link) -> None:
        """Connect an open board again and again, until the end. Raises BoardError if the board is lost."""
        recorder = SampleRecorder.of(link)
        device = recorder.description(self.model)
        try:
            while not self._is_over:
                try:
                    self._serve_connection(link, recorder, device)
                except ApiError as error:
                    self.note(f"{error}; trying again in {self._pause_s:g} s")
                    self._wait(link)
        finally:
            _resume(link)

    def _serve_connection(self, link: Link, recorder: SampleRecorder, device: DeviceDescription) -> None:
        endpoint = self.endpoint()
        with RemoteManagement(endpoint, device) as remote:
            self._pause_s = FIRST_PAUSE_S
            self.note(f"{device.device_type} {device.device_id} is connected; Ctrl-C ends")
            stream = PredictionStream(link, recorder.client, remote)
            try:
                while not self._is_over:
                    request = remote.next_request(STREAM_POLL_S if stream.is_on else POLL_S)
                    if isinstance(request, StreamRequest):
                        stream.switch(request.is_on)
                    elif request is not None:
                        with stream.paused():
                            self._record(recorder, remote, endpoint, request)
                    if stream.is_on:
                        stream.relay(STREAM_POLL_S)
                    else:
                        _check_board(link)
            finally:
                stream.end()

    def _record(
        self, recorder: SampleRecorder, remote: RemoteManagement, endpoint: Endpoint, request: SampleRequest
    ) -> None:
        """Record, upload and report one sample. Raises BoardError if the board is lost, ApiError without a studio."""
        remote.report(sample=True)
        try:
            data = recorder.record(remote, request)
            remote.report(sampleUploading=True)
            sample = upload_sample(endpoint, request, data, self.note)
        except EitkError as error:
            remote.report_failure(str(error))
            self.note(f"the sample {request.label} was not recorded: {error}")
            if isinstance(error, CredentialError):
                raise
            return
        remote.report(sampleFinished=True)
        self.samples.append(sample)
        self.on_sample(sample)

    def _wait(self, link: Link) -> None:
        """Wait before another try, longer each time. Raises BoardError if the board is lost meanwhile."""
        end = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        while time.monotonic() < end and not self._is_over:
            _check_board(link)
            time.sleep(min(POLL_S, max(0.0, end - time.monotonic())))

    def _reopened(self) -> Link | None:
        """Open the board again when it is back; None if the time is over before."""
        while not self._is_over:
            try:
                return self.source.open()
            except LinkLost:
                time.sleep(POLL_S)
        return None


def upload_sample(endpoint: Endpoint, request: SampleRequest, data: bytes, note: Note) -> ConnectedSample:
    """Upload a file with the label of the request. Raises ApiError or CredentialError if it is not accepted."""
    name = f"{device_label(request.label)}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.cbor"
    item = Item(name, lambda: data, hashlib.sha256(data).hexdigest())
    with contextlib.closing(Ingestion(endpoint, 1, note)) as ingestion:
        sent = ingestion.send(BatchKey(request.category, request.label, ()), [item])
        for attempt in range(1, UPLOAD_TRIES):
            if not isinstance(sent, RetryableError) or sent.kind == "rejected":
                break
            time.sleep(max(sent.pause, RETRY_PAUSE_S * 2**attempt))
            sent = ingestion.send(BatchKey(request.category, request.label, ()), [item])
    if isinstance(sent, RetryableError):
        raise ApiError("the sample could not be uploaded", why=sent.reason)
    [outcome] = sent.outcomes
    if isinstance(outcome, Rejected):
        raise ApiError("the studio did not accept the sample", why=outcome.reason)
    return ConnectedSample(request.label, request.category, name, len(data), outcome.sample)


def _check_board(link: Link) -> None:
    """Raise BoardError if the board is gone; a board that waits for a command sends nothing."""
    try:
        data = link.read(0)
        link.acknowledge(data.count(b"\n"))
    except LinkLost as error:
        raise lost_connection(error) from None


def _resume(link: Link) -> None:
    try:
        link.write(RESUME)
    except LinkLost:
        return
