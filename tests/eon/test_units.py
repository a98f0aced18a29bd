"""Chains of layers, and how near an output may come to the input that is read while it is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon.graph import Graph, NoOptions, Operator, Tensor
from ei_toolkit.eon.kernels.layer import Layer, Rows, Scratch, Sink
from ei_toolkit.eon.units import MOST_BLOCKS, Unit, streamable


def rows_of(in_rows: int, out_rows: int, *, row: int = 4, window: int = 1, step: int = 1, pad: int = 0) -> Rows:
    """A layer that writes one row of `row` bytes at a time."""
    return Rows("", "", in_rows, row, out_rows, row, "int8_t", 1, window, step, pad)


def layer_of(position: int, rows: Rows | None, *, reads: int | None = None, sink: Sink | None = None) -> Layer:
    """A layer that reads tensor `position` and writes the next one."""
    source = position if reads is None else reads
    return Layer(position, f"L{position}", "", (source,), position + 1, 0, (), rows=rows, sink=sink)


def chain(layers: list[Layer], output: int | None = None) -> Graph:
    """The graph of layers in a row, each tensor of which has 10 rows of 4 bytes."""
    tensors = tuple(Tensor(i, f"t{i}", (1, 10, 4), "int8") for i in range(len(layers) + 1))
    made = tuple(Operator(x.position, "RELU", x.inputs, x.output, NoOptions()) for x in layers)
    return Graph(tensors, made, inputs=(0,), outputs=(len(layers) if output is None else output,))


def is_safe(rows: Rows, lead: int, *, in_one_place: bool = False) -> bool:
    """Run a layer byte by byte in one memory, the input `lead` bytes behind the output; False if it loses input.

    `in_one_place` is for a buffer that has one block of the output at a time.
    """
    origin = rows.in_rows * rows.in_row_bytes + rows.out_rows * rows.out_row_elements
    memory = np.zeros(3 * origin + abs(lead), np.int32)
    source = origin + lead
    memory[source : source + rows.in_rows * rows.in_row_bytes] = np.arange(1, rows.in_rows * rows.in_row_bytes + 1)
    taken, at = 0, origin
    for block in range(rows.out_rows):
        needed = rows.window_rows - rows.pad_top + block * rows.step
        while taken < min(rows.in_rows, needed):
            first = taken * rows.in_row_bytes
            expected = np.arange(first + 1, first + rows.in_row_bytes + 1)
            if not np.array_equal(memory[source + first : source + first + rows.in_row_bytes], expected):
                return False
            taken += 1
        memory[at : at + rows.out_row_elements] = -1
        at += 0 if in_one_place else rows.out_row_elements
    last = memory[source + taken * rows.in_row_bytes : source + rows.in_rows * rows.in_row_bytes]
    return not (last == -1).any()


@st.composite
def row_layers(draw: st.DrawFn) -> Rows:
    window, step, in_rows = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(4, 9))
    out_rows = (in_rows - window) // step + 1
    return Rows(
        "", "", in_rows, draw(st.integers(1, 6)), out_rows, draw(st.integers(1, 9)), "int8_t", 1, window, step, 0
    )


@given(row_layers())
def test_the_lead_of_a_layer_is_the_smallest_distance_that_loses_no_input(rows: Rows) -> None:
    sizes = rows.in_rows * rows.in_row_elements, rows.out_rows * rows.out_row_elements
    lead = Unit((layer_of(0, rows),)).lead(*sizes)
    assert lead is not None and is_safe(rows, lead)
    assert lead == -sizes[0] or not is_safe(rows, lead - 1)


@given(row_layers())
def test_passed_rows_may_overlap_the_input_rows_that_were_read_before_the_first(rows: Rows) -> None:
    size = rows.in_rows * rows.in_row_elements
    unit = Unit((layer_of(0, rows), layer_of(1, None, sink=Sink("", 1, 1, 1))))
    assert [scratch.name for scratch in unit.scratch] == ["rows0"]
    lead = unit.buffer_leads(size)["rows0"]
    assert is_safe(rows, lead, in_one_place=True)
    assert lead == -size or not is_safe(rows, lead - 1, in_one_place=True)


def test_rows_of_a_later_layer_may_overlap_what_the_layers_before_it_read() -> None:
    layers = [layer_of(i, rows_of(10, 10, window=3, pad=1)) for i in range(3)]
    assert Unit(tuple(layers)).buffer_leads(40) == {"rows0": 4 - 2 * 4, "rows1": 4 - 3 * 4}
    assert Unit((layers[0],)).buffer_leads(40) == {}


def test_a_layer_that_reads_each_row_before_it_writes_one_of_the_same_size_works_in_place() -> None:
    assert Unit((layer_of(0, rows_of(10, 10)),)).lead(40, 40) == 0
    assert Unit((layer_of(0, rows_of(10, 10, window=3, pad=1)),)).lead(40, 40) == -4


def test_a_layer_without_rows_works_in_place_only_if_it_can_and_the_sizes_are_equal() -> None:
    whole = layer_of(0, None)
    assert Unit((whole,)).lead(40, 40) is None
    assert Unit((replace(whole, in_place=True),)).lead(40, 40) == 0
    assert Unit((replace(whole, in_place=True),)).lead(40, 10) is None


def test_a_sink_writes_only_when_it_has_read_all_rows() -> None:
    sink = layer_of(1, None, sink=Sink("", 10, 4, 4))
    assert Unit((layer_of(0, rows_of(10, 10)), sink)).lead(40, 2) == -40


def test_a_layer_with_very_many_blocks_does_not_overlap_its_input() -> None:
    many = MOST_BLOCKS + 1
    assert Unit((layer_of(0, rows_of(many, many)),)).lead(4 * many, 4 * many) is None


def test_rows_can_pass_to_the_only_reader_if_it_takes_rows_of_that_size() -> None:
    front, behind = layer_of(0, rows_of(10, 10)), layer_of(1, rows_of(10, 5, step=2, window=2))
    assert streamable(chain([front, behind]), [front, behind]) == {0: behind}
    wide = layer_of(1, rows_of(5, 5, row=8))
    assert streamable(chain([front, wide]), [front, wide]) == {}


@pytest.mark.parametrize(("together", "fits"), [(4, True), (2, True), (1, True), (3, False), (8, False)])
def test_a_sink_takes_rows_that_have_whole_groups(together: int, fits: bool) -> None:
    front, sink = layer_of(0, rows_of(10, 10)), layer_of(1, None, sink=Sink("", 1, 40, together))
    assert (0 in streamable(chain([front, sink]), [front, sink])) == fits


def test_the_models_output_and_a_tensor_with_two_readers_are_kept_whole() -> None:
    front, behind = layer_of(0, rows_of(10, 10)), layer_of(1, rows_of(10, 10))
    assert streamable(chain([front, behind], output=1), [front, behind]) == {}
    second = layer_of(2, rows_of(10, 10), reads=1)
    assert 0 not in streamable(chain([front, behind, second]), [front, behind, second])


def test_the_memory_of_a_unit_is_that_of_its_layers_and_of_the_rows_between_them() -> None:
    first = replace(layer_of(0, replace(rows_of(10, 10), block_rows=2)), scratch=(Scratch("window0", "int16_t", 12),))
    sums = Scratch("sums1", "int32_t", 4)
    sink = layer_of(1, None, sink=Sink("", 10, 4, 4, scratch=(sums,)))
    found = {scratch.name: scratch.bytes for scratch in Unit((first, sink)).scratch}
    assert found == {"window0": 24, "rows0": 8, "sums1": 16}
