"""Check the form of CHANGELOG.md (Keep a Changelog 1.1.0), or give the unreleased changes a version.

scripts/changelog.py                       check the form
scripts/changelog.py 0.2.0 2026-12-01      put what is unreleased under the version 0.2.0
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
UNRELEASED = "## [Unreleased]\n"
VERSION = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def faults(text: str) -> Iterator[str]:
    """Yield each deviation of a change log from the format, as a sentence."""
    if not text.startswith("# Changelog\n"):
        yield "the first line is not '# Changelog'"
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if titles[:1] != ["[Unreleased]"]:
        yield "the first version is not '[Unreleased]'"
    numbers = []
    for title in titles[1:]:
        if match := VERSION.fullmatch(title):
            numbers.append(tuple(map(int, match.groups()[:3])))
        else:
            yield f"'## {title}' is not '## [MAJOR.MINOR.PATCH] - YYYY-MM-DD'"
    if numbers != sorted(set(numbers), reverse=True):
        yield "the versions are not in descending order"
    for title, version in zip(titles, re.split(r"^## .*\n", text, flags=re.MULTILINE)[1:], strict=True):
        yield from (f"{title}: {fault}" for fault in _faults_of_version(version))


def _faults_of_version(text: str) -> Iterator[str]:
    before, *rest = re.split(r"^### (.*)\n", text, flags=re.MULTILINE)
    if re.search(r"^\* ", before, re.MULTILINE):
        yield "an entry stands above the first section"
    names = rest[::2]
    if names != [name for name in SECTIONS if name in names]:
        yield f"the sections {', '.join(names)} are not, once each and in this order, of {', '.join(SECTIONS)}"
    for name, entries in zip(names, rest[1::2], strict=True):
        if not entries.startswith("\n* "):
            yield f"the section {name} does not begin with an empty line and an entry"
        if odd := [line for line in entries.splitlines() if line and not line.startswith(("* ", "  "))]:
            yield f"in the section {name}, {odd[0]!r} is neither an entry nor a continuation"


def released(text: str, version: str, date: str) -> str:
    """Return the change log in which the unreleased changes have a version.

    Raises:
        ValueError: nothing is unreleased.
    """
    before, after = text.split(UNRELEASED)
    if not re.match(r"\s*### ", after):
        raise ValueError("CHANGELOG.md has no entry under [Unreleased]")
    return f"{before}{UNRELEASED}\n## [{version}] - {date}\n{after}"


def main(arguments: list[str]) -> int:
    """Check the change log, or write the one of a release; return the exit code."""
    text = FILE.read_text(encoding="utf-8")
    found = list(faults(text))
    if not found and len(arguments) == 2:
        try:
            FILE.write_text(released(text, *arguments), encoding="utf-8")
        except ValueError as error:
            found = [str(error)]
    for fault in found:
        print(f"CHANGELOG.md: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
