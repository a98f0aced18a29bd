"""The lines of a streamed recording; whatever arrives, nothing that the board has not sent is accepted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_board import checked

from ei_toolkit.board.protocol.blocks import (
    Block,
    DamagedLine,
    RecordingEnded,
    RecordingStarted,
    parse_recording_line,
)


def line(text: str) -> str:
    return checked(text).decode().removesuffix("\r\n")


BLOCK = line('{"eitk":1,"of":3,"block":7,"pcm":"AID/fwEA"')


def test_each_kind_of_line() -> None:
    block = parse_recording_line(BLOCK)
    assert isinstance(block, Block) and (block.recording, block.number) == (3, 7)
    np.testing.assert_array_equal(block.samples, [-32768, 32767, 1])
    started = '{"eitk":1,"recording":3,"samples":0,"rate":16000,"gain":80,"block_samples":256'
    assert parse_recording_line(line(started)) == RecordingStarted(3, 0, 16000, 80, 256)
    ended = '{"eitk":1,"recorded":3,"samples":512,"blocks":2,"lost":1,"reason":"microphone overrun"'
    assert parse_recording_line(line(ended)) == RecordingEnded(3, 512, 2, 1, "microphone overrun")


@pytest.mark.parametrize("text", ["", "Predictions:", '{"eitk":1,"state":"running"}', "    rock: 0.5", "> "])
def test_other_lines_are_not_of_a_recording(text: str) -> None:
    assert parse_recording_line(text) is None


@pytest.mark.parametrize(
    "text",
    [
        BLOCK.replace('"block":7', '"block":8'),
        BLOCK[:-1],
        BLOCK + "}",
        BLOCK[20:],
        line('{"eitk":1,"of":3,"block":7,"pcm":"AID/fw=="')[:-2] + "9}",
        line('{"eitk":1,"of":3,"block":7,"pcm":"AID"'),  # no base64
        line('{"eitk":1,"of":3,"block":7,"pcm":"AIA="'.replace("AIA=", "AA==")),  # half a sample
        line('{"eitk":1,"of":3,"block":7,"pcm":""'),
        line('{"eitk":1,"of":3,"block":-7,"pcm":"AID/fwEA"'),
        line('{"eitk":1,"of":3,"block":7,"pcm":"AID/fwEA","more":1'),
        line('{"eitk":1,"of":3,"block":7,"pcm":"' + "AAAA" * 2000 + '"'),
        line('{"eitk":1,"recording":3,"samples":0,"rate":0,"gain":80,"block_samples":256'),
        line('{"eitk":1,"recording":3,"samples":0,"rate":16000,"gain":80,"block_samples":9999'),
    ],
)
def test_a_line_in_another_form_is_damaged(text: str) -> None:
    assert parse_recording_line(text) == DamagedLine(text)


@given(st.integers(0, len(BLOCK) - 1), st.characters(min_codepoint=32, max_codepoint=126))
def test_any_changed_character_is_seen(position: int, character: str) -> None:
    text = BLOCK[:position] + character + BLOCK[position + 1 :]
    if text != BLOCK:
        assert not isinstance(parse_recording_line(text), Block)


@settings(max_examples=30)
@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert not isinstance(parse_recording_line(text), Block)
