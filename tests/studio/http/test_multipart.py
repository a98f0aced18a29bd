"""Multipart bodies: every way to write one is read, limits are exact, and an incomplete one is an error."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.http.errors import Malformed, TooLarge
from ei_toolkit.studio.http.multipart import Bounds, Part, gathered, receive
from ei_toolkit.studio.store.packs import Pack, Packs

BOUNDARY = "----boundary-7"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    folder = tmp_path_factory.mktemp("packs")
    return Packs(folder, folder)


async def in_chunks(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def read(pack: Pack, body: bytes, *, form: str = FORM, bounds: Bounds | None = None, size: int = 1000) -> list[Part]:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return asyncio.run(receive(form, in_chunks(chunks), pack, bounds or Bounds()))


def part(headers: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n"


def end() -> bytes:
    return f"--{BOUNDARY}--\r\n".encode()


def named(name: str, content: bytes = b"x") -> bytes:
    return part(f'Content-Disposition: form-data; name="data"; filename="{name}"', content)


def text_of(found: Part) -> bytes:
    return found.content.read()


@given(
    st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}\.wav", fullmatch=True), st.binary(max_size=300)), max_size=5),
    st.integers(1, 400),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_httpx_writes_is_read_however_the_network_cuts_it(
    packs: Packs, files: list[tuple[str, bytes]], size: int
) -> None:
    request = httpx.Request("POST", "http://x", files=[("data", file) for file in files] or {"none": b""})
    body = request.read()
    with packs.begin() as pack:
        found = read(pack, body, form=request.headers["content-type"], size=size)
        assert [(one.filename, text_of(one)) for one in found if one.name == "data"] == files
        digests = [one.content.byte_range.sha256 for one in found if one.name == "data"]
    assert digests == [hashlib.sha256(content).hexdigest() for _, content in files]


@pytest.mark.parametrize(
    "form",
    [
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"Multipart/Form-Data;charset=utf-8;BOUNDARY={BOUNDARY}",
        f"multipart/form-data; boundary={BOUNDARY}; charset=utf-8",
    ],
)
def test_the_boundary_is_found_in_every_way_to_write_it(packs: Packs, form: str) -> None:
    with packs.begin() as pack:
        [found] = read(pack, named("a.wav", b"abc") + end(), form=form)
        assert (found.filename, text_of(found)) == ("a.wav", b"abc")


@pytest.mark.parametrize(
    "form",
    ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=x", "multipart/form-data; boundary="],
)
def test_another_content_type_is_an_error_that_shows_it(packs: Packs, form: str) -> None:
    with packs.begin() as pack, pytest.raises(Malformed) as caught:
        read(pack, end(), form=form)
    assert str(caught.value) == f"The content type must be multipart/form-data with a boundary, but is {form!r}"


def test_headers_of_a_part_may_be_in_any_case_and_order_and_others_are_ignored(packs: Packs) -> None:
    headers = 'Content-Type: text/plain\r\nX-Other: 1\r\ncontent-DISPOSITION: form-data; filename="b.wav"; name="d"'
    with packs.begin() as pack:
        [found] = read(pack, part(headers, b"1") + end())
        assert (found.name, found.filename) == ("d", "b.wav")


def test_a_disposition_is_not_taken_from_the_part_before(packs: Packs) -> None:
    with packs.begin() as pack:
        first, second = read(pack, named("a.wav", b"1") + part("Content-Type: text/plain", b"2") + end())
        assert (first.name, first.filename) == ("data", "a.wav")
        assert (second.name, second.filename, text_of(second)) == ("", "sample", b"2")


def test_a_file_name_is_reduced_to_its_last_part_and_may_have_any_letters(packs: Packs) -> None:
    body = named("../../Größe 🎵.wav") + named("C:/clips/b.wav") + end()
    with packs.begin() as pack:
        assert [found.filename for found in read(pack, body)] == ["Größe 🎵.wav", "b.wav"]


def test_a_part_may_be_empty_and_may_hold_what_looks_like_a_boundary(packs: Packs) -> None:
    inside = f"--{BOUNDARY[:-1]}\r\n--\r\n".encode()
    with packs.begin() as pack:
        assert [text_of(found) for found in read(pack, named("a", b"") + named("b", inside) + end(), size=3)] == [
            b"",
            inside,
        ]


def test_a_file_of_the_largest_size_is_kept_and_a_larger_one_does_not_affect_the_others(packs: Packs) -> None:
    limit = 2**20
    body = named("exact.wav", b"e" * limit) + named("large.wav", b"l" * (limit + 1)) + named("small.wav", b"s") + end()
    with packs.begin() as pack:
        found = read(pack, body, bounds=Bounds(file_size=limit), size=200_000)
        errors = {one.filename: one.error for one in found}
        assert errors == {
            "exact.wav": "",
            "large.wav": "The file has more than the 1 MiB that are accepted",
            "small.wav": "",
        }
        assert text_of(found[0]) == b"e" * limit and text_of(found[2]) == b"s"


def test_the_number_of_parts_is_limited(packs: Packs) -> None:
    body = [named(f"{number}.wav") for number in range(4)]
    with packs.begin() as pack:
        assert len(read(pack, b"".join(body[:3]) + end(), bounds=Bounds(files=3))) == 3
    with packs.begin() as pack, pytest.raises(TooLarge) as caught:
        read(pack, b"".join(body) + end(), bounds=Bounds(files=3))
    assert str(caught.value) == "The request has more than the 3 files that are accepted"


@pytest.mark.parametrize("missing", [1, 4, 10, 200])
def test_a_body_that_ends_early_is_an_error(packs: Packs, missing: int) -> None:
    body = named("a.wav", b"x" * 300) + end().rstrip()
    with packs.begin() as pack, pytest.raises(Malformed, match="incomplete: it ends before its last boundary"):
        read(pack, body[:-missing])


def test_a_body_that_does_not_begin_with_the_boundary_is_an_error_with_the_reason(packs: Packs) -> None:
    with packs.begin() as pack, pytest.raises(Malformed, match=r"The multipart body cannot be read: .*boundary"):
        read(pack, b"no boundary at all" + end())


def test_a_pack_of_a_failed_request_leaves_no_file(tmp_path: Path) -> None:
    packs = Packs(tmp_path / "packs", tmp_path)
    with pytest.raises(Malformed), packs.begin() as pack:
        read(pack, named("a.wav"))
    assert [path.name for path in tmp_path.rglob("*")] == ["packs"]


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 60))
def test_gathered_pieces_have_the_same_bytes_and_only_the_last_is_small(chunks: list[bytes], size: int) -> None:
    async def run() -> list[bytes]:
        return [piece async for piece in gathered(in_chunks(chunks), size)]

    pieces = asyncio.run(run())
    assert b"".join(pieces) == b"".join(chunks)
    assert all(len(piece) >= size for piece in pieces[:-1])
    assert all(len(piece) < size + 40 for piece in pieces)
