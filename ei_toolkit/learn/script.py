"""Expert mode: run a user's Keras script with the variables that Edge Impulse's Studio gives it.

A script sees input_length, classes, train_dataset, validation_dataset, X_train, Y_train, callbacks,
train_sample_count, args, BatchLoggerCallback and SpecAugment; it builds, compiles and fits, and leaves `model`.
It is the user's own program with the user's own rights: who runs scripts of others decides that elsewhere.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ei_toolkit.errors import ConfigurationError

SCRIPT_NAME = "training script"


def run_script(text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Run the script and return its variables.

    Raises ConfigurationError with the script's line where it fails, and where it leaves no `model`.
    """
    _offer_legacy_optimizers()
    scope: dict[str, Any] = {"__name__": "__main__", **variables}
    try:
        exec(compile(text, SCRIPT_NAME, "exec"), scope)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"the {SCRIPT_NAME} failed{_line(error)}",
            why=f"{type(error).__name__}: {error}",
            hint="Mend the script, or train visual layers.",
        ) from error
    if "model" not in scope:
        raise ConfigurationError(
            f"the {SCRIPT_NAME} defines no model", hint="Leave the trained Keras model in `model`."
        )
    return scope


def _line(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename == SCRIPT_NAME:
        return f" in line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == SCRIPT_NAME]
    return f" in line {lines[-1]}" if lines else ""


def _offer_legacy_optimizers() -> None:
    """Scripts exported by Studio import Adam from `tensorflow.keras.optimizers.legacy`, which Keras 3 dropped."""
    import keras

    name = "tensorflow.keras.optimizers.legacy"
    if name not in sys.modules:
        module = ModuleType(name, "Today's optimizers under the name that exported scripts import.")
        module.__dict__.update({key: getattr(keras.optimizers, key) for key in ("Adam", "SGD", "RMSprop", "Adagrad")})
        sys.modules[name] = module
