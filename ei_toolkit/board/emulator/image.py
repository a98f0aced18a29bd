"""From a library and the sketch to an image for a stand-in board: an ELF for QEMU, or a program of this machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.board import toolchain
from ei_toolkit.board.flash.library import Library
from ei_toolkit.board.flash.sketch import StagedSketch
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.project import bundled
from ei_toolkit.errors import BoardError, ConfigurationError, MissingToolError

CPU = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
FLAGS = (
    "-std=gnu++14", "-O2", "-w", "-DARDUINO=10819", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
    "-ffunction-sections", "-fdata-sections",
)  # fmt: skip
STACK = "-Wl,--defsym=stack_size=0x4000"  # 16 KB reserved for the sketch and its library
C_FLAGS = tuple(flag for flag in FLAGS if flag not in ("-std=gnu++14", "-fno-rtti", "-fno-threadsafe-statics"))
REGION = re.compile(r"region [`'](\w+)' overflowed by (\d+) bytes")
COMPILE_TIMEOUT_S = 300


@dataclass(frozen=True)
class Image:
    """A built image. Flash holds code, constants and initial values; RAM variables and, where reserved, the stack."""

    path: Path
    flash_bytes: int
    ram_bytes: int
    model_sha256: str
    sha256: str


@dataclass(frozen=True)
class _Target:
    compiler: str
    linker: str
    size: str
    flags: tuple[str, ...]
    link: tuple[str, ...]
    sources: tuple[Path, ...]
    includes: tuple[Path, ...] = ()


def build(library: Library, sketch: StagedSketch, board: str, out: Path) -> Image:
    """Compile and link; what has not changed since the last build in the folder `out` is not compiled again.

    Raises MissingToolError without a compiler, BoardError for sources that do not compile or do not fit.
    """
    target = _target(board)
    out.mkdir(parents=True, exist_ok=True)
    places = {"board": [_core(), *target.includes], "library": [_core(), library.include]}
    places["sketch"] = [*places["library"], sketch.folder]
    sources = [("sketch", sketch.main), *(("library", file) for file in library.sources)]
    sources += [("board", file) for file in target.sources]
    stamps = {part: _stamp(folders) for part, folders in places.items()}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda s: _compile(target, places[s[0]], s[1], stamps[s[0]], out), sources))
    image = out / "image.elf"
    _call([target.linker, *target.link, *map(str, objects), "-lm", "-o", str(image)], _explain_link)
    flash, ram = _sizes(target.size, image)
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    return Image(image, flash, ram, library.model_sha256, digest)


def write_image_facts(image: Image, file: Path) -> None:
    """Keep what is known of an image beside it."""
    file.write_text(json.dumps(asdict(image) | {"path": str(image.path)}), encoding="utf-8")


def _core() -> Path:
    return bundled("firmware") / "boards" / "core"


def _target(board: str) -> _Target:
    boards = bundled("firmware") / "boards"
    common = tuple(sorted((boards / "core").glob("*.cpp")))
    if board == "host":
        compiler = toolchain.host_compiler()
        return _Target(compiler, compiler, "size", (), (), (*common, boards / "host" / "hal.cpp"))
    if board == "emulated":
        toolchain.qemu()
        script = boards / "bare_metal" / "image.ld"
        return _Target(
            toolchain.arm_tool("g++"),
            toolchain.arm_tool("gcc"),
            toolchain.arm_tool("size"),
            CPU,
            (*CPU, "-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", STACK, "-T", str(script)),
            (*common, *sorted((boards / "emulated").glob("*.cpp")), boards / "bare_metal" / "startup.cpp"),
            (boards / "bare_metal",),
        )
    raise ConfigurationError(f"{board!r} is not a board that runs on this machine", hint="emulated or host")


def _stamp(places: Sequence[Path]) -> str:
    """A hash over everything that a compilation may read."""
    digest = hashlib.sha256()
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _compile(target: _Target, includes: Sequence[Path], source: Path, stamp: str, out: Path) -> Path:
    plain_c = source.suffix in (".c", ".S")
    language = () if plain_c else ("-x", "c++", "-include", "Arduino.h")
    folders = [flag for folder in reversed(includes) for flag in ("-I", str(folder))]
    arguments = [*target.flags, *(C_FLAGS if plain_c else FLAGS), *folders, *language, "-c", str(source)]
    name = f"{source.stem}-{_short_hash(str(source))}"
    made = out / f"{name}.{_short_hash(target.compiler, stamp, _short_hash(source.read_bytes().hex()), *arguments)}.o"
    if not made.is_file():
        for old in out.glob(f"{name}.*.o"):
            old.unlink(missing_ok=True)
        with replace_file(made) as partial:
            _call([target.compiler, *arguments, "-o", str(partial)], _explain_compile)
    return made


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _call(arguments: Sequence[str], explain: Callable[[str], BoardError]) -> str:
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, errors="replace", timeout=COMPILE_TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        name = Path(arguments[0]).name
        raise MissingToolError(f"{name} is not installed", hint=f"{toolchain.APT}binutils g++") from None
    except subprocess.TimeoutExpired:
        raise BoardError(f"{Path(arguments[0]).name} did not end within {COMPILE_TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise explain(done.stderr)
    return done.stdout


def _explain_compile(output: str) -> BoardError:
    return BoardError(
        "the firmware does not compile", why=_first_error(output), hint="Build the library again: eitk build"
    )


def _explain_link(output: str) -> BoardError:
    overflow = REGION.search(output)
    if not overflow:
        return BoardError(
            "the firmware does not link", why=_first_error(output), hint="Build the library again: eitk build"
        )
    return BoardError(
        "the image does not fit the board",
        why=f"{overflow[1]} is {int(overflow[2]):,} bytes too small",
        hint="A shorter window, fewer filters, int8 instead of float32, or [build] engine = tflite-eon-ram-optimized.",
    )


def _first_error(output: str) -> str:
    lines = [line for line in output.splitlines() if "error" in line or "undefined reference" in line]
    return (lines or output.splitlines() or [""])[0].strip()


def _sizes(tool: str, image: Path) -> tuple[int, int]:
    columns = _call([tool, str(image)], _explain_link).splitlines()[1].split()
    text, data, bss = (int(column) for column in columns[:3])
    return text + data, data + bss
