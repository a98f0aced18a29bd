"""The tuner as a job: trials of a space, each compiled before it trains."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.config.tune_settings import Pruner, Sampler
from ei_toolkit.config.units import kib
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.cost import window_instructions, window_ram_bytes
from ei_toolkit.eon.profile import CLOCK_HZ
from ei_toolkit.eon.profile import latency_ms as instructions_ms
from ei_toolkit.errors import ConfigurationError, EitkError
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.metrics import classification
from ei_toolkit.impulse.trained_model import label_order, model_id
from ei_toolkit.studio.devices import Device, device
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import keras_settings
from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.jobs.features import (
    ComputedFeatures,
    compute_features,
    usable_samples,
)
from ei_toolkit.studio.jobs.profiling import latency_ms, memory, profile_variants
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.training import training_request
from ei_toolkit.studio.jobs.trial_documents import BLOCK_IDS, new_document, result_fields, set_blocks
from ei_toolkit.studio.tuner_runs import MODEL, TunerRuns
from ei_toolkit.studio.tuner_space import (
    DEFAULT_CYCLES,
    ApiSpace,
    TrialImpulse,
    checked_space,
    default_space,
    trial_impulse,
)
from ei_toolkit.studio.wire_format import now
from ei_toolkit.training.convert import int8_model
from ei_toolkit.training.import_tensorflow import import_tensorflow
from ei_toolkit.training.keras_model import build_model
from ei_toolkit.training.request import TrainOutcome
from ei_toolkit.training.train import train
from ei_toolkit.tuning.search import Pruning, Search, SearchOptions, Trial

DEFAULT_TRIALS = 20
MOST_REFUSED = 100  # one after another
POLL_S = 1.0  # of a run that waits for trials of clients
OBJECTIVES = ("accuracy", "time")
SCORE = "score"
"""The only objective of a configuration with weights."""
REDUCTION_FACTOR = 3  # of Hyperband, as in its publication
EPOCH_ACCURACY = re.compile(r"\bval_accuracy: ([0-9.]+)")
"""In the line that Keras writes after each epoch."""
SAMPLERS: Mapping[str, Sampler] = {"random": "random", "hyperband": "random", "bayesian": "tpe", "custom": "random"}


class TrialEnded(Exception):
    """A client ended the trial that is being trained."""


class TrialPruned(Exception):
    """Hyperband gave up the trial that is being trained."""


@dataclass
class Run:
    """One run of the tuner: its configuration, its search, and the documents of its trials."""

    task: Task
    config: Mapping[str, Any]
    space: ApiSpace
    options: SearchOptions
    search: Search
    runs: TunerRuns
    trials: list[dict[str, Any]]
    pruning: Pruning = field(default_factory=lambda: Pruning("none", 1))
    refused: int = 0

    @property
    def device(self) -> Device:
        """The target device, with the memory of the configuration if it has any."""
        return device(str(self.config["targetDevice"]["name"]))

    @property
    def limits(self) -> dict[str, int]:
        """Bytes of RAM and ROM and milliseconds of one classification that a candidate may need."""
        sent, target = self.config["targetDevice"], self.device
        return {
            "ram": int(sent.get("ram") or target.ram), "rom": int(sent.get("rom") or target.rom),
            "timeMs": int(self.config["targetLatency"]),
        }  # fmt: skip

    def follow(self, document: dict[str, Any], line: str) -> None:
        """Take the accuracy after an epoch from a line of the log. Raises TrialPruned where Hyperband gives it up."""
        found = EPOCH_ACCURACY.search(line)
        if found is None or self.pruning.kind == "none":
            return
        document["accuracies"].append(float(found[1]))
        epochs = len(document["accuracies"])
        if self.pruning.report(document["number"], epochs - 1, float(found[1])):
            raise TrialPruned(
                f"given up by Hyperband after epoch {epochs} of {self.pruning.steps}, with a validation accuracy of"
                f" {100 * float(found[1]):.1f} %"
            )

    def save(self) -> None:
        """Store the state for the responses of the API."""
        self.runs.set_state(self.task.job.id, {"config": self.config, "trials": self.trials, "created": now()})


def optimize(task: Task) -> None:
    """Job: search. The trials of an interrupted run with the same configuration are continued."""
    runs = TunerRuns(task.store, task.project)
    config = runs.config()
    space = checked_space(config.get("space") or default_space())
    trials = int(config.get("tuningMaxTrials") or DEFAULT_TRIALS)
    algorithm = str(config.get("tuningAlgorithm") or "bayesian")
    objectives, maximised = ((SCORE,), (True,)) if weights_of(config) else (OBJECTIVES, (True, False))
    pruner: Pruner = "hyperband" if algorithm == "hyperband" else "none"
    options = SearchOptions(objectives, maximised, SAMPLERS[algorithm], pruner, trials, 1, task.project)
    search = _open(task, config, space, options)
    pruning = Pruning(pruner, int(config.get("trainingCycles") or DEFAULT_CYCLES), REDUCTION_FACTOR)
    run = Run(task, config, space, options, search, runs, search.attribute("documents", []), pruning)
    _replay(run)
    run.save()
    for number in search.unfinished():
        _work(run, search.ask(space, options, number))
    if algorithm == "custom":
        _wait_for_trials(run)
    else:
        while _trained(run) < trials and run.refused < MOST_REFUSED:
            _work(run, search.ask(space, options))
    search.set_attribute("complete", True)
    task.log(f"Search complete: {_trained(run)} of {len(run.trials)} trials were trained")
    if not _trained(run):
        raise ApiError(f"No candidate fits the {run.device.name}: see the logs of the trials")


def weights_of(config: Mapping[str, Any]) -> dict[str, float]:
    """Return the weight of each objective; empty where the configuration has none."""
    return {one["objective"]: float(one["weight"]) for one in config.get("optimizationObjectives") or []}


def score(weights: Mapping[str, float], accuracy: float, cost: Mapping[str, Any], limits: Mapping[str, int]) -> float:
    """Return the weighted mean of accuracy and of the shares of the limits that a candidate leaves unused."""
    unused = {name: 1 - cost[name] / limits[name] for name in limits}
    values = {"accuracy": accuracy, "latency": unused["timeMs"], "ram": unused["ram"], "rom": unused["rom"]}
    total = sum(weight * float(values[name]) for name, weight in weights.items())
    return total / sum(weights.values())


def _replay(run: Run) -> None:
    """Report to the pruner the trials of an interrupted run."""
    for trial in run.trials:
        if trial["status"] != "running":
            for step, accuracy in enumerate(trial.get("accuracies", ())):
                run.pruning.report(trial["number"], step, accuracy)
            _end_pruning(run, trial)


def _end_pruning(run: Run, document: Mapping[str, Any]) -> None:
    found = document.get("accuracies", ())
    run.pruning.end(document["number"], found[-1] if found and document["status"] == "completed" else None)


def _trained(run: Run) -> int:
    """Return the number of trials that were trained, to their end or until Hyperband gave them up."""
    return sum(trial["status"] == "completed" or bool(trial.get("pruned")) for trial in run.trials)


def _open(task: Task, config: Mapping[str, Any], space: ApiSpace, options: SearchOptions) -> Search:
    """Return the search of an interrupted run with the same configuration, or a new one."""
    contents = [{key: value for key, value in config.items() if key != "name"}, space.description()]
    identity = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    file = task.data / "tuner" / f"{task.project}.sqlite"
    found = Search.open(file)
    if found and found.attribute("identity") == identity and not found.attribute("complete"):
        task.log(f"Continuing an interrupted search with {len(found.trials())} trials")
        return found
    file.unlink(missing_ok=True)
    return Search.create(file, options, {"identity": identity})


def _wait_for_trials(run: Run) -> None:
    """Run the trials that clients create until a client completes the search."""
    taken = len([trial for trial in run.trials if trial.get("experiment")])
    while True:
        asked = run.runs.requests(run.task.job.id)
        for values in asked["trials"][taken:]:
            taken += 1
            _work(run, run.search.ask(_OneCandidate(values), run.options), values)
        if asked["complete"] is not None and taken >= len(asked["trials"]):
            return
        time.sleep(POLL_S)


@dataclass(frozen=True)
class _OneCandidate:
    """The space of a trial that a client has created."""

    values: Mapping[str, Any]

    def suggest(self, _trial: Any) -> dict[str, Any]:
        """Return the values as they were sent."""
        return {"custom": json.dumps(self.values)}

    def description(self) -> Any:
        """Return the values."""
        return dict(self.values)


def _work(run: Run, trial: Trial, values: Mapping[str, Any] | None = None) -> None:
    """Run one trial to its end and store it."""
    sent = values or (json.loads(str(trial.parameters["custom"])) if "custom" in trial.parameters else None)
    if not sent and _is_repeated(run, trial):
        run.refused += 1
        run.search.end(trial.number, "repeated")
        return
    chosen = sent or run.space.values(trial.parameters)
    identity = str((sent or {}).get("id") or f"{run.task.job.id}-{trial.number}")
    document = new_document(identity, trial.number, chosen, bool(sent))
    run.trials[:] = [*(each for each in run.trials if each["number"] != trial.number), document]
    lines: list[str] = document["log"]

    def log(line: str) -> None:
        lines.append(line)
        run.task.log(f"[trial {trial.number}] {line}")
        if identity in run.runs.requests(run.task.job.id)["ended"]:
            raise TrialEnded
        run.follow(document, line)

    run.save()
    try:
        found = _train(run, identity, chosen, document, log)
        document |= {"status": "completed", "lastCompletedTraining": now()}
        set_blocks(document, "completed")
        run.refused = 0
        run.search.end(trial.number, "complete", values=found)
    except TrialPruned as given_up:
        lines.append(f"Trial ended: {given_up}")
        run.task.log(f"[trial {trial.number}] {given_up}")
        document |= {"status": "failed", "pruned": True}
        set_blocks(document, "failed")
        run.refused = 0
        run.search.end(trial.number, "pruned", reason=str(given_up))
    except (EitkError, ApiError, TrialEnded) as error:
        reason = "ended by a client" if isinstance(error, TrialEnded) else str(error)
        lines.append(f"Trial failed: {reason}")
        run.task.log(f"[trial {trial.number}] failed: {reason}")
        document["status"] = "failed"
        set_blocks(document, "failed")
        run.refused += 1
        run.search.end(trial.number, "refused", reason=reason)
    _end_pruning(run, document)
    run.search.set_attribute("documents", run.trials)
    run.save()


def _is_repeated(run: Run, trial: Trial) -> bool:
    """Return whether an earlier trial has the same parameters; clients are not shown such a trial."""
    others = (each for each in run.search.trials() if each.number != trial.number)
    return any(each.parameters == trial.parameters for each in others)


def _train(
    run: Run, identity: str, chosen: Mapping[str, Any], document: dict[str, Any], log: Any
) -> list[float]:  # fmt: skip
    """Train a trial unless it exceeds a limit; complete its document; return the values of the objectives."""
    task = run.task
    impulse = trial_impulse(chosen, run.config.get("trainingCycles"), BLOCK_IDS)
    block = _block(impulse)
    cost = _checked_cost(run, impulse, block, _labels(task), log)
    part = compute_features(task, block, usable_samples(task.store, task.project, "training"))
    labels = label_order(window.label for window in part.windows)
    if len(labels) < 2:
        raise ApiError(f"Training needs at least two labels; there is only {', '.join(labels) or 'none'}")
    settings = {**keras_settings(impulse.keras_config, part.bins), "profileInt8": True}
    with task.scratch() as folder:
        outcome = train(training_request(task, settings, "", [part], labels, folder), log)
        paths = {"keras": outcome.files.keras, model_id("float32"): outcome.files.float32}
        paths[model_id("int8")] = outcome.files.int8 or outcome.files.float32
        tested = _test(task, block, labels, paths)
        summary = _summary(task, outcome, part, labels, paths)
        for name, path in paths.items():
            digest = task.store.blobs.put_file(path)
            task.store.artifacts.put_result(task.project, MODEL, task.job.id, digest, f"{identity}/{name}")
    variant = "int8" if "int8" in outcome.variants else "float32"
    accuracy, weights = float(outcome.variants[variant]["accuracy"]), weights_of(run.config)
    if weights:
        cost[SCORE] = round(score(weights, accuracy, cost, run.limits), 6)
        log(f"Score {cost[SCORE]:.4f}")
    document |= result_fields(task.job.id, impulse, summary, tested, cost)
    return [cost[SCORE]] if weights else [accuracy, cost["timeMs"]]


def _labels(task: Task) -> list[str]:
    return label_order(task.store.samples.labels(task.project))


def _block(impulse: TrialImpulse) -> ProcessingBlock:
    document, window = impulse.document["dspBlocks"][0], impulse.document["inputBlocks"][0]
    return ProcessingBlock(document["id"], 0, document, window, impulse.dsp_config)


def _checked_cost(
    run: Run, impulse: TrialImpulse, block: ProcessingBlock, labels: Sequence[str], log: Any
) -> dict[str, Any]:  # fmt: skip
    """Return RAM, ROM and time on the target device of the untrained network and the processing block.

    Raises ConfigurationError for a candidate that exceeds a limit, with the figures.
    """
    import_tensorflow()
    frames, bins = block_shape(block)
    layers = keras_settings(impulse.keras_config, bins)["visualLayers"]
    model = build_model(layers, frames * bins, len(labels))
    random = np.random.default_rng(0).random((8, frames * bins), np.float32)
    tflite = int8_model(model, random, seed=0)
    compiled, target = compile_model(tflite), run.device
    needed = memory(len(tflite), compiled)
    wanted = LibraryDspBlock(1, block.type, block.version, dict(block.config))
    code = block_code(wanted, block.window_samples, block.frequency)
    own_ms = instructions_ms(window_instructions(code), "float32") * CLOCK_HZ / (target.clock_mhz * 1e6)
    time_ms = round(own_ms + latency_ms(compiled, target), 2)
    ram = needed["ramRequired"] + window_ram_bytes([code]) + 2 * block.window_samples + frames * bins
    most = run.limits
    limits = {
        "RAM": (ram, most["ram"], kib), "ROM": (needed["romRequired"], most["rom"], kib),
        "time": (time_ms, most["timeMs"], "{:g} ms".format),
    }  # fmt: skip
    log(f"RAM {kib(ram)}, ROM {kib(needed['romRequired'])}, time {time_ms:g} ms on {target.name}")
    excess = [
        f"{name} {text(found)} of {text(limit)}" for name, (found, limit, text) in limits.items() if found > limit
    ]
    if excess and not run.config.get("disableConstraints"):
        raise ConfigurationError(f"it does not fit the {target.name}: {', '.join(excess)}")
    return {"ram": ram, "rom": needed["romRequired"], "timeMs": time_ms, "dspMs": round(own_ms, 2)}


def block_shape(block: ProcessingBlock) -> tuple[int, int]:
    """Return frames and bins of a processing block."""
    from ei_toolkit.impulse import dsp

    return dsp.output_shape(block.type, block.window_samples, block.frequency, block.version, **dict(block.config))


def _test(
    task: Task, block: ProcessingBlock, labels: Sequence[str], paths: Mapping[str, Path]
) -> dict[str, dict[str, Any]]:
    """Return the results of both variants for the samples for testing; empty if there are none with a known label."""
    samples = usable_samples(task.store, task.project, "testing")
    if not samples:
        return {}
    part = compute_features(task, block, samples)
    known = [index for index, window in enumerate(part.windows) if window.label in labels]
    if not known:
        return {}
    actual = [labels.index(part.windows[index].label) for index in known]
    return {
        variant: classification(
            actual, Interpreter(paths[model_id(variant)].read_bytes()).predict(part.x[known]), labels
        )
        for variant in ("float32", "int8")
    }


def _summary(
    task: Task, outcome: TrainOutcome, part: ComputedFeatures, labels: Sequence[str], paths: Mapping[str, Path]
) -> dict[str, Any]:
    performance, unsupported = profile_variants(task, paths)
    return {
        "labels": list(labels),
        "featureCount": part.x.shape[1],
        "variants": {name: dict(values) for name, values in outcome.variants.items()},
        "history": {name: list(values) for name, values in outcome.history.items()},
        "folds": [],
        "warnings": list(outcome.warnings),
        "parameters": outcome.parameters,
        "windows": {"training": outcome.train_windows, "validation": outcome.validation_windows},
        "performance": performance,
        "unsupported": unsupported,
        "sizes": {variant: paths[model_id(variant)].stat().st_size for variant in ("float32", "int8")},
    }
