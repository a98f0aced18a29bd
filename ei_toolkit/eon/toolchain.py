"""Compilers, emulator and their flags: the one place that pins them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.errors import DataError, EitkError, MissingToolError

COMMON = ("-std=gnu++14", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra")
CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
ARM = (*COMMON, *CORTEX_M4F, "-O2", "-ffunction-sections", "-fdata-sections", "-fno-threadsafe-statics")
ARM_LINK = (*CORTEX_M4F, "-nostartfiles", "-specs=nano.specs", "-Wl,--gc-sections")
HOST = (*COMMON, "-O1")
MACHINE = ("-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none")
ICOUNT = ("-icount", "shift=10,align=off,sleep=off")
ARM_PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-dev qemu-system-arm"


def has_arm_tools() -> bool:
    """Whether a model can be built for, and run on, an emulated Cortex-M4F here."""
    return all(shutil.which(name) for name in ("arm-none-eabi-g++", "arm-none-eabi-gcc", "qemu-system-arm"))


def tool(name: str) -> str:
    """Path of a program.

    Raises MissingToolError with the packages that bring it.
    """
    path = shutil.which(name)
    if path is None:
        packages = "g++" if name == "g++" else ARM_PACKAGES
        raise MissingToolError(f"{name} is not installed", hint=f"apt-get install --no-install-recommends {packages}")
    return path


def run_tool(command: Sequence[str | Path], *, cwd: Path, stdin: bytes = b"", timeout: float = 600.0) -> bytes:
    """Run a program to its end and return its standard output.

    Raises EitkError with the end of its messages where it fails.
    """
    name = Path(str(command[0])).name
    try:
        done = subprocess.run([str(c) for c in command], cwd=cwd, input=stdin, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise EitkError(f"{name} did not finish in {timeout:g} s") from error
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        if "will not fit in region" in message or "leaves no room" in message:
            raise DataError("the model does not fit the board", why="1 MB of flash and 256 KB of RAM are there")
        raise EitkError(f"{name} failed with status {done.returncode}", why=message[-800:])
    return done.stdout
