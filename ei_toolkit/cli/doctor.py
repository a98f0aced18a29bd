"""`eitk doctor`: Check folders, studio, key, packages, tools, boards and confinement."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

import typer

from ei_toolkit.audio import ffmpeg
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.boards.virtual import VirtualBoard
from ei_toolkit.board.flash.arduino_cli import ArduinoCli
from ei_toolkit.board.transport.ports import usb_ports
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.endpoint import LOCAL
from ei_toolkit.client.health import MAX_CLOCK_DIFFERENCE_S, limits, reach
from ei_toolkit.client.project import KeyInfo, Studio, key_info
from ei_toolkit.compute import cores
from ei_toolkit.config import CONFIG_NAME, ProjectPaths, Settings, find_config
from ei_toolkit.config.address import is_address
from ei_toolkit.config.boards import board_spec
from ei_toolkit.config.units import mib
from ei_toolkit.dataset.folder import read_clips
from ei_toolkit.dataset.lengths import measure_lengths
from ei_toolkit.dataset.object_store import folder_of_copy
from ei_toolkit.eon import toolchain
from ei_toolkit.errors import EitkError, MissingStepError, MissingToolError, SettingsError
from ei_toolkit.report.tables import Table
from ei_toolkit.studio.jobs import confinement

Verdict = Literal["ok", "warning", "missing", "failure"]
PACKAGES = ("edgeimpulse", "edgeimpulse-api", "numpy", "tensorflow-cpu", "tensorflow", "ai-edge-litert", "keyring")
OPTIONAL = frozenset({"tensorflow-cpu", "tensorflow", "ai-edge-litert"})
SLOW_MS = 1000.0
VERSION = re.compile(r"\d+\.\d+[\w.-]*")
VERSION_TIMEOUT_S = 10.0
BYTES_OF_A_SAMPLE = 2
WINDOW_BYTES_GUESS = 1 << 30  # about 1000 clips of 30 s with overlapping windows
STUDIO_BYTES = 500 << 20  # features, models and builds beside the samples
NO_BOARD_HINT = "Plug one in, or set a virtual board: eitk config set board.name emulated"
ARDUINO_CLI_HINT = "Install it: https://docs.arduino.cc/arduino-cli/installation"
BOARD_TOOLS_HINT = f"{toolchain.ARM_PACKAGES} && {toolchain.QEMU_PACKAGE}"
DISK_HINT = "Free space: eitk clean removes files that a command can make again."
PERMISSION_HINT = "Check its owner and permissions with ls -ld, or work in another folder: eitk -C FOLDER"


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    what: str
    verdict: Verdict
    detail: str
    hint: str = ""


def studio_findings(connect: Callable[[], Studio]) -> Iterator[Finding]:
    """Yield the reachability of the studio, the key, the limits and the clock."""
    try:
        studio = connect()
        endpoint = studio.transport.endpoint
        for name, url in (("studio", endpoint.api_url), ("uploads", endpoint.ingestion_url)):
            reached = reach(url, endpoint)
            slow = reached.milliseconds > SLOW_MS
            detail = f"{url} answers in {reached.milliseconds:.0f} ms"
            yield Finding(name, "warning" if slow else "ok", detail, "The network is slow." if slow else "")
        yield _clock(reached.clock_off_s)
        yield _key(key_info(studio.transport))
        found = limits(studio)
    except MissingStepError as error:
        yield Finding("studio", "warning", str(error), error.hint)
        return
    except EitkError as error:
        yield Finding("studio", "failure", str(error), error.hint)
        return
    except OSError as error:
        detail = f"{error.filename} cannot be used: {error.strerror}" if error.filename else str(error)
        yield Finding("studio", "failure", detail, PERMISSION_HINT if error.filename else "")
        return
    per_job = "no limit known" if found.minutes_per_job is None else f"{found.minutes_per_job:g} min a job"
    left = "" if found.minutes_left is None else f", {found.minutes_left:.0f} min of compute time left"
    yield Finding("project", "ok", f"{studio.project} “{found.project}”, {found.samples} samples, {per_job}{left}")


def folder_findings(start: Path) -> Iterator[Finding]:
    """Yield whether the project's folders can be written to."""
    file = find_config(start)
    paths = ProjectPaths(file.parent if file else start)
    there = [folder for folder in (paths.root, paths.state, paths.windows) if os.access(folder, os.F_OK)]
    closed = [folder for folder in there if not os.access(folder, os.W_OK | os.X_OK)]
    for folder in closed:
        yield Finding("folder", "failure", f"{folder} cannot be written to", PERMISSION_HINT)
    if not closed:
        yield Finding("folder", "ok", str(paths.root))


def package_findings() -> Iterator[Finding]:
    """Yield the versions of Python and of the main packages."""
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in PACKAGES:
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            if name not in OPTIONAL:
                yield Finding(name, "failure", "not installed", f"{sys.executable} -m pip install {name}")


def tool_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the compilers, the emulator and ffmpeg, with their versions."""
    tools: dict[str, Callable[[], str]] = {
        "C++ compiler": lambda: _with_version(toolchain.host_compiler(environ)),
        "ARM compiler": lambda: _with_version(toolchain.arm_tool("g++", environ)),
        "WebAssembly compiler": lambda: _with_version(toolchain.wasm_compiler(environ)),
        "emulator": lambda: _with_version(toolchain.qemu(environ)),
        "ffmpeg": lambda: ffmpeg.version(ffmpeg.find_ffmpeg(environ)),
    }
    for name, find in tools.items():
        try:
            yield Finding(name, "ok", find())
        except MissingToolError as error:
            yield Finding(name, "missing", error.what, error.hint)


def _with_version(path: str) -> str:
    """Return the first version number that a tool prints, and its path; only the path if it prints none."""
    try:
        printed = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return path
    found = VERSION.search(printed)
    return f"{found[0]} ({path})" if found else path


def board_findings(settings: Settings, paths: ProjectPaths, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the state of the board in [board] name: its process, or its USB port and the tool that compiles for it."""
    board = board_named(settings.board.name)
    if isinstance(board, VirtualBoard):
        if missing := board.missing_tools():
            yield Finding("board", "missing", f"{board.name}: {' and '.join(missing)} not found", BOARD_TOOLS_HINT)
        elif found := board.find(paths.boards, ()):
            yield Finding("board", "ok", f"{board.name} runs at {found[0].port}")
        else:
            yield Finding("board", "ok", f"{board.name} does not run; eitk flash starts it")
        return
    ports = board.find(paths.boards, usb_ports())
    for port in ports:
        yield Finding("board", "ok", f"{board.name} on {port.port} ({port.state})")
    if not ports:
        yield Finding("board", "missing", f"no {board_spec(board.name).title} on USB", NO_BOARD_HINT)
    try:
        cli = ArduinoCli.find(environ)
        yield (
            Finding("arduino-cli", "ok", _with_version(cli.path))
            if cli
            else Finding("arduino-cli", "missing", "not installed", ARDUINO_CLI_HINT)
        )
    except MissingToolError as error:
        yield Finding("arduino-cli", "missing", str(error), error.hint)


def disk_findings(settings: Settings, paths: ProjectPaths) -> Iterator[Finding]:
    """Yield the free space where windows and the data of a local studio are stored, and whether it is enough."""
    windows = _window_bytes(settings, paths.root)
    for name, folder, needed in (
        ("disk", paths.windows, windows),
        ("studio disk", paths.studio, windows + STUDIO_BYTES if settings.studio.url == LOCAL else 0),
    ):
        free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
        detail = f"{mib(free)} free for {folder}, about {mib(needed)} needed"
        if needed:
            yield Finding(name, "ok", detail) if free > needed else Finding(name, "warning", detail, DISK_HINT)


def _window_bytes(settings: Settings, root: Path) -> int:
    """Return the bytes of all windows of the clips with their augmented copies; a guess if the clips are not known."""
    place = settings.dataset.root
    clips_folder = folder_of_copy(place, ProjectPaths(root)) if is_address(place) else root / Path(place).expanduser()
    try:
        clips = read_clips(clips_folder, settings.project.labels, settings.dataset).clips if place else ()
    except EitkError:
        clips = ()
    lengths = measure_lengths(clips, cores())
    if not lengths.seconds:
        return WINDOW_BYTES_GUESS
    seconds = fmean(lengths.seconds.values()) * lengths.of
    cut = settings.slice
    overlap = max(1, cut.window_ms / cut.hop_ms)
    return round(seconds * cut.sample_rate * BYTES_OF_A_SAMPLE * overlap * (1 + cut.augment.copies))


def confinement_findings() -> Iterator[Finding]:
    """Yield what the job processes of a local studio on this machine are kept from."""
    version = confinement.landlock_version()
    if version:
        yield Finding("job files", "ok", f"jobs write only below the data folder of the studio (Landlock {version})")
    else:
        yield Finding("job files", "warning", "jobs can write wherever this user can: the system has no Landlock")
    if confinement.network_can_be_removed():
        yield Finding("job network", "ok", "jobs have no network (network namespace)")
    elif version >= confinement.LANDLOCK_WITH_TCP:
        yield Finding("job network", "warning", "jobs have no TCP (Landlock), but other protocols")
    else:
        yield Finding(
            "job network", "warning", "jobs can use the network: this user may not create a network namespace"
        )


def findings_table(findings: list[Finding]) -> Table:
    """Return a table with one row for each finding."""
    return Table(
        "", ("check", "status", "detail", "fix"), tuple((f.what, f.verdict, f.detail, f.hint) for f in findings)
    )


def _clock(off_s: float | None) -> Finding:
    if off_s is None:
        return Finding("clock", "warning", "the studio sends no date")
    if abs(off_s) > MAX_CLOCK_DIFFERENCE_S:
        return Finding("clock", "warning", f"this machine is {off_s:+.0f} s off", "Set the clock of this machine.")
    return Finding("clock", "ok", f"{abs(off_s):.0f} s off")


def _key(info: KeyInfo) -> Finding:
    detail = f"role {info.role}" + (f", until {info.expires}" if info.expires else "")
    if info.can_train:
        return Finding("key", "ok", detail)
    hint = "Make a key with the role admin (Dashboard, Keys) and set EI_API_KEY."
    return Finding("key", "warning", f"{detail}: it cannot change the impulse or train", hint)


def doctor(
    context: typer.Context,
    studio: Annotated[bool, typer.Option(help="Also check the studio and the key.")] = True,
) -> None:
    """Check folders, studio, key, packages, tools, boards and confinement.

    Exit code 1 if one of the checks fails.
    """
    env = Environment.of(context)
    findings = list(folder_findings(env.cwd))
    try:
        config = env.config()
    except SettingsError as error:
        findings += [Finding("settings", "failure", str(fault), fault.hint) for fault in error.faults]
    except EitkError as error:
        findings.append(Finding("settings", "failure", str(error), error.hint))
    else:
        findings.append(Finding("settings", "ok", str(config.file or f"no {CONFIG_NAME}: the defaults")))
        findings += studio_findings(lambda: connect(env, config)) if studio else ()
        findings += board_findings(config.settings, config.paths, env.environ)
        findings += disk_findings(config.settings, config.paths)
    findings += [*package_findings(), *tool_findings(env.environ), *confinement_findings()]
    env.console.result([asdict(finding) for finding in findings], findings_table(findings).rich())
    if any(finding.verdict == "failure" for finding in findings):
        raise typer.Exit(1)
