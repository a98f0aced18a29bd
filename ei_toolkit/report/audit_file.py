"""The last audit of the project's windows, kept beside them for the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ei_toolkit.config import ProjectPaths
from ei_toolkit.report.runs import data_hash
from ei_toolkit.report.write import write_text

AUDIT_NAME = "audit.json"


def keep_audit(paths: ProjectPaths, data: Mapping[str, Any], text: str) -> None:
    """Write what `eitk dataset audit` found, with the hash of the windows that it is about."""
    kept = {"data_hash": data_hash(paths), "text": text, "audit": data}
    write_text(paths.state / AUDIT_NAME, json.dumps(kept, indent=1) + "\n")


def read_audit(paths: ProjectPaths) -> str | None:
    """The text of the last audit; None where there is none of the present windows."""
    try:
        kept = json.loads((paths.state / AUDIT_NAME).read_text(encoding="utf-8"))
        return str(kept["text"]) if kept["data_hash"] == data_hash(paths) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
