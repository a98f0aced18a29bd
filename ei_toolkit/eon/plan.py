"""One static arena: where every tensor and every scratch buffer lies, planned by lifetimes.

Two buffers that live at the same time must not overlap, with one exception: a layer that works row by row may write
its output over the part of its input that it has already taken. For such a pair the output need only begin `lead`
bytes below the input, which can be far less than its size.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ALIGNMENT = 4
SEARCH_ROUNDS = 200
SEARCH_WORK = 400_000  # pairs of buffers to compare in all rounds
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
    """Offsets in the arena by name, its size, and the size below which no plan could go."""

    offsets: Mapping[str, int]
    arena_bytes: int
    lower_bound: int


Leads = Mapping[tuple[str, str], int]


def plan_arena(buffers: Sequence[Buffer], leads: Leads) -> Plan:
    """Place all buffers. `leads[(output, input)]` is the least distance from an output up to its input.

    First fit finds the optimum for some order of the buffers: every order is tried for a few, good guesses and a
    seeded search for more. The result depends on nothing but the arguments.
    """
    bound = lower_bound(buffers, leads)
    best: dict[str, int] = {}
    size = -1
    for order in _orders(buffers):
        offsets = _first_fit(order, leads)
        arena = max((offsets[b.name] + _aligned(b.bytes) for b in buffers), default=0)
        if size < 0 or arena < size:
            best, size = offsets, arena
        if size <= bound:
            break
    return Plan(best, max(size, 0), bound)


def lower_bound(buffers: Sequence[Buffer], leads: Leads) -> int:
    """The most memory that any one step needs, with the overlaps that are allowed."""
    steps = sorted({step for b in buffers for step in (b.first, b.last)})
    return max((_live_bytes([b for b in buffers if b.first <= step <= b.last], leads) for step in steps), default=0)


def _live_bytes(live: list[Buffer], leads: Leads) -> int:
    total = sum(_aligned(b.bytes) for b in live)
    by_name = {b.name: b for b in live}
    saved = 0
    for (output, source), lead in leads.items():
        if output in by_name and source in by_name:
            low, high = _aligned(by_name[output].bytes), _aligned(by_name[source].bytes)
            saved = max(saved, low + high - max(low, high, _aligned_up(lead) + high))
    return total - saved


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
    for _ in range(min(SEARCH_ROUNDS, SEARCH_WORK // len(buffers) ** 2)):
        order = list(by_size)
        for _ in range(generator.randint(1, 4)):
            i, j = generator.randrange(len(order)), generator.randrange(len(order))
            order.insert(j, order.pop(i))
        yield order


def _first_fit(order: Sequence[Buffer], leads: Leads) -> dict[str, int]:
    """Place one buffer after the other at the lowest offset that keeps clear of those placed before."""
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
    """The open interval of offsets that `buffer` may not take beside `other` at `offset`."""
    below = _aligned(buffer.bytes)
    above = _aligned(other.bytes)
    if (buffer.name, other.name) in leads:  # buffer is written while other is read
        below = min(below, _aligned_up(leads[buffer.name, other.name]))
    if (other.name, buffer.name) in leads:
        above = min(above, _aligned_up(leads[other.name, buffer.name]))
    return offset - below, offset + above


def _aligned(count: int) -> int:
    return max(_aligned_up(count), ALIGNMENT)


def _aligned_up(count: int) -> int:
    return -(-count // ALIGNMENT) * ALIGNMENT
