"""The table of a compression: size, instructions, RAM and accuracy before and after, beside published ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import compress
from typing import Any

from ei_toolkit.compression.request import CompressionData, CompressionPlan, Variant
from ei_toolkit.config.units import counted, kib
from ei_toolkit.report.tables import Table

HEAD = (
    "variant", "weights", "not zero", "size", "smaller", "compressed", "smaller, compressed", "instructions", "RAM",
    "windows", "clips", "95 % interval",
)  # fmt: skip
PUBLISHED = (
    ("ResNet18 of log-mel pictures, int8", "3.93", "73.74 → 72.73"),
    ("MLP of summary features, pruned", "5.49", "92.74 → 92.74"),
)
"""Published compressions of genre classifiers: the network, how many times smaller, and the accuracy in percent."""


def compression_data(variants: Sequence[Variant], plan: CompressionPlan, windows: CompressionData) -> dict[str, Any]:
    """Return the result of a compression as plain data, for --json and for files; the first variant is the original."""
    before = variants[0]
    rows = [
        asdict(one) | {
            "times_smaller": before.size_bytes / one.size_bytes,
            "times_smaller_compressed": before.compressed_bytes / one.compressed_bytes,
        }
        for one in variants
    ]  # fmt: skip
    published = [dict(zip(("network", "times_smaller", "accuracy"), row, strict=True)) for row in PUBLISHED]
    clips, groups = (len(set(compress(names, windows.testing))) for names in (windows.clips, windows.groups))
    return {"plan": asdict(plan), "clips": clips, "groups": groups, "variants": rows, "published": published}


def compression_table(data: Mapping[str, Any]) -> Table:
    """Return the variants as a table; accuracies are in percent."""
    return Table("Compression", HEAD, tuple(_row(one) for one in data["variants"]))


def _row(one: Mapping[str, Any]) -> tuple[str | int | float | None, ...]:
    accuracy = one["accuracy"]
    low, high = accuracy["interval"]
    return (
        one["method"], one["parameters"], one["nonzero"], kib(one["size_bytes"]), f"{one['times_smaller']:.2f}",
        kib(one["compressed_bytes"]), f"{one['times_smaller_compressed']:.2f}", one["instructions"],
        None if one["ram_bytes"] is None else kib(one["ram_bytes"]), f"{100 * accuracy['windows']:.1f}",
        f"{100 * accuracy['clips']:.1f}", f"{100 * low:.1f} to {100 * high:.1f}",
    )  # fmt: skip


def published_table() -> Table:
    """Return the published compressions."""
    return Table("Published", ("network", "times smaller", "accuracy"), PUBLISHED)


def compression_notes(data: Mapping[str, Any]) -> list[str]:
    """Return what has to be known to read the table."""
    plan = data["plan"]
    return [
        f"Measured on {counted(data['clips'], 'testing clip')} of {counted(data['groups'], 'group')}; the interval is"
        " that of the clips, drawn by group. Methods that train go on with the training windows for"
        f" {counted(plan['epochs'], 'epoch')}.",
        f"Magnitude pruning sets {100 * plan['sparsity']:g} % of the weights to zero, which makes the compressed file"
        " smaller, not the network faster. Channel pruning leaves"
        f" {100 * plan['instructions']:g} % of the instructions.",
        "Compressed: the .tflite after zlib. Instructions and RAM of tensors are estimates of the compiler's cost model"
        " for one inference on a Cortex-M4F; eitk eon profile measures them.",
    ]


def compression_markdown(data: Mapping[str, Any]) -> str:
    """Return the tables with their notes in Markdown."""
    notes = "".join(f"* {note}\n" for note in compression_notes(data))
    return f"{compression_table(data).markdown()}\n{notes}\n{published_table().markdown()}"
