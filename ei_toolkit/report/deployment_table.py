"""The pinned deployment as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.report.tables import Table


def deployment_table(lock: Mapping[str, Any]) -> Table:
    """What eitk.lock holds."""
    rows = (
        ("version", lock["deployment_version"]),
        ("target", lock["target"]),
        ("engine", f"{lock['engine']}, {lock['model_type']}"),
        ("library", lock["zip"]),
        ("model", lock["model"]),
        ("model hash", lock["model_sha256"][:12]),
    )
    return Table("library", ("", ""), rows)
