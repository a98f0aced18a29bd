"""The studio of a project in Python: upload, impulse, training, test, build and samples, over the Edge Impulse API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ei_toolkit.api.connection import connect_studio
from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress, progress_of
from ei_toolkit.api.project import Project
from ei_toolkit.api.studio_results import Build, DeviceProfiles, ImpulseChanges, ModelTest, Training, Upload
from ei_toolkit.api.training import (
    build_and_record,
    build_own_model,
    checked_impulse,
    plan_upload,
    prepare_training,
    run_prepared,
    training_warnings,
    upload_windows,
)
from ei_toolkit.client.byom import profile_model
from ei_toolkit.client.impulse.apply import apply_impulse
from ei_toolkit.client.impulse.apply import diff as difference_of
from ei_toolkit.client.impulse.current import current_impulse, require_impulse
from ei_toolkit.client.impulse.pull import pulled_tables, write_pulled
from ei_toolkit.client.jobs.job import Job, Started
from ei_toolkit.client.jobs.wait import Listener, TrainingProgress, after, wait_for
from ei_toolkit.client.project import Studio, require_training
from ei_toolkit.client.samples import CATEGORIES, Sample, delete_samples, list_samples, pull_sample
from ei_toolkit.client.train import profiles, require_trained, run_test
from ei_toolkit.client.upload.run import Options, check_complete
from ei_toolkit.config.settings import Category
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.window_store import reader_of
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.studio import lifecycle

if TYPE_CHECKING:
    from ei_toolkit.api.whole_files import FolderUpload


@dataclass(frozen=True)
class StudioClient:
    """The studio of a project, made by `connect`. All jobs are followed until they end.

    A method that starts jobs takes `timeout_s`, the longest time of one job in seconds (None: no limit), and
    `on_progress`. It raises JobFailed where a job ends without success or in time, and ApiError or NetworkError where
    the studio refuses a request or cannot be reached. After an exception or Ctrl-C a job continues in the studio.
    """

    project: Project
    studio: Studio

    def upload(self, *, concurrency: int = 4, on_progress: OnProgress = ignore_progress) -> Upload:
        """Upload the windows of the project that the studio lacks; an interrupted upload is continued.

        Args:
            concurrency: Number of concurrent requests.
            on_progress: Called with the number of windows that are in the studio.

        Returns:
            The counts.

        Raises:
            MissingStepError: No windows were cut.
            ApiError: The studio rejected a window; all others are there.
        """
        config = self.project.config
        file = config.paths.manifest
        windows = Manifest.read(file)
        plan = plan_upload(self.studio, file, windows)
        progress = progress_of("uploading windows", len(windows.windows), on_progress)
        done, foreign = upload_windows(plan, reader_of(config), Options(concurrency), progress)
        check_complete(done)
        return Upload(
            done.windows, done.done, done.sent, done.duplicates, done.moved, done.removed, foreign, done.requests,
            done.seconds,
        )  # fmt: skip

    def upload_folder(
        self,
        folder: Path | str,
        *,
        label: str = "",
        category: Category = "auto",
        concurrency: int = 4,
        jobs: int | None = 1,
        on_progress: OnProgress = ignore_progress,
    ) -> FolderUpload:
        """Upload whole files: sounds of any format as 16-bit mono WAV, CSV time series as data acquisition files.

        Args:
            folder: The folder, with labels and splits in any layout that `create_project` knows.
            label: Label of all files, instead of the ones of the layout.
            category: `training`, `validation`, `testing`; `split` by content; `auto`: the splits of the layout.
            concurrency: Number of concurrent requests.
            jobs: Number of processes that convert; None means as many as there are cores. With more than one, a
                program that Python runs as a file must be below `if __name__ == "__main__":`.
            on_progress: Called with the number of files that are converted, and then uploaded.

        Returns:
            The counts, and the files that were skipped or warned of.

        Raises:
            UsageError: There is no such folder.
            DataError: No file can be converted.
            ApiError: The studio rejected a file; all others are there.
        """
        # The decoder takes a third of a second to import, which an upload of windows does not need.
        from ei_toolkit.api.whole_files import upload_folder_of

        path = Path(folder).expanduser().resolve()
        if not path.is_dir():
            raise UsageError(f"there is no folder {path}", hint="Name a folder of sounds or CSV files.")
        options = Options(concurrency)
        return upload_folder_of(self.studio, self.project.config, path, label, category, options, jobs, on_progress)

    def apply_impulse(self, *, dry_run: bool = False) -> ImpulseChanges:
        """Apply the impulse of the project to the studio; only values that differ are changed.

        Args:
            dry_run: Whether nothing is changed.

        Returns:
            The values that were changed, or would be.

        Raises:
            ConfigurationError: The impulse contradicts itself, or its script cannot be read.
        """
        config, name = self.project.config, self.project.settings.impulse.name
        wanted = checked_impulse(config)
        if dry_run:
            current = current_impulse(self.studio, name)
            return ImpulseChanges(difference_of(current.state if current else None, wanted))
        return ImpulseChanges(apply_impulse(self.studio, wanted, name))

    def pull_impulse(self) -> Project:
        """Write the impulse of the studio into eitk.toml, with its script beside it.

        Returns:
            The project with the new settings.

        Raises:
            MissingStepError: There is no impulse.
            ConfigurationError: eitk.toml cannot be read.
        """
        state = require_impulse(self.studio, self.project.settings.impulse.name).state
        write_pulled(self.project.folder, pulled_tables(state), state)
        return self.project.with_settings({})

    def train(
        self, *, features: bool = True, timeout_s: float | None = None, on_progress: OnProgress = ignore_progress
    ) -> Training:
        """Generate features, train the model and test it.

        Args:
            features: Whether features are generated first; otherwise those of the last training are used.
            timeout_s: Longest time of one job in seconds.
            on_progress: Called with the number of epochs that have ended, and with the values of the last one.

        Returns:
            The results. They are also in the run log of the project.

        Raises:
            ConfigurationError: The impulse of the studio is not that of the project.
            CredentialError: The role of the key cannot train.
            MissingStepError: There is no impulse, or there are no samples.
            DataError: A clip would be trained on and tested.
            JobFailed: A job ended without success.
        """
        require_training(self.studio.transport)
        prepared = prepare_training(self.studio, self.project.config)
        started = time.monotonic()
        report = run_prepared(prepared, self._follower(timeout_s, on_progress), features=features)
        warnings = tuple(training_warnings(self.project.config, report))
        training = Training(report, time.monotonic() - started, warnings)
        record_run(self.project.config, "train", training.to_dict())
        return training

    def test(self, *, timeout_s: float | None = None, on_progress: OnProgress = ignore_progress) -> ModelTest:
        """Test the trained model on the testing windows.

        Args:
            timeout_s: Longest time of the job in seconds.
            on_progress: Called when the job has advanced.

        Returns:
            The test of each variant.

        Raises:
            MissingStepError: There is no impulse.
            JobFailed: The job ended without success.
        """
        current = require_impulse(self.studio, self.project.settings.impulse.name)
        return ModelTest(run_test(self.studio, current, self._follower(timeout_s, on_progress)))

    def build(
        self, target: str | None = None, *, timeout_s: float | None = None, on_progress: OnProgress = ignore_progress
    ) -> Build:
        """Build a library or a program of the trained model, download it, and pin it in eitk.lock.

        Args:
            target: Such as `linux-aarch64` or `wasm`; for another one than `[build] target`, eitk.lock stays as it is.
            timeout_s: Longest time of the job in seconds.
            on_progress: Called when the job has advanced.

        Returns:
            The paths of the deployment and of the model, with their hashes.

        Raises:
            MissingStepError: There is no impulse, or no trained model.
            JobFailed: The job ended without success; eitk.lock stays as it is.
        """
        config = self.project.config
        current = require_impulse(self.studio, config.settings.impulse.name)
        require_trained(self.studio, current.learn_id)
        follower = self._follower(timeout_s, on_progress)
        lock = build_and_record(config, self.studio, current.impulse_id, follower, target)
        return Build(lock.zip_path(config.paths.root), lock.model_path(config.paths.root), lock)

    def build_own_model(
        self,
        model: Path | str,
        labels: Sequence[str] = (),
        target: str | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Build:
        """Build a library or a program of a model from elsewhere, with the official SDK, and pin it in eitk.lock.

        Args:
            model: A .tflite file.
            labels: The labels in the order of its outputs; empty means `[project] labels`.
            target: As for `build`.
            timeout_s: Longest time of the job in seconds.

        Returns:
            The paths of the deployment and of the model, with their hashes.

        Raises:
            ConfigurationError: The labels are not known.
            DataError: The file is no model.
            ApiError: The studio rejects the model, or the job failed.
        """
        config, names = self.project.config, tuple(labels) or self.project.settings.project.labels
        lock = build_own_model(config, self.studio, Path(model).expanduser(), names, target, timeout_s)
        return Build(lock.zip_path(config.paths.root), lock.model_path(config.paths.root), lock)

    def profile_own_model(
        self, model: Path | str, device: str | None = None, *, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Estimate what a model from elsewhere needs on a device, with the official SDK.

        Args:
            model: A .tflite file.
            device: Name of a device of the studio; None means that of the project.
            timeout_s: Longest time of the job in seconds.

        Returns:
            The estimates of the studio, by its own names; latency is in milliseconds, memory in bytes.

        Raises:
            DataError: The file is no model.
            ApiError: The studio rejects the model or the device.
        """
        return profile_model(self.studio, Path(model).expanduser(), device, timeout_s)

    def profile(
        self, *, again: bool = False, timeout_s: float | None = None, on_progress: OnProgress = ignore_progress
    ) -> DeviceProfiles:
        """Estimate latency in milliseconds, RAM and flash in bytes of the trained model on each device.

        Args:
            again: Whether the model is profiled again, instead of returning the known estimates.
            timeout_s: Longest time of the job in seconds.
            on_progress: Called when the job has advanced.

        Returns:
            The estimates.

        Raises:
            MissingStepError: There is no impulse, or no trained model.
            JobFailed: The job ended without success.
        """
        current = require_impulse(self.studio, self.project.settings.impulse.name)
        follow = self._follower(timeout_s, on_progress)
        return DeviceProfiles(profiles(self.studio, current.learn_id, follow, again=again))

    def samples(self) -> tuple[Sample, ...]:
        """Return all samples of the studio, of training, validation and testing; lengths are in milliseconds.

        Raises:
            ApiError: The studio refuses the request.
        """
        return tuple(sample for category in CATEGORIES for sample in list_samples(self.studio, category))

    def download_samples(self, samples: Sequence[Sample], folder: Path | str) -> tuple[Path, ...]:
        """Download samples as WAV files; one that is in the folder already is kept.

        Args:
            samples: Some of `samples()`.
            folder: Folder to write to, which is created.

        Returns:
            The file of each sample, `folder/category/name.id.wav`.

        Raises:
            ApiError: The studio has no such sample.
            NetworkError: A download was not complete.
        """
        target = Path(folder).expanduser()
        target.mkdir(parents=True, exist_ok=True)
        return tuple(pull_sample(self.studio, sample, target) for sample in samples)

    def delete_samples(self, samples: Sequence[Sample]) -> None:
        """Delete samples in the studio.

        Args:
            samples: Some of `samples()`.

        Returns:
            Nothing.

        Raises:
            ApiError: The studio refuses the request.
        """
        delete_samples(self.studio, [sample.id for sample in samples])

    def _follower(self, timeout_s: float | None, on_progress: OnProgress) -> _JobFollower:
        return _JobFollower(self.studio, timeout_s, on_progress)


@dataclass(frozen=True)
class _JobFollower:
    """Waits for a job, and reports each epoch and phase of its log."""

    studio: Studio
    timeout_s: float | None
    on_progress: OnProgress

    def __call__(self, started: Started, title: str, epochs: int | None = None) -> Job:
        now = TrainingProgress()
        self.on_progress(Progress(title, 0, epochs))

        def read(line: str) -> None:
            nonlocal now
            before, now = now, after(now, line)
            if now != before:
                self.on_progress(Progress(title, now.epoch, epochs, now.text))

        def note(text: str) -> None:
            self.on_progress(Progress(title, now.epoch, epochs, text))

        return wait_for(self.studio, started.id, Listener(read, note), timeout_s=self.timeout_s)


def connect(project: Project) -> StudioClient:
    """Connect to the studio of a project: the Edge Impulse cloud, or the local studio, which is started if needed.

    Args:
        project: A project. `[studio] url` is "local" or an address; the key of the cloud is in EI_API_KEY or in the
            keyring.

    Returns:
        The client of the studio.

    Raises:
        CredentialError: No key is known for the address, or the studio rejects it.
        MissingToolError: The extra `local` is not installed, which the local studio needs.
        NetworkError: The studio cannot be reached.
        ApiError: The key belongs to no project, or to several and `[studio] project` chooses none.
    """
    return StudioClient(project, connect_studio(project.config, project.environ, creates=True))


def stop_studio(project: Project) -> bool:
    """Stop the local studio of a project, which otherwise stops by itself after a time without requests and jobs.

    Args:
        project: The project.

    Returns:
        Whether it was running.

    Raises:
        ConfigurationError: It cannot be stopped.
    """
    return lifecycle.stop(project.config.paths.studio)
