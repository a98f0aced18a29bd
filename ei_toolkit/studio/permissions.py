"""What each role of an API key allows: the one table for both services and the live log.

Roles as Edge Impulse has them: `admin` everything; `readonly` reads; `ingestiononly` uploads; `ingestion_deployment`
uploads, builds and downloads. Every role may read what its key allows and which project it is for. Each route declares
its permission (`http/request.py`); docs/permissions.md lists them, and a test compares the list with the responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ei_toolkit.studio.store.keys import ROLES, Role

Permission = Literal["identify", "read", "read builds", "upload", "build", "administer"]
PERMISSIONS: Mapping[Permission, tuple[Role, ...]] = {
    "identify": ROLES,
    "read": ("admin", "readonly"),
    "read builds": ("admin", "readonly", "ingestion_deployment"),
    "upload": ("admin", "ingestiononly", "ingestion_deployment"),
    "build": ("admin", "ingestion_deployment"),
    "administer": ("admin",),
}
LIVE_EVENTS: Mapping[str, Permission] = {"start-log-stream": "read builds", "job-cancel": "build"}
"""The events that a client of the live log sends; others are ignored."""
STREAM_PERMISSION: Permission = "administer"
"""What a client needs to receive the debug streams of devices, which only this permission starts."""


def allows(role: Role, permission: Permission) -> bool:
    """Return whether a role has a permission."""
    return role in PERMISSIONS[permission]
