"""Model files (.eim) for Linux, started as Edge Impulse's runners start them, and asked over their socket."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.level import apply_level
from ei_toolkit.audio.window import cut
from ei_toolkit.eon import toolchain
from ei_toolkit.eon.library import LibraryRequest, WindowLevel, package
from ei_toolkit.errors import ConfigurationError, MissingToolError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="model files are programs for Linux")

PYTHON_RUNNER = "edge_impulse_linux==1.2.2"
JAVASCRIPT_RUNNER = "edge-impulse-linux@1.25.2"
Windows = npt.NDArray[np.int16]


@pytest.fixture(scope="session")
def model_file(request_of_sample: LibraryRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file for this machine."""
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    if machine not in ("x86_64", "aarch64"):
        pytest.skip(f"there is no target for {machine}")
    target: Any = f"runner-linux-{machine}"
    made = package(replace(request_of_sample, target=target), tmp_path_factory.mktemp("eim")).path
    made.chmod(0o755)
    return made


class Client:
    """A connection to a model file that is running."""

    def __init__(self, path: Path) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(60)
        self.connection.connect(str(path))
        self.rest = b""

    def ask(self, request: bytes | dict[str, Any]) -> dict[str, Any]:
        self.connection.sendall(request if isinstance(request, bytes) else json.dumps(request).encode())
        return self.receive()

    def receive(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            received = self.connection.recv(65536)
            assert received, "the program closed the connection"
            self.rest += received
        response, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(response))


class Running:
    """A model file that is running."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.socket = folder / "runner.sock"
        self.clients: list[Client] = []
        self.process = subprocess.Popen([program, self.socket])
        until = time.monotonic() + 30
        while not self.socket.exists() and time.monotonic() < until:
            time.sleep(0.001)

    def connect(self) -> Client:
        self.clients.append(Client(self.socket))
        return self.clients[-1]

    def stop(self) -> None:
        for client in self.clients:
            client.connection.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def running(model_file: Path, tmp_path: Path) -> Iterator[Running]:
    started = Running(model_file, tmp_path)
    yield started
    started.stop()


def target_of(model_file: Path) -> str:
    return "runner-" + model_file.name.removeprefix("ei-music-genre-classifier-").removesuffix("-1.0.3.eim")


def windows(count: int) -> Windows:
    rng = np.random.default_rng(11)
    time_s = np.arange(48000) / 16000
    tones = [np.sin(2 * np.pi * rng.uniform(50, 4000) * time_s) * 10 ** rng.uniform(0, 4.4) for _ in range(count)]
    return np.clip(np.round(tones + rng.normal(0, 30, (count, 48000))), -32768, 32767).astype(np.int16)


def python_scores(request: LibraryRequest, samples: Windows) -> list[list[float]]:
    block = request.dsp_blocks[0]
    features = dsp.run_many(block.type, samples, 16000, block.implementation_version, **block.params)
    scores = Interpreter(request.tflite).predict(features.astype(np.float32))
    return [[float(np.float32(score)) for score in row] for row in scores]


def scores_in(response: dict[str, Any]) -> list[float]:
    assert "error" not in response, response
    return list(response["result"]["classification"].values())


def test_hello_describes_project_and_model(model_file: Path, running: Running) -> None:
    found = running.connect().ask({"id": 7, "hello": 1})
    assert (found["id"], found["success"]) == (7, True)
    assert found["project"] == {
        "id": 1, "owner": "somebody", "name": "Music Genre Classifier", "deploy_version": 3, "impulse_id": 1
    }  # fmt: skip
    model = found["model_parameters"]
    assert (model["input_features_count"], model["frequency"], model["slice_size"]) == (48000, 16000, 12000)
    assert (model["labels"], model["label_count"], model["sensor"]) == (["classical", "rock"], 2, 1)
    assert (model["model_type"], model["has_anomaly"], model["axis_count"]) == ("classification", 0, 1)
    assert found["features_shm"]["elements"] == 48000
    assert len(found["eitk"]["model_sha256"]) == 64
    described = subprocess.run([model_file, "--print-info"], capture_output=True, check=True).stdout
    assert json.loads(described)["model_parameters"] == model


def test_scores_are_those_of_python(request_of_sample: LibraryRequest, running: Running) -> None:
    samples, client = windows(4), running.connect()
    memory_name = client.ask({"id": 1, "hello": 1})["features_shm"]["name"]
    memory = np.memmap(f"/dev/shm{memory_name}", np.float32, "r+")
    expected = python_scores(request_of_sample, samples)
    for window, scores in zip(samples, expected, strict=True):
        assert scores_in(client.ask({"id": 2, "classify": window.tolist()})) == scores
        memory[:] = window
        assert scores_in(client.ask({"id": 3, "classify_shm": {"elements": 48000}})) == scores
    slices = [client.ask({"id": 4, "classify_continuous": part.tolist()}) for part in samples[0].reshape(4, -1)]
    assert [scores_in(response) for response in slices] == [[0, 0]] * 3 + [expected[0]]


@pytest.fixture(scope="session")
def levelled_request(request_of_sample: LibraryRequest) -> LibraryRequest:
    """A request for a program that brings each window to a level, as `eitk slice` does."""
    return replace(request_of_sample, level=WindowLevel("rms", -26.0, 30.0))


def test_a_program_brings_each_window_to_the_level_of_the_training(
    levelled_request: LibraryRequest, model_file: Path, tmp_path: Path
) -> None:
    target: Any = target_of(model_file)
    program = package(replace(levelled_request, target=target), tmp_path).path
    program.chmod(0o755)
    samples = (windows(3) // 8 + 300).astype(np.int16)
    level = levelled_request.level
    levelled = np.array([apply_level(w, level.level, level.target_dbfs, level.max_gain_db) for w in samples])
    expected = python_scores(levelled_request, levelled)
    assert expected != python_scores(levelled_request, samples)
    running = Running(program, tmp_path)
    client = running.connect()
    assert [scores_in(client.ask({"id": 1, "classify": w.tolist()})) for w in samples] == expected
    client.ask({"id": 2, "hello": 1})
    slices = [client.ask({"id": 3, "classify_continuous": part.tolist()}) for part in samples[:2].reshape(8, -1)]
    assert [scores_in(response) for response in slices[:4]] == [[0, 0]] * 3 + [expected[0]]
    assert scores_in(slices[7]) == expected[1]
    running.stop()


@pytest.mark.parametrize(
    ("request_text", "error"),
    [
        ('{"id": 1, "classify": [1, 2]}', "there are 2 samples, but a window has 48000"),
        ('{"id": 1, "classify_continuous": []}', "there are 0 samples, but a slice has 12000"),
        ('{"id": 1, "classify_shm": {"elements": 48000}}', "there is no shared memory: send 'hello' first"),
        ('{"id": 1, "hello": 2}', "this version of 'hello' is not known; use 1"),
        ('{"id": 1, "set_threshold": {"id": 3, "min_score": 0.5}}', "this model has no threshold that can be set"),
        ('{"id": 1, "dance": 1}', "the message has no known request"),
        ('{"id": 1, "classify": [1, "2"]}', "expected a number"),
        ("[1, 2]\n", "a request is one complete JSON object"),
        ('{"id": 1, "x": "' + "y" * 2_000_000 + '"}', "a request has at most 1540096 bytes"),
    ],
)
def test_a_request_that_cannot_be_answered_has_an_error(running: Running, request_text: str, error: str) -> None:
    client = running.connect()
    found = client.ask(request_text.encode())
    assert error in found["error"]
    assert found["success"] is False
    assert found.get("id") == (1 if len(request_text) < 1000 and request_text.startswith("{") else None)
    assert client.ask({"id": 2, "hello": 1})["success"], "the next request is answered"


def test_ten_thousand_malformed_requests_do_not_end_it(running: Running) -> None:
    client, rng = running.connect(), random.Random(3)
    valid = b'{"id": 5, "classify_continuous": [1, -2.5, 3e2], "debug": false, "x": {"y": ["\\u00e9", null, true]}}'
    assert client.ask({"id": 1, "hello": 1})["success"]
    for _ in range(100):
        batch = [mutated(rng, valid) for _ in range(100)]
        client.connection.sendall(b"\0".join(batch) + b'\0{"id": 77, "hello": 1}\0')
        while (found := client.receive()).get("id") != 77:
            assert found["success"] is False
        assert found["success"]
    assert running.process.poll() is None


def mutated(rng: random.Random, text: bytes) -> bytes:
    """Return the text with some bytes replaced, removed, doubled or cut off; never a request that succeeds."""
    changed = bytearray(text)
    for _ in range(rng.randint(1, 4)):  # each keeps at least one byte
        at = rng.randrange(len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at]
        elif kind == 2:
            changed[at:at] = changed[at : at + rng.randint(1, 20)]
        else:
            del changed[at + 4 :]
    return bytes(changed)


def test_it_serves_one_client_after_the_other_and_removes_its_files_at_the_end(running: Running) -> None:
    first = running.connect()
    name = first.ask({"id": 1, "hello": 1})["features_shm"]["name"]
    memory = Path(f"/dev/shm{name}")
    assert memory.exists()
    for _ in range(3):
        first.ask({"id": 2, "classify_continuous": [0] * 12000})
    first.connection.close()
    second = running.connect()
    slices = [second.ask({"id": 3, "classify_continuous": [0] * 12000}) for _ in range(4)]
    assert [sum(scores_in(response)) > 0 for response in slices] == [False, False, False, True], "a stream of its own"
    other = Path(f"/dev/shm{second.ask({'id': 1, 'hello': 1})['features_shm']['name']}")
    assert not memory.exists() and other.exists()
    running.process.terminate()
    assert running.process.wait(10) == 0
    assert not other.exists() and not running.socket.exists()


def test_it_does_not_replace_a_file_that_is_no_socket(model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("precious")
    done = subprocess.run([model_file, tmp_path / "data"], capture_output=True, text=True, check=False, timeout=10)
    assert (done.returncode, (tmp_path / "data").read_text()) == (1, "precious")
    assert "File exists" in done.stderr


def test_the_same_request_gives_the_same_bytes(
    request_of_sample: LibraryRequest, model_file: Path, tmp_path: Path
) -> None:
    target: Any = target_of(model_file)
    again = package(replace(request_of_sample, target=target), tmp_path)
    assert again.path.read_bytes() == model_file.read_bytes()
    assert b"eitk-program-" not in model_file.read_bytes(), "the temporary folder of the build is in the program"


def test_an_interpreted_model_is_rejected(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="runner-linux-x86_64 cannot have the engine tflite") as caught:
        package(replace(request_of_sample, target="runner-linux-x86_64", engine="tflite"), tmp_path)
    assert caught.value.hint == "Use tflite-eon or tflite-eon-ram-optimized."


def test_a_missing_cross_compiler_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(MissingToolError, match="no C\\+\\+ compiler for Linux on aarch64") as caught:
        toolchain.linux_compiler("aarch64", {"PATH": ""})
    assert caught.value.hint == "apt-get install --no-install-recommends g++-aarch64-linux-gnu"
    with pytest.raises(MissingToolError) as caught:
        toolchain.linux_compiler("x86_64", {"PATH": ""})
    assert caught.value.hint.endswith("g++-x86-64-linux-gnu")


@pytest.fixture(scope="session")
def python_runner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module `runner` of the official package, installed once; its other modules need a microphone and a camera."""
    folder = Path(__file__).parents[3] / ".pytest_cache" / PYTHON_RUNNER
    if not folder.is_dir():
        new = tmp_path_factory.mktemp("runner")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries=0", "--target", str(new)]
        installed = subprocess.run([*command, PYTHON_RUNNER], capture_output=True, timeout=120, check=False)
        if installed.returncode:
            pytest.skip(f"pip could not install {PYTHON_RUNNER}")
        shutil.move(new, folder)
    spec = importlib.util.spec_from_file_location("official_runner", folder / "edge_impulse_linux" / "runner.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_with(python_runner: Any, program: Path, samples: Windows) -> list[list[float]]:
    runner = python_runner.ImpulseRunner(str(program))
    try:
        assert runner.init()["model_parameters"]["labels"] == ["classical", "rock"]
        return [list(runner.classify(window.tolist())["result"]["classification"].values()) for window in samples]
    finally:
        runner.stop()


def test_the_official_python_runner_gives_the_scores_of_python(
    request_of_sample: LibraryRequest, model_file: Path, python_runner: Any
) -> None:
    samples = windows(3)
    assert run_with(python_runner, model_file, samples) == python_scores(request_of_sample, samples)


@pytest.fixture(scope="session")
def clip_windows(gtzan: Path) -> Windows:
    """Every window of 40 clips, 3 s long, each beginning 1.5 s after the one before."""
    files = sorted(gtzan.glob("audio/*/*.flac"))[::3][:40]
    assert len(files) == 40
    return np.array([window for file in files for _, window in cut(read_clip(file, 16000), 48000, 24000)])


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
def test_the_official_python_runner_gives_the_scores_of_python_for_forty_clips(
    request_of_sample: LibraryRequest, model_file: Path, python_runner: Any, clip_windows: Windows
) -> None:
    assert run_with(python_runner, model_file, clip_windows) == python_scores(request_of_sample, clip_windows)


SCRIPT = """
const [runnerModule, program, file] = process.argv.slice(2);
const {LinuxImpulseRunner} = require(runnerModule);
const bytes = require('fs').readFileSync(file);
const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
(async () => {
    const runner = new LinuxImpulseRunner(program, {shmBehavior: 'auto'});
    const model = await runner.init();
    const size = model.modelParameters.input_features_count;
    const scores = [];
    for (let at = 0; at < samples.length; at += size) {
        const found = await runner.classify(Array.from(samples.subarray(at, at + size)));
        scores.push(Object.values(found.result.classification));
    }
    await runner.stop();
    console.log(JSON.stringify(scores));
    process.exit(0);
})();
"""


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
def test_the_official_javascript_runner_gives_the_scores_of_python_for_forty_clips(
    request_of_sample: LibraryRequest, model_file: Path, clip_windows: Windows, tmp_path: Path
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("Node is not installed")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", JAVASCRIPT_RUNNER]
    if subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=500, check=False).returncode:
        pytest.skip(f"npm could not install {JAVASCRIPT_RUNNER}")
    (tmp_path / "script.js").write_text(SCRIPT)
    (tmp_path / "windows.bin").write_bytes(clip_windows.tobytes())
    module = tmp_path / "node_modules/edge-impulse-linux/build/library/classifier/linux-impulse-runner.js"
    command = ["node", "script.js", str(module), str(model_file), "windows.bin"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    scores = [[float(np.float32(score)) for score in row] for row in json.loads(done.stdout)]
    assert scores == python_scores(request_of_sample, clip_windows)


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
def test_it_starts_within_50_ms_and_classifies_a_window_within_5_ms(model_file: Path, tmp_path: Path) -> None:
    started = time.perf_counter()
    running = Running(model_file, tmp_path)
    client = running.connect()
    assert client.ask({"id": 1, "hello": 1})["success"]
    assert time.perf_counter() - started < 0.05
    request = json.dumps({"id": 2, "classify": windows(1)[0].tolist()}).encode()
    client.ask(request)
    before = cpu_seconds(running.process.pid)
    for _ in range(50):
        client.ask(request)
    assert (cpu_seconds(running.process.pid) - before) / 50 < 0.005
    running.stop()


def cpu_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
def test_the_program_for_arm_gives_the_scores_of_python(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    if shutil.which("aarch64-linux-gnu-g++") is None or shutil.which("qemu-aarch64") is None:
        pytest.skip("g++-aarch64-linux-gnu or qemu-user is not installed")
    program = package(replace(request_of_sample, target="runner-linux-aarch64"), tmp_path).path
    program.chmod(0o755)
    samples = windows(6)
    requests = [{"id": number, "classify": window.tolist()} for number, window in enumerate(samples)]
    asked = "\n".join(map(json.dumps, requests)).encode()
    done = subprocess.run(["qemu-aarch64", program, "stdin"], input=asked, capture_output=True, check=True)
    responses = [json.loads(response) for response in done.stdout.split(b"\0") if response.strip()]
    assert [response["id"] for response in responses] == list(range(6))
    assert [scores_in(response) for response in responses] == python_scores(request_of_sample, samples)
