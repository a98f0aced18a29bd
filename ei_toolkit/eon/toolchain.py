"""Compilers, emulator and their flags: the one place that pins them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.compile import CompiledModel
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


BOARDS = {  # sources below firmware/boards, besides the compiled model
    "host": ("model_runner/run_model.cpp", "model_runner/platform_host.cpp"),
    "emulated": (
        "model_runner/run_model.cpp",
        "model_runner/platform_bare_metal.cpp",
        "bare_metal/startup.cpp",
        "bare_metal/semihosting.cpp",
    ),
}


@dataclass(frozen=True)
class Sections:
    """Sizes of an image in bytes: code, constants, initialised and zeroed memory."""

    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash(self) -> int:
        """Bytes in flash: what is stored, initial values included."""
        return self.text + self.rodata + self.data

    @property
    def ram(self) -> int:
        """Bytes of static memory, without the stack."""
        return self.data + self.bss


def write_sources(model: CompiledModel, folder: Path) -> list[Path]:
    """Write model.h, model.cpp and the kernels they include below `folder`; returns the files."""
    kernels = folder / "eitk" / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    origin = bundled("firmware") / "runtime" / "eitk" / "kernels"
    files = [Path(shutil.copyfile(origin / name, kernels / name)) for name in model.kernels]
    for name, text in (("model.h", model.header), ("model.cpp", model.source)):
        (folder / name).write_text(text, encoding="utf-8")
        files.append(folder / name)
    return files


def build_host(folder: Path, *, extra: tuple[str, ...] = ()) -> Path:
    """Build the sources in `folder` for this machine; `extra` are further flags of the compiler."""
    program = folder / "run_model"
    run_tool([tool("g++"), *HOST, *extra, *_inputs(folder, "host"), "-o", program], cwd=folder)
    return program


def build_arm(folder: Path, *, steps: int = 0) -> Path:
    """Build the sources in `folder` for a bare Cortex-M4F; with `steps` the program reports when each step begins.

    Raises DataError where the model does not fit the board's memory.
    """
    boards = bundled("firmware") / "boards"
    image = folder / ("run_steps.elf" if steps else "run_model.elf")
    flags = [f"-DEITK_STEPS={steps}", "-include", str(boards / "model_runner" / "layer_clock.h")] if steps else []
    objects = []
    for source in _inputs(folder, "emulated"):
        if not str(source).endswith(".cpp"):
            continue
        target = folder / (image.stem + "." + Path(source).stem + ".o")
        run_tool([tool("arm-none-eabi-g++"), *ARM, *flags, *_includes(folder), "-c", source, "-o", target], cwd=folder)
        objects.append(target)
    script = ["-T", str(boards / "bare_metal" / "image.ld")]
    run_tool([tool("arm-none-eabi-gcc"), *ARM_LINK, *script, *objects, "-lm", "-o", image], cwd=folder)
    return image


def sections(image: Path) -> Sections:
    """Sizes of an ARM image."""
    listing = run_tool([tool("arm-none-eabi-size"), "-A", image], cwd=image.parent).decode()
    sizes = {
        fields[0]: int(fields[1])
        for line in listing.splitlines()
        if len(fields := line.split()) == 3 and fields[0].startswith(".")
    }
    return Sections(*(sizes.get(name, 0) for name in (".text", ".rodata", ".data", ".bss")))


def _includes(folder: Path) -> list[str]:
    boards = bundled("firmware") / "boards"
    return ["-I", str(folder), "-I", str(boards / "bare_metal"), "-I", str(boards / "model_runner")]


def _inputs(folder: Path, platform: str) -> list[str]:
    boards = bundled("firmware") / "boards"
    sources = [folder / "model.cpp", *(boards / name for name in BOARDS[platform])]
    return [*_includes(folder), *map(str, sources)]
