"""One upload request of many files: its multipart body, and what its response means for each file.

The retries are those of `run.py`, not of urllib3: between two tries the batch may be split or made smaller, all
requests pause together, and the time without any success is limited, none of which a retry of a single request can do.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import requests
from urllib3.fields import RequestField

from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.responses import Response, foreign_body, parse_response, redact
from ei_toolkit.client.retries import RETRYABLE_STATUS, rate_limit_pause, retry_after
from ei_toolkit.client.transport import (
    CONNECT_TIMEOUT_S,
    Notify,
    body_text,
    error_of_response,
    ignore,
    note_when_slow,
    once,
    unreachable_error,
    was_never_sent,
)
from ei_toolkit.config.response_deadline import DeadlineAdapter
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.errors import ApiError, DataError, EitkError, NetworkError

MAX_FILES = 1000
MAX_RESULT_BYTES = 16 * 2**20  # a response has a few hundred bytes for each file
READ_TIMEOUT_S = 120.0
UNRESERVED = "!'()*-._~"  # what encodeURIComponent of JavaScript, which the official uploader uses, does not escape
CONTENT_TYPES = {".json": "application/json", ".cbor": "application/cbor", ".labels": "application/json"}
DUPLICATE = re.compile(r"already exists \(ids?: ([\d, ]+)\)")
TOO_LARGE_STATUS = frozenset({413})
BAD_REQUEST_STATUS = frozenset({400, 415, 422})

RetryKind = Literal["unreachable", "protocol", "throttled", "too_large", "rejected"]


class Multipart:
    """Files, by name and content, as the body of a request.

    The length is known, the body can be sent again, and it is never in memory as one piece: copying the files together
    takes longer than sending them.
    """

    def __init__(self, files: Sequence[tuple[str, bytes]]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._parts = [(_head(boundary, name), content) for name, content in files]
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        """Return the number of bytes."""
        return sum(len(head) + len(content) + 2 for head, content in self._parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body, one file at a time."""
        for head, content in self._parts:
            yield b"".join((head, content, b"\r\n"))
        yield self._end


@dataclass(frozen=True)
class BatchKey:
    """What the files of one request have in common. `metadata` is sorted pairs."""

    category: str
    label: str
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """A file to send: its name, the function that reads it, the SHA-256 that its bytes must have, structured labels."""

    name: str
    read: Callable[[], bytes]
    sha256: str
    ranges: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Accepted:
    """The studio has the sample: a new one, or a duplicate that it had before. `sample` is its id, if it is known."""

    sample: int | None
    duplicate: bool


@dataclass(frozen=True)
class Rejected:
    """The studio has rejected this one file, and would reject it again."""

    reason: str


@dataclass(frozen=True)
class RetryableError:
    """The request as a whole failed, and it is not known which of its files have arrived.

    `kind`: `unreachable` no server listens; `protocol` the connection or the response was cut off; `throttled` the
    studio asks for a pause; `too_large` the request is larger than the studio accepts, or accepts in time; `rejected`
    the request is not valid, perhaps because of one of its files. `pause` is in seconds.
    """

    kind: RetryKind
    reason: str
    pause: float = 0.0


@dataclass(frozen=True)
class Outcomes:
    """One outcome for each file, in order, and the seconds that the studio asks to wait before the next request."""

    outcomes: tuple[Accepted | Rejected, ...]
    pause: float = 0.0


class _FileResult(Response, frozen=True):
    success: bool = False
    file_name: str = ""
    sample_id: int | None = None
    error: str = ""


class _UploadResult(Response, frozen=True):
    error: str = ""
    files: tuple[_FileResult, ...] | None = None


class Ingestion:
    """Sends requests to one ingestion service. Safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, connections: int, notify: Notify = ignore) -> None:
        self._endpoint = endpoint
        self._notify = once(notify)
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(endpoint.ingestion_url)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter(pool_maxsize=connections))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, batch: BatchKey, items: Sequence[Item]) -> Outcomes | RetryableError:
        """Send files in one request. Raises CredentialError where the studio rejects the key."""
        contents = [_read(item) for item in items]
        files = [(item.name, c) for item, c in zip(items, contents, strict=True) if isinstance(c, bytes)]
        if not files:
            return Outcomes(tuple(c for c in contents if isinstance(c, Rejected)))
        ranges = {item.name: list(item.ranges) for item in items if item.ranges}
        sent = self._post(batch, files, ranges)
        if isinstance(sent, RetryableError):
            return sent
        outcomes = iter(sent.outcomes)
        return Outcomes(tuple(c if isinstance(c, Rejected) else next(outcomes) for c in contents), sent.pause)

    def _post(
        self, batch: BatchKey, files: Sequence[tuple[str, bytes]], ranges: Mapping[str, Any]
    ) -> Outcomes | RetryableError:
        body = Multipart([*files, *_labels_file(ranges)])
        try:
            with note_when_slow(self._notify, self._endpoint.ingestion_url, READ_TIMEOUT_S):
                response = self._session.post(
                    f"{self._endpoint.ingestion_url}/api/{batch.category}/files",
                    headers={**self._headers(batch), "Content-Type": body.content_type},
                    data=body,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    allow_redirects=False,
                    stream=True,
                )
            with response:
                return self._outcomes(response, [name for name, _ in files])
        except requests.exceptions.SSLError as error:
            raise unreachable_error(error, self._endpoint, self._endpoint.ingestion_url) from None
        except requests.RequestException as error:
            reason = str(unreachable_error(error, self._endpoint, self._endpoint.ingestion_url))
            return RetryableError(_kind(error), reason)

    def _headers(self, batch: BatchKey) -> dict[str, str]:
        label = {"x-label": quote(batch.label, safe=UNRESERVED)} if batch.label else {"x-no-label": "1"}
        return {
            "x-api-key": self._endpoint.key,
            "x-upload-source": "EITK",
            "x-disallow-duplicates": "1",
            "x-metadata": json.dumps(dict(batch.metadata), separators=(",", ":")),
            "User-Agent": "eitk",
            **label,
        }

    def _outcomes(self, response: requests.Response, names: Sequence[str]) -> Outcomes | RetryableError:
        status = response.status_code
        text = redact(body_text(response, MAX_RESULT_BYTES), self._endpoint.key)
        result, foreign = _read_result(text), foreign_body(text)
        if status in TOO_LARGE_STATUS:
            return RetryableError("too_large", result.error or "the studio accepts no request of this size")
        if status in RETRYABLE_STATUS:
            reason = result.error or str(error_of_response(status, "", "/api/…/files", foreign))
            return RetryableError("throttled", reason, retry_after(response.headers))
        if status == 200 and result.files is not None:
            outcomes = match(result.files, names)
            if not outcomes:
                return RetryableError("protocol", f"the response has {len(result.files)} of {len(names)} files")
            return Outcomes(outcomes, rate_limit_pause(response.headers))
        error = error_of_response(status, result.error, f"/api/…/files with {len(names)} files", foreign)
        if foreign and status in BAD_REQUEST_STATUS:
            raise error
        if status in BAD_REQUEST_STATUS:
            return RetryableError("rejected", result.error or str(error))
        if status == 200 and not result.error and not foreign:
            return RetryableError("protocol", "the response was cut off")
        raise error


def match(files: Sequence[_FileResult], names: Sequence[str]) -> tuple[Accepted | Rejected, ...]:
    """Return the files of a response as outcomes, in the order of `names`; empty where their number differs."""
    if len(files) != len(names):
        return ()
    by_name = {file.file_name: file for file in files}
    ordered = [by_name[name] for name in names] if by_name.keys() == set(names) else files
    return tuple(map(_outcome, ordered))


def network_error_of(error: RetryableError) -> EitkError:
    """Return the error that ends an upload after retries without success."""
    return NetworkError(
        "the upload service does not answer",
        why=error.reason,
        hint="Samples that have arrived are kept. Run eitk upload again when the service is available.",
    )


def _labels_file(ranges: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The structured labels of files by name, as a further file of the request."""
    if ranges:
        document = {"version": 1, "type": "structured-labels", "structuredLabels": ranges}
        yield "structured_labels.labels", json.dumps(document).encode()


def _head(boundary: str, name: str) -> bytes:
    part = RequestField("data", b"", filename=name)
    part.make_multipart(content_type=CONTENT_TYPES.get(Path(name).suffix.lower(), "audio/wav"))
    return f"--{boundary}\r\n{part.render_headers()}".encode()


def _kind(error: requests.RequestException) -> RetryKind:
    if was_never_sent(error):
        return "unreachable"
    return "too_large" if isinstance(error, requests.Timeout) else "protocol"  # a timeout may be due to the size


def _outcome(file: _FileResult) -> Accepted | Rejected:
    if file.success:
        return Accepted(file.sample_id, duplicate=False)
    reason = file.error or "the studio gave no reason"
    if found := DUPLICATE.search(reason):
        return Accepted(int(found[1].split(",")[0]), duplicate=True)
    if "hash already exists" in reason:
        return Accepted(None, duplicate=True)
    return Rejected(reason)


def _read_result(text: str) -> _UploadResult:
    """The body of a response; an empty result where it is not valid."""
    try:
        data: Any = read_json(text)
        return parse_response(data, _UploadResult, "/api/…/files")
    except (ValueError, ApiError):
        return _UploadResult()


def _read(item: Item) -> bytes | Rejected:
    """The bytes of a file, if they have the hash of the manifest."""
    try:
        content = item.read()
    except DataError as error:
        return Rejected(str(error))
    if hashlib.sha256(content).hexdigest() != item.sha256:
        return Rejected("the file has another hash than in the manifest; run eitk slice again")
    return content
