"""`eitk doctor`: Check folders, studio, key, packages, tools, boards and confinement."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

import typer

from ei_toolkit.audio import ffmpeg
from ei_toolkit.board.transport.ports import usb_ports
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.health import MAX_CLOCK_DIFFERENCE_S, limits, reach
from ei_toolkit.client.project import KeyInfo, Studio, key_info
from ei_toolkit.config import ProjectPaths, find_config
from ei_toolkit.eon import toolchain
from ei_toolkit.errors import EitkError, MissingStepError, MissingToolError
from ei_toolkit.report.tables import Table
from ei_toolkit.studio.jobs import confinement

Verdict = Literal["ok", "warning", "missing", "failure"]
PACKAGES = ("edgeimpulse", "edgeimpulse-api", "numpy", "tensorflow-cpu", "tensorflow", "ai-edge-litert", "keyring")
OPTIONAL = frozenset({"tensorflow-cpu", "tensorflow", "ai-edge-litert"})
SLOW_MS = 1000.0
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
    """Yield the compilers, the emulator, ffmpeg and the boards on USB."""
    tools: dict[str, Callable[[], str]] = {
        "C++ compiler": lambda: toolchain.host_compiler(environ),
        "ARM compiler": lambda: toolchain.arm_tool("g++", environ),
        "emulator": lambda: toolchain.qemu(environ),
        "ffmpeg": lambda: ffmpeg.version(ffmpeg.find_ffmpeg(environ)),
    }
    for name, find in tools.items():
        try:
            yield Finding(name, "ok", find())
        except MissingToolError as error:
            yield Finding(name, "missing", error.what, error.hint)
    ports = usb_ports()
    for port in ports:
        yield Finding("board", "ok", f"{port.board} on {port.device} ({port.state})")
    if not ports:
        yield Finding("board", "missing", "no Nano 33 BLE on USB", 'Plug one in, or use [board] name = "emulated".')


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
    return Table("", ("check", "", "result", "try"), tuple((f.what, f.verdict, f.detail, f.hint) for f in findings))


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
    findings += studio_findings(lambda: connect(env, env.config())) if studio else ()
    findings += [*package_findings(), *tool_findings(env.environ), *confinement_findings()]
    env.console.result([asdict(finding) for finding in findings], findings_table(findings).rich())
    if any(finding.verdict == "failure" for finding in findings):
        raise typer.Exit(1)
