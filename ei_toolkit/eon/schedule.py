"""Which layers run together: pools with what is in front of them, and more where RAM matters most."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.layers.layer import Layer
from ei_toolkit.eon.memory import plan_memory
from ei_toolkit.eon.plan import Plan
from ei_toolkit.eon.units import Unit, group, streamable

Schedule = tuple[tuple[Unit, ...], Plan]


def schedule(graph: Graph, layers: Sequence[Layer], *, ram_optimized: bool) -> Schedule:
    """Units and their memory.

    A pool always runs with the layer in front of it. With `ram_optimized` further layers pass their rows on, where
    that makes the arena smaller: a row window costs memory too, so each link is tried, the best taken, and so on.
    """
    possible = streamable(graph, layers)
    links = frozenset(p for p, reader in possible.items() if "POOL_2D" in reader.title.split(" ")[0])
    best = _planned(graph, layers, links)
    while ram_optimized:
        trials = {p: _planned(graph, layers, links ^ {p}) for p in possible}
        if not trials:
            break
        position = min(trials, key=lambda p: (trials[p][1].arena_bytes, p))
        if trials[position][1].arena_bytes >= best[1].arena_bytes:
            break
        links, best = links ^ {position}, trials[position]
    return _all_or(graph, layers, frozenset(possible), best) if ram_optimized else best


def _planned(graph: Graph, layers: Sequence[Layer], links: frozenset[int]) -> Schedule:
    units = group(graph, layers, links)
    return units, plan_memory(graph, units)


def _all_or(graph: Graph, layers: Sequence[Layer], links: frozenset[int], best: Schedule) -> Schedule:
    """All links at once can be better than any path of single steps."""
    everything = _planned(graph, layers, links)
    return everything if everything[1].arena_bytes < best[1].arena_bytes else best
