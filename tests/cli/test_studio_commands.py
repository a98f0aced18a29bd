"""Commands that use a studio: exit codes, JSON, errors without a server, and no key in any output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import pytest
import support

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.studio import lifecycle as launch
from ei_toolkit.studio import lifecycle as running

PLANTED = "ei_" + "p1antedKey" * 5
DOWN = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def local_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[launch.LocalStudio]:
    paths = ProjectPaths(tmp_path_factory.mktemp("studio"))
    try:
        yield launch.ensure(paths, "command tests", idle_s=600)
    finally:
        running.stop(paths.studio)


@pytest.fixture
def sliced_project(tmp_path: Path) -> Path:
    """A project of the reference recipe with ten windows in a manifest."""
    import hashlib

    import numpy as np

    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    folder = ProjectPaths(tmp_path).windows
    folder.mkdir(parents=True)
    rng = np.random.default_rng(time.time_ns())
    windows = []
    for number in range(10):
        content = wav_bytes(rng.integers(-3000, 3000, 800, np.int16), 16_000)
        digest = hashlib.sha256(content).hexdigest()
        (folder / f"{number}.{digest[:12]}.wav").write_bytes(content)
        label, split = ("rock", "testing") if number % 2 else ("classical", "training")
        windows.append(Window(f"{number}.{digest[:12]}.wav", digest, "c", "0" * 64, "a", 0, label, split))  # type: ignore[arg-type]
    Manifest(tuple(windows)).write(folder / "manifest.csv")
    return tmp_path


@pytest.fixture
def eitk(sliced_project: Path, local_studio: launch.LocalStudio) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in the project; gives exit code, stdout, stderr."""
    environ = {
        "EITK_STUDIO_URL": local_studio.api_url,
        "EITK_STUDIO_INGESTION_URL": local_studio.ingestion_url,
        "EI_API_KEY": local_studio.key,
    }

    def command(*words: str, **changes: str) -> tuple[int, str, str]:
        return support.eitk(sliced_project, *words, environ={**environ, **changes})

    return command


def test_upload_and_samples(eitk: Any) -> None:
    code, out, _ = eitk("upload", "--dry-run", "--json")
    assert (code, json.loads(out)["would_send"]) == (0, 10)
    assert json.loads(eitk("upload", "--json")[1])["sent"] == 10
    again = json.loads(eitk("upload", "--json")[1])
    assert (again["sent"], again["done"]) == (0, 10)
    assert "10 of 10 windows are in the studio" in eitk("upload")[1]
    code, out, _ = eitk("samples", "count", "--json")
    assert {(c["category"], c["label"]) for c in json.loads(out)} >= {("testing", "rock"), ("training", "classical")}


def test_samples_are_compared_pulled_and_deleted(eitk: Any, sliced_project: Path) -> None:
    assert eitk("samples", "diff", "--json")[0] == 1
    eitk("upload")
    windows = {Path(w.file).stem: w for w in Manifest.read(ProjectPaths(sliced_project).manifest).windows}
    found = [s for s in json.loads(eitk("samples", "list", "--json")[1]) if s["name"] in windows]
    assert len(found) == 10
    code, _, _ = eitk("samples", "pull", str(sliced_project / "pulled"), "--name", found[0]["name"])
    (file,) = (sliced_project / "pulled").rglob("*.wav")
    window = windows[found[0]["name"]]
    assert (code, file.read_bytes()) == (0, (ProjectPaths(sliced_project).windows / window.file).read_bytes())
    assert eitk("samples", "delete")[0] == 2
    ids = [str(s["id"]) for s in found[:3]]
    assert json.loads(eitk("samples", "delete", *ids, "--dry-run", "--json")[1])["deleted"] == 0
    assert json.loads(eitk("samples", "delete", *ids, "--yes", "--json")[1])["deleted"] == 3
    assert len(json.loads(eitk("samples", "diff", "--json")[1])["missing"]) == 3
    Manifest(tuple(windows.values())[:5]).write(ProjectPaths(sliced_project).manifest)
    code, _, err = eitk("samples", "diff")
    assert (code, "eitk samples delete --stale" in err) == (1, True)


def test_pulled_samples_and_lists_go_to_the_folder_to_start_in(
    eitk: Any, sliced_project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert json.loads(eitk("upload", ".eitk/windows/manifest.csv", "--failures", "f.csv", "--json")[1])["sent"] == 10
    assert (sliced_project / "f.csv").is_file()
    assert json.loads(eitk("samples", "diff", ".eitk/windows/manifest.csv", "--json")[1])["present"] == 10
    (name, *_) = (path.stem for path in ProjectPaths(sliced_project).windows.glob("*.wav"))
    code, out, _ = eitk("samples", "pull", "out[bold]", "--name", name)
    assert (code, out) == (0, f"downloaded 1 sample to {sliced_project}/out[bold]\n")
    assert len(list((sliced_project / "out[bold]").rglob("*.wav"))) == 1
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("words", [("samples", "pull", "file/x"), ("upload", "--failures", "file/f.csv")], ids=" ".join)
def test_a_write_error_has_a_hint(eitk: Any, sliced_project: Path, words: tuple[str, ...]) -> None:
    eitk("upload")
    (sliced_project / "file").touch()
    code, _, err = eitk(*words)
    assert code == 1
    assert f"{sliced_project}/file" in err
    assert "this is an error in eitk" not in err
    assert "try:" in err


def test_an_unknown_id_is_an_error(eitk: Any) -> None:
    eitk("upload")
    first = json.loads(eitk("samples", "list", "--json")[1])[0]["id"]
    code, out, err = eitk("samples", "delete", "424242", "--yes")
    assert (code, out) == (1, "deleted 0 samples\n")
    assert "has no sample 424242" in err
    assert "eitk samples list" in err
    code, out, _ = eitk("samples", "delete", str(first), str(first), "424242", "--yes", "--json")
    assert (code, json.loads(out)) == (1, {"deleted": 1, "ids": [first], "unknown": [424242]})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_delete_asks_and_accepts_no(eitk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    eitk("upload")
    code, _, err = eitk("samples", "delete", "--category", "testing")
    assert code == 2
    assert "--yes" in err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("io.StringIO", Terminal)
    monkeypatch.setattr("typer.confirm", lambda *_a, **_k: False)
    code, out, err = eitk("samples", "delete", "--category", "testing")
    assert (code, out) == (1, "")
    assert err == "nothing was deleted\n"


def test_a_failed_window_is_named_and_ends_in_exit_code_4(eitk: Any, sliced_project: Path) -> None:
    next(ProjectPaths(sliced_project).windows.glob("3.*.wav")).unlink()
    code, _, err = eitk("upload", "--failures", str(sliced_project / "failed.csv"))
    assert code == 4
    assert "1 of 10 windows are not in the studio" in err
    assert (sliced_project / "failed.csv").read_text().startswith("file,reason\n3.")


def test_impulse_show_diff_apply_pull(eitk: Any, sliced_project: Path) -> None:
    assert eitk("impulse", "apply")[0] == 0
    assert json.loads(eitk("impulse", "diff", "--json")[1])["changes"] == []
    assert "nothing differs" in eitk("impulse", "apply")[1]
    assert "Spectrogram.fft_length" in eitk("impulse", "show")[1]
    toml = sliced_project / "eitk.toml"
    toml.write_text(toml.read_text().replace("fft_length = 64", "fft_length = 128"))
    toml.write_text(toml.read_text().replace("columns = 33", "columns = 65"))
    changes = json.loads(eitk("impulse", "diff", "--json")[1])["changes"]
    assert ("Spectrogram.fft_length", "64", "128") in [(c["key"], c["there"], c["wanted"]) for c in changes]
    shown = eitk("impulse", "pull", "--dry-run")[1]
    assert "[slice]\n" in shown
    assert "[[impulse.dsp]]\n" in shown
    assert eitk("impulse", "pull")[0] == 0
    assert "fft_length = 64" in toml.read_text()


def test_a_contradiction_is_rejected_with_exit_code_3(eitk: Any, sliced_project: Path) -> None:
    toml = sliced_project / "eitk.toml"
    toml.write_text(toml.read_text().replace("fft_length = 64", "fft_length = 100"))
    code, _, err = eitk("impulse", "apply")
    assert code == 3
    assert "must be a power of two" in err
    assert "fft_length = 128" in err


def test_training_without_the_impulse_of_eitk_toml_is_rejected(eitk: Any, sliced_project: Path) -> None:
    eitk("upload")
    eitk("impulse", "apply")
    toml = sliced_project / "eitk.toml"
    toml.write_text(toml.read_text().replace("epochs = 30", "epochs = 5"))
    code, _, err = eitk("train")
    assert code == 3, err
    assert "learn.epochs is 30 there, 5 here" in err
    assert "eitk impulse apply (or eitk impulse pull)" in err


def test_an_impulse_that_differs_by_an_option_has_to_be_applied_with_it(eitk: Any) -> None:
    eitk("impulse", "apply")
    code, _, err = eitk("train", "-o", "training.epochs=5")
    assert (code, "try: eitk impulse apply, with the same -o (or eitk impulse pull)" in err) == (3, True), err


def test_jobs_are_listed_followed_and_their_failure_is_exit_code_5(eitk: Any) -> None:
    eitk("upload")
    eitk("impulse", "apply")
    started = json.loads(eitk("train", "--no-follow", "--json")[1])["job"]
    assert started in [job["id"] for job in json.loads(eitk("jobs", "list", "--all", "--json")[1])]
    assert eitk("jobs", "cancel", str(started))[0] == 0
    code, _, err = eitk("jobs", "follow", str(started))
    assert code == 5
    assert "was cancelled" in err


COMMANDS = [
    ("upload",), ("samples", "count"), ("impulse", "show"), ("impulse", "diff"), ("impulse", "apply"),
    ("impulse", "pull"), ("train",), ("test",), ("profile",), ("build",), ("jobs", "list"), ("jobs", "follow", "1"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_a_server_every_command_ends_within_seconds(eitk: Any, words: tuple[str, ...]) -> None:
    start = time.monotonic()
    code, out, err = eitk(*words, EITK_STUDIO_URL=f"{DOWN}/v1", EITK_STUDIO_INGESTION_URL=DOWN)
    assert time.monotonic() - start < 5
    assert (code, out) == (4, "")
    assert f"no answer from {DOWN}" in err
    assert "this is an error in eitk" not in err
    assert "try:" in err


def test_doctor_reports_failures(eitk: Any, local_studio: launch.LocalStudio) -> None:
    code, out, _ = eitk("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(out)}
    assert code == 0
    assert (found["key"]["verdict"], found["project"]["verdict"]) == ("ok", "ok")
    code, out, _ = eitk("doctor", "--json", EITK_STUDIO_URL=f"{DOWN}/v1", EITK_STUDIO_INGESTION_URL=DOWN)
    assert code == 1
    assert next(f for f in json.loads(out) if f["what"] == "studio")["verdict"] == "failure"


@pytest.mark.parametrize("words", [*COMMANDS, ("doctor",)], ids=" ".join)
def test_a_rejected_key_is_exit_code_3_and_is_not_shown(
    eitk: Any, sliced_project: Path, words: tuple[str, ...]
) -> None:
    code, out, err = eitk(*words, "--debug", "--verbose", EI_API_KEY=PLANTED)
    assert code == (1 if words == ("doctor",) else 3)
    assert PLANTED not in out + err
    assert_not_written(sliced_project, PLANTED)


def test_a_missing_key_is_an_error_with_a_hint(eitk: Any) -> None:
    code, _, err = eitk("samples", "count", EI_API_KEY="")
    assert code == 3
    assert "EI_API_KEY" in err


def test_a_valid_key_is_in_no_file_or_output(sliced_project: Path, local_studio: launch.LocalStudio) -> None:
    environ = {
        **os.environ,
        "EITK_STUDIO_URL": local_studio.api_url,
        "EITK_STUDIO_INGESTION_URL": local_studio.ingestion_url,
        "EI_API_KEY": local_studio.key,
    }
    for words in (("upload",), ("impulse", "apply"), ("samples", "list"), ("doctor",), ("jobs", "follow", "999")):
        command = [sys.executable, "-m", "ei_toolkit", *words, "--debug", "--verbose"]
        process = subprocess.Popen(
            command, cwd=sliced_project, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            assert local_studio.key not in process_list()
            time.sleep(0.05)
        assert process.stdout is not None
        with process.stdout as output:
            assert local_studio.key.encode() not in output.read()
    assert_not_written(sliced_project, local_studio.key)


def process_list() -> str:
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(entry.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


def assert_not_written(folder: Path, key: str) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        import keyring.errors

        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_login_keeps_a_checked_key_in_the_keyring(
    eitk: Any, local_studio: launch.LocalStudio, memory_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = [PLANTED, local_studio.key]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_a, **_k: typed.pop(0))
    assert eitk("login")[0] == 3
    assert memory_keyring.kept == {}
    code, out, err = eitk("login")
    assert code == 0
    assert local_studio.key not in out + err
    assert memory_keyring.kept == {("eitk", local_studio.api_url): local_studio.key}
    assert eitk("samples", "count", EI_API_KEY="")[0] == 0
    assert json.loads(eitk("logout", "--json")[1])["removed"] is True
    assert eitk("samples", "count", EI_API_KEY="")[0] == 3


def test_login_reads_a_line_without_a_terminal(
    eitk: Any,
    local_studio: launch.LocalStudio,
    memory_keyring: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{local_studio.key}\n"))
    assert eitk("login")[0] == 0
    assert memory_keyring.kept == {("eitk", local_studio.api_url): local_studio.key}
    assert capfd.readouterr().err == ""
