"""The versions for a bug report: eitk, Python, the packages and the tools."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata

from ei_toolkit import __version__

PACKAGES = ("edgeimpulse-api", "edgeimpulse", "numpy", "tensorflow-cpu", "tensorflow", "ai-edge-litert")
TOOLS = {"arm-none-eabi-g++": "--version", "qemu-system-arm": "--version", "arduino-cli": "version", "g++": "--version"}
TIMEOUT_S = 5.0


def version_lines() -> Iterator[str]:
    """Yield `eitk 0.1.0`, then one line for each installed package and tool."""
    yield f"eitk {__version__}"
    yield f"python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for name in PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    for tool, flag in TOOLS.items():
        if path := shutil.which(tool):
            yield f"{tool} {_version_of(path, flag)}"


def _version_of(path: str, flag: str) -> str:
    """The first number with dots in the output of a tool."""
    try:
        done = subprocess.run([path, flag], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"has no version ({type(error).__name__})"
    found = re.search(r"\d+\.\d+(\.\d+)*", re.sub(r"\(.*?\)", "", done.stdout))
    return found.group() if found else "has no version"
