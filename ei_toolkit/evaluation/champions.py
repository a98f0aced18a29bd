"""The champion, the earlier champions, and the way back to one of them.

`champion.json` is the champion; it lies beside eitk.toml, because no command can make it again. `champions/` keeps a
copy of each champion that was replaced. A champion names the one that it replaced, so that a rollback never leads to a
champion that was given up.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.lockfile import Lock, lock_of, write_lock
from ei_toolkit.config.parse import parse_table
from ei_toolkit.config.settings import plain
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError, EitkError, MissingStepError, UsageError
from ei_toolkit.evaluation.candidate import Candidate

CHAMPION_NAME = "champion.json"
HISTORY_NAME = "champions"


def champion_file(paths: ProjectPaths) -> Path:
    """Return the path of the champion."""
    return paths.root / CHAMPION_NAME


def read_champion(file: Path) -> Candidate | None:
    """Return the champion, or None before the first promotion. Raises DataError if the file is damaged."""
    if not file.is_file():
        return None
    try:
        stored = read_json(file.read_text(encoding="utf-8"))
        model = base64.b64decode(stored["model"], validate=True)
        if sha256(model).hexdigest() != stored["model_sha256"]:
            raise ValueError("the SHA-256 of the model is not model_sha256")
        settings = parse_table(Settings, stored["settings"], "settings")
        groups = stored.get("trained_groups", ())  # older files have none
        provenance = TrainingProvenance(frozenset(stored["trained_on"]), frozenset(groups))
        return Candidate(model, tuple(stored["labels"]), settings, provenance)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error, EitkError) as error:
        raise DataError(
            f"{file} is damaged",
            why=str(error),
            hint="Restore it from a backup, or move it away.",
        ) from None


def write_champion(file: Path, candidate: Candidate, figures: Mapping[str, Any]) -> None:
    """Write the champion as one file, in one step. `figures` is added for readers; `read_champion` ignores it."""
    stored = {
        "promoted": datetime.now(UTC).isoformat(timespec="seconds"),
        "model_sha256": candidate.sha256,
        "labels": candidate.labels,
        **figures,
        "settings": plain(candidate.settings),
        "trained_on": sorted(candidate.provenance.clips),
        "trained_groups": sorted(candidate.provenance.groups),
        "model": base64.b64encode(candidate.model).decode(),
    }
    write_text(file, json.dumps(stored, indent=1) + "\n")


def promote(paths: ProjectPaths, candidate: Candidate, figures: Mapping[str, Any]) -> None:
    """Make a candidate the champion; a champion before it is kept in `champions/` first."""
    before = _keep(paths)
    write_champion(champion_file(paths), candidate, {**figures, "replaced": before})


def _keep(paths: ProjectPaths) -> str | None:
    """Copy the champion into `champions/`, and return its name there; None before the first champion."""
    file = champion_file(paths)
    if read_champion(file) is None:
        return None
    text = file.read_text(encoding="utf-8")
    name = _name(read_json(text))
    write_text(_kept_file(paths, name), text)
    return name


def _name(stored: Mapping[str, Any]) -> str:
    """Return the name of a champion: when it was promoted, and the first digits of its hash."""
    return f"{re.sub(r'[^0-9T]', '', str(stored.get('promoted', ''))[:19])}-{str(stored['model_sha256'])[:12]}"


def _kept_file(paths: ProjectPaths, name: str) -> Path:
    return paths.root / HISTORY_NAME / f"{name}.json"


@dataclass(frozen=True)
class StoredChampion:
    """A champion of the present or of the past. `accuracy` is the thresholded accuracy at its promotion, if known."""

    name: str
    promoted: str
    model_sha256: str
    accuracy: float | None
    is_champion: bool


def list_champions(paths: ProjectPaths) -> list[StoredChampion]:
    """Return all champions, the oldest first. Raises DataError if a file is damaged."""
    kept = sorted((paths.root / HISTORY_NAME).glob("*.json"))
    found = {one.name: one for one in (_stored(file, is_champion=False) for file in kept)}
    file = champion_file(paths)
    if file.is_file():
        present = _stored(file, is_champion=True)
        found[present.name] = present
    return sorted(found.values(), key=lambda one: one.name)


def _stored(file: Path, *, is_champion: bool) -> StoredChampion:
    if read_champion(file) is None:
        raise DataError(f"there is no {file}", hint="eitk champion list shows the champions that are there.")
    stored = read_json(file.read_text(encoding="utf-8"))
    accuracy = (stored.get("figures") or {}).get("thresholded_accuracy")
    return StoredChampion(_name(stored), stored.get("promoted", ""), stored["model_sha256"], accuracy, is_champion)


@dataclass(frozen=True)
class Rollback:
    """The champion that was given up, the one that was restored, and whether eitk.lock names the latter's build."""

    given_up: StoredChampion
    restored: StoredChampion
    is_pinned: bool


def roll_back(paths: ProjectPaths, name: str | None = None, *, dry_run: bool = False) -> Rollback:
    """Restore the champion that the present one has replaced, or the one of this name; the present one is kept.

    champion.json is written last: interrupted before that, the same call does the whole again. Raises MissingStepError
    if there is no champion or none before it, UsageError for a name that is not there or is the present champion's,
    and DataError if a file is damaged.
    """
    file = champion_file(paths)
    if not file.is_file():
        raise MissingStepError("there is no champion yet", hint="eitk gate")
    present = _stored(file, is_champion=True)
    if name is not None:
        _check_name(paths, name, present)
    target = _kept_file(paths, _replaced(file) if name is None else name)
    restored = _stored(target, is_champion=False)
    if dry_run:
        return Rollback(present, restored, find_build(paths, target) is not None)
    _keep(paths)
    is_pinned = pin_champion(paths, target)
    write_text(file, target.read_text(encoding="utf-8"))
    return Rollback(present, restored, is_pinned)


def _replaced(file: Path) -> str:
    """Return the name of the champion that the one in `file` has replaced."""
    name = read_json(file.read_text(encoding="utf-8")).get("replaced")
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
        raise MissingStepError("there is no champion before the present one", hint="eitk champion list")
    return name


def _check_name(paths: ProjectPaths, name: str, present: StoredChampion) -> None:
    names = [one.name for one in list_champions(paths) if not one.is_champion]
    if name == present.name:
        raise UsageError(f"--to: {name} is the present champion", hint="eitk champion list")
    if name not in names:
        raise UsageError(f"--to: there is no champion {name}", hint="eitk champion list")


def pin_champion(paths: ProjectPaths, file: Path) -> bool:
    """Let eitk.lock name the build of the champion in `file`; return False, and change nothing, where it is not there.

    Raises DataError if the file of the champion is damaged.
    """
    lock = find_build(paths, file)
    if lock is not None:
        write_lock(paths.lock, lock)
    return lock is not None


def find_build(paths: ProjectPaths, file: Path) -> Lock | None:
    """Return the pinned deployment of the champion in `file`, or None where its library or model is not there."""
    if (champion := read_champion(file)) is None:
        return None
    table = read_json(file.read_text(encoding="utf-8")).get("lock")  # older files have none
    if not isinstance(table, dict):
        return None
    lock = lock_of(table, file)
    built = [(paths.root / lock.zip, lock.zip_sha256), (paths.root / lock.model, champion.sha256)]
    is_there = all(path.is_file() and sha256(path.read_bytes()).hexdigest() == digest for path, digest in built)
    return lock if is_there else None
