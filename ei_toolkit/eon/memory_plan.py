"""Plan one static arena: the offset of each tensor and scratch buffer, from their lifetimes.

Two buffers that live at the same time must not overlap, with one exception: layers that work row by row may write their
output, and the rows that they pass on, over the part of their input that they have already read. For such a pair the
output has to begin only `lead` bytes below the input, which can be far less than its size.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.units import Unit

ALIGNMENT = 4
SEARCH_ROUNDS = 200
SEARCH_WORK = 400_000  # pairs of buffers to compare in all rounds
PROMOTIONS = 4  # of buffers, for each order
EXHAUSTIVE = 6  # buffers whose every order is tried


@dataclass(frozen=True)
class Buffer:
    """Memory that is needed from step `first` to step `last`, both included."""

    name: str
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Offsets in the arena by name, the size of the arena, and a lower bound of it."""

    offsets: Mapping[str, int]
    arena_bytes: int
    lower_bound: int
    buffers: tuple[Buffer, ...] = ()


Leads = Mapping[tuple[str, str], int]


def plan_arena(buffers: Sequence[Buffer], leads: Leads) -> Plan:
    """Place all buffers. `leads[(output, input)]` is the least distance from an output up to its input.

    First fit finds the optimum for some order of the buffers. Each of several first orders is changed repeatedly: the
    first buffer that ends above the lower bound comes first in the next. For few buffers every order is tried, too; for
    more of them a seeded search follows. The result depends on the arguments only.
    """
    bound = lower_bound(buffers, leads)
    best: dict[str, int] = {}
    size = -1
    for first in _orders(buffers):
        order: Sequence[Buffer] | None = first
        tries = PROMOTIONS
        while order is not None and tries:
            offsets = _first_fit(order, leads)
            arena = max((offsets[b.name] + aligned(b.bytes) for b in buffers), default=0)
            if size < 0 or arena < size:
                best, size = offsets, arena
            if size <= bound:
                return Plan(best, max(size, 0), bound, tuple(buffers))
            order = _promoted(order, offsets, bound)
            tries -= 1
    return Plan(best, max(size, 0), bound, tuple(buffers))


def _promoted(order: Sequence[Buffer], offsets: Mapping[str, int], bound: int) -> Sequence[Buffer] | None:
    """Return the order with the first buffer that ends above the bound in front; None if it is there already."""
    high = next(b for b in order if offsets[b.name] + aligned(b.bytes) > bound)
    return None if high is order[0] else [high, *(b for b in order if b is not high)]


def lower_bound(buffers: Sequence[Buffer], leads: Leads) -> int:
    """Return the largest memory that a single step needs, with the overlaps that are allowed."""
    steps = sorted({step for b in buffers for step in (b.first, b.last)})
    return max((_live_bytes([b for b in buffers if b.first <= step <= b.last], leads) for step in steps), default=0)


def _live_bytes(live: list[Buffer], leads: Leads) -> int:
    sizes = {b.name: b.bytes for b in live}
    return sum(aligned(size) for size in sizes.values()) - most_shared(sizes, leads)


def most_shared(sizes: Mapping[str, int], leads: Leads) -> int:
    """Return an upper bound of the bytes that buffers of these sizes can share by the overlaps that are allowed.

    Outputs that overlap the same input do not overlap each other, and each reaches only so far into it.
    """
    reaches: dict[str, list[tuple[int, int]]] = {}  # for each input, how far which bytes reach into it
    for (output, source), lead in leads.items():
        if output in sizes and source in sizes:
            low, high = aligned(sizes[output]), aligned(sizes[source])
            reaches.setdefault(source, []).append((max(min(high, low - aligned_up(lead)), 0), low))
    shared = 0
    for of_input in reaches.values():
        taken = 0
        for reach, low in sorted(of_input):
            taken = min(taken + low, reach)
        shared += taken
    return shared


def _orders(buffers: Sequence[Buffer]) -> Iterable[Sequence[Buffer]]:
    by_size = sorted(buffers, key=lambda b: (-b.bytes, b.first, b.name))
    yield by_size
    yield sorted(buffers, key=lambda b: (b.first, -b.bytes, b.name))
    yield sorted(buffers, key=lambda b: (-b.last, -b.bytes, b.name))
    yield sorted(buffers, key=lambda b: (-(b.last - b.first), -b.bytes, b.name))
    if len(buffers) <= EXHAUSTIVE:
        yield from itertools.permutations(by_size)
        return
    generator = random.Random(0)
    for _ in range(min(SEARCH_ROUNDS, SEARCH_WORK // (PROMOTIONS * len(buffers) ** 2))):
        order = list(by_size)
        for _ in range(generator.randint(1, 4)):
            i, j = generator.randrange(len(order)), generator.randrange(len(order))
            order.insert(j, order.pop(i))
        yield order


def _first_fit(order: Sequence[Buffer], leads: Leads) -> dict[str, int]:
    """Place each buffer at the lowest offset that does not overlap those placed before."""
    placed: list[tuple[Buffer, int]] = []
    for buffer in order:
        forbidden = sorted(
            _forbidden(buffer, other, offset, leads)
            for other, offset in placed
            if buffer.first <= other.last and other.first <= buffer.last
        )
        offset = 0
        for low, high in forbidden:
            if low < offset < high:
                offset = high
        placed.append((buffer, offset))
    return {buffer.name: offset for buffer, offset in placed}


def _forbidden(buffer: Buffer, other: Buffer, offset: int, leads: Leads) -> tuple[int, int]:
    """Return the open interval of offsets at which `buffer` would overlap `other` at `offset`."""
    below = aligned(buffer.bytes)
    above = aligned(other.bytes)
    if (buffer.name, other.name) in leads:  # buffer is written while other is read
        below = min(below, aligned_up(leads[buffer.name, other.name]))
    if (other.name, buffer.name) in leads:
        above = min(above, aligned_up(leads[other.name, buffer.name]))
    return offset - below, offset + above


def aligned(count: int) -> int:
    """Return the bytes that a buffer of `count` bytes takes."""
    return max(aligned_up(count), ALIGNMENT)


def aligned_up(count: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-count // ALIGNMENT) * ALIGNMENT


def slot(tensor: int) -> str:
    """Return the name of a tensor's memory in the arena."""
    return f"tensor{tensor}"


def plan_memory(graph: Graph, units: Sequence[Unit]) -> Plan:
    """Place every tensor that is not constant, and every scratch buffer.

    An input lives from before the first unit, an output until after the last: the caller writes one and reads the
    other. A state lives from before the first unit until after the last.
    """
    buffers = [*_tensors(graph, units), *_scratch(units)]
    return plan_arena(buffers, _leads(graph, units))


def reads(graph: Graph, unit: Unit) -> tuple[int, ...]:
    """Return the roots of the tensors in the arena that a unit reads."""
    roots = dict.fromkeys(graph.root(t) for t in unit.inputs if graph.tensors[graph.root(t)].data is None)
    return tuple(t for t in roots if t != graph.row_input)


def _tensors(graph: Graph, units: Sequence[Unit]) -> list[Buffer]:
    first = dict.fromkeys(graph.roots_before, -1)
    last = dict(first)
    for step, unit in enumerate(units):
        first.setdefault(graph.root(unit.output), step)
        last[graph.root(unit.output)] = step
        for tensor in reads(graph, unit):
            last[tensor] = step
    for tensor in graph.output_roots | graph.states.keys():
        last[tensor] = len(units)
    return [Buffer(slot(t), graph.tensors[t].bytes, first[t], last[t]) for t in first]


def _scratch(units: Sequence[Unit]) -> list[Buffer]:
    return [Buffer(s.name, s.bytes, step, step) for step, unit in enumerate(units) for s in unit.scratch]


def _leads(graph: Graph, units: Sequence[Unit]) -> dict[tuple[str, str], int]:
    """Find where an output, or passed rows, may overlap an input that is read for the last time."""
    last_read = {t: step for step, unit in enumerate(units) for t in reads(graph, unit)}
    kept = graph.output_roots | graph.states.keys()
    leads: dict[tuple[str, str], int] = {}
    for step, unit in enumerate(units):
        output = graph.root(unit.output)
        if output in graph.states:
            continue  # its old value may be needed until the unit writes it
        for tensor in reads(graph, unit):
            if last_read[tensor] != step or tensor in kept:
                continue
            leads |= unit_leads(unit, graph, tensor)
    return leads


def unit_leads(unit: Unit, graph: Graph, tensor: int) -> dict[tuple[str, str], int]:
    """Return the leads of a unit's output and of its row buffers to a tensor that it reads for the last time."""
    size = graph.tensors[tensor].bytes
    leads = {(buffer, slot(tensor)): lead for buffer, lead in unit.buffer_leads(size).items()}
    output = graph.root(unit.output)
    lead = unit.lead(size, graph.tensors[output].bytes)
    return leads if lead is None else leads | {(slot(output), slot(tensor)): lead}
