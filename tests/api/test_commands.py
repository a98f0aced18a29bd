"""What a command can, the Python API can: each command has a public name, or a reason why it has none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest
from typer.core import TyperGroup

import ei_toolkit as eitk
from ei_toolkit.cli.commands import COMMANDS, load_command

NAMES = {
    "init": "create_project", "config show": "Project.to_dict", "config get": "Project.settings",
    "config check": "open_project", "dataset synth": "synthesize_clips", "slice": "slice_clips",
    "features": "summary_features", "upload": "StudioClient.upload_folder", "samples list": "StudioClient.samples",
    "samples count": "StudioClient.samples", "impulse apply": "StudioClient.apply_impulse",
    "impulse diff": "StudioClient.apply_impulse", "impulse pull": "StudioClient.pull_impulse",
    "samples pull": "StudioClient.download_samples", "samples delete": "StudioClient.delete_samples",
    "train": "StudioClient.train", "test": "StudioClient.test", "profile": "StudioClient.profile",
    "build": "StudioClient.build", "studio stop": "stop_studio", "boards": "find_boards", "board stop": "stop_board",
    "flash": "flash", "play": "play", "tail": "predictions", "verify": "verify_board", "record": "record",
    "classify": "classify", "compress": "compress", "evaluate": "evaluate", "gate": "gate",
    "champion list": "list_champions",
    "champion rollback": "restore_champion", "tune": "tune", "tune resume": "tune", "tune show": "read_search",
    "tune apply": "apply_trial", "runs list": "list_runs", "runs show": "Runs.metrics", "runs compare": "Runs.to_frame",
    "runs export": "Runs.to_dict", "report": "write_report", "card": "write_card", "eon compile": "compile_model",
    "eon check": "check_model", "eon profile": "profile_model", "eon run": "run_model", "calibrate": "calibrate",
}  # fmt: skip
"""The public name that does what a command does, or its main part."""
SEQUENCE = "a sequence of other commands, which have names"
UPKEEP = "upkeep of files on this machine, which no step of the pipeline needs"
SERVER = "runs or administers a server or a board until it is interrupted"
INTERACTIVE = "shows or asks something at a terminal or in a browser"
MANUAL = "shows or changes a single job or value by hand; the official client and eitk.toml do the same"
REASONS = {
    "demo": SEQUENCE, "nightly": SEQUENCE,
    "clean": UPKEEP, "doctor": UPKEEP, "dataset fetch": UPKEEP, "dataset verify": UPKEEP, "board check": UPKEEP,
    "studio serve": SERVER, "studio keys": SERVER, "studio export": SERVER, "studio import": SERVER,
    "studio projects": SERVER, "studio status": SERVER, "connect": SERVER, "rerecord": INTERACTIVE,
    "studio open": INTERACTIVE, "login": INTERACTIVE, "logout": INTERACTIVE, "help": INTERACTIVE,
    "explore": INTERACTIVE, "dataset audit": INTERACTIVE, "dataset card": INTERACTIVE, "runs seen": INTERACTIVE,
    "config set": MANUAL, "config schema": MANUAL, "samples diff": MANUAL, "impulse show": MANUAL,
    "jobs list": MANUAL, "jobs follow": MANUAL, "jobs cancel": MANUAL,
}  # fmt: skip


def command_names() -> Iterator[str]:
    for name in COMMANDS:
        command: Any = load_command(name)
        yield from (f"{name} {each}" for each in command.commands) if isinstance(command, TyperGroup) else (name,)
        if name == "tune":
            yield name


def test_every_command_has_a_public_name_or_a_reason() -> None:
    assert set(command_names()) == set(NAMES) | set(REASONS)
    assert not set(NAMES) & set(REASONS)


@pytest.mark.parametrize("name", sorted(set(NAMES.values())))
def test_the_public_name_exists(name: str) -> None:
    first, *attributes = name.split(".")
    assert first in eitk.__all__
    assert reduce(getattr, attributes, getattr(eitk, first)).__doc__
