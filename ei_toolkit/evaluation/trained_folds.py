"""The models of folds that are already trained, so that an evaluation that was interrupted continues."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ei_toolkit.config.atomic_write import write_bytes, write_text
from ei_toolkit.config.code_version import code_version
from ei_toolkit.config.settings import plain
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.evaluation.model import Material, Recipe, Trained

INT8, FLOAT32, DETAILS = "int8.tflite", "float32.tflite", "fold.json"


@dataclass(frozen=True)
class TrainedFolds:
    """A folder with one folder for each trained fold, named after the hash of all that determines its model."""

    folder: Path

    def key(self, recipe: Recipe, labels: tuple[str, ...], material: Material, seed: int) -> str:
        """Return the hash of settings, training windows, seed and code: another one is another model."""
        settings = recipe.settings
        described: list[Any] = [
            [plain(part) for part in (settings.slice, settings.impulse, settings.training)],
            recipe.script, labels, list(material.groups), seed, code_version(),
        ]  # fmt: skip
        digest = sha256(json.dumps(described, sort_keys=True).encode())
        digest.update(material.features.tobytes())
        digest.update(material.labels.tobytes())
        return digest.hexdigest()[:32]

    def read(self, key: str) -> Trained | None:
        """Return the model of a fold; None if it was not trained yet, or its files are damaged."""
        own = self.folder / key
        try:
            details = read_json((own / DETAILS).read_text(encoding="utf-8"))
            models = [(own / name).read_bytes() for name in (INT8, FLOAT32)]
            if [sha256(model).hexdigest() for model in models] != details["sha256"]:
                return None
            parameters, seconds, warnings = details["parameters"], details["seconds"], tuple(details["warnings"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Trained(models[0], models[1], parameters, seconds, warnings, is_reused=True)

    def write(self, key: str, trained: Trained) -> None:
        """Keep the model of a fold. The details are written last: without them the fold counts as not trained."""
        models = {INT8: trained.int8, FLOAT32: trained.float32}
        for name, model in models.items():
            write_bytes(self.folder / key / name, model)
        details = {
            "parameters": trained.parameters, "seconds": trained.seconds, "warnings": list(trained.warnings),
            "sha256": [sha256(model).hexdigest() for model in models.values()],
        }  # fmt: skip
        write_text(self.folder / key / DETAILS, json.dumps(details))

    def remove(self) -> None:
        """Remove all models: the evaluation that they belong to is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
