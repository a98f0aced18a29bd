"""An evaluation summed up: one plain dictionary, the mean over seeds, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ei_toolkit.learn.evaluate.clips import CLEAN
from ei_toolkit.learn.evaluate.run import FLOAT, Answer, Run
from ei_toolkit.learn.evaluate.scores import Scores, accuracies, summarise, track_scores

BASELINES = ("majority", "level", "logistic")


def outcome(run: Run, protocol: str) -> dict[str, Any]:
    """Accuracies (0 to 1) under `clean`, `float32` and `conditions`, the baselines beside each, and every track.

    Every figure is the mean over the seeds; `clean.interval`, confusion and the tracks are those of the first seed.
    """
    plan = run.plan
    by_seed = [[answer for answer in run.answers if answer.seed == seed] for seed in range(plan.seeds)]
    first = summarise(_scores(run, by_seed[0], CLEAN))
    clean = {**first, **_mean(summarise(_scores(run, answers, CLEAN)) for answers in by_seed)}
    exact = _accuracy(run, by_seed, FLOAT) if FLOAT in run.answers[0].probabilities else None
    return {
        "recipe": plan.recipe.name,
        "protocol": protocol,
        "seeds": plan.seeds,
        "labels": list(plan.labels),
        "variant": "int8",
        "clean": clean,
        "float32": exact,
        "int8_drop": exact["window_accuracy"] - clean["window_accuracy"] if exact else None,
        "conditions": {name: _accuracy(run, by_seed, name) for name in plan.conditions},
        "baselines": {name: _baseline(run, by_seed, name) for name in BASELINES},
        "models": [_model(fold.trained) | {"seed": fold.seed, "fold": fold.number} for fold in run.folds],
        "tracks": [vars(track) for track in track_scores(_scores(run, by_seed[0], CLEAN))],
    }


def _scores(run: Run, answers: Sequence[Answer], key: str) -> Scores:
    clips = run.plan.clips
    ordered = sorted(answers, key=lambda answer: answer.clip)
    cut = run.plan.recipe.settings.slice
    rows = [(answer.clip, len(answer.windows)) for answer in ordered]
    number = np.concatenate([np.full(n, clip) for clip, n in rows])
    within = np.concatenate([answer.windows for answer in ordered])
    order = np.lexsort((within, number))  # with --protocol window, several models share a clip
    probabilities = np.concatenate([answer.probabilities[key] for answer in ordered])
    return Scores(
        labels=run.plan.labels,
        clips=np.array([known.clip.name for known in clips])[number[order]],
        groups=np.array([known.group for known in clips])[number[order]],
        truth=np.array([run.plan.labels.index(known.clip.label) for known in clips])[number[order]],
        probabilities=probabilities[order],
        apart=-(-cut.window_ms // cut.hop_ms),
    )


def _accuracy(run: Run, by_seed: Sequence[Sequence[Answer]], key: str) -> dict[str, float]:
    return _mean(accuracies(_scores(run, answers, key)) for answers in by_seed)


def _baseline(run: Run, by_seed: Sequence[Sequence[Answer]], name: str) -> dict[str, Any]:
    """Clean accuracies of a baseline, and the same under each condition."""
    under = {condition: _accuracy(run, by_seed, f"{name} {condition}") for condition in run.plan.conditions}
    return {**_accuracy(run, by_seed, f"{name} {CLEAN}"), "conditions": under}


def _mean(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Mean over the rows of whatever is a fraction."""
    table = list(rows)
    return {key: float(np.mean([row[key] for row in table])) for key, v in table[0].items() if isinstance(v, float)}


def _model(trained: Any) -> dict[str, Any]:
    return {"parameters": trained.parameters, "seconds": trained.seconds, "warnings": list(trained.warnings)}
