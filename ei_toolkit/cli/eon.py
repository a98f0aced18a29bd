"""`eitk eon`: Compile, run and profile a .tflite without a project."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.units import kib
from ei_toolkit.eon.files import compile_file, profile_file, run_file
from ei_toolkit.report.result_tables import profile_view

group = typer.Typer(no_args_is_help=True, help="Compile, run and profile a .tflite without a project.")

Model = Annotated[Path, typer.Argument(help="A .tflite, full int8 or float32.", show_default=False)]
RamOptimized = Annotated[bool, typer.Option("--ram-optimized", help="Run chains of layers row by row to save RAM.")]


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
) -> None:
    """Compile a model to C++ without an interpreter."""
    env = Environment.of(context)
    compiled, files = compile_file(env.cwd / model, env.cwd / output, ram_optimized=ram_optimized)
    data = {
        "sha256": compiled.sha256,
        "files": [str(f) for f in files],
        "arena_bytes": compiled.arena_bytes,
        "arena_lower_bound": compiled.arena_lower_bound,
        "weights_bytes": compiled.weights_bytes,
        "macs": compiled.macs,
        "layers": [asdict(layer) for layer in compiled.layers],
    }
    text = (
        f"{len(compiled.layers)} layers, arena {kib(compiled.arena_bytes)}, weights {kib(compiled.weights_bytes)}"
        f" -> {output}"
    )
    env.console.result(data, text)


@group.command("run")
def run(
    context: typer.Context,
    model: Model,
    input: Annotated[Path, typer.Option("--input", help="Inputs (.npy); the first axis is their number.")],
    output: Annotated[Path, typer.Option("--output", help="File for the outputs (.npy).")],
    on: Annotated[On, typer.Option(help="This machine, or a Cortex-M4F under QEMU.")] = On.host,
    ram_optimized: RamOptimized = False,
) -> None:
    """Compile a model, build it, and run it on inputs."""
    env = Environment.of(context)
    target = check_output(env.cwd / output)
    env.console.note(f"compiling {model.name} and running it ({on.value})")
    answers = run_file(env.cwd / model, env.cwd / input, target, on.value, ram_optimized=ram_optimized)
    data = {"outputs": str(target), "shape": list(answers.shape), "on": on.value}
    env.console.result(data, f"{len(answers)} outputs ({on.value}) -> {output}")


@group.command("profile")
def profile(context: typer.Context, model: Model, ram_optimized: RamOptimized = False) -> None:
    """Measure flash, RAM, stack and instructions of a model on an emulated Cortex-M4F."""
    env = Environment.of(context)
    env.console.note(f"compiling {model.name} and running it on an emulated Cortex-M4F")
    measured = profile_file(env.cwd / model, ram_optimized=ram_optimized)
    env.console.result(asdict(measured), profile_view(measured))
