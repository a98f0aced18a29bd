"""A multipart body that is never in one piece: copying it together takes longer than sending it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.fields import RequestField

from ei_toolkit.client.answer import redact
from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.transport import RETRYABLE, no_answer, rate_limit_pause, refusal, retry_after, was_never_sent
from ei_toolkit.errors import EitkError


class Multipart:
    """WAV files, by name and content, as the body of a request: its length is known, and it can be sent again."""

    def __init__(self, files: Sequence[tuple[str, bytes]]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._parts = [(_head(boundary, name), content) for name, content in files]
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        """Number of bytes."""
        return sum(len(head) + len(content) + 2 for head, content in self._parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """The body, one file at a time."""
        for head, content in self._parts:
            yield b"".join((head, content, b"\r\n"))
        yield self._end


def _head(boundary: str, name: str) -> bytes:
    part = RequestField("data", b"", filename=name)
    part.make_multipart(content_type="audio/wav")
    return f"--{boundary}\r\n{part.render_headers()}".encode()


LARGEST_FILE = 100 * 2**20
MOST_FILES = 1000
CONNECT_S = 3.0
READ_S = 120.0
UNRESERVED = "!'()*-._~"  # what JavaScript's encodeURIComponent leaves as it is, as the official uploader does
DUPLICATE = re.compile(r"already exists \(ids?: ([\d, ]+)\)")
TOO_LARGE = (413,)
BAD_REQUEST = (400, 415, 422)


@dataclass(frozen=True)
class BatchKey:
    """What the files of one request have in common. `metadata` is sorted pairs."""

    category: str
    label: str
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """A file to send and the hash that its bytes must have."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Stored:
    """The server has it: as a new sample, or as one that was there before."""

    sample: int | None
    duplicate: bool


@dataclass(frozen=True)
class Rejected:
    """This file alone was refused, for good."""

    reason: str


@dataclass(frozen=True)
class RetryableError:
    """The request as a whole did not arrive, or not surely; nothing is known about its files.

    `kind`: `down` nobody listens · `broken` the connection or the answer broke · `busy` the server said later ·
    `large` the request is more than the server takes, or takes in time · `odd` refused, maybe for one file of many.
    """

    kind: Literal["down", "broken", "busy", "large", "odd"]
    reason: str
    pause: float = 0.0


@dataclass(frozen=True)
class Answered:
    """One outcome a file, in order, and how long the server wants to be left alone."""

    outcomes: tuple[Stored | Rejected, ...]
    pause: float = 0.0


class Ingestion:
    """Sends requests to one ingestion service. Safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, connections: int) -> None:
        self._endpoint = endpoint
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(endpoint.ingestion_url)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections))

    def send(self, shelf: BatchKey, items: Sequence[Item]) -> Answered | RetryableError:
        """Send files in one request. Raises CredentialError where the key is refused."""
        contents = [_read(item) for item in items]
        good = [(item, content) for item, content in zip(items, contents, strict=True) if isinstance(content, bytes)]
        if not good:
            return Answered(tuple(c for c in contents if isinstance(c, Rejected)))
        answer = self._post(shelf, [(item.path.name, content) for item, content in good])
        if isinstance(answer, RetryableError):
            return answer
        told = iter(answer.outcomes)
        return Answered(tuple(c if isinstance(c, Rejected) else next(told) for c in contents), answer.pause)

    def _post(self, shelf: BatchKey, files: Sequence[tuple[str, bytes]]) -> Answered | RetryableError:
        body = Multipart(files)
        try:
            answer = self._session.post(
                f"{self._endpoint.ingestion_url}/api/{shelf.category}/files",
                headers={**self._headers(shelf), "Content-Type": body.content_type},
                data=body,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
            )
            return self._understand(answer, [name for name, _ in files])
        except requests.exceptions.SSLError as error:
            raise no_answer(error, self._endpoint, self._endpoint.ingestion_url) from None
        except requests.RequestException as error:
            return RetryableError(_kind(error), str(no_answer(error, self._endpoint, self._endpoint.ingestion_url)))

    def _headers(self, shelf: BatchKey) -> dict[str, str]:
        label = {"x-label": quote(shelf.label, safe=UNRESERVED)} if shelf.label else {"x-label": "", "x-no-label": "1"}
        return {
            "x-api-key": self._endpoint.key,
            "x-upload-source": "EITK",
            "x-disallow-duplicates": "1",
            "x-metadata": json.dumps(dict(shelf.metadata), separators=(",", ":")),
            "User-Agent": "eitk",
            **label,
        }

    def _understand(self, answer: requests.Response, names: Sequence[str]) -> Answered | RetryableError:
        said, files = _body(answer, self._endpoint.key)
        if answer.status_code in TOO_LARGE:
            return RetryableError("large", said or "the server takes no request of this size")
        if answer.status_code in RETRYABLE:
            reason = said or f"the server answered HTTP {answer.status_code}"
            return RetryableError("busy", reason, retry_after(answer.headers))
        if answer.status_code == 200 and files is not None:
            outcomes = match(files, names)
            return (
                Answered(outcomes, rate_limit_pause(answer.headers))
                if outcomes
                else RetryableError("broken", "odd answer")
            )
        error = refusal(answer.status_code, said, f"/api/…/files with {len(names)} files")
        if answer.status_code in BAD_REQUEST:
            return RetryableError("odd", said or str(error))
        if answer.status_code == 200 and not said:
            return RetryableError("broken", "the answer was cut off")
        raise error


def _kind(error: requests.RequestException) -> Literal["down", "large", "broken"]:
    if was_never_sent(error):
        return "down"
    return "large" if isinstance(error, requests.Timeout) else "broken"  # what takes too long may be too much at once


def match(files: Sequence[object], names: Sequence[str]) -> tuple[Stored | Rejected, ...]:
    """The answer's entries as outcomes, in the order of `names`; empty where they do not fit together."""
    entries = [entry for entry in files if isinstance(entry, dict)]
    if len(entries) != len(names):
        return ()
    by_name = {entry.get("fileName"): entry for entry in entries}
    if by_name.keys() == set(names):
        entries = [by_name[name] for name in names]
    return tuple(map(_outcome, entries))


def _outcome(entry: dict[str, object]) -> Stored | Rejected:
    sample = entry.get("sampleId")
    if entry.get("success") is True:
        return Stored(sample if isinstance(sample, int) else None, duplicate=False)
    reason = str(entry.get("error") or "the server gave no reason")
    if found := DUPLICATE.search(reason):
        return Stored(int(found[1].split(",")[0]), duplicate=True)
    if "hash already exists" in reason:
        return Stored(None, duplicate=True)
    return Rejected(reason)


def _body(answer: requests.Response, key: str) -> tuple[str, list[object] | None]:
    """(what the answer says went wrong, its list of files)."""
    try:
        data = json.loads(redact(answer.content.decode("utf-8", errors="replace"), key))
    except ValueError:
        return "", None
    if not isinstance(data, dict):
        return "", None
    files = data.get("files")
    return str(data.get("error") or ""), files if isinstance(files, list) else None


def _read(item: Item) -> bytes | Rejected:
    """A file's bytes, if they are the ones that the manifest names."""
    try:
        if item.path.stat().st_size > LARGEST_FILE:
            return Rejected("the file is larger than 100 MB")
        content = item.path.read_bytes()
    except OSError as error:
        return Rejected(f"the file cannot be read: {error.strerror}")
    if hashlib.sha256(content).hexdigest() != item.sha256:
        return Rejected("the file is not the one that the manifest names; run eitk slice again")
    return content


def as_error(again: RetryableError) -> EitkError:
    """The error that ends an upload for which trying again was no help."""
    from ei_toolkit.errors import NetworkError

    return NetworkError(
        "the upload service does not answer",
        why=again.reason,
        hint="What has arrived is kept; run eitk upload again when it is back.",
    )
