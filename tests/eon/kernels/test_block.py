"""The block of four pixels of a convolution: its shape, its inputs, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon.kernels.block import FARTHEST_OFFSET, SHAPES, block_of, choose_block, instructions, work
from ei_toolkit.eon.kernels.block_costs import COSTS
from ei_toolkit.eon.kernels.geometry import Geometry


def same(rows: int, cols: int, kernel: int, inputs: int, stride: int = 1, pool: tuple[int, int] = (1, 1)) -> Geometry:
    """The geometry of a convolution with this output and SAME padding, with a pool behind it."""
    pooled = (rows // pool[0], cols // pool[1])
    before = (kernel - 1) // 2
    return Geometry(
        *(stride * rows, stride * cols, inputs, rows, cols, kernel, kernel),
        *(stride, stride, 1, 1, before, before, *pool, *pooled, False),
    )


@pytest.mark.parametrize(
    ("rows", "cols", "filters", "shape"),
    [
        *((8, 8, 8, (1, 4)), (6, 6, 8, (2, 2)), (25, 5, 64, (4, 1)), (9, 1, 8, (4, 1)), (3, 3, 8, (1, 4))),
        (25, 5, 2048, (1, 4)),  # the offset between the pixels has no room in an instruction
    ],
)
def test_the_shape_has_few_blocks_with_pixels_outside(
    rows: int, cols: int, filters: int, shape: tuple[int, int]
) -> None:
    block = choose_block(same(rows, cols, 1, 4), filters)
    assert (block.pixel_rows, block.pixel_cols) == shape


@pytest.mark.parametrize(("pool", "shape"), [((2, 2), (2, 2)), ((1, 2), (1, 4)), ((2, 1), (4, 1))])
def test_the_pixels_of_a_pool_are_in_one_block(pool: tuple[int, int], shape: tuple[int, int]) -> None:
    block = choose_block(same(8, 8, 3, 4, pool=pool), 4)
    assert (block.pixel_rows, block.pixel_cols) == shape


@pytest.mark.parametrize(
    ("g", "rows"),
    [
        (same(6, 6, 3, 4), 4),
        (same(5, 5, 3, 4), 4),
        (same(6, 6, 10, 8, stride=2), 12),
        (same(6, 6, 3, 4, stride=2), 5),
        (same(6, 6, 1, 4), 0),  # no row is read twice
        (same(6, 6, 3, 4, stride=3), 0),
        (same(6, 6, 3, 2), 0),  # six inputs do not fill a word
        (same(6, 6, 3, 88), 0),  # the lower row is too far for the offset of a load
        (replace(same(6, 6, 3, 4, pool=(2, 2)), out_rows=5), 0),  # the last pool reaches beyond the output
    ],
)
def test_rows_that_the_pixels_of_a_block_share_are_gathered_once(g: Geometry, rows: int) -> None:
    block = block_of(g, (2, 2))
    assert block.shared_rows == rows
    assert block.gathered_words == (2 * block.pairs // g.kernel_rows * rows or 4 * block.pairs)
    assert not block_of(g, (1, 4)).shared_rows


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(1, 9), st.integers(1, 3))
def test_every_input_of_a_pixel_is_gathered_once(rows: int, cols: int, kernel: int, inputs: int, stride: int) -> None:
    for shape in SHAPES:
        block = block_of(same(rows, cols, kernel, inputs, stride), shape)
        assert sorted(i for i in block.order if i >= 0) == list(range(kernel * kernel * inputs))
        assert len(block.order) % 2 == 0 and block.width % 4 == 0


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 64))
def test_the_block_takes_hardly_more_instructions_than_any_other(
    rows: int, cols: int, kernel: int, inputs: int, filters: int
) -> None:
    g = same(rows, cols, kernel, inputs)
    chosen = instructions(g, filters, choose_block(g, filters))
    for shape in SHAPES:
        if ((shape[0] - 1) * cols + shape[1] - 1) * filters <= FARTHEST_OFFSET:
            assert chosen <= 1.03 * instructions(g, filters, block_of(g, shape))


def test_each_part_of_the_work_has_a_cost() -> None:
    g = same(8, 8, 3, 4)
    assert [name for name, _ in work(g, 8, block_of(g, (1, 4)))] == sorted(vars(COSTS), key=list(vars(COSTS)).index)
