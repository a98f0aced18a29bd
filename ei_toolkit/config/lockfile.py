"""eitk.lock: the one deployment that this project runs, pinned by version and by hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.untrusted_toml import read_toml
from ei_toolkit.errors import ConfigurationError, DataError

HEADER = "# Written by eitk build; keep it in version control: it identifies the model that the boards run.\n"


@dataclass(frozen=True)
class Lock:
    """A pinned deployment; hashes are SHA-256 in hex.

    `zip` is its file, the zip of a library or a program; it and `model` are relative to the project folder.
    """

    deployment_version: int
    impulse: int
    engine: str
    model_type: str
    target: str
    zip: str
    zip_sha256: str
    model: str
    model_sha256: str
    created: str

    def zip_path(self, root: Path) -> Path:
        """The file of the deployment in the project at `root`. Raises DataError where it is gone."""
        return _present(root / self.zip)

    def model_path(self, root: Path) -> Path:
        """The int8 .tflite in the project at `root`. Raises DataError where it is gone."""
        return _present(root / self.model)


def read_lock(path: Path) -> Lock | None:
    """The lock at `path`; None where there is none.

    Raises ConfigurationError where the file is damaged.
    """
    try:
        table = read_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from None
    return lock_of(table, path)


def write_lock(path: Path, lock: Lock) -> None:
    """Write `lock` to `path` in one step."""
    import tomlkit

    document = tomlkit.document()
    document.update(asdict(lock))
    write_text(path, HEADER + tomlkit.dumps(document))


def lock_of(table: Mapping[str, Any], path: Path) -> Lock:
    """Return the lock of a table that is stored in `path`. Raises ConfigurationError where a value is missing."""
    values: dict[str, Any] = {}
    for field in fields(Lock):
        value = table.get(field.name)
        wanted = int if field.type == "int" else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise _damaged(path, f"{field.name} is missing or not a {wanted.__name__}")
        values[field.name] = value
    return Lock(**values)


def _damaged(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be read", why=why, hint="Make it anew with: eitk build")


def _present(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path} is not there", why="eitk.lock names it", hint="Download it again with: eitk build")
    return path
