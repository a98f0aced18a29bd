"""Programs: the sources of a library, compiled and linked with sources of a program that calls it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ei_toolkit.audio.level import level_constants
from ei_toolkit.config.project import bundled
from ei_toolkit.eon.library.request import WindowLevel
from ei_toolkit.eon.toolchain import compile_each, run_tool

LEVEL_MODES = {"none": "kNone", "dc": "kDc", "rms": "kRms"}  # values of LevelMode in level.h


def build_program(
    compiler: Sequence[str], link: Sequence[str], files: Mapping[str, bytes], sources: Sequence[Path],
    level: WindowLevel,
) -> bytes:  # fmt: skip
    """Return the program that `sources` and the library in `files` (path -> bytes) make.

    `compiler` is the command of the compiler, `link` are its further arguments when it links. The sources are compiled
    with the macros of window_level.h. Raises EitkError if the compiler fails.
    """
    with tempfile.TemporaryDirectory(prefix="eitk-program-") as name:
        folder = Path(name)
        _write(folder, files)
        library = [*compiler, f"-I{folder / 'src'}"]
        firmware = bundled("firmware")
        own = [
            *library,
            *_level_flags(level),
            *(f"-I{firmware / part}" for part in ("linux_runner", "audio_classifier")),
        ]
        objects = compile_each(library, sorted((folder / "src").rglob("*.cpp")), folder / "library")
        objects += compile_each(own, sources, folder / "own")
        program = folder / "program"
        run_tool([*compiler, *objects, *link, "-o", program])
        return program.read_bytes()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _level_flags(level: WindowLevel) -> list[str]:
    constants = level_constants(level.target_dbfs, level.max_gain_db)
    return [
        f"-DEITK_LEVEL_MODE={LEVEL_MODES[level.level]}",
        f"-DEITK_LEVEL_TARGET={constants.target}",
        f"-DEITK_LEVEL_MAX_GAIN_Q16={constants.max_gain_q16}",
    ]
