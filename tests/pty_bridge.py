"""A virtual board behind a pseudo-terminal, for programs that open serial ports: `from pty_bridge import PtyBridge`."""

from __future__ import annotations

import os
import select
import threading
import tty
from pathlib import Path

from ei_toolkit.board.transport.link import PROMPT, EmulatorLink, LinkLost


class PtyBridge:
    """Passes bytes between a pseudo-terminal and the serial line of a virtual board, and keeps both directions.

    `path` is a link to the terminal with the name that Linux gives to boards on USB.
    """

    def __init__(self, folder: Path, serial_port: int) -> None:
        self.link = EmulatorLink(serial_port)
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        self.path = folder / "ttyACM0"
        self.path.symlink_to(os.ttyname(self._slave))
        self.dialogue: list[tuple[str, bytes]] = []  # "host" or "board", and bytes
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ends.is_set():
                if data := self.link.read(0.01):
                    self.link.acknowledge(data.count(b"\n") + data.endswith(PROMPT))
                    self._keep("board", data)
                    os.write(self._master, data)
                if select.select([self._master], [], [], 0)[0]:
                    data = os.read(self._master, 4096)
                    self._keep("host", data)
                    self.link.write(data)
        except (LinkLost, OSError):
            return

    def _keep(self, side: str, data: bytes) -> None:
        if self.dialogue and self.dialogue[-1][0] == side:
            data = self.dialogue.pop()[1] + data
        self.dialogue.append((side, data))

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        self.link.close()
        for descriptor in (self._master, self._slave):
            os.close(descriptor)
