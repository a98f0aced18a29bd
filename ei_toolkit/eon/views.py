"""Tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ei_toolkit.eon.profile import Profile

if TYPE_CHECKING:
    from rich.table import Table


def profile_view(profile: Profile) -> Table:
    """A profile as a table: a row for each layer, the totals below."""
    from rich.table import Table

    error = round(profile.latency_error * 100)
    title = (
        f"{profile.instructions:,} instructions ({profile.how}), about {profile.latency_ms} ms ± {error} % at 64 MHz"
    )
    caption = (
        f"flash {profile.flash_bytes:,} B · RAM {profile.ram_bytes:,} B (arena {profile.arena_bytes:,}, "
        f"at least {profile.arena_lower_bound:,}) · stack {profile.stack_bytes:,} B"
    )
    table = Table(title=title, caption=caption)
    for column, justify in (("layer", "left"), ("output", "left"), ("MACs", "right"), ("instructions", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("per MAC", justify="right")
    for layer in profile.layers:
        shape = "x".join(map(str, layer.output[1:]))
        ratio = layer.instructions_per_mac
        table.add_row(
            layer.title,
            shape,
            f"{layer.macs:,}",
            f"{layer.instructions:,}" if layer.instructions else "with the above",
            "" if not ratio else f"{ratio:.2f}",
        )
    return table
