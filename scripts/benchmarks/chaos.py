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
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _faulty_proxy import FaultyProxy

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.jobs.job import job_status
from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import Sample, delete_samples, list_samples
from ei_toolkit.client.transport import Transport
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import ApiError, EitkError, NetworkError
from ei_toolkit.studio.jobs.process import JobLog
from ei_toolkit.studio.lifecycle import ensure_own_key, spawn_server, status
from ei_toolkit.studio.options import Options

DISK_MIB = 256
KEPT_SAMPLES = 600  # more are deleted again, so that the disk has room and lists stay alike
OWN, SHARED = 60, 20  # windows of a round: of one client, and of both
DELETIONS = 100  # after one download, at most
RATE, WINDOW_S, BIG_S = 16_000, 0.5, 60
UPLOAD_LIMIT_S = 150.0
JOB_LIMIT_S = 120.0
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(\S.*)?", re.MULTILINE)
UNEXPECTED = "this is an error in eitk"  # how the client names what it does not expect
INSIDE = "EITK_CHAOS_NAMESPACE"  # set in the process that has a mount namespace of its own
MARKS = ("lost", "doubled", "resurrected", "wrong_bytes", "tracebacks", "unfinished_jobs", "damaged_database")


@dataclass
class Record:
    """What the parts of the benchmark share; all changes are made under `lock`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: dict[str, str] = field(default_factory=dict)  # SHA-256 by the name of the sample
    deletable: set[str] = field(default_factory=set)  # SHA-256 of the windows of complete rounds
    deleted: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)  # deletions whose response was lost
    known: set[str] = field(default_factory=set)  # SHA-256 of everything that was ever sent
    counts: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)  # what was printed with a traceback
    usage: list[tuple[float, int, float, int]] = field(default_factory=list)  # time, pid, MiB, descriptors

    def count(self, name: str, number: int = 1) -> None:
        """Add to a number."""
        with self.lock:
            self.counts[name] += number

    def check_text(self, text: str) -> None:
        """Count the tracebacks in a text; keep the end of each."""
        found = [match[0][-600:] for match in TRACEBACK.finditer(text)] or ([text] if UNEXPECTED in text else [])
        with self.lock:
            self.counts["tracebacks"] += len(found)
            self.texts += found

    def check_bytes(self, what: str, content: bytes, expected: bytes) -> None:
        """Compare what was downloaded with what was uploaded."""
        self.count("downloads_checked")
        if content != expected:
            self.wrong(f"{what}: {len(content)} bytes that begin with {content[:60]!r}, not {len(expected)}")

    def wrong(self, text: str) -> None:
        """Count wrong bytes and keep what they are."""
        with self.lock:
            self.counts["wrong_bytes"] += 1
            self.texts.append(text)


class Server:
    """The server process of the data folder, on two ports that stay the same after a kill."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self.data, self._clock = data, clock
        self.ports = [free_port(), free_port()]
        self.key = ensure_own_key(data, "Chaos")
        self.pid = 0

    def start(self) -> None:
        """Start the process and wait until it responds; a disk without space is waited for as well."""
        flags = ["--port", str(self.ports[0]), "--ingestion-port", str(self.ports[1])]
        with environment(self._clock.environment):
            self.pid = spawn_server(self.data, flags)
        while status(self.data) is None:
            if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
                time.sleep(1.0)
                return self.start()
            time.sleep(0.05)
        return None

    def kill(self) -> None:
        """End the process with SIGKILL."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def studio(self, ports: list[int]) -> Studio:
        """Return a client of the project, through these ports of the API and of uploads."""
        api, ingestion = (f"http://127.0.0.1:{port}" for port in ports)
        return Studio(Transport(Endpoint(f"{api}/v1", ingestion, self.key, 1, "chaos")), 1)


def free_port() -> int:
    """Return a port that no program uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables of this process for the block; `spawn_server` passes its environment on."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Clock:
    """The clock of the server and its jobs, which a preloaded library shifts by the seconds in a file."""

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock", folder / "shifted_clock.so"
        self.set(0)
        source = Path(__file__).with_name("_shifted_clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source)], check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._file)}

    def set(self, seconds: int) -> None:
        """Shift the clock of all processes that run with `environment`."""
        with self._file.open("r+b" if self._file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("=q", seconds))


def make_round(folder: Path, client: int, number: int) -> Manifest:
    """Write the windows of one round as a project: some of this client, some that the other client sends as well."""
    names = [f"own{client}.{number}.{n}" for n in range(OWN)] + [f"both.{number}.{n}" for n in range(SHARED)]
    windows = []
    write_recipe("reference", folder, clips=None, name="Chaos", force=True)
    target = folder / ".eitk" / "windows"
    target.mkdir(parents=True)
    for name in names:
        content = sound(name)
        digest = hashlib.sha256(content).hexdigest()
        (target / f"{name}.wav").write_bytes(content)
        label = "rock" if name[-1] in "02468" else "classical"
        windows.append(Window(f"{name}.wav", digest, f"{label}/{name}.wav", "0" * 64, name, 0, label, "training"))
    manifest = Manifest(tuple(windows))
    manifest.write(target / "manifest.csv")
    return manifest


def sound(name: str) -> bytes:
    """Return the WAV file of a sample: noise that depends on its name only."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    values = int(RATE * (BIG_S if name == "big" else WINDOW_S))
    return wav_bytes(np.random.default_rng(seed).integers(-9000, 9000, values, np.int16), RATE)


class Client(threading.Thread):
    """Uploads round after round with `eitk upload`, which is killed now and then and then run again."""

    def __init__(self, number: int, folder: Path, server: Server, proxies: list[FaultyProxy], record: Record) -> None:
        super().__init__(daemon=True)
        self._number, self._folder, self._record = number, folder, record
        self._random = random.Random(number)
        self._environ = {
            **os.environ,
            "EI_API_KEY": server.key,
            "EITK_STUDIO_URL": f"http://127.0.0.1:{proxies[0].port}/v1",
            "EITK_STUDIO_INGESTION_URL": f"http://127.0.0.1:{proxies[1].port}",
        }
        self.complete = 0  # rounds

    def run(self) -> None:
        """Upload until the end."""
        while not self._record.stop.is_set():
            folder = self._folder / f"client{self._number}.{self.complete}"
            folder.mkdir()
            manifest = make_round(folder, self._number, self.complete)
            with self._record.lock:
                self._record.known |= {window.sha256 for window in manifest.windows}
            while not self._record.stop.is_set():
                code = self._upload(folder)
                self._record.count(f"uploads_with_exit_code_{code}")
                if code == 0:
                    self._acknowledge(manifest)
                    break
            shutil.rmtree(folder, ignore_errors=True)

    def _upload(self, folder: Path) -> int:
        command = [sys.executable, "-m", "ei_toolkit", "upload", "--json"]
        process = subprocess.Popen(
            command, cwd=folder, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        is_killed = self._random.random() < 0.4
        end = time.monotonic() + (self._random.uniform(0.5, 12.0) if is_killed else UPLOAD_LIMIT_S)
        while process.poll() is None and time.monotonic() < end and not self._record.stop.is_set():
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
            self._record.count(
                "kills_of_clients" if is_killed else "uploads_without_an_end", not self._record.stop.is_set()
            )
        self._record.check_text(process.communicate()[1])
        return process.returncode

    def _acknowledge(self, manifest: Manifest) -> None:
        record = self._record
        with record.lock:
            for window in manifest.windows:
                name = window.file.removesuffix(".wav")
                was_there = name in record.acknowledged
                record.acknowledged[name] = window.sha256
                if not name.startswith("both.") or was_there:
                    record.deletable.add(name)
            record.counts["samples_acknowledged"] = len(record.acknowledged)
        self.complete += 1


class Worker(threading.Thread):
    """Repeats one action until the end; an action may fail for the faults of the benchmark."""

    def __init__(self, record: Record, action: Callable[[], None], pause_s: float) -> None:
        super().__init__(daemon=True)
        self._record, self._action, self._pause_s = record, action, pause_s

    def run(self) -> None:
        """Repeat the action."""
        while not self._record.stop.wait(self._pause_s):
            try:
                self._action()
            except (EitkError, OSError) as error:
                self._record.count(f"{self._action.__name__}_interrupted")
                if not isinstance(error, ApiError | OSError):
                    self._record.check_text(f"{UNEXPECTED} {error!r}")


class Actions:
    """What else happens to the studio: downloads, deletions, exports with kills of their jobs, slow readers."""

    def __init__(self, server: Server, proxies: list[FaultyProxy], record: Record, scratch: Path) -> None:
        self._server, self._record, self._scratch = server, record, scratch
        self._through_proxy = server.studio([proxy.port for proxy in proxies])
        self._random = random.Random(7)
        self._big = sound("big")
        self._big_id = 0

    def upload_big(self) -> None:
        """Upload the large sample of the slow readers."""
        url = f"http://127.0.0.1:{self._server.ports[1]}/api/training/files"
        import requests

        files = [("data", ("big.wav", self._big, "audio/wav"))]
        response = requests.post(
            url, files=files, headers={"x-api-key": self._server.key, "x-label": "big"}, timeout=60
        )
        self._big_id = response.json()["files"][0]["sampleId"]
        with self._record.lock:
            self._record.known.add(hashlib.sha256(self._big).hexdigest())
            self._record.acknowledged["big"] = hashlib.sha256(self._big).hexdigest()

    def download(self) -> None:
        """Download a sample and compare its bytes; delete some of the older ones if there are many."""
        listed = list(list_samples(self._through_proxy, "training"))
        if not listed:
            return
        sample = self._random.choice(listed)
        file = self._scratch / "download.wav"
        try:
            path = self._through_proxy.path("raw-data", sample.id, "raw")
            self._through_proxy.transport.download(path, file, max_bytes=2**24)
        except ApiError:
            if self._is_stored(sample):
                raise
            return
        self._record.check_bytes(f"download of {sample}", file.read_bytes(), sound(sample.name))
        self._delete(listed)

    def _is_stored(self, sample: Sample) -> bool:
        with self._record.lock:
            return sample.name not in self._record.deleted | self._record.uncertain

    def _delete(self, listed: list[Sample]) -> None:
        with self._record.lock:
            ready = [sample for sample in listed if sample.name in self._record.deletable - self._record.uncertain]
        for sample in ready[: max(0, len(listed) - KEPT_SAMPLES)][:DELETIONS]:
            with self._record.lock:
                self._record.uncertain.add(sample.name)
            delete_samples(self._through_proxy, [sample.id])
            with self._record.lock:
                self._record.uncertain.discard(sample.name)
                self._record.deleted.add(sample.name)
                self._record.counts["deleted"] += 1

    def export(self) -> None:
        """Export the project; kill the job in every other case. Compare the bytes of the zip."""
        studio = self._server.studio(self._server.ports)
        job = int(studio.transport.post(studio.path("jobs", "export", "original"), {})["id"])
        if self._random.random() < 0.5:
            time.sleep(self._random.uniform(0.1, 2.0))
            self._kill_job(job)
        end = time.monotonic() + JOB_LIMIT_S
        while not (found := self._status(studio, job)):
            if time.monotonic() > end:
                self._record.count("unfinished_jobs")
                return
            time.sleep(0.3)
        self._record.count("exports" if found == "succeeded" else "exports_failed")
        if found == "succeeded":
            file = self._scratch / "export.zip"
            studio.transport.download(studio.path("export", "download"), file, max_bytes=2**28)
            self._check_zip(file.read_bytes())

    def _status(self, studio: Studio, job: int) -> str:
        """The end of a job; empty while it runs or the studio does not answer."""
        try:
            found = job_status(studio, job)
        except NetworkError:
            return ""
        return found.state if found.finished else ""

    def _kill_job(self, job: int) -> None:
        wanted = f"ei_toolkit.studio.jobs.worker\0{self._server.data}\0{job}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
                    self._record.count("kills_of_jobs")

    def _check_zip(self, content: bytes) -> None:
        with self._record.lock:
            known = set(self._record.known)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.endswith(".wav"):
                    digest = hashlib.sha256(archive.read(name)).hexdigest()
                    self._record.count("exported_files_checked")
                    if digest not in known:
                        self._record.wrong(f"{name} in an export")

    def read_slowly(self) -> None:
        """Download the large sample with 100 KB a second for a while; what arrives must be its beginning."""
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.settimeout(30)
            client.connect(("127.0.0.1", self._server.ports[0]))
            head = f"GET /v1/api/1/raw-data/{self._big_id}/raw HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            client.sendall(f"{head}x-api-key: {self._server.key}\r\nConnection: close\r\n\r\n".encode())
            received = b""
            with contextlib.suppress(ConnectionError):
                while (data := client.recv(4096)) and not self._record.stop.is_set():
                    received += data
                    time.sleep(0.04)
        head_bytes, _, body = received.partition(b"\r\n\r\n")
        if head_bytes.startswith(b"HTTP/1.1 200"):
            self._record.count("slow_downloads")
            if not self._big.startswith(body):
                self._record.wrong(f"a slow download: {len(body)} bytes after {head_bytes!r}")


class Faults:
    """Kills of the server, a full disk, and another clock; each in turn, at random times."""

    def __init__(self, server: Server, disk: Path | None, clock: Clock, record: Record) -> None:
        self._server, self._disk, self._clock, self._record = server, disk, clock, record
        self._random = random.Random(3)

    def run(self, seconds: float) -> None:
        """Let faults happen for so many seconds; the last third is without kills of the server."""
        start = time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            kinds = [self.change_clock, self.change_clock, *([self.fill_disk] if self._disk else [])]
            kinds += [self.kill_server, self.kill_server] if passed < seconds * 2 / 3 else [self.rest]
            self._random.choice(kinds)()
            time.sleep(min(self._random.uniform(1.0, 10.0), max(0.0, seconds - (time.monotonic() - start))))
            say(f"{passed:5.0f} s  {dict(self._record.counts)}")

    def rest(self) -> None:
        """Let nothing happen for a moment."""

    def kill_server(self) -> None:
        """Kill the server and start it again after a moment."""
        self._server.kill()
        self._record.count("kills_of_server")
        time.sleep(self._random.uniform(0.0, 2.0))
        self._server.start()

    def fill_disk(self) -> None:
        """Fill the disk of the studio for some seconds."""
        assert self._disk is not None
        filler = self._disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            for size in (2**20, 2**12, 2**9):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass
        self._record.count("disk_full")
        time.sleep(self._random.uniform(1.0, 6.0))
        filler.unlink()

    def change_clock(self) -> None:
        """Set the clock of the server and its jobs to another time, up to 400 days away."""
        self._clock.set(self._random.choice([0, 1, 60, 3600, 86_400, 400 * 86_400]) * self._random.choice([-1, 1]))
        self._record.count("clock_changes")


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
    try:
        Faults(server, disk, clock, record).run(seconds)
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
    wanted = record.acknowledged.keys() - record.deleted - record.uncertain
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
    calm = [entry for entry in record.usage if entry[1] == last][5:]  # without the start of the last process
    third = max(1, len(calm) // 3)
    first, end = calm[:third], calm[-third:]
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
        "memory_mib_first_and_last_third": [
            round(statistics.median(e[2] for e in part), 1) for part in (first, end) if part
        ],
        "descriptors_first_and_last_third": [statistics.median(e[3] for e in part) for part in (first, end) if part],
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


def namespace_command() -> list[str]:
    """Return the command that runs a program with mounts of its own; empty if the system has or allows none."""
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    command = ["unshare", *flags]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        return []
    return command


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small tmpfs for the block, if this process has a mount namespace of its own."""
    if INSIDE not in os.environ:
        yield None
        return
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


if __name__ == "__main__":
    sys.exit(main())
