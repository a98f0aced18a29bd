"""Edge Impulse model files (.eim): a Linux program with features and model that answers requests on a Unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.toolchain import LINUX, compile_each, linux_compiler, linux_link_flags, run_tool


def build_model_file(architecture: str, files: Mapping[str, bytes]) -> bytes:
    """Return the program for Linux on `architecture`, built from the sources of a library (path -> bytes).

    Raises MissingToolError without a compiler for this architecture.
    """
    compiler = linux_compiler(architecture)
    runner = bundled("firmware") / "linux_runner"
    with tempfile.TemporaryDirectory(prefix="eitk-eim-") as name:
        folder = Path(name)
        write_files(folder, files)
        sources = [*sorted((folder / "src").rglob("*.cpp")), *sorted(runner.glob("*.cpp"))]
        objects = compile_each([compiler, *LINUX, f"-I{folder / 'src'}", f"-I{runner}"], sources, folder)
        program = folder / "model.eim"
        link = [*linux_link_flags(compiler), "-Wl,--gc-sections", "-s"]
        run_tool([compiler, *link, *objects, "-lrt", "-o", program])
        return program.read_bytes()


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files (path -> bytes) below a folder."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
