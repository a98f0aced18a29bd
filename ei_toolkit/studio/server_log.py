"""The log of the server process: it has a largest size, and repeated events do not fill it."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ei_toolkit.config.untrusted_text import printable, printable_line
from ei_toolkit.studio.options import Options

LARGEST_LOG_BYTES = 5 * 2**20  # of server.log, and of server.log.1 with the lines before
INTERVAL_S = 1.0
TRANSPORT_LOGGERS = ("asyncio", "uvicorn", "websockets")
CLIENT_ERRORS = (ConnectionError, EOFError, TimeoutError, UnicodeDecodeError)
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure_log(data: Path) -> None:
    """Let the warnings of this process go to the log of a data folder if its stderr is that file, else to stderr."""
    file = Options(data).log
    handler = RotatingLog(file) if _is_stderr(file) else logging.StreamHandler()
    handler.setFormatter(PrintableFormatter(FORMAT))
    handler.addFilter(OncePerInterval())
    handler.addFilter(without_traceback_of_clients)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class OncePerInterval(logging.Filter):
    """Drops events of the same kind that follow within a second; the next one that is logged has their number."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log an event. Events of one kind have the same text without its values."""
        kind = (record.name, record.levelno, str(record.msg)[:100])
        now, (last, dropped) = time.monotonic(), self._last.get(kind, (float("-inf"), 0))
        if now - last < INTERVAL_S:
            self._last[kind] = (last, dropped + 1)
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[kind] = (now, 0)
        if dropped:
            record.msg, record.args = f"{record.getMessage()} ({dropped} more of this kind were not logged)", ()
        return True


def without_traceback_of_clients(record: logging.LogRecord) -> bool:
    """Leave only the line of an event that a client causes: a connection that breaks, or text that is not UTF-8."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name.startswith(TRANSPORT_LOGGERS) and isinstance(error, CLIENT_ERRORS):
        record.msg, record.args = f"{record.getMessage()} ({type(error).__name__})", ()
        record.exc_info = record.exc_text = None
    return True


class PrintableFormatter(logging.Formatter):
    """Writes an event as one line without control characters of clients; a traceback follows it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.message = printable_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        """Return the traceback."""
        return printable(super().formatException(ei))  # type: ignore[arg-type]


class RotatingLog(RotatingFileHandler):
    """A log file that only its owner can read; what the process prints goes to the new file as well."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=LARGEST_LOG_BYTES, backupCount=1, encoding="utf-8", errors="replace")

    def doRollover(self) -> None:
        """Begin a new file."""
        super().doRollover()
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None and self.stream is not None:
                os.dup2(self.stream.fileno(), stream.fileno())

    def _open(self) -> io.TextIOWrapper:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        file = open(self.baseFilename, self.mode, opener=private)  # noqa: SIM115 - logging closes it
        assert isinstance(file, io.TextIOWrapper)
        file.reconfigure(encoding=self.encoding, errors=self.errors)
        return file


def _is_stderr(file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(sys.stderr.fileno()), file.stat())
    except (OSError, ValueError, AttributeError):
        return False
