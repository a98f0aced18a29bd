"""Make the stored projects that the migration tests load: run the whole pipeline with an older eitk and archive it.

    CHECKOUT/.venv/bin/python tests/migration/make_stored_project.py VERSION.tar.xz

CHECKOUT is a checkout of the version to store, set up with `scripts/setup`. The script uses that version's command line
and HTTP API only, in a folder (`--folder`) and with a home folder of their own, and refuses to archive a file that
names this machine. It takes about five minutes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import requests
import soxr

import ei_toolkit
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.dataset.synth import classical, rock
from ei_toolkit.dataset.synth.sound import RATE as SYNTH_RATE

RATE = 16000
ARTISTS, CLIPS_PER_ARTIST = 5, 2
CLIP_SECONDS, SHORT_SECONDS = 0.7, 0.3
QUANTUM = 256  # clips of 8 bits: the archive stays small
ROBUST = {"window_ms = 3000": "window_ms = 600", "hop_ms = 1500": "hop_ms = 600", "batch_size = 64": "batch_size = 16"}
REFERENCE = {"window_ms = 3000": "window_ms = 600", "hop_ms = 1500": "hop_ms = 600", "epochs = 30": "epochs = 2"}
UPLOAD_INCOMPLETE, GATE_NOT_MET = 4, 7
LEFT_OUT = ("report.html", "server.log", "build")  # can be made again from the rest, or names this machine


def main() -> None:
    """Make both projects and the archive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/eitk-project"), help="folder to make; must not exist")
    parser.add_argument("--home", type=Path, default=Path("/tmp/eitk-home"), help="home folder for the commands")
    arguments = parser.parse_args()
    arguments.folder.mkdir()
    arguments.home.mkdir(exist_ok=True)
    write_clips(arguments.folder / "clips")
    make_robust(Project(arguments.folder / "robust", arguments.home))
    make_reference(Project(arguments.folder / "reference", arguments.home))
    write_archive(arguments.folder, arguments.archive)


class Project:
    """One project folder, and the commands that are run in it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        folder.mkdir()

    def eitk(self, *words: str, code: int = 0, **environ: str) -> str:
        """Run one command; returns its output. Raises AssertionError where it ends with another exit code."""
        print("$ eitk", *words, flush=True)
        command = [sys.executable, "-m", "ei_toolkit", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ | environ, stdout=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == code, f"{words} ended with {done.returncode}"
        return done.stdout

    def edit_config(self, changes: dict[str, str]) -> None:
        """Replace parts of eitk.toml."""
        file = self.folder / "eitk.toml"
        text = file.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")

    def studio(self) -> dict[str, Any]:
        """Address and process of the running local studio."""
        found: dict[str, Any] = json.loads(self.eitk("studio", "status", "--json"))
        assert found["running"]
        return found


class Api:
    """The HTTP API of one studio project."""

    def __init__(self, studio: dict[str, Any], project: int, key: str) -> None:
        self.url, self.ingestion = f"{studio['api_url']}/api/{project}", f"{studio['ingestion_url']}/api"
        self.headers = {"x-api-key": key}

    def call(self, verb: str, path: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = requests.request(
            verb, self.url + path, headers=self.headers, timeout=60, **arguments
        ).json()
        assert answer["success"], answer
        return answer

    def upload(self, category: str, files: dict[str, bytes], **headers: str) -> list[int]:
        """Upload files in one request; returns the ids of the samples."""
        parts = [("data", (name, data, "application/octet-stream")) for name, data in files.items()]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.ingestion}/{category}/files"
        answer = requests.post(url, files=parts, headers=self.headers | named, timeout=60).json()
        assert all(file["success"] for file in answer["files"]), answer
        return [file["sampleId"] for file in answer["files"]]

    def wait(self, job: int) -> None:
        """Wait until a job has succeeded."""
        while "finished" not in (status := self.call("GET", f"/jobs/{job}/status")["job"]):
            time.sleep(0.2)
        assert status["finishedSuccessful"], status


def write_clips(folder: Path) -> None:
    """Write synthetic clips by ten artists, one clip that is too short and one that stands there twice."""
    rows = []
    for label, players in (("classical", classical.ensembles), ("rock", rock.bands)):
        rng = np.random.default_rng([7, len(label)])
        play = classical.play if label == "classical" else rock.play
        (folder / label).mkdir(parents=True)
        for artist, player in enumerate(players(ARTISTS, rng), 1):
            for number in range(CLIPS_PER_ARTIST):
                name = f"{label}/{label}.{artist}{number}.wav"
                (folder / name).write_bytes(clip(play(player, CLIP_SECONDS, rng)))
                rows.append((name, f"{label} artist {artist}"))
    (folder / "rock" / "rock.short.wav").write_bytes(clip(rock.play(player, SHORT_SECONDS, rng)))
    shutil.copyfile(folder / "rock" / "rock.10.wav", folder / "rock" / "rock.copy.wav")
    rows += [("rock/rock.short.wav", "rock artist 5"), ("rock/rock.copy.wav", "rock artist 1")]
    with (folder / "groups.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("clip", "group"), *rows])


def clip(sound: np.ndarray) -> bytes:
    """A WAV of 16 kHz whose samples are multiples of QUANTUM."""
    samples = soxr.resample(sound, SYNTH_RATE, RATE)
    return wav_bytes((np.rint(samples * 0.7 * 32767 / QUANTUM) * QUANTUM).astype(np.int16), RATE)


def make_robust(project: Project) -> None:
    """A complete project: a nightly run that promotes its model, a refused gate, and a studio with two projects."""
    project.eitk("init", "--recipe", "robust", "--board", "host", "--clips", "../clips", "--name", "Stored Project")
    project.edit_config(ROBUST)
    project.eitk("nightly", "../clips", "--dir", ".")
    project.eitk("gate", code=GATE_NOT_MET, EITK_GATE_MAX_RAM_KB="1")
    fill_second_project(project)
    board = json.loads((project.folder / ".eitk/boards/host/state.json").read_text())
    os.kill(board["pid"], signal.SIGKILL)  # leaves the state of a board that no longer runs
    project.eitk("studio", "stop")


def fill_second_project(project: Project) -> None:
    """Another project in the same studio, with what the command line does not write."""
    added = json.loads(project.eitk("studio", "projects", "--add", "Second Project", "--json"))
    number = str(added["project"])
    for role in ("readonly", "ingestiononly"):
        project.eitk("studio", "keys", "add", "--project", number, "--role", role, "--name", f"{role} key")
    api = Api(project.studio(), added["project"], added["key"])
    tones = {f"tone.{n}.wav": tone(200 + 100 * n) for n in range(4)}
    ids = api.upload("training", tones, x_label="töne", x_metadata=json.dumps({"site": "A"}))
    api.call("DELETE", f"/raw-data/{ids[1]}")  # leaves a sparse range in the pack file
    api.call("POST", f"/raw-data/{ids[2]}/disable")
    api.call("POST", f"/raw-data/{ids[3]}/move", json={"newCategory": "testing"})
    [multi] = api.upload("training", {"two.wav": tone(500)}, x_label="low")
    halves = [
        {"startIndex": 0, "endIndex": 799, "label": "low"},
        {"startIndex": 800, "endIndex": 1599, "label": "high"},
    ]
    api.call("POST", f"/raw-data/{multi}/structured-labels", json={"structuredLabels": halves})
    api.upload("testing", {"motion.json": acquisition()}, x_label="idle")
    model = (project.folder / ".eitk/builds/1/model.tflite").read_bytes()
    form = {"modelFileName": "own.tflite", "modelFileType": "tflite"}
    api.wait(api.call("POST", "/pretrained-model/upload", data=form, files={"modelFile": ("own.tflite", model)})["id"])
    api.wait(api.call("POST", "/pretrained-model/profile")["id"])
    parameters = {"input": {"inputType": "other"}, "model": {"modelType": "classification", "labels": ["a", "b"]}}
    api.call("POST", "/pretrained-model/save", json=parameters)
    api.wait(api.call("POST", "/jobs/export/original", json={"uploaderFriendlyFilenames": True})["id"])


def tone(hertz: float) -> bytes:
    """A WAV of a tenth of a second."""
    samples = 8000 * np.sin(2 * np.pi * hertz * np.arange(RATE // 10) / RATE)
    return wav_bytes(samples.astype(np.int16), RATE)


def acquisition() -> bytes:
    """A recording of two sensors in Edge Impulse's data acquisition format."""
    sensors = [{"name": "accX", "units": "m/s2"}, {"name": "accY", "units": "m/s2"}]
    values = [[n / 8, -n / 8] for n in range(20)]
    payload = {"device_type": "BOARD", "interval_ms": 10, "sensors": sensors, "values": values}
    protected = {"ver": "v1", "alg": "none", "iat": 0}
    return json.dumps({"protected": protected, "signature": "0" * 64, "payload": payload}).encode()


def make_reference(project: Project) -> None:
    """A project without a build, with a window that was not uploaded and a studio that was killed during a job."""
    project.eitk("init", "--recipe", "reference", "--clips", "../clips", "--name", "Reference Project")
    project.edit_config(REFERENCE)
    project.eitk("slice")
    window = sorted((project.folder / ".eitk/windows").glob("rock.*.wav"))[0]
    whole = window.read_bytes()
    window.write_bytes(whole[:-2] + b"\0\1")
    project.eitk("upload", code=UPLOAD_INCOMPLETE)
    window.write_bytes(whole)
    project.eitk("impulse", "apply")
    project.eitk("train")
    job = json.loads(project.eitk("train", "--no-follow", "--json"))["job"]
    studio = project.studio()
    api = Api(studio, 1, (project.folder / ".eitk/studio/key").read_text())
    while "started" not in api.call("GET", f"/jobs/{job}/status")["job"]:
        time.sleep(0.05)
    os.kill(studio["pid"], signal.SIGKILL)  # leaves a write-ahead log, server.json and a job that runs
    time.sleep(5)  # the job's process ends when its server is gone


def write_archive(folder: Path, archive: Path) -> None:
    """Pack what the folder holds but LEFT_OUT, owned by nobody."""
    files = sorted(file for file in folder.rglob("*") if not set(file.relative_to(folder).parts) & set(LEFT_OUT))
    check_neutral([file for file in files if file.is_file()], folder)
    with tarfile.open(archive, "w:xz", preset=9, format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tar.gettarinfo(file, file.relative_to(folder.parent).as_posix())
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = int(entry.mtime)
            if file.is_file():
                with file.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    print(f"{archive}: {len(files)} files, {archive.stat().st_size} bytes")


def check_neutral(files: list[Path], folder: Path) -> None:
    """Raise AssertionError where a file names the checkout, a home folder or this machine."""
    checkout = Path(ei_toolkit.__file__).resolve().parents[1]
    named = {str(checkout), str(checkout.parent), "/home/", f"{Path.home()}/"}
    named |= {socket.gethostname()} if len(socket.gethostname()) > 4 else set()
    for file in files:
        content = file.read_bytes()
        found = [name for name in named if name.encode() in content]
        assert not found, f"{file.relative_to(folder)} names {found}"


if __name__ == "__main__":
    main()
