"""Edge Impulse model files (.eim): a Linux program with features and model that answers requests on a Unix socket."""

from __future__ import annotations

from collections.abc import Mapping

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.library.program import build_program
from ei_toolkit.eon.library.request import WindowLevel
from ei_toolkit.eon.toolchain import LINUX, linux_compiler, linux_link_flags


def build_model_file(architecture: str, files: Mapping[str, bytes], level: WindowLevel) -> bytes:
    """Return the program for Linux on `architecture`, built from the sources of a library (path -> bytes).

    Raises MissingToolError without a compiler for this architecture.
    """
    compiler = linux_compiler(architecture)
    link = [*linux_link_flags(compiler), "-Wl,--gc-sections", "-s", "-lrt"]
    sources = sorted((bundled("firmware") / "linux_runner").glob("*.cpp"))
    return build_program([compiler, *LINUX], link, files, sources, level)
