"""Runs a C++ compiler, or copies what it made of the same input before.

Tests compile the same kernels and sketches in many temporary folders. This program stands in front of a compiler (see
`install`): `compiler_cache.py FOLDER COMPILER ARGUMENT...`. The key is a hash over the compiler, the options without
folders, the preprocessed sources and the content of all other input files, so an equal key means equal compiler input.
Only commands that succeed without any message are stored; all others run as if there was no cache.

The preprocessor takes most of the time that is left. So a second hash, over all files from which the preprocessor can
choose, is stored with the key of the command: where it is the same, the key is known without the preprocessor.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

COMPILERS = ("c++", "g++", "clang++", "aarch64-linux-gnu-g++", "arm-none-eabi-g++", "arm-none-eabi-gcc")
SOURCES = (".c", ".cc", ".cpp", ".ino", ".S")
TEXTS = (*SOURCES, ".h", ".hpp", ".inc")
FOLDER_OPTIONS = ("-I", "-isystem", "-L")
WITH_VALUE = {"-o", "-T", "-x", "-include", "-D", "-U", "-std", *FOLDER_OPTIONS}
NOT_CACHED = {"-E", "-M", "-MD", "-MM", "-MMD", "-v", "--version", "-###", "-dumpmachine", "-dM"}
DAYS_KEPT = 7
MOST_TEXTS = 1000  # in the folders of one command; more of them take longer to read than the preprocessor runs
LINE_MARKER = re.compile(rb'^# \d+ "(.*)".*\n', re.MULTILINE)


def install(folder: Path) -> None:
    """Put programs with the names of the installed compilers first on PATH; entries of an older week are removed."""
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name in ("made", "keys"):
        (folder / name).mkdir(exist_ok=True)
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
    for file in (*(folder / "made").iterdir(), *(folder / "keys").iterdir()):
        with suppress(FileNotFoundError):  # another run has renamed or removed it
            if file.stat().st_mtime < time.time() - DAYS_KEPT * 86_400:
                file.unlink()


def main(folder: Path, compiler: str, arguments: list[str]) -> int:
    """Compile, or copy; gives the compiler's exit code."""
    options, sources, others, out = split(arguments)
    key = None
    if is_cached(arguments, options, sources, others) and (out is not None or "-fsyntax-only" in arguments):
        key = key_of(folder / "keys", compiler, options, sources, others)
    if key is None:
        os.execv(compiler, [compiler, *arguments])
    made = folder / "made" / key
    if made.is_file():
        made.touch()
        if out is not None:
            Path(out).unlink(missing_ok=True)  # a running program cannot be written to
            shutil.copy(made, out)
        return 0
    done = subprocess.run([compiler, *arguments], stderr=subprocess.PIPE, check=False)
    sys.stderr.buffer.write(done.stderr)
    if done.returncode == 0 and not done.stderr:
        partial = made.with_name(f"{key}.{os.getpid()}")
        partial.touch() if out is None else shutil.copy(out, partial)
        partial.replace(made)
    return done.returncode


def is_cached(arguments: list[str], options: list[str], sources: list[str], others: list[str]) -> bool:
    """Whether all input and output of a command is known: its sources, or the objects that it links."""
    has_other_files = any(option.startswith(("-Wl,-Map", "@")) for option in arguments)
    has_other_libraries = not sources and any(option.startswith(("-L", "-l")) and option != "-lm" for option in options)
    is_compiler_call = bool(sources) or (bool(others) and all(name.endswith(".o") for name in others))
    return is_compiler_call and not (has_other_files or has_other_libraries or NOT_CACHED & set(arguments))


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


def key_of(keys: Path, compiler: str, options: list[str], sources: list[str], others: list[str]) -> str | None:
    """The key of a command; None where its input cannot be read."""
    scripts = [words[-1] for words in grouped(options) if words[0] == "-T"]
    try:
        command = hashlib.sha256("\0".join([Path(compiler).name, *without_folders(options)]).encode())
        for file in (compiler, *scripts, *others):
            command.update(hashlib.sha256(Path(file).read_bytes()).digest())
        texts = texts_of(options, sources)
    except OSError:
        return None
    if not sources:
        return command.hexdigest()
    whole = command.copy()
    for name, path in texts.items():
        whole.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    known = keys / whole.hexdigest()
    if texts and known.is_file():
        known.touch()
        return known.read_text()
    preprocessed = preprocess(compiler, options, sources)
    if preprocessed is None:
        return None
    command.update(re.sub(rb"\n\s*\n", b"\n", LINE_MARKER.sub(b"", preprocessed)))
    read = {Path(os.path.realpath(os.fsdecode(path))) for path in LINE_MARKER.findall(preprocessed)}
    if texts and all(path in texts.values() or path.is_relative_to("/usr") or not path.is_file() for path in read):
        partial = known.with_name(f"{known.name}.{os.getpid()}")
        partial.write_text(command.hexdigest())
        partial.replace(known)
    return command.hexdigest()


def preprocess(compiler: str, options: list[str], sources: list[str]) -> bytes | None:
    """The sources as the compiler sees them, with the names of the files that were read; None with a message."""
    unneeded = ("-c", "-shared", "-fsyntax-only", "-l", "-Wl,", "-nostartfiles", "--specs", "-pthread")
    kept = [word for words in grouped(options) if words[0][:2] not in ("-T", "-L") for word in words]
    command = [compiler, *(option for option in kept if not option.startswith(unneeded)), *sources, "-E"]
    done = subprocess.run(command, capture_output=True, check=False)
    return None if done.returncode or done.stderr else done.stdout


def texts_of(options: list[str], sources: list[str]) -> dict[str, Path]:
    """All files that the sources can include, by names that do not depend on the place of their folders.

    Empty where there are too many. What the compiler itself has below /usr is left out.
    """
    folders = [words[-1].removeprefix("-I") for words in grouped(options) if words[0].startswith("-I")]
    found = {f"source {place}": Path(os.path.realpath(source)) for place, source in enumerate(sources)}
    for place, folder in enumerate(dict.fromkeys([*folders, *(str(Path(source).parent) for source in sources)])):
        start = os.path.realpath(folder)
        for parent, _, names in os.walk(start):
            paths = [Path(parent, name) for name in names if name.endswith(TEXTS)]
            found.update({f"{place} {path.relative_to(start)}": path for path in paths})
            if len(found) > MOST_TEXTS:
                return {}
    return dict(sorted(found.items()))


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
