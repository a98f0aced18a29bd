"""Manners of a helper process: it ends with its server, and leaves the processor to others."""

from __future__ import annotations

import os
import sys
import threading

NICENESS = 10


def end_with_parent() -> None:
    """End this process as soon as its standard input closes: then the server is gone, however it went."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def be_nice() -> None:
    """Give way to interactive work."""
    os.nice(NICENESS)
