"""Build hook: write the man page eitk(1) from the help of the commands, and add it to the wheel.

It needs nothing but the standard library and hatchling, so that the wheel can be built in an empty environment.
"""

from __future__ import annotations

import json
import re
import runpy
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
HELP = ROOT / "ei_toolkit" / "cli" / "help_pages.json"
SUMMARY = "audio classifiers on microcontrollers, with the Edge Impulse API or entirely offline"
DESCRIPTION = (
    "eitk takes a folder of sound clips through the Edge Impulse API to a classifier on an Arduino Nano 33 BLE Sense."
    " The local studio, a server that implements this API on the same machine, runs the whole workflow offline.",
    "Every command also takes --json, --quiet, --verbose, --debug and -o KEY=VALUE, which sets one value of eitk.toml.",
)
ENVIRONMENT = (
    ("EI_API_KEY", "The key of the Edge Impulse project; otherwise the keyring of the system is read."),
    ("EITK_TABLE_KEY", "A setting, such as EITK_TRAINING_EPOCHS for training.epochs."),
    ("NO_COLOR", "No colours."),
)
FILES = (
    ("eitk.toml", "The settings of a project, in its folder or one above."),
    ("eitk.lock", "The deployment that the project uses, by version and hash."),
    (".eitk/", "Windows, the local studio, builds and runs: everything that a command can make again."),
)


class ManPageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the man page to the data files of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the page and name it among the files of the wheel."""
        if self.target_name != "wheel" or version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="eitk-man-")  # removed with this hook
        file = Path(self._folder.name) / "eitk.1"
        file.write_text(man_page(self.metadata.version), encoding="utf-8")
        build_data["shared_data"][str(file)] = "share/man/man1/eitk.1"


def man_page(version: str) -> str:
    """Return eitk(1) in the macros of man(7)."""
    pages: dict[str, Any] = json.loads(HELP.read_text(encoding="utf-8"))
    codes: Mapping[int, str] = runpy.run_path(str(ROOT / "ei_toolkit" / "errors.py"))["EXIT_CODES"]
    lines = [
        f'.TH EITK 1 "" "eitk {version}" "User Commands"',
        ".SH NAME", f"eitk \\- {roff(SUMMARY)}",
        ".SH SYNOPSIS", ".B eitk", "[OPTIONS] COMMAND [ARGUMENTS]",
        ".SH DESCRIPTION", *paragraphs("\n\n".join(DESCRIPTION)),
        ".SH COMMANDS", *(line for name, page in pages.items() for line in command(f"eitk {name}", page)),
        ".SH EXIT STATUS", *(line for code, text in codes.items() for line in item(str(code), text)),
        ".SH ENVIRONMENT", *(line for name, text in ENVIRONMENT for line in item(name, text)),
        ".SH FILES", *(line for name, text in FILES for line in item(name, text)),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def command(path: str, page: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section of a command and those of its subcommands."""
    yield f".SS {roff(' '.join([path, *page['usage']]))}"
    yield from paragraphs(page["help"] or "")
    for name, text in [*page["Arguments"], *page["Options"]]:
        if name != "--help":
            yield from item(name, text)
    for name, below in page.get("commands", {}).items():
        yield from command(f"{path} {name}", below)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a text, each on one line."""
    for paragraph in text.split("\n\n"):
        yield ".PP"
        yield roff(" ".join(paragraph.split()))


def item(name: str, text: str) -> Iterator[str]:
    """Yield an entry of a list: a name in bold, and its text."""
    yield from (".TP", f"\\fB{roff(name)}\\fR", roff(" ".join(text.split())))


def roff(text: str) -> str:
    """Return a text in ASCII, without what roff would read as a request or an escape."""
    escaped = re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"))
    return re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", escaped)
