"""Compile a library and the sketch to the program of a virtual board: an ELF for QEMU, or a program of this machine."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.flash.library import Library, file_sha256
from ei_toolkit.board.flash.sketch import StagedSketch
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.project import bundled
from ei_toolkit.eon.toolchain import run_tool
from ei_toolkit.errors import BoardError

FLAGS = (
    "-std=gnu++14", "-O2", "-w", "-DARDUINO=10819", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
    "-ffunction-sections", "-fdata-sections",
)  # fmt: skip
C_FLAGS = tuple(flag for flag in FLAGS if flag not in ("-std=gnu++14", "-fno-rtti", "-fno-threadsafe-statics"))
REGION_OVERFLOW = re.compile(r"region [`'](\w+)' overflowed by (\d+) bytes")
COMPILE_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Target:
    """The tools, flags and sources of one virtual board. `sources` are compiled in addition to core/*.cpp."""

    compiler: str
    linker: str
    size: str
    flags: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()
    includes: tuple[Path, ...] = ()


def build(library: Library, sketch: StagedSketch, board: str, target: Target, out: Path) -> BuiltImage:
    """Compile and link; files that have not changed since the last build in the folder `out` are not compiled again.

    Raises BoardError if the sources do not compile or the image does not fit the board.
    """
    out.mkdir(parents=True, exist_ok=True)
    core = bundled("firmware") / "boards" / "core"
    includes = {"board": [core, *target.includes], "library": [core, library.include]}
    includes["sketch"] = [*includes["library"], sketch.folder]
    sources = [("sketch", sketch.main), *(("library", file) for file in library.sources)]
    sources += [("board", file) for file in (*sorted(core.glob("*.cpp")), *target.sources)]
    hashes = {part: _content_hash(folders) for part, folders in includes.items()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda s: _compile(target, includes[s[0]], s[1], hashes[s[0]], out), sources))
    image = out / "image.elf"
    run_tool(
        [target.linker, *target.link, *objects, "-lm", "-o", image],
        timeout_s=COMPILE_TIMEOUT_S,
        explain=_explain_link,
    )
    flash, ram = _sizes(target.size, image)
    return BuiltImage(board, image, flash, ram, library.model_sha256, file_sha256(image))


def _content_hash(folders: Sequence[Path]) -> str:
    """A hash of every file that a compilation may read."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _compile(target: Target, includes: Sequence[Path], source: Path, content_hash: str, out: Path) -> Path:
    plain_c = source.suffix in (".c", ".S")
    language = () if plain_c else ("-x", "c++", "-include", "Arduino.h")
    folders = [flag for folder in reversed(includes) for flag in ("-I", str(folder))]
    arguments = [*target.flags, *(C_FLAGS if plain_c else FLAGS), *folders, *language, "-c", str(source)]
    name = f"{source.stem}-{_short_hash(str(source))}"
    key = _short_hash(target.compiler, content_hash, _short_hash(source.read_bytes().hex()), *arguments)
    compiled = out / f"{name}.{key}.o"
    if not compiled.is_file():
        for old in out.glob(f"{name}.*.o"):
            old.unlink(missing_ok=True)
        with replace_file(compiled) as partial:
            run_tool(
                [target.compiler, *arguments, "-o", partial],
                timeout_s=COMPILE_TIMEOUT_S,
                explain=_explain_compile,
            )
    return compiled


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _explain_compile(_tool: str, messages: str) -> BoardError:
    return BoardError(
        "the firmware does not compile", why=_first_error(messages), hint="Build the library again: eitk build"
    )


def _explain_link(_tool: str, messages: str) -> BoardError:
    overflow = REGION_OVERFLOW.search(messages)
    if not overflow:
        return BoardError(
            "the firmware does not link", why=_first_error(messages), hint="Build the library again: eitk build"
        )
    return BoardError(
        "the image does not fit the board",
        why=f"{overflow[1]} is {int(overflow[2]):,} bytes too small",
        hint="A shorter window, fewer filters, int8 instead of float32, or [build] engine = tflite-eon-ram-optimized.",
    )


def _first_error(messages: str) -> str:
    lines = [line for line in messages.splitlines() if "error" in line or "undefined reference" in line]
    return (lines or messages.splitlines() or [""])[0].strip()


def _sizes(tool: str, image: Path) -> tuple[int, int]:
    """Bytes of flash and of RAM."""
    columns = run_tool([tool, image]).decode().splitlines()[1].split()
    text, data, bss = (int(column) for column in columns[:3])
    return text + data, data + bss
