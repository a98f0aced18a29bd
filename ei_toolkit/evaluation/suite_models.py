"""The models of the suites: published systems with their figures, and how each is trained here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ei_toolkit.config.settings import ClassifierSettings
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.folds import Protocol
from ei_toolkit.evaluation.kernel_ensemble import KernelEnsembleSettings
from ei_toolkit.evaluation.suite_networks import NetworkSettings
from ei_toolkit.features.log_mel import Chunks

SuiteInput = Literal["features", "log-mel"]
"""A table of summary features, or log-mel spectra."""


@dataclass(frozen=True)
class SuiteModel:
    """A published system: its figure in percent as published, the protocol of that figure, and its classifier.

    `folds` is the number of folds of a protocol that are trained and tested; 0 means all.
    """

    name: str
    published: str
    protocol: Protocol
    classifier: ClassifierSettings | NetworkSettings | KernelEnsembleSettings
    folds: int = 0

    @property
    def inputs(self) -> tuple[SuiteInput, ...]:
        """What the model is trained on."""
        if isinstance(self.classifier, NetworkSettings):
            return ("log-mel",)
        return ("features", "log-mel") if isinstance(self.classifier, KernelEnsembleSettings) else ("features",)


TEN_GENRES = (
    SuiteModel("B1 KNN (10, distance)", "51", "clip", ClassifierSettings("knn")),
    SuiteModel("B2 regression (C 10)", "67.5; 5-fold 62.9", "clip", ClassifierSettings("regression", c=10.0)),
    SuiteModel("regression (C 1)", "", "clip", ClassifierSettings("regression")),
    SuiteModel("SVM (C 10, gamma 0.01)", "", "clip", ClassifierSettings("svm", c=10.0)),
    SuiteModel("random forest (500)", "", "clip", ClassifierSettings("forest")),
    SuiteModel("MLP 146 × 2", "", "clip", ClassifierSettings("mlp", epochs=200, early_stopping=True)),
    SuiteModel("C 1-D CNN", "71.7", "clip", ClassifierSettings(
        "cnn", correlation=0.9, filters=(32, 64), units=(128,), dropout=0.3, batch_size=32, epochs=60)),
    SuiteModel("B3 MLP 146 × 3", "72", "clip", ClassifierSettings(
        "mlp", units=(146, 146, 146), batch_normalization=True, dropout=0.3, learning_rate=0.002, batch_size=25)),
    SuiteModel("A6 MLP with dropout", "92.74", "segment", ClassifierSettings(
        "mlp", units=(512, 256, 64), dropout=0.3, weight_decay=0.0, batch_size=32, epochs=60)),
)  # fmt: skip
TEN_GENRES_NETWORKS = (
    SuiteModel("B4 mel CNN", "93–94", "segment", NetworkSettings(
        "cnn-b4", Chunks(4000, 2000, count=4), 10, 0.0005, 16, (("IMAGE", 32),),
        "4 of 14 chunks a clip, 32 × 32 instead of 150 × 150, at most 10 epochs"), folds=1),
    SuiteModel("A4 CNN on MFCC", "95", "segment", NetworkSettings(
        "cnn-a4", Chunks(3000, 3000, count=3, cepstral=13), 5, 0.001, 32, (),
        "3 of 10 segments a clip, 39 frames a segment instead of 130, at most 5 epochs"), folds=1),
    SuiteModel("A2 LSTM on MFCC", "42", "clip", NetworkSettings(
        "lstm", Chunks(cepstral=13), 15, 0.003, 32, (("STEPS", 129),),
        "129 steps instead of 1,290, at most 15 epochs"), folds=1),
    SuiteModel("D mel CNN", "68", "clip", NetworkSettings(
        "cnn-d", Chunks(4000, 4000, count=3, bands=64), 12, 0.001, 32, (),
        "3 of 6 excerpts a clip, 52 frames an excerpt, at most 12 epochs at 0.001 instead of 150 at 0.00005"), folds=1),
    SuiteModel("A1 ResNet18", "84", "clip", NetworkSettings(
        "resnet18", Chunks(), 8, 0.0005, 32, (("IMAGE", 64),),
        "64 × 64 instead of 224 × 224, not pretrained, at most 8 epochs"), folds=1),
    SuiteModel("A3 ResNet18 and LSTM", "", "clip", NetworkSettings(
        "resnet18-lstm", Chunks(), 8, 0.0005, 32, (("IMAGE", 64), ("STEPS", 129)),
        "64 × 64, not pretrained, 129 steps, at most 8 epochs"), folds=1),
)  # fmt: skip
"""Networks on log-mel spectra, at a size that trains in minutes on one core."""
BEST = SuiteModel("best for unseen artists: kernel machines", "", "clip", KernelEnsembleSettings())
"""On texture features of the spectra and on summary features; chosen without the published test part."""
SUITES: Mapping[str, tuple[SuiteModel, ...]] = MappingProxyType(
    {"ten-genres": (*TEN_GENRES, *TEN_GENRES_NETWORKS, BEST)}
)


def chosen_models(suite: str, names: str = "") -> tuple[SuiteModel, ...]:
    """Return the models of a suite whose names start with one of `names`, separated by commas; "" means all.

    Raises UsageError for an unknown suite or a name of no model.
    """
    if suite not in SUITES:
        raise UsageError(f"--suite: there is no suite {suite!r}", hint=f"Suites: {', '.join(SUITES)}.")
    wanted = [name.strip().lower() for name in names.split(",") if name.strip()]
    for name in wanted:
        if not any(model.name.lower().startswith(name) for model in SUITES[suite]):
            own = ", ".join(model.name for model in SUITES[suite])
            raise UsageError(f"--models: the suite {suite} has no model {name!r}", hint=f"Models: {own}.")
    return tuple(m for m in SUITES[suite] if not wanted or m.name.lower().startswith(tuple(wanted)))


def measurable_models(
    suite: str, names: str, given: Collection[SuiteInput]
) -> tuple[tuple[SuiteModel, ...], tuple[SuiteModel, ...]]:
    """Return the chosen models whose inputs are given, and the others.

    Raises UsageError as `chosen_models`, and where there are no models with these inputs or one that is named is not.
    """
    chosen = chosen_models(suite, names)
    lacking = tuple(model for model in chosen if not set(model.inputs) <= set(given))
    if lacking and (names or len(lacking) == len(chosen)):
        missing = " and ".join(f"--{name}" for name in lacking[0].inputs if name not in given)
        raise UsageError(f"the model {lacking[0].name} needs {missing}", hint="Add it, or choose other --models.")
    return tuple(model for model in chosen if model not in lacking), lacking
