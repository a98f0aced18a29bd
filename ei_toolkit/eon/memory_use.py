"""The use of the arena over time, for reports and messages."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.eon.compile import CompiledModel


@dataclass(frozen=True)
class MemoryStep:
    """The arena during one step: bytes in use, and the occupied ranges (first byte, end)."""

    step: int
    title: str
    layer: str
    used_bytes: int
    ranges: tuple[tuple[int, int], ...]


def memory_steps(model: CompiledModel) -> tuple[MemoryStep, ...]:
    """Return the use of the arena at each step."""
    layers: dict[int, list[str]] = {}
    names: dict[int, str] = {}
    for layer in model.layers:
        layers.setdefault(layer.step, []).append(layer.title)
        names[layer.step] = layer.name
    found = []
    for step, titles in sorted(layers.items()):
        ranges = _joined([(m.offset, m.offset + m.bytes) for m in model.memory if m.first <= step <= m.last])
        used = sum(end - begin for begin, end in ranges)
        found.append(MemoryStep(step, ", ".join(titles), names[step], used, ranges))
    return tuple(found)


def _joined(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the ranges in order, with those joined that overlap or touch."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


def peak_text(model: CompiledModel) -> str:
    """Return where the arena is fullest, for messages; empty for a model without layers."""
    peak = max(memory_steps(model), key=lambda step: step.used_bytes, default=None)
    if peak is None:
        return ""
    where = f"step {peak.step} ({peak.title}, layer {peak.layer!r})"
    return f"the arena of {model.arena_bytes:,} bytes is fullest at {where}"
