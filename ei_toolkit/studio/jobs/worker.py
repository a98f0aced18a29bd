"""The job process: `python -m ei_toolkit.studio.jobs.worker DATA JOB`. Prints its log, exits 0 for success."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from ei_toolkit.errors import EitkError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.helper_process import be_nice, end_with_parent
from ei_toolkit.studio.jobs.task import Task, work_of
from ei_toolkit.studio.store import Store


def main(arguments: list[str]) -> int:
    """Do the work of one job."""
    end_with_parent()
    be_nice()
    data, job = Path(arguments[0]), int(arguments[1])
    store = Store.open(data)
    try:
        task = Task(store, store.jobs.by_id(job), data)
        work_of(task.job.kind)(task)
    except (EitkError, ApiError) as error:
        hint = getattr(error, "hint", "")
        print(f"Error: {error}" + (f". {hint}" if hint else ""))
        return 1
    except Exception:  # noqa: BLE001 - the edge of the process: whatever went wrong belongs into the job's log
        traceback.print_exc(file=sys.stdout)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
