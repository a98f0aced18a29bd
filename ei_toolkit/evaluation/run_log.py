"""The log of a project's runs: settings, windows, code version and results of each, and how to compare them."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from ei_toolkit.config import Config, ProjectPaths
from ei_toolkit.config.code_version import code_version
from ei_toolkit.config.settings import plain
from ei_toolkit.config.sqlite_errors import sqlite_errors
from ei_toolkit.config.units import kib, percent
from ei_toolkit.dataset.manifest import manifest_hash
from ei_toolkit.errors import UsageError
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, TOP_1, thresholded_name

Kind = Literal["train", "evaluation", "build", "flash", "verify", "gate"]
KINDS: tuple[str, ...] = get_args(Kind)
NOT_THE_MODEL = ("studio", "board", "tune")  # tables of eitk.toml that do not change the model

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    created TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    code_version TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    metrics TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Run:
    """One row. `fingerprint` is the same for two runs of the same settings, windows and code."""

    id: int
    created: str
    kind: str
    config: Mapping[str, Any]
    data_hash: str
    code_version: str
    fingerprint: str
    metrics: Mapping[str, Any]


def record_run(config: Config, kind: Kind, metrics: Mapping[str, Any]) -> Run:
    """Add a row for a step that was completed in this project, and return it.

    `metrics` are the results as JSON values, possibly nested; the settings of -o are added as `options`. Raises
    DataError where the file is not a database.
    """
    data, created = data_hash(config.paths), datetime.now(UTC).isoformat(timespec="seconds")
    row = (
        created, kind, json.dumps(plain(config.settings)), data, code_version(), fingerprint(config),
        json.dumps({**metrics, "options": dict(config.options)} if config.options else metrics, sort_keys=True),
    )  # fmt: skip
    with _open(config.paths.runs) as db:
        cursor = db.execute(
            "INSERT INTO runs (created, kind, config, data_hash, code_version, fingerprint, metrics)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        return _run(db.execute("SELECT * FROM runs WHERE id = ?", (cursor.lastrowid,)).fetchone())


def list_runs(paths: ProjectPaths, kind: str | None = None) -> list[Run]:
    """Return the project's runs, oldest first, or those of one kind; none where there is no database."""
    if kind is not None and kind not in KINDS:
        raise UsageError(f"there is no kind of run {kind!r}", hint="Kinds: " + ", ".join(KINDS))
    if not paths.runs.is_file():
        return []
    with _open(paths.runs) as db:
        rows = db.execute("SELECT * FROM runs WHERE ? IS NULL OR kind = ? ORDER BY id", (kind, kind)).fetchall()
    return [_run(row) for row in rows]


def find_run(paths: ProjectPaths, number: int) -> Run:
    """Return a run by its number. Raises UsageError where there is none."""
    for run in list_runs(paths):
        if run.id == number:
            return run
    raise UsageError(f"there is no run {number}", hint="eitk runs list shows the runs of this project.")


def find_same(config: Config, kind: Kind) -> Run | None:
    """Return the latest run of this kind with the present settings, windows and code."""
    present = fingerprint(config)
    return next((run for run in reversed(list_runs(config.paths, kind)) if run.fingerprint == present), None)


def fingerprint(config: Config) -> str:
    """Return 12 hex digits of a hash of all that determines a model: settings, windows and code."""
    settings = {key: value for key, value in plain(config.settings).items() if key not in NOT_THE_MODEL}
    whole = json.dumps([settings, data_hash(config.paths), code_version()], sort_keys=True)
    return sha256(whole.encode()).hexdigest()[:12]


def data_hash(paths: ProjectPaths) -> str:
    """`manifest_hash` of the project, which covers the hash of every window; empty before `eitk slice`."""
    return manifest_hash(paths.manifest) if paths.manifest.is_file() else ""


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    file.parent.mkdir(parents=True, exist_ok=True)
    moved = "Move the file away; it contains only the history of runs."
    with sqlite_errors(file, if_damaged=moved, then="run the command again"):
        db = sqlite3.connect(file, timeout=30.0)
        db.row_factory = sqlite3.Row
        try:
            with db:
                db.execute(SCHEMA)
                yield db
        finally:
            db.close()


def _run(row: sqlite3.Row) -> Run:
    values = dict(row)
    values["config"], values["metrics"] = json.loads(values["config"]), json.loads(values["metrics"])
    return Run(**values)


Scalar = str | int | float | bool | None
PRIMARY_METRICS: Mapping[str, str] = {
    "clean.track_accuracy": CLIP_ACCURACY,
    "clean.window_accuracy": TOP_1,
    "clean.thresholded_accuracy": thresholded_name(None),
    "accuracy": thresholded_name(None),
    "top_1_accuracy": TOP_1,
    "test.int8.thresholded_accuracy": thresholded_name(None),
    "test.int8.top_1_accuracy": TOP_1,
    "validation.int8.top_1_accuracy": f"validation {TOP_1}",
    "test.int8.accuracy": "test accuracy",  # of runs before 0.3, which do not have the names above
    "validation.int8.accuracy": "validation accuracy",
}
"""The accuracies that describe the model of a run, most important first, with the names under which they are shown."""
SECONDARY_PREFIXES = ("baselines.", "conditions.", "history.")  # compared with the model's own accuracy


def flatten(node: Any, prefix: str = "") -> Iterator[tuple[str, Scalar]]:
    """Yield the values of nested tables and lists with their dotted keys."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(node, (list, tuple)):
        for i, value in enumerate(node):
            yield from flatten(value, f"{prefix}.{i}")
    else:
        yield prefix, node


def differences(runs: Sequence[Run]) -> dict[str, list[Scalar]]:
    """Return settings, windows and code that differ between the runs: key -> one value per run."""
    tables = [
        dict(flatten(run.config)) | {"windows": run.data_hash[:12], "code": run.code_version} for run in runs
    ]  # fmt: skip
    rows = _columns(tables)
    return {key: values for key, values in rows.items() if len(set(map(repr, values))) > 1}


def metrics(runs: Sequence[Run]) -> dict[str, list[Scalar]]:
    """Return all metrics of all runs: key -> one value per run, None where a run does not have it."""
    return _columns([dict(flatten(run.metrics)) for run in runs])


def to_csv(runs: Sequence[Run]) -> str:
    """Return CSV: a line for each run, a column for every setting and metric that any of them has."""
    rows = [
        {"id": run.id, "created": run.created, "kind": run.kind, "data_hash": run.data_hash, "code": run.code_version}
        | {f"config.{key}": value for key, value in flatten(run.config)}
        | {f"metrics.{key}": value for key, value in flatten(run.metrics)}
        for run in runs
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def short_result(run: Run) -> str:
    """Return the verdict of a gate, else the headline accuracies by name, else version and size, else some numbers."""
    if verdict := run.metrics.get("verdict"):
        return str(verdict)
    numbers = {key: value for key, value in flatten(run.metrics) if isinstance(value, (int, float))}
    named = [f"{name} {percent(numbers[key])}" for key, name in PRIMARY_METRICS.items() if key in numbers]
    if named:
        return ", ".join(named[:2])
    if described := _version_and_size(run.metrics):
        return described
    accuracies = sorted((key for key in numbers if key.endswith("accuracy")), key=_is_secondary)
    return ", ".join(f"{key} {_short(numbers[key])}" for key in (accuracies or list(numbers))[:3])


def _version_and_size(found: Mapping[str, Any]) -> str:
    """Return what a build or an image is: its deployment, its memory and the start of the hash of its model."""
    parts = [f"deployment {found['deployment_version']}"] if "deployment_version" in found else []
    sizes = (("flash", "flash_bytes"), ("RAM", "ram_bytes"))
    parts += [f"{name} {kib(found[key])}" for name, key in sizes if isinstance(found.get(key), int | float)]
    return ", ".join(
        [*parts, *([f"model {found['model_sha256'][:12]}"] if parts and found.get("model_sha256") else [])]
    )


def _is_secondary(key: str) -> bool:
    return key.startswith(SECONDARY_PREFIXES)


def _short(value: float) -> str:
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _columns(tables: Sequence[Mapping[str, Scalar]]) -> dict[str, list[Scalar]]:
    keys = dict.fromkeys(key for table in tables for key in table)
    return {key: [table.get(key) for table in tables] for key in keys}
