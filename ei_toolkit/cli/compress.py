"""`eitk compress`: Make a network smaller and faster, and compare the variants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from ei_toolkit.api.compressing import compress_network
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.compression.data import project_data, read_data, with_teachers
from ei_toolkit.compression.request import METHODS, CompressionPlan
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.setting import FRACTIONS
from ei_toolkit.errors import UsageError
from ei_toolkit.report.compression_tables import (
    compression_markdown,
    compression_notes,
    compression_table,
    published_table,
)

SUFFIXES = (".html", ".md", ".json")
DEFAULTS = CompressionPlan()


def compress(
    context: typer.Context,
    model: Annotated[
        Path | None, typer.Option(help="Network, .keras; default: that of eitk.toml, which is trained first.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Windows, .npz with features, labels, clips, groups, split; default: the project's."),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Model (.tflite), or scores of clips by any model (.npz), which the network learns. Repeat for the"
            " mean of several."
        ),
    ] = None,
    methods: Annotated[str, typer.Option(help=f"Some of {', '.join(METHODS)}, separated by commas.")] = ",".join(
        METHODS
    ),
    sparsity: Annotated[
        float, typer.Option(min=FRACTIONS.low, max=FRACTIONS.high, help="Share of weights that pruning sets to zero.")
    ] = DEFAULTS.sparsity,
    instructions: Annotated[
        float,
        typer.Option(min=FRACTIONS.low, max=FRACTIONS.high, help="Share of instructions that channel pruning leaves."),
    ] = DEFAULTS.instructions,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of training after a change.")] = DEFAULTS.epochs,
    learning_rate: Annotated[float, typer.Option(min=0, help="First learning rate of it.")] = DEFAULTS.learning_rate,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the result as .html, .md or .json.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder for the .tflite of each variant; default: .eitk/compressed.")
    ] = None,
) -> None:
    """Make a network smaller and faster, and compare the variants.

    The methods are int8 after training, training with the roundings of int8, magnitude pruning, channel pruning, and
    training with the scores of a teacher. The table has size, instructions, RAM and accuracy on testing windows.
    """
    env = Environment.of(context)
    file = check_output(env.cwd / output, SUFFIXES) if output else None
    named = tuple(name.strip() for name in methods.split(",") if name.strip())
    plan = CompressionPlan(named, sparsity, instructions, epochs, learning_rate)
    config = env.config()
    for path in (model, data, *(teacher or ())):
        if path and not (env.cwd / path).is_file():
            raise UsageError(f"there is no file {path}")
    windows = read_data(env.cwd / data) if data else project_data(config)
    windows = with_teachers(windows, [env.cwd / one for one in teacher or ()])
    target = env.cwd / folder if folder else config.paths.compressed
    with env.console.progress("compressing", len(named) + 2) as progress:
        found = compress_network(
            config, env.cwd / model if model else None, windows, plan, target,
            lambda now: progress.to(now.done, now.text),
        )  # fmt: skip
    everything = found.to_dict()
    if file:
        write_text(file, _report(file, config.settings.project.name, everything))
    notes = map(Text, compression_notes(everything))
    env.console.result(everything, Group(compression_table(everything).rich(), *notes, published_table().rich()))


def _report(file: Path, project: str, data: dict[str, object]) -> str:
    if file.suffix == ".html":
        from ei_toolkit.report.html.page import build_compression_page  # Jinja2, for this file only

        return build_compression_page(project, data)
    return compression_markdown(data) if file.suffix == ".md" else json.dumps(data, indent=1) + "\n"
