"""Faults of every kind at once against a local studio: what is lost, doubled, wrong, and whether memory grows.

Two clients (`eitk upload`) send windows through a proxy that damages 20 % of the requests. Meanwhile server, jobs and
clients are killed with SIGKILL, the disk of the studio (a tmpfs) fills up, its clock is set back and forth by up to 400
days, samples are deleted, exports are made, and slow readers download. The last third of the time has no kills of the
server, to see whether its memory and descriptors grow. The exit code is 1 if anything was lost, doubled or wrong. Linux
only, with a C compiler for the clock (_shifted_clock.c) and unshare of util-linux for the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from _chaos_clients import JOB_LIMIT_S, UPLOAD_LIMIT_S, Actions, Client, Record, Worker, sound
from _chaos_faults import DISK_MIB, INSIDE, Clock, Faults, Server, namespace_command, small_disk
from _faulty_proxy import FaultyProxy

from ei_toolkit.client.samples import list_samples
from ei_toolkit.studio.jobs.process import JobLog
from ei_toolkit.studio.options import Options

MARKS = ("lost", "doubled", "resurrected", "wrong_bytes", "tracebacks", "unfinished_jobs", "damaged_database")


def sample_usage(server: Server, record: Record, start: float) -> Callable[[], None]:
    """Return an action that records memory and descriptors of the server."""

    def usage() -> None:
        folder = Path(f"/proc/{server.pid}")
        lines = (folder / "status").read_text().splitlines()
        sizes = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
        if not sizes:
            return  # the process was just killed
        with record.lock:
            record.usage.append((time.monotonic() - start, server.pid, sizes[0], len(list((folder / "fd").iterdir()))))

    return usage


def say(line: str) -> None:
    """Print to stderr."""
    print(line, file=sys.stderr, flush=True)


def measure(seconds: float, folder: Path, disk: Path | None, record: Record) -> dict[str, object]:
    """Let the chaos run; return the figures."""
    data = (disk or folder) / "studio"
    data.mkdir(mode=0o700)
    clock = Clock(folder)
    server = Server(data, clock)
    server.start()
    proxies = [FaultyProxy(port, seed) for seed, port in enumerate(server.ports)]
    actions = Actions(server, proxies, record, folder)
    actions.upload_big()
    clients = [Client(number, folder, server, proxies, record) for number in (1, 2)]
    usage = sample_usage(server, record, time.monotonic())
    workers = [Worker(record, actions.download, 0.2), Worker(record, actions.export, 5.0), Worker(record, usage, 2.0)]
    workers += [Worker(record, actions.read_slowly, 0.5) for _ in range(3)]
    for thread in (*clients, *workers):
        thread.start()

    def report(passed: float) -> None:
        say(f"{passed:5.0f} s  {dict(record.counts)}")

    try:
        Faults(server, disk, clock, record.count).run(seconds, report)
    finally:
        record.stop.set()
        for proxy in proxies:
            proxy.share = 0.0
        for thread in (*clients, *workers):
            thread.join(UPLOAD_LIMIT_S + JOB_LIMIT_S)
        clock.set(0)
        server.kill()
    faults = sum((proxy.faults for proxy in proxies), Counter[str]())
    for proxy in proxies:
        proxy.close()
    check_end(server, record)
    return figures(record, faults, disk, [client.complete for client in clients])


def check_end(server: Server, record: Record) -> None:
    """Start the server once more and compare everything that it has with what it has acknowledged."""
    server.start()
    studio = server.studio(server.ports)
    listed = list(list_samples(studio, "training"))
    names = Counter(sample.name for sample in listed)
    wanted = record.acknowledged - record.deleted - record.uncertain
    lost = sorted(wanted - names.keys())
    record.counts["samples_at_the_end"] = len(listed)
    record.counts["lost"] = len(lost)
    record.counts["doubled"] = sum(names.values()) - len(names)
    record.counts["resurrected"] = len(record.deleted & names.keys())
    for sample in listed:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "sample"
            studio.transport.download(studio.path("raw-data", sample.id, "raw"), file, max_bytes=2**24)
            record.check_bytes(f"{sample} at the end", file.read_bytes(), sound(sample.name))
    jobs = studio.transport.get(studio.path("jobs"), limit=1000)["jobs"]
    record.counts["unfinished_jobs"] += len(jobs)
    server.kill()
    for file in server.data.glob("server.log*"):
        record.check_text(file.read_text(errors="replace"))
    for file in Options(server.data).logs.glob("*.ndjson"):
        log = JobLog(file.parent, int(file.stem))
        record.check_text("".join(entry.data for entry in log.entries()))
    with contextlib.closing(sqlite3.connect(Options(server.data).database)) as database:
        record.counts["damaged_database"] = database.execute("PRAGMA integrity_check").fetchone() != ("ok",)


def figures(record: Record, faults: Counter[str], disk: Path | None, rounds: list[int]) -> dict[str, object]:
    """Return everything that was counted, and how memory and descriptors developed."""
    damaged = faults.total() - faults["none"]
    last = record.usage[-1][1] if record.usage else 0
    calm = [entry for entry in record.usage if entry[1] == last]
    minutes = [[entry for entry in calm if int(entry[0] // 60) == at] for at in sorted({int(e[0] // 60) for e in calm})]
    found: dict[str, object] = {mark: record.counts[mark] for mark in MARKS}
    found |= {
        "disk": f"tmpfs of {DISK_MIB} MiB" if disk else "not filled: no unshare",
        "requests": faults.total(),
        "requests_with_a_fault": damaged,
        "rounds": rounds,
        **{name: number for name, number in sorted(record.counts.items()) if name not in MARKS},
        "memory_mib_largest": round(max((entry[2] for entry in record.usage), default=0), 1),
        "descriptors_largest": max((entry[3] for entry in record.usage), default=0),
        "last_process_s": round(calm[-1][0] - calm[0][0]) if calm else 0,
        "memory_mib_by_minute": [round(statistics.median(entry[2] for entry in part), 1) for part in minutes],
        "descriptors_by_minute": [statistics.median(entry[3] for entry in part) for part in minutes],
    }
    return found


def main() -> int:
    """Run in a mount namespace of its own, whose tmpfs ends with it; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if INSIDE not in os.environ and (command := namespace_command()):
        os.environ[INSIDE] = "1"
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
    record = Record()
    with tempfile.TemporaryDirectory(prefix="eitk-chaos-") as folder, small_disk(Path(folder) / "disk") as disk:
        found = measure(options.seconds, Path(folder), disk, record)
    say("\n".join(f"{number} times:\n{text}" for text, number in Counter(record.texts).most_common()))
    print(json.dumps(found) if options.json else "\n".join(f"{name:36} {value}" for name, value in found.items()))
    return int(any(found[mark] for mark in MARKS))


if __name__ == "__main__":
    sys.exit(main())
