"""The runtime's sources that a library carries: classifier, the blocks it uses, the kernels its model uses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ei_toolkit.config.bundled import bundled
from ei_toolkit.eon.library.plan import Plan
from ei_toolkit.errors import EitkError

RUNTIME = "src/eitk"

COMMON_FILES = (
    "block.cpp",
    "block.h",
    "decibels.h",
    "double_float.h",
    "emphasis.cpp",
    "emphasis.h",
    "features.h",
    "fft.h",
    "level.h",
    "source.h",
    "spectrum.cpp",
    "spectrum.h",
    "stream.cpp",
    "stream.h",
)


def runtime_sources(plan: Plan, kernels: Iterable[str]) -> dict[str, bytes]:
    """Path in the library -> bytes."""
    root = bundled("firmware") / "runtime" / "eitk"
    blocks = {name for block in plan.blocks for name in block.files}
    return (
        _folder(root / "classifier", sorted(path.name for path in (root / "classifier").glob("*.[ch]*")))
        | _folder(root / "dsp", sorted({*COMMON_FILES, *blocks}))
        | _folder(root / "kernels", sorted(kernels))
    )


def _folder(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    try:
        return {f"{RUNTIME}/{folder.name}/{name}": (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise EitkError(
            f"the runtime lacks {error.filename}", hint="Install eitk again: pip install --force-reinstall eitk"
        ) from error
