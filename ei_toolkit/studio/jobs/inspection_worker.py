"""An inspection worker: `python -m ei_toolkit.studio.jobs.inspection_worker` reads uploaded files in bounded memory.

It has a low priority, so that uploads do not delay other requests. See `compute_client` for the format of requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.studio.jobs.inspection import inspect_content
from ei_toolkit.studio.jobs.responder import serve
from ei_toolkit.studio.store.packs import ByteRange
from ei_toolkit.system import limit_memory, lower_priority

NICENESS = 10
MEMORY_BYTES = 192 * 2**20  # for one file, beside the about 60 MB of the process itself


def inspect(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an uploaded file contains. Raises ApiError, and MemoryError if reading takes too much memory."""
    limit_memory(MEMORY_BYTES)
    content = ByteRange.from_json(request["content"]).read()
    return inspect_content(content, request["format"], request["name"], request["hmac_key"])


if __name__ == "__main__":
    lower_priority(NICENESS)
    serve({"inspect": inspect})
