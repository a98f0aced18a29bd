"""arduino-cli: compile the staged sketch with the pinned core, and upload it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.board.flash.sketch import NAME, StagedSketch
from ei_toolkit.errors import BoardError, MissingToolError

MIN_VERSION = (1, 3, 0)  # the first version that accepts the path of a library in sketch.yaml
COMPILE_TIMEOUT_S = 900.0  # the first call downloads the core, 200 MB
UPLOAD_TIMEOUT_S = 120.0
MAX_SHOWN_ERRORS = 5
PROGRESS_LINE = re.compile(
    r"^(Downloading|Installing|Configuring|Compiling|Linking|Sketch uses|Global variables|\[=)", re.I
)
ERROR_LINE = re.compile(r"error:|undefined reference|overflowed|too big|^Error", re.I)
NO_CORE = re.compile(r"platform.*not (found|installed)|initializing instance|no valid dependencies|index", re.I)
TOO_BIG = re.compile(r"too big|overflowed|exceeds available space|not within region", re.I)


@dataclass(frozen=True)
class ArduinoCli:
    """An installed arduino-cli that is recent enough."""

    path: str

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> ArduinoCli | None:
        """Return the arduino-cli on the PATH; None if there is none. Raises MissingToolError if it is too old."""
        path = shutil.which("arduino-cli", path=environ.get("PATH"))
        if path is None:
            return None
        version = _version(path)
        if version < MIN_VERSION:
            raise MissingToolError(
                f"arduino-cli {'.'.join(map(str, version))} is too old",
                why=f"the path of a library in sketch.yaml needs {'.'.join(map(str, MIN_VERSION))}",
                hint="Install a newer one: https://docs.arduino.cc/arduino-cli/installation",
            )
        return cls(path)

    def compile(self, sketch: StagedSketch, profile: str, out: Path, note: Callable[[str], None]) -> Path:
        """Compile the sketch into the folder `out` and return the image. Raises BoardError."""
        arguments = ["compile", "--profile", profile, "--output-dir", str(out), "--no-color", str(sketch.folder)]
        code, lines = self._run(arguments, COMPILE_TIMEOUT_S, note, "compiling")
        image = out / f"{NAME}.ino.bin"
        if code != 0 or not image.is_file():
            raise _explain_compile(lines, sketch.core)
        return image

    def upload(self, sketch: StagedSketch, profile: str, out: Path, port: str, note: Callable[[str], None]) -> None:
        """Upload what `compile` put into `out`. Raises BoardError."""
        arguments = [
            "upload",
            "--profile",
            profile,
            "--port",
            port,
            "--input-dir",
            str(out),
            "--no-color",
            str(sketch.folder),
        ]
        code, lines = self._run(arguments, UPLOAD_TIMEOUT_S, note, "uploading")
        if code != 0:
            raise BoardError(
                "arduino-cli could not upload",
                why=" · ".join(_relevant(lines)),
                hint="Press reset twice, quickly, until the orange light fades, then: eitk flash --no-arduino-cli",
            )

    def _run(
        self, arguments: Sequence[str], seconds: float, note: Callable[[str], None], what: str
    ) -> tuple[int, list[str]]:
        """Run arduino-cli and report its progress lines. Raises BoardError if it does not end within `seconds`."""
        process = subprocess.Popen(
            [self.path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        late = threading.Timer(seconds, process.kill)
        late.start()
        lines = []
        with process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if PROGRESS_LINE.match(line):
                    note(line.rstrip())
        overdue = not late.is_alive()
        late.cancel()
        if overdue:
            raise BoardError(
                f"arduino-cli was still {what} after {seconds:.0f} s",
                hint="Check the network connection and try again.",
            )
        return process.returncode, lines


def _version(path: str) -> tuple[int, ...]:
    done = subprocess.run([path, "version", "--json"], capture_output=True, text=True, timeout=30, check=False)
    try:
        text = json.loads(done.stdout)["VersionString"]
    except (ValueError, KeyError, TypeError):
        return (0,)
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _explain_compile(lines: Sequence[str], core: str) -> BoardError:
    text = "\n".join(lines)
    if TOO_BIG.search(text):
        return BoardError(
            "the image does not fit the board",
            why=" · ".join(_relevant(lines)),
            hint="A shorter window, fewer filters, int8 instead of float32.",
        )
    if NO_CORE.search(text) and "error:" not in text.replace("Error", ""):
        return BoardError(
            f"arduino-cli has no core {core}",
            why=" · ".join(_relevant(lines)),
            hint="It is downloaded once: arduino-cli core update-index, then eitk flash again.",
        )
    return BoardError(
        "the sketch does not compile for the board",
        why=" · ".join(_relevant(lines)),
        hint="eitk build, then eitk flash",
    )


def _relevant(lines: Sequence[str]) -> list[str]:
    """The lines with errors, at most MAX_SHOWN_ERRORS."""
    chosen = [line.strip() for line in lines if ERROR_LINE.search(line)] or [
        line.strip() for line in lines if line.strip()
    ][-1:]
    return chosen[:MAX_SHOWN_ERRORS]
