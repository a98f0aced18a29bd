"""`eitk eon`: Check, compile, run and profile a .tflite without a project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.api.compiling import check_model, compile_model, profile_model
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.units import kib
from ei_toolkit.eon.files import run_file
from ei_toolkit.errors import BoardError, UnsupportedModelError
from ei_toolkit.report.result_tables import check_view, profile_view

group = typer.Typer(no_args_is_help=True, help="Check, compile, run and profile a .tflite without a project.")

Model = Annotated[Path, typer.Argument(help="A .tflite.", show_default=False)]
RamOptimized = Annotated[bool, typer.Option("--ram-optimized", help="Run chains of layers row by row to save RAM.")]

InputRows = Annotated[
    bool, typer.Option("--input-rows", help="Take the rows of the input one by one from a function of the caller.")
]


class On(StrEnum):
    """Where `eitk eon run` runs a model."""

    host = "host"
    emulated = "emulated"


@group.command("compile")
def compile_(
    context: typer.Context,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for model.h, model.cpp and the kernels.")],
    ram_optimized: RamOptimized = False,
    input_rows: InputRows = False,
) -> None:
    """Compile a model to C++ without an interpreter."""
    env = Environment.of(context)
    compilation = compile_model(env.cwd / model, env.cwd / output, ram_optimized=ram_optimized, input_rows=input_rows)
    compiled = compilation.model
    for warning in compiled.warnings:
        env.console.warn(warning)
    text = (
        f"{len(compiled.layers)} layers, arena {kib(compiled.arena_bytes)}, weights {kib(compiled.weights_bytes)}"
        f" -> {output}"
    )
    env.console.result(compilation.to_dict(), text)


@group.command("run")
def run(
    context: typer.Context,
    model: Model,
    input: Annotated[
        list[Path], typer.Option("--input", help="Inputs (.npy); rows are successive inputs. Repeat for each input.")
    ],
    output: Annotated[
        list[Path], typer.Option("--output", help="File for the outputs (.npy). Repeat for each output.")
    ],
    on: Annotated[On, typer.Option(help="This machine, or a Cortex-M4F under QEMU.")] = On.host,
    ram_optimized: RamOptimized = False,
    input_rows: InputRows = False,
    reset_each: Annotated[
        bool, typer.Option("--reset-each", help="Reset the variables of a streaming model before each row.")
    ] = False,
) -> None:
    """Compile a model, build it, and run it on inputs. A streaming model keeps its state from row to row."""
    env = Environment.of(context)
    targets = [check_output(env.cwd / file) for file in output]
    env.console.note(f"compiling {model.name} and running it ({on.value})")
    inputs = [env.cwd / file for file in input]
    answers = run_file(
        env.cwd / model,
        inputs,
        targets,
        on.value,
        ram_optimized=ram_optimized,
        reset_each=reset_each,
        input_rows=input_rows,
    )
    data = {
        "outputs": str(targets[0]),
        "shape": list(answers[0].shape),
        "further": [
            {"outputs": str(target), "shape": list(answer.shape)}
            for target, answer in zip(targets[1:], answers[1:], strict=True)
        ],
        "on": on.value,
    }
    files = ", ".join(map(str, output))
    env.console.result(data, f"{len(answers[0])} outputs ({on.value}) -> {files}")


@group.command("check")
def check(
    context: typer.Context, model: Model, ram_optimized: RamOptimized = False, input_rows: InputRows = False
) -> None:
    """Check a model without building it: operators, what to change, memory over time, time, and where it fits.

    The exit code is 1 for a model that is not supported, and 6 for one that does not fit each known board.
    """
    env = Environment.of(context)
    checked = check_model(env.cwd / model, ram_optimized=ram_optimized, input_rows=input_rows)
    found = checked.check
    for warning in found.warnings:
        env.console.warn(warning)
    env.console.result(checked.to_dict(), check_view(found))
    if not found.supported:
        raise typer.Exit(UnsupportedModelError.exit_code)
    if not found.fits_everywhere:
        raise typer.Exit(BoardError.exit_code)


@group.command("profile")
def profile(
    context: typer.Context, model: Model, ram_optimized: RamOptimized = False, input_rows: InputRows = False
) -> None:
    """Measure flash, RAM, stack and instructions of a model on an emulated Cortex-M4F."""
    env = Environment.of(context)
    env.console.note(f"compiling {model.name} and running it on an emulated Cortex-M4F")
    measured = profile_model(env.cwd / model, ram_optimized=ram_optimized, input_rows=input_rows)
    env.console.result(measured.to_dict(), profile_view(measured.profile))
