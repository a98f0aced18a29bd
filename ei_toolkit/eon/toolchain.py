"""Compilers and emulator: their paths, the packages that provide them, and their flags."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
# The features of every machine are those of x86_64, which has no fused multiplication and addition.
PROGRAM = (*COMMON, "-O2", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")
LINUX = (*PROGRAM, "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2")
WASM_TARGET = "--target=wasm32-wasi"
WASM = (*PROGRAM, WASM_TARGET)
SIMD = ("-msimd128",)
WASM_LINK = ("-mexec-model=reactor", "-Wl,--gc-sections", "-Wl,--strip-all")
ARM_PROGRAMS = ("arm-none-eabi-g++", "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm")
QEMU_BOARD = "mps2-an386"
MACHINE = ("-M", QEMU_BOARD, "-nographic", "-monitor", "none", "-serial", "none")
TRACE = ("-d", "exec,nochain,in_asm", "-D")  # and the file
ICOUNT = ("-icount", "shift=10,align=off,sleep=off")
TOOL_TIMEOUT_S = 600.0

APT = "apt-get install --no-install-recommends "
ARM_PACKAGES = APT + "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-dev"
QEMU_PACKAGE = APT + "qemu-system-arm"
WASM_PACKAGES = APT + "clang lld wasi-libc libclang-rt-dev-wasm32 libc++-dev-wasm32"
USE_HOST_BOARD = 'for flashing, [board] name = "host" needs only g++'


def host_compiler(environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of this machine's C++ compiler. Raises MissingToolError."""
    for name in (environ.get("CXX"), "c++", "g++", "clang++"):
        if name and (found := shutil.which(name, path=environ.get("PATH"))):
            return found
    raise MissingToolError("there is no C++ compiler on this machine", hint=APT + "g++")


def linux_compiler(architecture: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of a C++ compiler for Linux on `x86_64` or `aarch64`. Raises MissingToolError."""
    if sys.platform == "linux" and platform.machine() == architecture:
        return host_compiler(environ)
    found = shutil.which(f"{architecture}-linux-gnu-g++", path=environ.get("PATH"))
    if found is None:
        raise MissingToolError(
            f"there is no C++ compiler for Linux on {architecture}",
            why=f"{architecture}-linux-gnu-g++ is not on the PATH",
            hint=f"{APT}g++-{architecture.replace('_', '-')}-linux-gnu",
        )
    return found


def wasm_compiler(environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of a clang++ that compiles and links WebAssembly with a C library. Raises MissingToolError."""
    found = shutil.which("clang++", path=environ.get("PATH"))
    missing = "clang++ is not on the PATH" if found is None else ""
    if not missing and shutil.which("wasm-ld", path=environ.get("PATH")) is None:
        missing = "wasm-ld is not on the PATH"
    if found is None or missing:
        raise _no_wasm(missing)
    headers = b"#include <stdio.h>\n#include <type_traits>\n"
    run_tool(
        [found, WASM_TARGET, "-fsyntax-only", "-x", "c++", "-"],
        stdin=headers,
        explain=lambda _tool, messages: _no_wasm(messages.partition("\n")[0]),
    )
    return found


def _no_wasm(why: str) -> MissingToolError:
    return MissingToolError("the tools for WebAssembly are not installed", why=why, hint=WASM_PACKAGES)


def linux_link_flags(compiler: str) -> tuple[str, ...]:
    """Return the flags for a program that runs on every Linux: without shared libraries where libc exists as such."""
    archive = Path(run_tool([compiler, "-print-file-name=libc.a"]).decode().strip())
    return ("-static",) if archive.is_absolute() else ("-static-libgcc", "-static-libstdc++")


def compile_each(command: Sequence[str], sources: Sequence[Path], folder: Path) -> list[Path]:
    """Compile each source with `command` to an object in the new `folder`; return the objects. Raises as `run_tool`."""
    folder.mkdir()

    def compile_one(numbered: tuple[int, Path]) -> Path:
        number, source = numbered
        made = folder / f"{number}-{source.stem}.o"
        run_tool([*command, "-c", source, "-o", made])
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, enumerate(sources)))


def host_size(environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of the program that prints the section sizes of this machine's binaries.

    Raises MissingToolError.
    """
    found = shutil.which("size", path=environ.get("PATH"))
    if found is None:
        raise MissingToolError("size is not installed", hint=APT + "binutils")
    return found


def arm_tool(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of one of the ARM tools: `g++`, `gcc`, `size`. Raises MissingToolError."""
    found = shutil.which(f"arm-none-eabi-{name}", path=environ.get("PATH"))
    if found is None:
        raise MissingToolError(
            "the ARM compiler is not installed",
            why=f"arm-none-eabi-{name} is not on the PATH",
            hint=f"{ARM_PACKAGES}; {USE_HOST_BOARD}",
        )
    return found


def qemu(environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of the emulator of the ARM boards. Raises MissingToolError."""
    found = shutil.which("qemu-system-arm", path=environ.get("PATH"))
    if found is None:
        raise MissingToolError(
            "QEMU is not installed",
            why="qemu-system-arm is not on the PATH",
            hint=f"{QEMU_PACKAGE}; {USE_HOST_BOARD}",
        )
    return found


def missing_arm_tools(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of the programs for an emulated Cortex-M4F that are not on the PATH."""
    return [name for name in ARM_PROGRAMS if shutil.which(name, path=environ.get("PATH")) is None]


def arm_tool_versions(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the versions of the programs for an emulated Cortex-M4F, as each of them states it."""
    found = {}
    for name in ARM_PROGRAMS:
        path = shutil.which(name, path=environ.get("PATH"))
        found[name] = run_tool([path, "--version"]).decode().partition("\n")[0] if path else "not installed"
    return found


def run_tool(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout_s: float = TOOL_TIMEOUT_S,
    explain: Callable[[str, str], EitkError] | None = None,
) -> bytes:
    """Run a program to its end and return its standard output.

    If it fails, `explain` turns its name and its messages into the exception that is raised; `failed_tool` by default.
    Raises EitkError if it does not end within `timeout_s` seconds.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run([str(c) for c in command], cwd=cwd, input=stdin, capture_output=True, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise EitkError(f"{name} did not finish in {timeout_s:g} s") from error
    if done.returncode != 0:
        raise (explain or failed_tool)(name, done.stderr.decode(errors="replace").strip())
    return done.stdout


def failed_tool(name: str, messages: str) -> EitkError:
    """Return the exception for a program that ended with an error; DataError if the board's memory is too small."""
    excess = re.findall(r"region [`'](\w+)' overflowed by (\d+) bytes", messages)
    if excess or "will not fit in region" in messages or "leaves no room" in messages:
        missing = ", ".join(f"{int(n):,} bytes too many for the {REGIONS.get(name, name)}" for name, n in excess)
        why = "the board has 1 MiB of flash and 256 KiB of RAM" + (f"; {missing}" if missing else "")
        return DataError("the model does not fit the board", why=why)
    return EitkError(f"{name} failed", why=messages[-800:])


REGIONS = {"FLASH": "flash"}  # of image.ld
RUNNER_SOURCES = {  # below firmware/boards, in addition to the compiled model
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
        """Bytes in flash, including initial values."""
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
    run_tool([host_compiler(), *HOST, *extra, *_inputs(folder, "host"), "-o", program], cwd=folder)
    return program


def build_arm(folder: Path, *, steps: int = 0, extra: tuple[str, ...] = ()) -> Path:
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
        run_tool([arm_tool("g++"), *ARM, *flags, *extra, *_includes(folder), "-c", source, "-o", target], cwd=folder)
        objects.append(target)
    script = ["-T", str(boards / "bare_metal" / "image.ld")]
    run_tool([arm_tool("gcc"), *ARM_LINK, *script, *objects, "-lm", "-o", image], cwd=folder)
    return image


def sections(image: Path) -> Sections:
    """Return the section sizes of an ARM image."""
    listing = run_tool([arm_tool("size"), "-A", image], cwd=image.parent).decode()
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
    sources = [folder / "model.cpp", *(boards / name for name in RUNNER_SOURCES[platform])]
    return [*_includes(folder), *map(str, sources)]
