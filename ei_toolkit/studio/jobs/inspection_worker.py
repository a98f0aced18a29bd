"""An inspection worker: `python -m ei_toolkit.studio.jobs.inspection_worker` reads uploaded files in bounded memory.

It has a low priority, so that uploads do not delay other requests. See `compute_client` for the format of requests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ei_toolkit.studio.jobs.inspection import inspect_content
from ei_toolkit.studio.jobs.responder import serve
from ei_toolkit.studio.store.packs import ByteRange

NICENESS = 10
MEMORY_BYTES = 192 * 2**20  # for one file, beside the about 60 MB of the process itself


def inspect(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an uploaded file contains. Raises ApiError, and MemoryError if reading takes too much memory."""
    with_memory(MEMORY_BYTES)
    content = ByteRange.from_json(request["content"]).read()
    return inspect_content(content, request["format"], request["name"], request["hmac_key"])


def with_memory(size: int) -> None:
    """Limit the memory that this process may have in addition to its present one, where the system can."""
    if sys.platform != "linux":
        return
    import resource  # not on Windows

    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    present = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = present + size if hard == resource.RLIM_INFINITY else min(present + size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


if __name__ == "__main__":
    os.nice(NICENESS)
    serve({"inspect": inspect})
