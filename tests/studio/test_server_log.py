"""The log of the server: its size, repeated events, and texts of clients."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from ei_toolkit.studio import server_log
from ei_toolkit.studio.server_log import (
    FORMAT,
    OncePerInterval,
    PrintableFormatter,
    without_traceback_of_clients,
)


def record(message: str, *values: object, name: str = "asyncio") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)


def test_events_of_one_kind_are_logged_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr(server_log.time, "monotonic", lambda: now[0])
    once = OncePerInterval()
    assert [once.filter(record("%s failed", number)) for number in range(4)] == [True, False, False, False]
    assert once.filter(record("%s ended", 1)) and once.filter(record("%s failed", 1, name="uvicorn"))
    now[0] = 11.5
    later = record("%s failed", "GET /x")
    assert once.filter(later)
    assert later.getMessage() == "GET /x failed (3 more of this kind were not logged)"


def test_an_event_is_one_line_without_control_characters() -> None:
    line = PrintableFormatter(FORMAT).format(record("GET %s failed", "/a\n2026 ERROR b\x1b[2J\u202e"))
    assert line.endswith(r"ERROR asyncio: GET /a\n2026 ERROR b" + "\ufffd failed")


@pytest.mark.parametrize(
    ("logger", "error", "has_traceback"),
    [
        ("uvicorn.error", UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), False),
        ("websockets.server", ConnectionResetError("Connection reset by peer"), False),
        ("uvicorn.error", ValueError("an error of the studio"), True),
        ("ei_toolkit.studio", ConnectionResetError("an error of the studio"), True),
    ],
)
def test_what_a_client_causes_is_one_line(logger: str, error: Exception, has_traceback: bool) -> None:
    event = record("data transfer failed", name=logger)
    event.exc_info = (type(error), error, None)
    assert without_traceback_of_clients(event)
    lines = PrintableFormatter(FORMAT).format(event).splitlines()
    assert (len(lines) > 1) is has_traceback
    assert has_traceback or lines[0].endswith(f"data transfer failed ({type(error).__name__})")


def test_the_log_file_has_a_largest_size(tmp_path: Path) -> None:
    script = """
import logging, pathlib, sys
from ei_toolkit.studio import server_log
server_log.LARGEST_LOG_BYTES, server_log.INTERVAL_S = 10_000, 0.0
server_log.configure_log(pathlib.Path(sys.argv[1]))
for number in range(2000):
    logging.getLogger("x").warning("line %d", number)
print("printed at the end")
"""
    log = tmp_path / "server.log"
    with log.open("ab") as output:
        command = [sys.executable, "-c", script, str(tmp_path)]
        subprocess.run(command, stdout=output, stderr=output, check=True, timeout=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.log", "server.log.1"]
    assert all(path.stat().st_size <= 10_100 for path in tmp_path.iterdir())
    assert "line 1999" in log.read_text() and log.read_text().endswith("printed at the end\n")
