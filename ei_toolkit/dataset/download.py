"""Download one large file through whatever happens on the way: cuts, stalls, a changed or corrupted file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from ei_toolkit.config.response_deadline import DeadlineAdapter
from ei_toolkit.errors import DataError, NetworkError

Progress = Callable[[float, str], None]
CHUNK = 1 << 14  # what a break in the middle of one loses
LARGEST = 8 << 30  # no published edition is a quarter of this
MIN_BYTES_PER_S = 1024  # on average over the stall time; a slower server counts as one that sends nothing
TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
ABORTED = (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError)


@dataclass(frozen=True)
class Patience:
    """How often to try without getting a byte further, and how long to wait."""

    attempts: int = 6
    stall_seconds: float = 30.0
    pause_seconds: float = 1.0


class _RetryableError(Exception):
    """This attempt ended early; `after` is the pause that the server asked for.

    `is_slow`: something has arrived, but so slowly that it does not count as progress.
    """

    def __init__(self, why: str, after: float = 0.0, *, is_slow: bool = False) -> None:
        super().__init__(why)
        self.after = after
        self.is_slow = is_slow


def download(url: str, target: Path, md5: str, progress: Progress, patience: Patience | None = None) -> None:
    """Download `url` to `target`, going on where an earlier attempt, or an earlier run, stopped.

    `md5` may be empty. A file with another checksum is fetched once more from its start. Raises NetworkError where
    nothing more arrives, DataError for a file that is not the published one.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise DataError(f"{url} is not an http address", hint="For a file or folder give its path.")
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        _until_whole(url, part, progress, patience or Patience())
        if not md5 or _md5(part) == md5:
            part.replace(target)
            _tag_file(part).unlink(missing_ok=True)
            return
        part.unlink()
    _tag_file(part).unlink(missing_ok=True)
    raise DataError(
        f"{url} is not the published archive", why=f"its MD5 is not {md5}, twice", hint="Give another --from address."
    )


def _until_whole(url: str, part: Path, progress: Progress, patience: Patience) -> None:
    failures, pause = 0, patience.pause_seconds
    while True:
        before = _size(part)
        try:
            return _attempt(url, part, progress, patience.stall_seconds)
        except _RetryableError as again:
            failures = 1 if _size(part) > before and not again.is_slow else failures + 1
            if failures >= patience.attempts:
                raise NetworkError(
                    f"{urlsplit(url).netloc} sends no more", why=str(again),
                    hint="Run the same command again: it goes on where it stopped.",
                ) from None  # fmt: skip
            time.sleep(max(again.after, pause * 2 ** (failures - 1)))


def _attempt(url: str, part: Path, progress: Progress, stall: float) -> None:
    """One request for what is still missing. Raises _RetryableError where it ends early."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"}
    if have and _tag_file(part).is_file():
        headers |= {"Range": f"bytes={have}-", "If-Range": _tag_file(part).read_text(encoding="ascii")}
    try:
        with _session() as session, session.get(url, headers=headers, stream=True, timeout=(10, stall)) as answer:
            if answer.status_code == 416 and answer.headers.get("Content-Range") == f"bytes */{have}":
                return  # an earlier run fetched it whole and was stopped
            start, total = _place(answer, have, part)
            _receive(answer, part, start, total, progress, stall)
    except ABORTED as error:
        raise _RetryableError(_short(error)) from None


def _session() -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter())
    return session


def _place(answer: requests.Response, have: int, part: Path) -> tuple[int, int | None]:
    """Where the answer's bytes belong, and the length of the whole file if it is known."""
    if answer.status_code in TRY_LATER:
        after = answer.headers.get("Retry-After", "")
        raise _RetryableError(f"HTTP {answer.status_code}", min(float(after), 60.0) if after.isdigit() else 0.0)
    if answer.status_code == 416:
        part.unlink(missing_ok=True)
        raise _RetryableError("the file on the server is shorter than what was fetched")
    if not answer.ok:
        raise NetworkError(f"{answer.url} cannot be fetched", why=f"HTTP {answer.status_code} {answer.reason}")
    if answer.status_code == 206:
        range_, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if range_.partition("-")[0] != str(have):
            part.unlink(missing_ok=True)
            raise _RetryableError("the server sent another piece than the one asked for")
        return have, int(total) if total.isdigit() else None
    length = answer.headers.get("Content-Length", "")
    _remember_tag(answer, part)
    return 0, int(length) if length.isdigit() else None


def _receive(
    answer: requests.Response, part: Path, start: int, total: int | None, progress: Progress, stall: float
) -> None:
    if (total or 0) > LARGEST:
        raise DataError(f"{answer.url} is too large", why=f"{total} bytes")
    note = f"of {total / 1e6:.0f} MB" if total else "MB"
    with part.open("r+b" if start else "wb") as out:
        done = out.seek(start)
        for chunk in _chunks(answer, stall):
            done += out.write(chunk)
            if done > LARGEST:
                raise DataError(f"{answer.url} is too large", why=f"more than {LARGEST >> 30} GiB")
            progress(round(done / 1e6, 1), note)
    if total is not None and done != total:
        raise _RetryableError(f"the connection ended after {done} of {total} bytes")


def _chunks(answer: requests.Response, window_s: float) -> Iterator[bytes]:
    """Yield what arrives. Raises _RetryableError where too little has arrived in `window_s` seconds."""
    started, received = time.monotonic(), 0
    while chunk := answer.raw.read1(CHUNK):
        yield chunk
        received += len(chunk)
        if (passed := time.monotonic() - started) > window_s:
            if received < MIN_BYTES_PER_S * passed:
                raise _RetryableError(f"it sends less than {MIN_BYTES_PER_S} bytes a second", is_slow=True)
            started, received = time.monotonic(), 0


def _remember_tag(answer: requests.Response, part: Path) -> None:
    """Keep what identifies this version of the file, so that no later piece of another version is joined to it."""
    tag = answer.headers.get("ETag", "W/")
    if tag.startswith("W/"):  # a weak tag does not promise the same bytes
        tag = answer.headers.get("Last-Modified", "")
    if tag and tag.isascii():
        _tag_file(part).write_text(tag, encoding="ascii")
    else:
        _tag_file(part).unlink(missing_ok=True)


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _short(error: Exception) -> str:
    return "nothing arrived in time" if "timed out" in str(error).lower() else "the connection broke"
