"""The loop of a worker process: requests as lines of JSON on the standard input, responses on the standard output.

See `compute_client` for the format.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from ei_toolkit.errors import EitkError
from ei_toolkit.studio.http.errors import ApiError

Request = Mapping[str, Any]
Operations = Mapping[str, Callable[[Request], Any]]


def respond(operations: Operations, request: Request) -> dict[str, Any]:
    """Return the result of a request, or an error message for the client of the API."""
    try:
        return {"result": operations[request["operation"]](request)}
    except (EitkError, ApiError) as error:
        return {"error": str(error)}
    except FileNotFoundError:
        return {"error": "The requested content is not stored any more: delete the sample and upload it again"}
    except MemoryError:
        return {"error": "Reading the file takes more memory than the studio allows: split it into smaller files"}
    except Exception:  # noqa: BLE001 - the edge of the process: a failed computation must not end the worker
        traceback.print_exc(file=sys.stderr)
        return {"error": "The computation failed; see the log of the studio"}


def serve(operations: Operations) -> None:
    """Respond to requests until the standard input closes or the standard output is not read any more."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    write_responses(operations, lines, sys.stdout.buffer)
    os._exit(0)  # closing the standard output at a normal exit would report that it is not read


def write_responses(operations: Operations, lines: queue.SimpleQueue[bytes], output: BinaryIO) -> None:
    """Respond to each request; return when the reader of `output`, the server, has ended."""
    with contextlib.suppress(BrokenPipeError):
        while True:
            response = respond(operations, json.loads(lines.get()))
            output.write(json.dumps(response).encode() + b"\n")
            output.flush()


def _read_lines(lines: queue.SimpleQueue[bytes]) -> None:
    """Queue requests. At the end of the input the server has ended: end this process, even during a computation."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)
