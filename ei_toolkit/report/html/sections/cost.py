"""What the model takes on the board, layer by layer, and what the last image measured."""

from __future__ import annotations

from ei_toolkit.eon.profile import Profile
from ei_toolkit.report.html.charts import bar_chart
from ei_toolkit.report.html.markup import Html, Section, figure, grid, join, paragraph, table
from ei_toolkit.report.project_summary import ProjectSummary


def cost(facts: ProjectSummary) -> Section | None:
    """Layers with shapes, multiplications and instructions; RAM, flash, time; the last flashed image."""
    profile = facts.profile
    if profile is None:
        return None
    spent = {
        f"{i}: {layer.title.split()[0].lower()}": float(layer.instructions) for i, layer in enumerate(profile.layers)
    }
    chart = figure(bar_chart({name: count for name, count in spent.items() if count}), "Instructions by layer")
    parts = [paragraph(_lead(profile)), grid([chart]), _layers(profile)]
    image = facts.latest("flash")
    if image:
        rows = [(key, value) for key, value in image.items() if isinstance(value, (str, int, float))]
        parts.append(table(("last flashed image", ""), rows))
    return Section("cost", "Size and speed", join(parts))


def _lead(profile: Profile) -> str:
    measured = "measured on an emulated Cortex-M4F" if profile.how == "emulated" else "from the stored cost model"
    return (
        f"The model alone takes {profile.flash_bytes:,} bytes of flash and {profile.ram_bytes:,} bytes of RAM"
        f" ({profile.arena_bytes:,} for tensors, {profile.stack_bytes:,} more on the stack), and"
        f" {profile.instructions:,} instructions a decision, {measured}: about {profile.latency_ms:g} ms at 64 MHz"
        f" (an estimate, give or take {profile.latency_error * 100:g} %). It has {profile.macs:,} multiplications."
    )


def _layers(profile: Profile) -> Html:
    rows = [
        (layer.title, " × ".join(map(str, layer.output)), layer.macs, layer.instructions, layer.instructions_per_mac)
        for layer in profile.layers
    ]
    return table(("layer", "output", "multiplications", "instructions", "instructions a multiplication"), rows)
