"""`eitk card`: Write a model card in Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.report.cards import model_card
from ei_toolkit.report.project_summary import gather_summary


def card(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("MODEL_CARD.md"),
) -> None:
    """Write a model card in Markdown.

    The card has the front matter of Hugging Face and is filled from the windows, eitk.lock and the runs.
    """
    env = Environment.of(context)
    text = model_card(gather_summary(env.config()))
    write_text(check_output(env.cwd / output), text)
    env.console.result({"card": str(env.cwd / output), "text": text}, f"wrote {env.cwd / output}")
