"""Projects as Edge Impulse describes them."""

from __future__ import annotations

from typing import Any

from ei_toolkit.studio.store.projects import Project

OWNER = "local"


def project_summary(project: Project) -> dict[str, Any]:
    """A `Project`."""
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "created": project.created,
        "lastModified": project.modified,
        "owner": OWNER,
        "ownerIsDeveloperProfile": True,
        "collaborators": [],
        "labelingMethod": project.settings.get("labelingMethod", "single_label"),
        "metadata": project.settings.get("metadata", {}),
        "isEnterpriseProject": False,
        "whitelabelId": None,
        "tags": list(project.settings.get("tags", [])),
        "tier": "free",
        "hasPublicVersion": False,
        "isPublic": False,
        "allowsLivePublicAccess": False,
        "indPauseProcessingSamples": False,
        "publicProjectListed": False,
    }
