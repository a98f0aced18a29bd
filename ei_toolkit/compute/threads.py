"""Matrix products on one thread: BLAS adds in another order on more, and results must not depend on where work runs."""

from __future__ import annotations

import importlib

from threadpoolctl import threadpool_limits


def one_blas_thread() -> threadpool_limits:
    """Limit NumPy's and SciPy's BLAS to one thread, until the end of the process or of a `with` statement."""
    for owner in ("numpy", "scipy.linalg"):  # a limit holds for what is loaded already
        importlib.import_module(owner)
    return threadpool_limits(limits=1, user_api="blas")
