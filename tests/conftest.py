"""Fixtures for all tests: a home of their own, real clips and goldens where they are at hand."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from compiler_cache import install as install_compiler_cache
from hypothesis import settings
from support import write_clips
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from ei_toolkit.config import Config, load_config
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.project_summary import ProjectSummary, gather_summary

SHARED = Path(os.environ.get("EITK_SHARED", Path(__file__).resolve().parents[2] / "shared"))

settings.register_profile("eitk", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("eitk")


# The collection makes millions of objects that stay. The garbage collector does not go through them during the
# collection, nor afterwards (see pytest_collection_finish).
gc.disable()

# CMake and Ninja are installed beside Python.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # tests run in as many processes as there are cores
os.environ.setdefault(
    "MPLCONFIGDIR", str(Path(__file__).parents[1] / ".pytest_cache" / "matplotlib")
)  # its list of fonts
if sys.platform != "win32":
    install_compiler_cache(Path(__file__).parents[1] / ".pytest_cache" / "compiler")

ARM_TOOLS = ("arm-none-eabi-g++", "qemu-system-arm")


INTEGRATION = (
    "api/test_job.py",
    "board/boards/test_registry.py", "board/emulator/test_virtual_boards.py", "board/verify/test_through_air.py",
    "board/verify/test_verify.py", "board/flash/test_usb.py",
    "board/flash/test_mistakes.py", "board/flash/test_foreign_library.py", "board/test_budget.py",
    "board/test_connected_board.py", "board/test_endurance.py", "board/test_recording_on_boards.py",
    "board/transport/test_watch.py",
    "board/protocol/test_parser.py",
    "cli/workflows/test_nightly.py", "cli/workflows/test_shell.py",
    "cli/test_cleaning.py", "cli/test_complete.py", "cli/test_eon.py", "cli/test_models.py", "cli/test_studio.py",
    "cli/test_studio_commands.py", "cli/test_studio_mistakes.py", "cli/test_walk.py", "client/contract/",
    "client/impulse/test_impulse.py", "compression/", "compute/test_dask_cluster.py",
    "client/upload/test_folder.py",
    "client/upload/test_run.py", "client/test_byom.py", "client/test_end_to_end.py", "client/test_provenance.py",
    "browser/", "config/recipes/test_robust.py", "config/recipes/test_ten_genres.py", "contract/",
    "dataset/test_audit.py", "dataset/test_slicing.py",
    "evaluation/test_suite_networks.py",
    "docs/test_reference.py", "docs/test_site.py", "emulated/", "eon/",
    "evaluation/test_challenge.py", "evaluation/test_clips.py",
    "evaluation/test_run.py", "evaluation/test_trained_on.py", "evaluation/test_tune.py",
    "evaluation/test_tune_on_dask.py",
    "firmware/", "migration/", "packaging/",
    "report/html/test_browser.py", "report/html/test_page.py", "report/test_card.py", "report/test_figures.py",
    "report/test_project_figures.py",
    "studio/http/test_connections.py", "studio/http/test_error_responses.py", "studio/http/test_fuzz.py",
    "studio/http/test_ingestion.py",
    "studio/http/test_security.py", "studio/http/test_untrusted_values.py",
    "studio/jobs/test_compute_worker.py", "studio/jobs/test_inspectors.py",
    "studio/jobs/test_concurrent_changes.py", "studio/jobs/test_jobs.py",
    "studio/jobs/test_foreign_code.py", "studio/jobs/test_kill.py", "studio/jobs/test_process.py",
    "studio/live/test_live.py", "studio/store/test_packs.py",
    "studio/test_chaos.py", "studio/test_lifecycle", "studio/test_server.py",
    "test_layouts_to_library.py",
    "training/", "workflows/",
)  # fmt: skip
"""Paths of the tests that start studios, boards or trainings, compile, or take long for another reason."""


IN_ONE_PROCESS = (
    "api/test_job.py", "audio/", "docs/test_site.py",
    "browser/", "compression/", "contract/", "eon/library/", "packaging/", "cli/test_studio_commands.py",
    "cli/test_walk.py",
    "config/recipes/test_robust.py", "emulated/test_dsp.py", "eon/test_models.py", "evaluation/test_challenge.py",
    "evaluation/test_run.py", "evaluation/test_tune.py", "firmware/test_cmake.py",
    "migration/test_stored_project.py", "migration/test_stored_studio.py", "report/html/test_browser.py",
    "studio/http/test_fuzz.py", "studio/live/test_live.py",
)  # fmt: skip
"""Paths of tests that share an expensive fixture, which each process of pytest-xdist would make again.

Those of audio compare with librosa, whose functions numba compiles: processes that do so at the same time damage the
cache of numba, and then end whenever they call such a function (numba issue 10128).
"""


class FixtureScheduling(LoadScopeScheduling):
    """Gives each path of IN_ONE_PROCESS and each file of unit tests to one worker, and all other tests one by one.

    The mark `xdist_group` would do the same, but has no effect with pytest 9.2 and pytest-xdist 3.8.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.removeprefix("tests/")
        if group := next(filter(path.startswith, IN_ONE_PROCESS), None):
            return group
        return nodeid if path.startswith(INTEGRATION) else path.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FixtureScheduling:
    """Take the place of pytest-xdist's schedulers; hand the tests out in the order of the collection."""
    config.option.loadscopereorder = False
    return FixtureScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the integration tests and begin with them, the slow ones first, so that all workers end together.

    What needs the ARM compiler and QEMU is skipped where they are not installed.
    """
    tests = Path(__file__).parent
    files = {item.path for item in items}
    integration = {file for file in files if file.relative_to(tests).as_posix().startswith(INTEGRATION)}
    for item in items:
        if item.path in integration:
            item.add_marker(pytest.mark.integration)
    items.sort(key=lambda item: (not item.get_closest_marker("slow"), not item.get_closest_marker("integration")))
    missing = " and ".join(tool for tool in ARM_TOOLS if shutil.which(tool) is None)
    for item in items if missing else ():
        if item.get_closest_marker("arm"):
            item.add_marker(pytest.mark.skip(reason=f"{missing} not installed"))


def pytest_collection_finish() -> None:
    """Switch the garbage collector on again, for the objects that the tests make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folders of `isolated_home`. pytest's own temporary folders go through all others to find their number."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def isolated_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's home, key or configuration."""
    home = next(homes)
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("EITK_", "EI_")) and name != "EITK_CLOUD_TEST"]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def models() -> Path:
    """Folder of public models."""
    folder = SHARED / "models"
    if not folder.is_dir():
        pytest.skip("public models are not at hand")
    return folder


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Folder of golden vectors."""
    folder = SHARED / "goldens"
    if not folder.is_dir():
        pytest.skip("golden vectors are not at hand")
    return folder


@pytest.fixture(scope="session")
def arduino_core() -> Path:
    """Folder of the program `check`, which compiles with the headers and the flags of Arduino's core."""
    folder = SHARED / "arduino-core"
    if not folder.is_dir():
        pytest.skip("the headers of Arduino's core are not at hand")
    return folder


@pytest.fixture(scope="session")
def gtzan() -> Path:
    """Folder of real GTZAN clips as FLAC, `audio/<genre>/<track>.flac`."""
    folder = SHARED / "gtzan"
    if not folder.is_dir():
        pytest.skip("real GTZAN clips are not at hand")
    return folder


MEASURED = {"accuracy": 0.93, "precision": 14 / 15, "recall": 0.93, "f1": 0.93, "auc": 0.97, "loss": 0.2,
            "confusion_matrix": [[20, 2], [1, 19]]}  # fmt: skip
TRIAL = {"thresholded_accuracy": 0.93, "top_1_accuracy": 0.94, "track_accuracy": 0.96,
         "confusion": [[13, 1, 0], [0, 13, 1]],
         "cost": {"ram_bytes": 12_000, "flash_bytes": 30_000, "latency_ms": 12.3, "how": "estimate"}}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Config]:
    """Configuration of a project in a new folder; flags as in `Environment.config`, with dots."""

    def make(**flags: object) -> Config:
        if not (tmp_path / "eitk.toml").exists():
            write_recipe("reference", tmp_path, clips=None, name=None, force=False)
        return load_config(tmp_path, {}, {key.replace("__", "."): value for key, value in flags.items()})

    return make


@pytest.fixture
def sliced(tmp_path: Path) -> Config:
    """A project of eight clips a label, cut into windows."""
    return make_sliced(tmp_path)


def make_sliced(folder: Path) -> Config:
    """Write the project of `sliced` into a folder."""
    write_clips(folder / "clips")
    file = write_recipe("robust", folder, clips=folder / "clips", name=None, force=False)
    file.write_text(re.sub(r"copies = \d+", "copies = 0", file.read_text()))
    config = load_config(folder, {})
    slice_clips(config.settings, folder, config.paths.windows, 1, lambda _done, _note: None)
    return config


@pytest.fixture
def trial() -> dict[str, object]:
    """Figures of one candidate at the gate."""
    return dict(TRIAL)


@pytest.fixture
def whole(sliced: Config, goldens: Path) -> ProjectSummary:
    """The summary of a project with a model, a training, an evaluation, a verdict and an image."""
    return make_whole(sliced, goldens)


@pytest.fixture(scope="session")
def shared_whole(tmp_path_factory: pytest.TempPathFactory, goldens: Path) -> ProjectSummary:
    """The same as `whole`, for tests that change nothing in it."""
    return make_whole(make_sliced(tmp_path_factory.mktemp("whole")), goldens)


@pytest.fixture(scope="session")
def whole_page(shared_whole: ProjectSummary) -> str:
    """The report of that project, whose figures take a second to draw."""
    return build_page(shared_whole)


def make_whole(sliced: Config, goldens: Path) -> ProjectSummary:
    """Add everything that a report can show to a project whose windows were cut."""
    model = (goldens / "int8/sample_int8.tflite").read_bytes()
    (sliced.paths.root / "model.tflite").write_bytes(model)
    sha = hashlib.sha256(model).hexdigest()
    lock = Lock(3, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", sha, "2026-11-21")
    write_lock(sliced.paths.lock, lock)
    history = {
        "accuracy": [0.5, 0.8, 0.9],
        "val_accuracy": [0.5, 0.7, 0.8],
        "loss": [0.7, 0.4, 0.2],
        "val_loss": [0.7, 0.5, 0.4],
    }
    record_run(sliced, "train", {"validation": {"int8": MEASURED}, "test": {"int8": MEASURED}, "history": history})
    verdict = {"verdict": "refused", "text": "The challenger does not pass: <it> is worse.", "reasons": ["it is worse"]}
    record_run(
        sliced,
        "gate",
        verdict | {"threshold": 0.6, "majority": 0.5, "challenger": TRIAL, "champion": TRIAL, "challenger_sha256": sha},
    )
    record_run(sliced, "flash", {"board": "emulated", "model_sha256": sha, "flash_bytes": 101_000, "ram_bytes": 60_000})
    row = {"window_accuracy": 0.9, "track_accuracy": 0.95}
    conditions = dict.fromkeys(("gain-20", "gain+20", "white10", "mic"), row)
    tracks = [{"clip": f"{label}.wav", "artist": "a", "label": label, "predicted": label, "probabilities": sure}
              for label, sure in (("classical", [0.8, 0.2]), ("rock", [0.1, 0.9]))]  # fmt: skip
    evaluation = {
        "recipe": "eitk.toml", "protocol": "artist", "labels": ["classical", "rock"], "conditions": conditions,
        "clean": {"window_accuracy": 0.95, "track_accuracy": 0.98, "interval": [0.9, 0.99]}, "tracks": tracks,
        "baselines": dict.fromkeys(("majority", "level", "logistic"), row | {"conditions": conditions}),
    }  # fmt: skip
    (sliced.paths.state / "evaluation.json").write_text(json.dumps(evaluation))
    return gather_summary(sliced)
