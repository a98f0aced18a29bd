"""Work on many clips in parallel: in processes of this machine, or on the workers of a Dask scheduler.

`[compute] scheduler` chooses between them. Results are the same, in the same order, whichever it is.
"""

from ei_toolkit.compute.pools import PROCESSES, check_scheduler, cores, end_at_once, executor, map_items, pool_size

__all__ = ["PROCESSES", "check_scheduler", "cores", "end_at_once", "executor", "map_items", "pool_size"]
