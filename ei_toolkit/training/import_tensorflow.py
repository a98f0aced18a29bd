"""Import TensorFlow, without the packages that Keras imports if it can."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ei_toolkit.config.blocked_imports import blocked_imports
from ei_toolkit.errors import MissingToolError

UNNEEDED = ("sklearn", "matplotlib", "pandas")  # for wrappers, plots and data frames; they double the time


KEPT_BYTES = 2**29  # of freed memory, which the next step of a training uses again
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of mallopt in glibc
HEAP_BYTES = 2**26  # of a heap of glibc, the memory of one thread
LARGEST_MMAP_THRESHOLD = HEAP_BYTES // 2


def import_tensorflow(script: str = "") -> Any:
    """Return the module `tensorflow`, whose import takes seconds. What the script names is available to Keras.

    Raises MissingToolError if TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keep_freed_memory()
    names = script.lower()
    try:
        with without_garbage_collection(), blocked_imports(name for name in UNNEEDED if name not in names):
            import tensorflow as tf
    except ImportError as error:
        raise MissingToolError("training needs TensorFlow", why=str(error), hint="pip install 'eitk[local]'") from None
    return tf


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Switch the garbage collector off, for an import whose objects all stay: it takes 13 % of TensorFlow's import."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def keep_freed_memory() -> None:
    """Let glibc keep freed memory in this process, which otherwise takes up to a third of the time of a training.

    TensorFlow allocates and frees all arrays of a step; by default glibc gives them back to the system each time, which
    then clears thousands of pages in the next step. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_TOP_PAD, HEAP_BYTES)  # also an empty heap is kept
