"""Which function does which kind of job. Imported when it is needed: most kinds need no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.work.task import Task

KINDS = {
    "generate-features": "features:generate_features",
    "train-keras": "training:train_block",
    "retrain": "training:retrain",
    "classify": "testing:classify",
    "build": "building:build",
    "profile-keras": "training:profile_block",
    "profile-tflite": "profiling:profile_tflite",
    "clone": "cloning:report_clone",
    "export": "exporting:export",
    "pretrained-upload": "pretrained:take_in",
    "pretrained-profile": "pretrained:profile_stored",
}


def work_of(kind: str) -> Callable[[Task], None]:
    """The function that does a kind of job."""
    if kind not in KINDS:
        raise Refusal(f"There is no work of kind {kind!r}")
    module, _, name = KINDS[kind].partition(":")
    function: Callable[[Task], None] = getattr(import_module(f"ei_toolkit.studio.work.{module}"), name)
    return function
