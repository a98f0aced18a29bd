"""Matrix products on one thread: BLAS adds in another order on more, and results must not depend on where work runs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from threadpoolctl import threadpool_limits

EVERY_BLAS = ("numpy", "scipy.linalg")
"""Modules that load a BLAS of their own."""


def one_blas_thread(owners: Sequence[str] = EVERY_BLAS) -> threadpool_limits:
    """Limit the BLAS of these modules to one thread, until the end of the process or of a `with` statement."""
    for owner in owners:  # a limit holds for what is loaded already
        importlib.import_module(owner)
    return threadpool_limits(limits=1, user_api="blas")
