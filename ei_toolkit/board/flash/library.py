"""An Arduino library that a build produced: unpack the zip safely, and find the parts that are compiled."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.config.archive import MIB, Limits, extract_archive
from ei_toolkit.errors import ArchiveError, BoardError, DataError

LIBRARY_LIMITS = Limits(total_bytes=256 * MIB)  # an exported library of Edge Impulse unpacks to about 40 MB
SOURCES = (".c", ".cpp", ".cc", ".S")
PROGRAM_SUFFIX = ".eim"  # a model file for Linux; it contains no library
INTERPRETER = "tensorflow/lite/micro/micro_interpreter.h"
DEFINE = re.compile(r"^\s*#define\s+(EI_CLASSIFIER_\w+|EITK_\w+)\s+(\S.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Library:
    """An unpacked library: its folder, the header that a sketch includes, and the numbers it was made with."""

    folder: Path
    header: str
    defines: dict[str, str]

    @property
    def name(self) -> str:
        """The name of the project, as the header has it."""
        return self.header.removesuffix("_inferencing.h")

    @property
    def include(self) -> Path:
        """The folder for the compiler's include path."""
        return self.folder / "src"

    @property
    def sources(self) -> list[Path]:
        """Every source file."""
        return sorted(file for file in self.include.rglob("*") if file.suffix in SOURCES)

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model in it; empty if the library does not contain the hash."""
        return self.defines.get("EITK_MODEL_SHA256", "").strip('"')

    @property
    def lacks_interpreter(self) -> bool:
        """Whether it calls TensorFlow Lite Micro but does not contain it: eitk's engine `tflite`."""
        model = self.include / "tflite-model" / "model.cpp"
        return (
            model.is_file()
            and f'#include "{INTERPRETER}"' in model.read_text("utf-8", errors="replace")
            and not (self.include / INTERPRETER).exists()
        )

    def number(self, name: str) -> int:
        """Return an integer among its defines. Raises BoardError if there is none of this name."""
        try:
            return int(self.defines[name], 0)
        except (KeyError, ValueError):
            raise BoardError(
                f"the library does not define {name} as a number", hint="Build it again: eitk build"
            ) from None


def open_library(source: Path, into: Path) -> Library:
    """Return the library in `source`, a zip (unpacked to the folder `into`) or a folder.

    Raises DataError for a zip that is damaged, unsafe or not an Arduino library.
    """
    folder = source if source.is_dir() or source.suffix == PROGRAM_SUFFIX else _unpack(source, into)
    roots = sorted({file.parent for file in folder.rglob("library.properties")}, key=lambda path: len(path.parts))
    headers = sorted(roots[0].glob("src/*_inferencing.h")) if roots else []
    if not headers:
        raise DataError(
            f"{source.name} is not an Arduino library with a model",
            why="it has no library.properties next to src/*_inferencing.h",
            hint='Build one: eitk build with [build] target = "arduino"',
        )
    return Library(roots[0], headers[0].name, _defines(roots[0]))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _defines(root: Path) -> dict[str, str]:
    files = [*root.glob("src/*_inferencing.h"), *root.glob("src/model-parameters/*.h")]
    return {name: value for file in files for name, value in DEFINE.findall(file.read_text("utf-8", errors="replace"))}


def _unpack(source: Path, into: Path) -> Path:
    if not source.is_file():
        raise DataError(f"{source} does not exist", hint="Build it: eitk build")
    try:
        extract_archive(source, into, LIBRARY_LIMITS)
    except ArchiveError as error:
        raise DataError(error.what, why=error.why, hint="Build it again: eitk build") from None
    return into
