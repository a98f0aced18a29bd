"""Units: layers that run together. Inside a unit, rows stream from layer to layer; units exchange whole tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ei_toolkit.eon.graph import Graph
from ei_toolkit.eon.kernels.layer import Layer, Scratch

MOST_BLOCKS = 4096  # of a layer whose output may overlap its input; layers with more blocks are not analysed


@dataclass(frozen=True)
class Unit:
    """A chain of layers. All but the last work row by row; the last does, too, or only reads rows (a sink)."""

    layers: tuple[Layer, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Tensors that the unit reads."""
        return self.layers[0].inputs

    @property
    def output(self) -> int:
        """The tensor that the unit writes."""
        return self.layers[-1].output

    @property
    def scratch(self) -> tuple[Scratch, ...]:
        """Windows, row buffers and sums that are needed while the unit runs."""
        return tuple(self._scratch())

    def _scratch(self) -> Iterator[Scratch]:
        for layer, behind in zip(self.layers, (*self.layers[1:], None), strict=True):
            yield from layer.scratch
            if behind is None:
                continue
            yield row_buffer(layer)
            if behind.rows is None and behind.sink is not None:
                yield from behind.sink.scratch

    def lead(self, input_bytes: int, output_bytes: int) -> int | None:
        """Return how many bytes before an input of this size the output must begin to overlap it; None if it may not.

        Rows are written while later input rows are still needed: a write may not go beyond the rows that have been
        read by then. A sink writes when it has read all of them.
        """
        first, last = self.layers[0].rows, self.layers[-1].rows
        if first is None:
            layer = self.layers[0]
            fits = layer.resizes or (layer.in_place and output_bytes == input_bytes)
            return max(output_bytes - input_bytes, 0) if fits else None
        if last is not None and last.blocks > MOST_BLOCKS:
            return None
        lead = -input_bytes
        for block in range(last.blocks if last is not None else 0):
            assert last is not None
            written = min((block + 1) * last.block_rows, last.out_rows) * (output_bytes // last.out_rows)
            taken = self._taken(block)
            if taken < first.in_rows:
                lead = max(lead, written - taken * first.in_row_bytes)
        return lead

    def buffer_leads(self, input_bytes: int) -> dict[str, int]:
        """Return for each buffer of passed rows how many bytes before the unit's input it must begin to overlap it.

        It is written when the rows for its first block have been read, which are not needed any more.
        """
        leads = {}
        for count, layer in enumerate(self.layers[:-1], 1):
            first = self.layers[0].rows
            assert first is not None
            taken = Unit(self.layers[:count])._taken(0)
            buffer = row_buffer(layer)
            leads[buffer.name] = buffer.bytes - taken * first.in_row_bytes if taken < first.in_rows else -input_bytes
        return leads

    def _taken(self, block: int) -> int:
        """Return the number of input rows that the unit has read when it writes block `block`."""
        taken = 0
        for layer in reversed(self.layers):
            assert layer.rows is not None
            taken = layer.rows.taken(block)
            if layer is not self.layers[0]:
                front = self.layers[self.layers.index(layer) - 1].rows
                assert front is not None
                block = -(-taken // front.block_rows) - 1  # the last block that the layer before has run
        return taken


def row_buffer(layer: Layer) -> Scratch:
    """Return the buffer in which a layer passes a block of rows to the next one."""
    rows = layer.rows
    assert rows is not None
    return Scratch(f"rows{layer.position}", rows.ctype, rows.block_rows * rows.out_row_elements)


def streamable(graph: Graph, layers: Sequence[Layer]) -> dict[int, Layer]:
    """Return the layers that could pass their rows to their only reader, by position, with that reader."""
    return {
        front.position: reader
        for front in layers
        if front.rows is not None and (reader := _only_reader(graph, front, layers)) is not None
    }


def _feeds(graph: Graph, front: Layer, layer: Layer) -> bool:
    return any(graph.root(t) == graph.root(front.output) for t in layer.inputs)


def _only_reader(graph: Graph, front: Layer, layers: Sequence[Layer]) -> Layer | None:
    readers = [layer for layer in layers if _feeds(graph, front, layer)]
    if len(readers) != 1 or graph.root(front.output) in graph.output_roots | graph.states.keys():
        return None
    reader = readers[0]
    return reader if len(reader.inputs) == 1 and _takes_rows(front, reader) else None


def _takes_rows(front: Layer, reader: Layer) -> bool:
    """Return whether one layer can read the rows of the other; a sink accepts rows of several lengths."""
    assert front.rows is not None
    if reader.rows is None:
        return reader.sink is not None and front.rows.out_row_elements % reader.sink.together == 0
    yields = (front.rows.out_rows, front.rows.out_row_elements)
    return yields == (reader.rows.in_rows, reader.rows.in_row_elements)
