"""The job process: `python -m ei_toolkit.studio.jobs.worker DATA JOB [--allow-scripts]` runs one job.

It prints the job's log to its standard output and exits with 0 for success. It ends with the server, and it has a low
priority so that interactive work stays responsive.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path

from ei_toolkit.errors import EitkError
from ei_toolkit.studio.code_policy import ALLOW_SCRIPTS
from ei_toolkit.studio.http.errors import ApiError, is_disk_full
from ei_toolkit.studio.jobs.task import Task, job_function
from ei_toolkit.studio.store import Store
from ei_toolkit.system import lower_priority

NICENESS = 10


def main(arguments: list[str]) -> int:
    """Run one job; return the exit code."""
    threading.Thread(target=_end_with_server, daemon=True).start()
    lower_priority(NICENESS)
    data, job = Path(arguments[0]), int(arguments[1])
    store = Store.open(data)
    try:
        task = Task(store, store.jobs.by_id(job), data, allow_scripts=ALLOW_SCRIPTS in arguments[2:])
        job_function(task.job.kind)(task)
    except (EitkError, ApiError) as error:
        hint = getattr(error, "hint", "")
        print(f"Error: {error}" + (f". {hint}" if hint else ""))
        return 1
    except Exception as error:  # noqa: BLE001 - the edge of the process: every error belongs in the job's log
        if is_disk_full(error):
            print("Error: The disk of the local studio is full: free space on it, then start the job again")
        else:
            traceback.print_exc(file=sys.stdout)
        return 1
    return 0


def _end_with_server() -> None:
    """End this process when its standard input closes, which happens when the server ends or is killed."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
