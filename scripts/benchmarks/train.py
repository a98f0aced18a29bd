"""Training the recipe `reference` (30 epochs) on real windows: scripts/bench train --clips FOLDER."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.split import split_clips
from ei_toolkit.evaluation.clips import find_known_clips, read_windows, under_condition
from ei_toolkit.impulse.features import frame_features
from ei_toolkit.impulse.layers import visual_layers
from ei_toolkit.impulse.trained_model import label_order
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.train import train


def material(clips: Path, recipe: str) -> tuple[np.ndarray, list[int], list[str], list[str]]:
    """Features, labels, artists and label names of the training clips, as `eitk slice` splits them."""
    settings, _ = load_recipe(recipe)
    known = find_known_clips(clips, settings, clips)
    splits = split_clips(known, settings.dataset.split, settings.dataset.test_fraction, settings.dataset.seed)
    names = label_order(one.clip.label for one in known)
    features, labels, groups = [], [], []
    for one in (one for one in known if splits.get(one.clip.name) == "training"):
        own = under_condition(read_windows(one.clip.path, one.sha256, settings.slice), "clean", settings).features
        features.append(own)
        labels += [names.index(one.clip.label)] * len(own)
        groups += [one.group] * len(own)
    return np.concatenate(features), labels, groups, names


def main() -> None:
    """Train once and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, required=True, help="folder of clips, FOLDER/<label>/*.wav")
    parser.add_argument("--recipe", default="reference")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    features, labels, groups, names = material(asked.clips, asked.recipe)
    settings, script = load_recipe(asked.recipe)
    with tempfile.TemporaryDirectory() as folder:
        request = TrainRequest(
            features, labels, names, Path(folder), groups,
            visual_layers=visual_layers(settings.impulse.layers), script=script, columns=frame_features(settings),
            epochs=settings.training.epochs, learning_rate=settings.training.learning_rate,
            validation_fraction=settings.training.validation, seed=settings.training.seed,
        )  # fmt: skip
        outcome = train(request, lambda _line: None)
    data = {
        "recipe": asked.recipe,
        "windows": len(features),
        "epochs": settings.training.epochs,
        "seconds": outcome.seconds,
        "int8_accuracy": outcome.variants["int8"]["accuracy"],
        "warnings": list(outcome.warnings),
    }
    if asked.json:
        print(json.dumps(data))
        return
    print(f"{asked.recipe}: {data['windows']} windows, {data['epochs']} epochs, quantised and measured")
    print(f"{data['seconds']:.1f} s (import of TensorFlow included); validation accuracy {data['int8_accuracy']:.3f}")
    for warning in outcome.warnings:
        print(f"warning: {warning}")


if __name__ == "__main__":
    main()
