"""Import TensorFlow, without the packages that Keras imports if it can."""

from __future__ import annotations

import os
from typing import Any

from ei_toolkit.config.blocked_imports import blocked_imports
from ei_toolkit.errors import MissingToolError

UNNEEDED = ("sklearn", "matplotlib", "pandas")  # for wrappers, plots and data frames; they double the time


def import_tensorflow(script: str = "") -> Any:
    """Return the module `tensorflow`, whose import takes seconds. What the script names is available to Keras.

    Raises MissingToolError if TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    names = script.lower()
    try:
        with blocked_imports(package for package in UNNEEDED if package not in names):
            import tensorflow as tf
    except ImportError as error:
        raise MissingToolError("training needs TensorFlow", why=str(error), hint="pip install 'eitk[local]'") from None
    return tf
