"""The sketch uses Edge Impulse's public API only: it runs with a library without any name of eitk."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.board.emulator.lifecycle import running_state

OWN = "#ifndef TINY_WITHOUT_EITK"
FUNCTION_POINTER = "int (*get_data)(size_t offset, size_t length, float* out);"


def foreign(tiny: Path, into: Path) -> Path:
    """The tiny library as Edge Impulse would export it: no EITK_ macros, get_data a std::function."""
    shutil.copytree(tiny, into)
    for file in [*into.rglob("*.h"), *into.rglob("*.cpp")]:
        text = (
            file.read_text()
            .replace(OWN, "#if 0")
            .replace("#include <stddef.h>", "#include <stddef.h>\n#include <functional>")
        )
        file.write_text(text.replace(FUNCTION_POINTER, "std::function<int(size_t, size_t, float*)> get_data;"))
    return into


def test_both_libraries_give_the_same_scores(project: Any, tiny: Path, tmp_path: Path) -> None:
    library = foreign(tiny, tmp_path / "Foreign")
    pcm = np.random.default_rng(3).integers(-9000, 9000, 56000).astype("<i2").tobytes()
    predictions = []
    for chosen in (tiny, library):
        assert project.eitk("flash", "--board", "host", "--library", str(chosen)) == 0, project.stderr
        state = running_state(project.boards, "host")
        with socket.create_connection(("127.0.0.1", state.microphone_port)) as line, line.makefile("rb") as answers:
            line.sendall(b"stream\n" + pcm)
            line.shutdown(socket.SHUT_WR)
            assert answers.read().endswith(b"done 56000\n")
        assert project.eitk("tail", "--board", "host", "--json", "--count", "2") == 0
        events = [json.loads(text) for text in project.stdout.splitlines()]
        predictions.append([event for event in events if event["event"] == "prediction"])
    own, exported = predictions
    assert [event["q"] for event in own] == [event["q"] for event in exported]
    assert [event["scores"] for event in own] == [event["scores"] for event in exported]
    assert {event["model"] for event in exported} == {"ei-1-1"}
