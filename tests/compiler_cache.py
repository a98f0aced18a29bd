"""Runs a C++ compiler, or copies what it made of the same input before.

Tests compile the same kernels and sketches in many temporary folders. This program stands in front of a compiler (see
`install`): `compiler_cache.py FOLDER COMPILER ARGUMENT...`. The key is a hash over the compiler, the options without
folders, the preprocessed sources and the content of all other input files, so an equal key means equal compiler input.
Only commands that succeed without any message are stored; all others run as if there was no cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

COMPILERS = ("c++", "g++", "clang++", "aarch64-linux-gnu-g++", "arm-none-eabi-g++", "arm-none-eabi-gcc")
SOURCES = (".c", ".cc", ".cpp", ".S")
FOLDER_OPTIONS = ("-I", "-isystem", "-L")
WITH_VALUE = {"-o", "-T", "-x", "-include", "-D", "-U", "-std", *FOLDER_OPTIONS}
NOT_CACHED = {"-E", "-M", "-MD", "-MM", "-MMD", "-v", "--version", "-###", "-dumpmachine", "-dM"}
DAYS_KEPT = 7


def install(folder: Path) -> None:
    """Put programs with the names of the installed compilers first on PATH; entries of an older week are removed."""
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (folder / "made").mkdir(exist_ok=True)
    # A worker of pytest-xdist inherits the path of the main process: a program must never find itself as the compiler.
    path = os.pathsep.join(entry for entry in os.environ["PATH"].split(os.pathsep) if entry != str(programs))
    for name in COMPILERS:
        compiler = shutil.which(name, path=path)
        if compiler is not None:
            script = programs / f"{name}.{os.getpid()}"
            script.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {__file__} {folder} {compiler} "$@"\n')
            script.chmod(0o755)
            script.replace(programs / name)
    os.environ["PATH"] = os.pathsep.join((str(programs), path))
    for made in (folder / "made").iterdir():
        with suppress(FileNotFoundError):  # another run has renamed or removed it
            if made.stat().st_mtime < time.time() - DAYS_KEPT * 86_400:
                made.unlink()


def main(folder: Path, compiler: str, arguments: list[str]) -> int:
    """Compile, or copy; gives the compiler's exit code."""
    options, sources, others, out = split(arguments)
    is_cached = sources and not NOT_CACHED & set(arguments) and not any(a.startswith("-Wl,-Map") for a in arguments)
    key = key_of(compiler, options, sources, others) if is_cached else None
    if key is None or (out is None and "-fsyntax-only" not in arguments):
        os.execv(compiler, [compiler, *arguments])
    made = folder / "made" / key
    if made.is_file():
        made.touch()
        if out is not None:
            shutil.copy(made, out)
        return 0
    done = subprocess.run([compiler, *arguments], stderr=subprocess.PIPE, check=False)
    sys.stderr.buffer.write(done.stderr)
    if done.returncode == 0 and not done.stderr:
        partial = made.with_name(f"{key}.{os.getpid()}")
        partial.touch() if out is None else shutil.copy(out, partial)
        partial.replace(made)
    return done.returncode


def split(arguments: list[str]) -> tuple[list[str], list[str], list[str], str | None]:
    """Options, sources, other input files, and the output."""
    options: list[str] = []
    sources: list[str] = []
    others: list[str] = []
    out = None
    rest = iter(arguments)
    for argument in rest:
        if argument == "-o":
            out = next(rest)
        elif argument in WITH_VALUE:
            options += [argument, next(rest)]
        elif argument.startswith("-"):
            options.append(argument)
        else:
            (sources if argument.endswith(SOURCES) else others).append(argument)
    return options, sources, others, out


def key_of(compiler: str, options: list[str], sources: list[str], others: list[str]) -> str | None:
    """The key of a command; None where its input cannot be read."""
    unneeded = ("-c", "-shared", "-fsyntax-only", "-l", "-Wl,", "-nostartfiles", "--specs", "-pthread")
    kept = [word for words in grouped(options) if words[0][:2] not in ("-T", "-L") for word in words]
    command = [compiler, *(option for option in kept if not option.startswith(unneeded)), *sources, "-E", "-P"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or done.stderr:
        return None
    digest = hashlib.sha256(done.stdout)
    scripts = [words[-1] for words in grouped(options) if words[0] == "-T"]
    try:
        for file in [compiler, *scripts, *others]:
            digest.update(Path(file).read_bytes())
    except OSError:
        return None
    digest.update("\0".join([Path(compiler).name, *without_folders(options)]).encode())
    return digest.hexdigest()


def without_folders(options: list[str]) -> list[str]:
    """The options without the paths of folders and linker scripts, whose content is in the key already."""
    found: list[str] = []
    for words in grouped(options):
        folder = next((name for name in (*FOLDER_OPTIONS, "-T") if words[0].startswith(name)), None)
        found += [folder] if folder else words
    return found


def grouped(options: list[str]) -> list[list[str]]:
    """Each option with its value."""
    rest = iter(options)
    return [[option, next(rest)] if option in WITH_VALUE else [option] for option in rest]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
