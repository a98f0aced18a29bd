"""The compilers and the emulator of this machine, each found or explained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from ei_toolkit.errors import MissingToolError

APT = "apt-get install --no-install-recommends "
ARM_PACKAGES = APT + "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-dev"
HOST_BOARD = 'or use [board] name = "host", which needs only g++'


def host_compiler(environ: Mapping[str, str] = os.environ) -> str:
    """The machine's C++ compiler."""
    for name in (environ.get("CXX"), "c++", "g++", "clang++"):
        if name and (found := shutil.which(name, path=environ.get("PATH"))):
            return found
    raise MissingToolError("there is no C++ compiler on this machine", hint=APT + "g++")


def arm_tool(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """One of the ARM tools: `g++`, `gcc`, `size`, `objcopy`."""
    found = shutil.which(f"arm-none-eabi-{name}", path=environ.get("PATH"))
    if not found:
        raise MissingToolError(
            "the ARM compiler is not installed",
            why=f"arm-none-eabi-{name} is not on the PATH",
            hint=f"{ARM_PACKAGES}; {HOST_BOARD}",
        )
    return found


def qemu(environ: Mapping[str, str] = os.environ) -> str:
    """The ARM emulator."""
    found = shutil.which("qemu-system-arm", path=environ.get("PATH"))
    if not found:
        raise MissingToolError(
            "QEMU is not installed",
            why="qemu-system-arm is not on the PATH",
            hint=f"{APT}qemu-system-arm; {HOST_BOARD}",
        )
    return found
