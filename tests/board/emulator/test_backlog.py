"""Lines are stored in order and within bounds until a reader has used them; bytes are split into lines."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.board.emulator import backlog as backlog_module
from ei_toolkit.board.emulator.backlog import MAX_PARTIAL_BYTES, Backlog, BacklogReader
from ei_toolkit.board.protocol.parser import MAX_LINE_BYTES, LineSplitter


def test_a_reader_begins_after_the_lines_that_were_used() -> None:
    async def run() -> None:
        backlog = Backlog()
        await backlog.add(b"one\ntwo\nthr")
        lines, position = await backlog.after(backlog.first_unread)
        assert lines == [b"one\n", b"two\n"]
        backlog.mark_used(1)
        await backlog.add(b"ee\n")
        assert (await backlog.after(position))[0] == [b"three\n"]
        assert (await backlog.after(backlog.first_unread))[0] == [b"two\n", b"three\n"]

    asyncio.run(run())


def test_the_oldest_lines_are_dropped_if_there_are_too_many() -> None:
    async def run() -> None:
        backlog = Backlog(max_lines=3)
        await backlog.add(b"".join(b"%d\n" % number for number in range(10)))
        lines, position = await backlog.after(backlog.first_unread)
        assert (lines, position) == ([b"7\n", b"8\n", b"9\n"], 10)
        await backlog.add(b"x" * (MAX_PARTIAL_BYTES + 1))  # data without a line end is stored as one line
        assert len((await backlog.after(position))[0]) == 1

    asyncio.run(run())


def test_a_prompt_is_delivered_without_an_end_of_line() -> None:
    async def run() -> None:
        backlog = Backlog()
        assert await backlog.add(b"OK\r\n>") == [b"OK\r"]
        await backlog.add(b" ")
        assert (await backlog.after(0))[0] == [b"OK\r\n", b"> "]
        await backlog.add(b"\r\na > b")
        assert (await backlog.after(0))[0] == [b"OK\r\n", b"> ", b"\r\n"]

    asyncio.run(run())


def test_a_reader_waits_for_the_next_line() -> None:
    async def run() -> list[bytes]:
        backlog = Backlog()
        waiting = asyncio.create_task(backlog.after(0))
        await asyncio.sleep(0)
        await backlog.add(b"now\n")
        return (await waiting)[0]

    assert asyncio.run(run()) == [b"now\n"]


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=20))
def test_lines_do_not_depend_on_how_their_bytes_arrive(data: bytes, cuts: list[int]) -> None:
    whole, pieces = LineSplitter(), LineSplitter()
    found, at = [], 0
    for cut in cuts:
        found += pieces.add(data[at : at + cut])
        at += cut
    assert found + pieces.add(data[at:]) == whole.add(data)


def test_a_line_that_is_too_long_is_dropped_and_the_next_one_is_complete() -> None:
    splitter = LineSplitter()
    assert splitter.add(b"x" * (MAX_LINE_BYTES + 1)) == []
    assert splitter.add(b"still\nclear\x00 text\r\n") == ["clear text"]


def test_the_sound_waits_for_a_reader_that_is_behind_but_not_for_one_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog_module, "MAX_BEHIND", 5)
    monkeypatch.setattr(backlog_module, "STALLED_AFTER_S", 0.05)

    async def run() -> tuple[bool, int]:
        backlog = Backlog()
        reader = BacklogReader(backlog, acknowledges=True)
        await backlog.add(b"line\n" * 20)
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=ours)
        waiting = asyncio.create_task(reader.catch_up())
        await asyncio.sleep(0.01)
        was_waiting = not waiting.done()
        sending = asyncio.create_task(reader.send(writer))
        await asyncio.wait_for(waiting, 5)
        sending.cancel()
        await backlog.add(b"line\n" * 6)  # of which the reader takes none
        await asyncio.wait_for(reader.catch_up(), 5)
        monkeypatch.setattr(backlog_module, "STALLED_AFTER_S", 60)
        await asyncio.wait_for(reader.catch_up(), 5)  # at once: it has not moved
        writer.close()
        with theirs:
            return was_waiting, theirs.recv(1000).count(b"line")

    assert asyncio.run(run()) == (True, 20)
