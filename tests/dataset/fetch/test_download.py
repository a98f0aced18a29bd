from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.dataset.download import CHUNK, Patience, download
from ei_toolkit.errors import DataError, NetworkError

DATA = bytes(range(256)) * 8000  # 2 MB
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
QUICK = Patience(attempts=4, stall_seconds=0.3, pause_seconds=0.01)
Serve = Callable[..., Any]


def get(place: Any, folder: Path, md5: str = MD5) -> bytes:
    download(place.url, folder / "genres.tar.gz", md5, lambda _done, _note: None, QUICK)
    assert [path.name for path in folder.iterdir()] == ["genres.tar.gz"]
    return (folder / "genres.tar.gz").read_bytes()


def first_byte(asked: str) -> int:
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def test_a_plain_download(serve: Serve, tmp_path: Path) -> None:
    assert get(serve(data=DATA), tmp_path) == DATA


@pytest.mark.parametrize("way", ["cut", "stall", "busy", "wrong range"])
def test_what_breaks_off_goes_on_where_it_stopped(serve: Serve, tmp_path: Path, way: str) -> None:
    place = serve(data=DATA, ways=["cut", way, "whole"])
    assert get(place, tmp_path) == DATA
    assert place.ranges[0] is None
    assert len(DATA) // 2 - CHUNK < first_byte(place.ranges[1]) <= len(DATA) // 2


def test_many_cuts_that_each_bring_something_are_endured(serve: Serve, tmp_path: Path) -> None:
    place = serve(data=DATA, ways=["cut"] * 6 + ["whole"])
    assert get(place, tmp_path) == DATA
    assert place.ranges.count(None) == 1


def test_a_later_run_goes_on(serve: Serve, tmp_path: Path) -> None:
    place = serve(data=DATA, ways=["cut", "busy"])
    with pytest.raises(NetworkError) as caught:
        get(place, tmp_path)
    assert "goes on where it stopped" in caught.value.hint
    have = (tmp_path / "genres.tar.gz.part").stat().st_size
    place.ways[:] = ["whole"]
    assert get(place, tmp_path) == DATA
    assert first_byte(place.ranges[-1]) == have > 0


def test_a_file_that_was_whole_when_the_program_stopped(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "genres.tar.gz.part").write_bytes(DATA)
    (tmp_path / "genres.tar.gz.part.tag").write_text('"v1"')
    assert get(serve(data=DATA), tmp_path) == DATA


def test_pieces_of_two_versions_are_never_joined(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "genres.tar.gz.part").write_bytes(b"old" * 1000)
    (tmp_path / "genres.tar.gz.part.tag").write_text('"v0"')
    assert get(serve(data=DATA), tmp_path) == DATA


@pytest.mark.parametrize(
    ("etag", "ways"), [(None, ["cut", "whole"]), ('W/"weak"', ["cut", "whole"]), ('"v1"', ["cut", "no ranges"])]
)
def test_a_server_that_cannot_resume_sends_all_again(
    serve: Serve, tmp_path: Path, etag: str | None, ways: list[str]
) -> None:
    assert get(serve(data=DATA, etag=etag, ways=ways), tmp_path) == DATA


def test_a_corrupted_file_is_fetched_once_more(serve: Serve, tmp_path: Path) -> None:
    place = serve(data=DATA, ways=["corrupt", "whole"])
    assert get(place, tmp_path) == DATA
    assert place.ranges == [None, None]


def test_a_file_that_stays_corrupt_is_rejected_and_not_kept(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the published archive"):
        get(serve(data=DATA, ways=["corrupt"]), tmp_path)
    assert not (tmp_path / "genres.tar.gz").exists()
    assert not (tmp_path / "genres.tar.gz.part").exists()


def test_an_unknown_checksum_is_not_checked(serve: Serve, tmp_path: Path) -> None:
    assert get(serve(data=b"anything"), tmp_path, md5="") == b"anything"


@pytest.mark.parametrize(
    ("way", "why"), [("gone", "HTTP 404"), ("busy", "HTTP 503"), ("stall", "nothing arrived in time")]
)
def test_what_never_comes_is_a_network_error(serve: Serve, tmp_path: Path, way: str, why: str) -> None:
    place = serve(data=b"" if way == "stall" else DATA, ways=[way])
    if way == "stall":
        place.data = b"xx"
    with pytest.raises(NetworkError) as caught:
        get(place, tmp_path)
    assert why in caught.value.why


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        download("http://127.0.0.1:9/x.tar.gz", tmp_path / "x", "", lambda _done, _note: None, QUICK)
    assert caught.value.why == "the connection broke"


def test_a_file_larger_than_any_edition_is_rejected(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too large"):
        get(serve(data=DATA, ways=["lie"]), tmp_path)


def test_only_http_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not an http address"):
        download("file:///etc/hostname", tmp_path / "x", "", lambda _done, _note: None)


def test_a_server_that_sends_interim_responses_without_end_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        while True:
                            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                            time.sleep(0.05)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/genres.tar.gz"
        with pytest.raises(NetworkError, match="sends no more"):
            download(url, tmp_path / "x", "", lambda _done, _note: None, Patience(2, 0.3, 0.01))


def test_a_server_that_sends_too_slowly_is_given_up(serve: Serve, tmp_path: Path) -> None:
    place = serve(data=DATA, ways=["drip"])
    started = time.monotonic()
    with pytest.raises(NetworkError, match="sends no more") as caught:
        download(place.url, tmp_path / "x", MD5, lambda _done, _note: None, Patience(3, 0.2, 0.01))
    assert caught.value.why == "it sends less than 1024 bytes a second"
    assert time.monotonic() - started < 5
    assert len(place.ranges) == 3
