"""`eitk card`: a model card, filled from what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("card")(card)


def card(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("MODEL_CARD.md"),
) -> None:
    """Write a model card (Markdown with Hugging Face's front matter) from the windows, the lock and the runs."""
    from ei_toolkit.report.card import model_card
    from ei_toolkit.report.facts import gather_facts
    from ei_toolkit.report.write import write_text

    env = Environment.of(context)
    text = model_card(gather_facts(env.config()))
    write_text(env.cwd / output, text)
    env.console.result({"card": str(env.cwd / output), "text": text}, f"wrote {env.cwd / output}")
