"""Programs from compiled models: sources on disk, then a binary for the host or an image for the emulator."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.config.bundled import bundled
from ei_toolkit.eon.compile import CompiledModel
from ei_toolkit.eon.toolchain import ARM, ARM_LINK, HOST, run_tool, tool

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
