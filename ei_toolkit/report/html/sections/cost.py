"""What the model takes on the board, layer by layer, and what the last image measured."""

from __future__ import annotations

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.report.facts import Facts
from ei_toolkit.report.html.charts import bar_chart
from ei_toolkit.report.html.markup import Html, Section, figure, grid, join, paragraph, table


def cost(facts: Facts) -> Section | None:
    """Layers with shapes and multiplications, RAM and weights; flash and RAM of the last flashed image."""
    model = facts.model
    if model is None:
        return None
    compiled = compile_model(model)
    macs = {
        f"{i}: {layer.title.split()[0].lower()}": float(layer.macs)
        for i, layer in enumerate(compiled.layers)
        if layer.macs
    }
    parts = [paragraph(_lead(compiled)), grid([figure(bar_chart(macs), "Multiplications by layer")]), _layers(compiled)]
    image = facts.latest("flash")
    if image:
        rows = [(key, value) for key, value in image.items() if isinstance(value, (str, int, float))]
        parts.append(table(("last flashed image", ""), rows))
    return Section("cost", "Size and speed", join(parts))


def _lead(compiled: CompiledModel) -> str:
    return (
        f"{compiled.macs:,} multiplications a decision, {compiled.weights_bytes:,} bytes of weights and tables,"
        f" {compiled.arena_bytes:,} bytes of RAM for tensors (lower bound {compiled.arena_lower_bound:,})."
    )


def _layers(compiled: CompiledModel) -> Html:
    rows = [
        (layer.title, _shape(layer.inputs[0]) if layer.inputs else "", _shape(layer.output), layer.macs)
        for layer in compiled.layers
    ]
    return table(("layer", "input", "output", "multiplications"), rows)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
