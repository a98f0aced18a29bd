"""Pages do not lie: links lead somewhere, commands and options that are named exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from ei_toolkit.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


def commands() -> dict[str, set[str]]:
    """Every command, `runs list` as well as `runs`, with its options."""
    root = typer.main.get_command(app)
    shared = {"--json", "--quiet", "--verbose", "--debug", "--help", "-q", "-v", "-C", "-o"}
    found: dict[str, set[str]] = {"": {option for parameter in root.params for option in parameter.opts} | shared}
    waiting = list(root.commands.items())  # type: ignore[attr-defined]
    while waiting:
        name, command = waiting.pop()
        found[name] = shared | {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        waiting += [(f"{name} {key}", child) for key, child in getattr(command, "commands", {}).items()]
    return found


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_and_options_exist(page: Path) -> None:
    known = commands()
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^\$ (.*)$", text, re.MULTILINE)
    for line in code:
        for call in re.findall(r"\beitk ((?:[a-z-]+ ?)+[^#|&`]*)", line):
            words = call.split()
            names = [" ".join(words[:length]) for length in (3, 2, 1)]
            name = next((name for name in names if name in known), words[0])
            if name == "COMMAND" or words[0].startswith("-"):
                continue
            assert name in known, f"{page.name}: eitk {call}"
            for option in re.findall(r"(?<!\S)(--?[a-z][\w-]*)", call):
                assert option in known[name], f"{page.name}: eitk {call}"
