"""Who uses the studio of `chaos.py`: clients that upload and are killed, downloads, deletions, exports."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import requests
from _chaos_faults import Server
from _faulty_proxy import FaultyProxy

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.client.jobs.job import job_status
from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import Sample, delete_samples, list_samples
from ei_toolkit.client.upload.ledger import Ledger
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import ApiError, EitkError, NetworkError

KEPT_SAMPLES = 600  # more are deleted again, so that the disk has room and lists stay alike
OWN, SHARED = 60, 20  # windows of a round: of one client, and of both
DELETIONS = 100  # after one download, at most
RATE, WINDOW_S, BIG_S = 16_000, 0.5, 60
UPLOAD_LIMIT_S = 150.0
JOB_LIMIT_S = 120.0
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(\S.*)?", re.MULTILINE)
UNEXPECTED = "this is an error in eitk"  # how the client names what it does not expect


@dataclass
class Record:
    """What the parts of the benchmark share; all changes are made under `lock`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: set[str] = field(default_factory=set)  # names of samples
    complete: Counter[str] = field(default_factory=Counter)  # clients whose round with this sample is complete
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
                    self._complete(manifest)
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
        self._acknowledge(folder)
        return process.returncode

    def _acknowledge(self, folder: Path) -> None:
        """Add the samples that the ledger of the upload records as stored, also of one that was killed."""
        for file in (folder / ".eitk" / "windows").glob("uploads.*.sqlite"):
            with Ledger(file) as ledger:
                done = [entry.file for entry in ledger.entries().values() if entry.state == "done"]
            with self._record.lock:
                self._record.acknowledged |= {name.removesuffix(".wav") for name in done}
                self._record.counts["samples_acknowledged"] = len(self._record.acknowledged)

    def _complete(self, manifest: Manifest) -> None:
        with self._record.lock:
            self._record.complete.update(window.file.removesuffix(".wav") for window in manifest.windows)
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
        files = [("data", ("big.wav", self._big, "audio/wav"))]
        response = requests.post(
            url, files=files, headers={"x-api-key": self._server.key, "x-label": "big"}, timeout=60
        )
        self._big_id = response.json()["files"][0]["sampleId"]
        with self._record.lock:
            self._record.known.add(hashlib.sha256(self._big).hexdigest())
            self._record.acknowledged.add("big")

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
            ready = [sample for sample in listed if self._is_deletable(sample.name)]
        for sample in ready[: max(0, len(listed) - KEPT_SAMPLES)][:DELETIONS]:
            with self._record.lock:
                self._record.uncertain.add(sample.name)
            delete_samples(self._through_proxy, [sample.id])
            with self._record.lock:
                self._record.uncertain.discard(sample.name)
                self._record.deleted.add(sample.name)
                self._record.counts["deleted"] += 1

    def _is_deletable(self, name: str) -> bool:
        """Whether no client will send the sample again."""
        senders = 2 if name.startswith("both.") else 1
        return self._record.complete[name] == senders and name not in self._record.uncertain

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
