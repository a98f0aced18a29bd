"""The HTTP interface of a custom processing block, with which Edge Impulse's studio computes summary features.

A block of `eitk features --block FOLDER` has this file as dsp-server.py. It answers `GET /parameters`
with parameters.json, `POST /run` with the features of one window and `POST /batch` with those of many, as Edge
Impulse's own blocks do. An error is an answer with `success` false and the reason. HOST and PORT are environment
variables.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import window_features
from ei_toolkit.errors import DataError

PARAMETERS = "parameters.json"
PORT = 4446  # where Edge Impulse's blocks listen
LARGEST_REQUEST_BYTES = 500 * 2**20
NEEDED = ("features", "sampling_freq", "params")


def run(body: Mapping[str, Any], extractor: str) -> dict[str, Any]:
    """Return the answer to a request for one window. Raises DataError for a body that has no features."""
    _check(body)
    values = window_features(body["features"], float(body["sampling_freq"]), extractor, **body["params"])
    return {"success": True, "features": values.tolist(), "graphs": [], **_labels(extractor)}


def batch(body: Mapping[str, Any], extractor: str) -> dict[str, Any]:
    """Return the answer to a request for many windows. Raises as `run` does."""
    _check(body)
    frequency = float(body["sampling_freq"])
    rows = [window_features(window, frequency, extractor, **body["params"]) for window in body["features"]]
    values = [row.tolist() for row in rows]
    return {"success": True, "features": values, **_labels(extractor)}


def _check(body: Mapping[str, Any]) -> None:
    if missing := [name for name in NEEDED if name not in body]:
        raise DataError(f"the request has no {', '.join(missing)}")
    if len(body.get("axes") or [""]) != 1:
        raise DataError(f"the block takes one axis, and the request has {len(body['axes'])}")


def _labels(extractor: str) -> dict[str, Any]:
    columns = EXTRACTORS[extractor]
    return {"labels": list(columns), "output_config": {"type": "flat", "shape": {"width": len(columns)}}}


class BlockHandler(BaseHTTPRequestHandler):
    """Answers the requests of a studio with the block in `folder`."""

    folder = Path()

    def do_GET(self) -> None:
        """Answer with the parameters, or with the name of the block."""
        described = json.loads((self.folder / PARAMETERS).read_text(encoding="utf-8"))
        if self.path == "/parameters":
            self._answer({**described, "version": 1})
        elif self.path == "/":
            self._answer({"title": described["info"]["title"], "author": described["info"]["author"]})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Answer with features, or with the reason why there are none."""
        actions = {"/run": run, "/batch": batch}
        size = int(self.headers.get("Content-Length") or 0)
        if self.path not in actions or size > LARGEST_REQUEST_BYTES:
            self.send_error(404 if self.path not in actions else 413)
            return
        described = json.loads((self.folder / PARAMETERS).read_text(encoding="utf-8"))
        try:
            body = json.loads(self.rfile.read(size))
            if not isinstance(body, dict):
                raise DataError("the request is no JSON object")
            self._answer(actions[self.path](body, described["info"]["name"]))
        except (DataError, ValueError, TypeError) as error:  # a wrong parameter is a TypeError
            self._answer({"success": False, "error": str(error)})

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line for each request."""

    def _answer(self, data: Mapping[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def block_server(folder: Path, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server for the block in a folder, which does not serve yet; port 0 chooses one."""
    return ThreadingHTTPServer((host, port), type("Handler", (BlockHandler,), {"folder": folder}))


if __name__ == "__main__":
    address = os.environ.get("HOST", "0.0.0.0")
    block_server(Path(__file__).parent, address, int(os.environ.get("PORT", PORT))).serve_forever()
