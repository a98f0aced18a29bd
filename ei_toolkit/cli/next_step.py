"""The order of the steps of a project: after a step, a line on stderr names the command of the next one."""

from __future__ import annotations

from ei_toolkit.cli.environment import Environment

NEXT = {
    "init": "eitk slice",
    "slice": "eitk upload",
    "upload": "eitk impulse apply",
    "impulse apply": "eitk train",
    "train": "eitk build",
    "build": "eitk flash",
    "flash": "eitk tail",
}


def note_next_step(env: Environment, step: str, options: str = "") -> None:
    """Name the command after `step`, with options that it needs as well, to a person at a terminal.

    Nothing is printed with --quiet or --json, when stdout or stderr is not a terminal, or in a workflow.
    """
    console = env.console
    if not env.in_workflow and console.interactive and console.stdout.isatty() and not console.json_output:
        console.note(f"next: {NEXT[step]}{options}")
