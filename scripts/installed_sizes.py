"""Print the installed size of eitk without extras and with each extra, as a table for docs/installation.md.

Sizes are those of the files of this environment (the tested versions), each package and what it requires counted once.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MIB = 1 << 20


def main() -> None:
    """Print one row for each extra."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    print("| installation | packages | size |\n|---|---|---|")
    for name in ("", *sorted(extras)):
        required = closure([*project["dependencies"], *extras.get(name, ())], extras)
        missing = sorted(one for one in required if not is_installed(one))
        found = f"{size(required)} MiB" if not missing else f"not installed here: {', '.join(missing)}"
        print(f"| `eitk{f'[{name}]' if name else ''}` | {len(required)} | {found} |")


def closure(texts: Iterable[str], extras: Mapping[str, Sequence[str]]) -> set[str]:
    """Return all packages that some requirements need; `extras` are those of eitk itself."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(text, "") for text in texts]
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if (requirement.marker and not requirement.marker.evaluate({"extra": extra})) or (text, extra) in seen:
            continue
        seen.add((text, extra))
        if name == "eitk":
            waiting += [(one, "") for own in requirement.extras for one in extras[own]]
            continue
        found.add(name)
        further = importlib.metadata.distribution(name).requires or [] if is_installed(name) else []
        waiting += [(one, own) for one in further for own in ("", *requirement.extras)]
    return found


def is_installed(name: str) -> bool:
    """Whether this environment has a package."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def size(names: Iterable[str]) -> int:
    """Return the MiB of the files of some packages."""
    files = {
        Path(str(file.locate()))
        for name in names
        for file in importlib.metadata.distribution(name).files or []
        if file.suffix != ".pyc"
    }
    return round(sum(file.stat().st_size for file in files if file.is_file()) / MIB)


if __name__ == "__main__":
    main()
