"""Test champion and challenger on the same held-out clips, and promote a challenger that passes the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.effects.conditions import CONDITIONS
from ei_toolkit.board.budget import known_features_ms
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.eon.profile import profile_model
from ei_toolkit.errors import ConfigurationError, DataError
from ei_toolkit.evaluation.candidate import Candidate, challenger
from ei_toolkit.evaluation.champions import champion_file, promote, read_champion
from ei_toolkit.evaluation.gate import Cost, Evidence, Trial, Verdict, accuracy_interval, judge, paired_difference
from ei_toolkit.evaluation.held_out import HeldOut, Outcome, cut_windows, exclude_seen, held_out_clips, try_model
from ei_toolkit.impulse.metrics import majority_share

KEEP_SPLIT = "Restore the split settings in [dataset], or move champion.json away to start without a champion."

Progress = Callable[[float, str], None]


def challenge(config: Config, progress: Progress, *, dry_run: bool = False) -> tuple[Verdict, dict[str, Any]]:
    """Compare the last built model with the champion, and promote it if it passes.

    Returns the verdict and its figures. Raises DataError if there is no model or no clip to test, ConfigurationError
    if the two models have different labels.
    """
    manifest = Manifest.read(config.paths.manifest)
    new, old = challenger(config, manifest), read_champion(champion_file(config.paths))
    evidence = gather(config, manifest, new, old, progress)
    verdict = judge(evidence, config.settings.gate)
    promoted = verdict.passed and not dry_run and not evidence.is_champion
    if promoted:
        lock = read_lock(config.paths.lock)
        pinned = {"lock": asdict(lock)} if lock else {}
        promote(config.paths, new, {"figures": asdict(evidence.challenger), **pinned})
    return verdict, asdict(evidence) | {
        "verdict": "passed" if verdict.passed else "refused",
        "reasons": verdict.reasons,
        "checks": [asdict(check) for check in verdict.checks],
        "text": verdict.text,
        "promoted": promoted,
        "labels": list(new.labels),
        "challenger_sha256": new.sha256,
        "champion_sha256": old.sha256 if old else None,
    }


def gather(config: Config, manifest: Manifest, new: Candidate, old: Candidate | None, progress: Progress) -> Evidence:
    """Test both models on the testing clips that neither was trained on, and the challenger under every condition."""
    if old and old.labels != new.labels:
        raise ConfigurationError(
            f"the labels of the champion are {', '.join(old.labels)}, those of the challenger {', '.join(new.labels)}",
            hint="They cannot be compared. Move champion.json away to start without a champion.",
        )
    held_out = held_out_clips(manifest)
    clips = _unseen_clips(tuple(clip for clip in held_out if clip.label in new.labels), new, old)
    root, threshold = clips_root(config.settings.dataset, config.paths.root), config.settings.board.threshold
    windows = cut_windows(new.settings, root, manifest, clips)
    outcome = try_model(new, clips, windows)
    before = try_model(old, clips, cut_windows(old.settings, root, manifest, clips)) if old else None
    tracks = outcome.tracks(threshold)
    return Evidence(
        challenger=_trial(new, outcome, threshold),
        champion=_trial(old, before, threshold) if old and before else None,
        difference=paired_difference(before.tracks(threshold), tracks) if before else None,
        majority=majority_share(map(outcome.windows_of, new.labels)),
        threshold=threshold,
        clips=len(clips),
        artists=len({clip.artist for clip in clips}),
        worst=_worst(new, clips, windows, progress),
        interval=accuracy_interval(tracks),
        unknown_labels=Counter(clip.label for clip in held_out if clip.label not in new.labels),
        is_champion=old is not None and old.sha256 == new.sha256,
    )


def _unseen_clips(clips: tuple[HeldOut, ...], new: Candidate, old: Candidate | None) -> tuple[HeldOut, ...]:
    """Return the clips that neither model was trained on, and no other clip of their artist either."""
    seen = new.provenance | old.provenance if old else new.provenance
    unseen = exclude_seen(clips, seen, new.settings.dataset)
    if not unseen:
        is_stale = not exclude_seen(clips, new.provenance, new.settings.dataset)
        models = "the challenger" if is_stale else "the challenger or the champion"
        raise DataError(
            f"every testing clip was seen in training by {models}",
            hint="eitk upload, then eitk train --eon" if is_stale else KEEP_SPLIT,
        )
    return unseen


def _trial(candidate: Candidate, outcome: Outcome, threshold: float) -> Trial:
    profile, own = profile_model(candidate.model), known_features_ms(candidate.settings)
    return Trial(
        thresholded_accuracy=outcome.window_accuracy(threshold),
        top_1_accuracy=outcome.window_accuracy(),
        track_accuracy=outcome.track_accuracy(),
        confusion=outcome.confusion(threshold),
        cost=Cost(profile.ram_bytes, profile.flash_bytes, profile.latency_ms, profile.how, own),
    )


def _worst(
    candidate: Candidate, clips: Sequence[HeldOut], windows: Sequence[npt.NDArray[np.int16]], progress: Progress
) -> tuple[str, float]:
    """Return the condition with the lowest top-1 accuracy, and that accuracy."""
    found = {}
    for done, name in enumerate(CONDITIONS, 1):
        found[name] = try_model(candidate, clips, windows, name).window_accuracy()
        progress(done, name)
    return min(found.items(), key=lambda item: item[1])
