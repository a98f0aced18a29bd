"""Choose the order of layers, and which of them pass on rows, such that the step with the most memory needs least.

A search over the sets of layers that have run finds the optimum of the graph: every order, every chain of layers that
can pass rows to each other, and every output that may overlap the input that is read for the last time. Each transition
runs one unit; its cost is the memory that is live in this step. A graph with very many such sets is searched in the
order of its operators only.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.kernels.layer import Layer
from ei_toolkit.eon.memory_plan import Plan, aligned, most_shared, plan_memory, reads, slot, unit_leads
from ei_toolkit.eon.units import Unit, streamable

MOST_SETS = 1_000

Schedule = tuple[tuple[Unit, ...], Plan]


def schedule(graph: Graph, layers: Sequence[Layer], *, ram_optimized: bool) -> Schedule:
    """Form units in the best order, and plan their memory.

    A pool always runs together with the layer before it. With `ram_optimized`, further layers pass on their rows where
    that makes the arena smaller; among equal schedules the one with the fewest links. The plan's lower bound is that of
    the whole search.
    """
    possible = streamable(graph, layers)
    pools = {p: reader for p, reader in possible.items() if "POOL_2D" in reader.title.split(" ")[0]}
    search = Search(graph, tuple(layers), possible if ram_optimized else pools, optional=ram_optimized)
    units, bound = search.best()
    plan = plan_memory(graph, units)
    if plan.arena_bytes > bound and ram_optimized:  # offsets with gaps: all links at once may need less
        everything = Search(graph, tuple(layers), possible, optional=False).best()[0]
        units, plan = min((units, plan), (everything, plan_memory(graph, everything)), key=lambda s: s[1].arena_bytes)
    return units, replace(plan, lower_bound=bound)


@dataclass(frozen=True)
class Memory:
    """A tensor in the arena: the layer that writes it (a bit; 0 for one that exists before), and its readers (bits)."""

    bytes: int
    writer: int
    readers: int
    kept: bool  # until after the last layer

    def lives(self, done: int) -> bool:
        """Return whether the tensor is needed after the layers `done`."""
        exists = self.writer & done or not self.writer
        return bool(exists and (self.kept or self.readers & ~done))


@dataclass(frozen=True)
class Search:
    """The search over sets of layers, as bits. `links` are the layers that may pass their rows to their reader.

    If the links are not `optional`, all of them are used.
    """

    graph: Graph
    layers: tuple[Layer, ...]
    links: Mapping[int, Layer]
    optional: bool

    def best(self) -> tuple[tuple[Unit, ...], int]:
        """Return the units of the best schedule, and the memory of its largest step in bytes."""
        steps = self._steps(in_order=False) or self._steps(in_order=True)
        assert steps is not None
        peak = max(self._smallest_peak(steps), self._at_the_ends())
        return self._fewest_links(steps, peak), peak

    @cached_property
    def _bit(self) -> dict[int, int]:
        return {layer.position: 1 << i for i, layer in enumerate(self.layers)}

    @cached_property
    def _tensors(self) -> dict[int, Memory]:
        graph = self.graph
        kept = graph.output_roots | graph.states.keys()
        found = dict.fromkeys(graph.roots_before, 0)
        for layer in self.layers:
            found.setdefault(graph.root(layer.output), self._bit[layer.position])
        return {
            t: Memory(aligned(graph.tensors[t].bytes), writer, self._readers.get(t, 0), t in kept)
            for t, writer in found.items()
        }

    @cached_property
    def _readers(self) -> dict[int, int]:
        """The layers that read each root, as bits."""
        readers: dict[int, int] = {}
        for layer in self.layers:
            for root in {self.graph.root(t) for t in layer.inputs}:
                readers[root] = readers.get(root, 0) | self._bit[layer.position]
        return readers

    @cached_property
    def _needs(self) -> dict[int, int]:
        """For each layer, those that must have run before it: writers of its inputs, and accesses to the same state."""
        graph, tensors = self.graph, self._tensors
        needs: dict[int, int] = {}
        for layer in self.layers:
            bit = self._bit[layer.position]
            roots = {graph.root(t) for t in layer.inputs} & tensors.keys()
            needs[layer.position] = sum({tensors[t].writer for t in roots})
            for state in (roots | {graph.root(layer.output)}) & graph.states.keys():
                accesses = self._readers.get(state, 0) | sum(
                    self._bit[x.position] for x in self.layers if graph.root(x.output) == state
                )
                needs[layer.position] |= accesses & (bit - 1)
        return needs

    def _steps(self, *, in_order: bool) -> dict[int, list[tuple[int, Unit, int]]] | None:
        """Return for each set of layers the units that can run next: (set after it, unit, live bytes).

        None if there are more than MOST_SETS sets. With `in_order`, only the first layer that can run begins a unit.
        """
        steps: dict[int, list[tuple[int, Unit, int]]] = {}
        costs: dict[tuple[int, ...], Unit] = {}
        waiting = [0]
        while waiting:
            done = waiting.pop()
            if done in steps:
                continue
            steps[done] = []
            alive = sum(m.bytes for m in self._tensors.values() if m.lives(done))
            for chain in self._chains(done, in_order=in_order):
                unit = costs.setdefault(tuple(x.position for x in chain), Unit(chain))
                after = done | sum(self._bit[x.position] for x in chain)
                steps[done].append((after, unit, alive + self._step_bytes(done, after, unit)))
                waiting.append(after)
            if len(steps) > MOST_SETS and not in_order:
                return None
        return steps

    def _chains(self, done: int, *, in_order: bool) -> Iterator[tuple[Layer, ...]]:
        ready = (x for x in self.layers if not self._bit[x.position] & done and not self._needs[x.position] & ~done)
        for layer in ready:
            chain: tuple[Layer, ...] = (layer,)
            after = done | self._bit[layer.position]
            while True:
                reader = self.links.get(chain[-1].position)
                linked = reader is not None and not self._needs[reader.position] & ~after
                if self.optional or not linked:
                    yield chain
                if not linked:
                    break
                assert reader is not None
                chain, after = (*chain, reader), after | self._bit[reader.position]
            if in_order:
                return

    def _step_bytes(self, done: int, after: int, unit: Unit) -> int:
        """Return the bytes of a unit's output and scratch, less what of them can overlap an input."""
        tensors, output = self._tensors, self.graph.root(unit.output)
        live = sum(aligned(s.bytes) for s in unit.scratch)
        live += 0 if tensors[output].lives(done) else tensors[output].bytes
        if output in self.graph.states:
            return live
        sizes = {s.name: s.bytes for s in unit.scratch} | {slot(output): tensors[output].bytes}
        leads: dict[tuple[str, str], int] = {}
        for tensor in reads(self.graph, unit):
            if not tensors[tensor].kept and not tensors[tensor].readers & ~after:
                sizes[slot(tensor)] = tensors[tensor].bytes
                leads |= unit_leads(unit, self.graph, tensor)
        return live - most_shared(sizes, leads)

    def _at_the_ends(self) -> int:
        """Return the bytes of all inputs and states, or of all outputs and states."""
        everything = (1 << len(self.layers)) - 1
        before = sum(m.bytes for m in self._tensors.values() if not m.writer)
        return max(before, sum(m.bytes for m in self._tensors.values() if m.lives(everything)))

    def _smallest_peak(self, steps: Mapping[int, list[tuple[int, Unit, int]]]) -> int:
        everything = (1 << len(self.layers)) - 1
        waiting, seen = [(0, 0)], set()
        while waiting:
            peak, done = heapq.heappop(waiting)
            if done == everything:
                return peak
            if done not in seen:
                seen.add(done)
                for after, _, live in steps[done]:
                    heapq.heappush(waiting, (max(peak, live), after))
        raise AssertionError("the layers depend on each other in a circle")

    def _fewest_links(self, steps: Mapping[int, list[tuple[int, Unit, int]]], peak: int) -> tuple[Unit, ...]:
        """Return the units of a schedule within `peak`: the fewest links, then the order of the operators."""
        found: dict[int, tuple[tuple[int, int], tuple[Unit, ...]]] = {0: ((0, 0), ())}
        for done in sorted(steps, key=int.bit_count):
            if done not in found:
                continue
            (links, jumps), units = found[done]
            for after, unit, live in steps[done]:
                if live <= peak:
                    first = self._bit[unit.layers[0].position]
                    cost = (links + len(unit.layers) - 1, jumps + (~done & (first - 1)).bit_count())
                    if after not in found or cost < found[after][0]:
                        found[after] = (cost, (*units, unit))
        return found[(1 << len(self.layers)) - 1][1]
