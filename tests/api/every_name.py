"""A program that uses every public name; `mypy --strict` reads it, and nothing runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import ei_toolkit as eitk

ERRORS: tuple[type[eitk.EitkError], ...] = (
    eitk.ApiError, eitk.ArchiveError, eitk.BoardError, eitk.ConfigurationError, eitk.CredentialError, eitk.DataError,
    eitk.GateNotMet, eitk.Interrupted, eitk.JobFailed, eitk.MissingStepError, eitk.MissingToolError, eitk.NetworkError,
    eitk.SettingsError, eitk.UnsupportedModelError, eitk.UsageError,
)  # fmt: skip


def show(now: eitk.Progress) -> None:
    """Print the progress of a step."""
    print(now.stage, now.done, now.total or 0.0, now.text)


def show_result(result: eitk.Result) -> int:
    """Return the number of rows of a result."""
    result.to_frame()
    return len(result.records()) + len(result.to_dict())


def data(folder: Path) -> eitk.Project:
    """Create a project and look at its data."""
    paths: tuple[Path, ...] = eitk.synthesize_clips(folder / "clips", len("12345678"))
    project = eitk.create_project(folder, clips=paths[0].parents[1], settings={"training.epochs": 5})
    project = eitk.open_project(folder).with_settings(project.to_dict())
    dataset: eitk.Dataset = eitk.read_dataset(project)
    clip: eitk.DatasetClip = dataset.of_split("testing")[0]
    windows: eitk.Windows = eitk.slice_clips(project, on_progress=show)
    first: eitk.Window = eitk.read_windows(project).windows[0]
    features: eitk.Features = eitk.compute_features(project, first.split)
    shape: tuple[int, ...] = eitk.features_of(project, np.zeros((1, 48_000), np.int16)).values.shape
    print(clip.seconds, features.axes, shape, show_result(dataset) + show_result(windows) + show_result(features))
    return project


def classifiers(project: eitk.Project) -> None:
    """Compare classifiers of summary features."""
    features: eitk.SummaryFeatures = eitk.summary_features(project, window_ms=3000)
    suite: eitk.SuiteEvaluation = eitk.evaluate_suite(eitk.read_summary_features("features.csv"), ["B1"])
    print(features.values.shape, features.columns, show_result(suite))


def train(project: eitk.Project, on_progress: eitk.OnProgress) -> Path:
    """Train and build in the studio of a project."""
    studio: eitk.StudioClient = eitk.connect(project)
    uploaded: eitk.Upload = studio.upload(on_progress=on_progress)
    changes: eitk.ImpulseChanges = studio.apply_impulse()
    training: eitk.Training = studio.train(timeout_s=600.0)
    test: eitk.ModelTest = studio.test()
    accuracy: eitk.Evaluation = test.int8
    sample: eitk.Sample = studio.samples()[0]
    profiles: eitk.DeviceProfiles = studio.profile()
    build: eitk.Build = studio.build()
    page: eitk.Build = studio.build("wasm", timeout_s=600.0)
    held_out: eitk.HeldOutEvaluation = eitk.evaluate(project, quick=True)
    low, high = held_out.interval
    print(accuracy.top_1_accuracy, sample.length_ms, low, high, training.warnings, training.figure())
    print([show_result(one) for one in (uploaded, changes, training, test, profiles, build, page, held_out)])
    print(eitk.stop_studio(project))
    return build.model


def judge(project: eitk.Project) -> None:
    """Judge the model, search for a better one, and write reports."""
    verdict: eitk.GateVerdict = eitk.gate(project, dry_run=True)
    champions: eitk.Champions = eitk.list_champions(project)
    stored: eitk.StoredChampion = eitk.restore_champion(project, champions.champions[0].name).champions[-1]
    search: eitk.TuningSearch = eitk.tune(project, trials=10)
    applied: eitk.Project = eitk.apply_trial(project, eitk.read_search(project).chosen or search.front[0])
    classifier: eitk.TrainedClassifier = eitk.train_classifier(applied)
    chosen: eitk.BoardCalibration = eitk.calibrate(project, max_false_per_hour=10.0, min_recall=0.9, dry_run=True)
    small: eitk.CompressedNetwork = eitk.compress(project, plan=eitk.CompressionPlan(epochs=3))
    variant: eitk.Variant = small.variants[-1]
    runs: eitk.Runs = eitk.list_runs(project, "train")
    run: eitk.Run = runs.runs[0]
    report, card = eitk.write_report(project, figures="figures"), eitk.write_card(project)
    print(variant.size_bytes, show_result(small))
    print(verdict.passed, stored.accuracy, classifier.interval, run.kind, runs.metrics(run.id), report.name, card.name)
    print([show_result(one) for one in (verdict, champions, search, classifier, chosen, runs)])


def own_files(project: eitk.Project, studio: eitk.StudioClient) -> None:
    """Record, upload files, and bring a model."""
    recordings: eitk.Recordings = eitk.record(project, "rock", 2.0, count=3, microphone=["clip.wav"])
    uploaded: eitk.FolderUpload = studio.upload_folder(recordings.folder, label="rock", category="training")
    outcome: eitk.FileOutcome = uploaded.outcomes[0]
    build: eitk.Build = studio.build_own_model("model.tflite", ["classical", "rock"], target="wasm")
    needs: dict[str, object] = studio.profile_own_model(build.model)
    files: tuple[Path, ...] = studio.download_samples(studio.samples()[:2], "there")
    studio.delete_samples(studio.samples()[:1])
    print(files, studio.apply_impulse(dry_run=True).changes, studio.pull_impulse().settings.impulse)
    print(outcome.reason, needs, show_result(recordings) + show_result(uploaded))


def board(project: eitk.Project, model: Path, clips: list[Path]) -> None:
    """Compile a model, flash it, and compare the board with Python."""
    checked: eitk.ModelCheck = eitk.check_model(model)
    compiled: eitk.Compilation = eitk.compile_model(model.read_bytes())
    profile: eitk.ModelProfile = eitk.profile_model(model)
    scores = eitk.run_model(model, [np.zeros((1, 4800), np.int8)], "emulated")[0]
    flashed: eitk.Flashed = eitk.flash(project)
    boards: eitk.Boards = eitk.find_boards(project)
    seconds: float = eitk.play(project, clips)
    predicted: list[eitk.Prediction] = list(eitk.predictions(project, 1))
    verified: eitk.Verification = eitk.verify_board(project, clips)
    window: eitk.VerifiedWindow = verified.windows[0]
    classified: eitk.Classification = eitk.classify(project, clips)
    file: eitk.Classified = classified.files[0]
    print(
        checked.supported,
        scores.shape,
        compiled.macs,
        profile.latency_ms,
        flashed.port,
        seconds,
        window.equal,
        file.genre,
    )
    print(predicted[0].winner, eitk.stop_board(project), show_result(boards) + show_result(classified))


def main() -> None:
    """Run all of it, and print the errors."""
    try:
        project = data(Path("job"))
        classifiers(project)
        board(project, train(project, show), [])
        judge(project)
        own_files(project, eitk.connect(project))
    except ERRORS as error:
        print(error.what, error.why, error.hint)
