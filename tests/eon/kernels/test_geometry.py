"""Sizes and padding of convolutions and pools against counting the positions of the kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon.graph import Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.geometry import Geometry, geometry
from ei_toolkit.errors import UnsupportedModelError

SIZE, SMALL = st.integers(1, 20), st.integers(1, 4)
ROWS = st.integers(2, 20)  # of data that are not turned: they have more than one row


def geometry_of(
    options: Window2D, source: tuple[int, ...], output: tuple[int, ...], kernel: tuple[int, int] = (1, 1)
) -> Geometry:
    operator = Operator(3, "CONV_2D", (0, 1), 2, options)
    return geometry(operator, Tensor(0, "in", source, "int8"), Tensor(2, "out", output, "int8"), kernel)


def positions(size: int, kernel: int, stride: int, dilation: int) -> int:
    """How many positions 0, stride, ... a kernel with this dilation has in `size` elements."""
    return sum(start + (kernel - 1) * dilation < size for start in range(0, size, stride))


@given(SIZE, SIZE, SMALL, SMALL, SMALL, SMALL)
def test_valid_padding_has_as_many_outputs_as_positions_of_the_kernel(
    rows: int, cols: int, kernel: int, stride: int, dilation: int, channels: int
) -> None:
    out = positions(rows, kernel, stride, dilation), positions(cols, kernel, stride, dilation)
    options = Window2D((stride, stride), "VALID", dilation=(dilation, dilation))
    if min(out) == 0:
        with pytest.raises(UnsupportedModelError):
            geometry_of(options, (1, rows, cols, channels), (1, 1, 1, channels), (kernel, kernel))
    else:
        g = geometry_of(options, (1, rows, cols, channels), (1, *out, channels), (kernel, kernel))
        assert (g.pad_top, g.pad_left) == (0, 0)
        assert (g.out_rows, g.out_cols) == (out if not g.swapped else out[::-1])


@given(ROWS, SMALL, SMALL, SMALL)
def test_same_padding_is_even_or_has_one_more_element_behind(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    out = -(-size // stride)
    options = Window2D((stride, 1), "SAME", dilation=(dilation, 1))
    g = geometry_of(options, (1, size, 2, 1), (1, out, 2, 1), (kernel, 1))
    reach = (kernel - 1) * dilation + 1
    for total in range(2 * reach):  # the least padding with which the kernel has enough positions
        if positions(size + total, kernel, stride, dilation) >= out:
            assert g.pad_top == total // 2
            break
    assert g.out_rows == out


@given(ROWS, st.integers(0, 3), st.integers(0, 3), SMALL)
def test_padding_that_was_folded_in_is_that_of_the_pad_operator(
    size: int, before: int, after: int, kernel: int
) -> None:
    options = Window2D((1, 1), "VALID", pads=(before, after, 0, 0))
    out = positions(size + before + after, kernel, 1, 1)
    if out:
        g = geometry_of(options, (1, size, 2, 1), (1, out, 2, 1), (kernel, 1))
        assert (g.pad_top, g.out_rows) == (before, out)


@pytest.mark.parametrize(("pooled", "padding"), [(4, "SAME"), (3, "VALID")])
def test_the_output_determines_whether_a_fused_pool_is_padded(pooled: int, padding: str) -> None:
    options = Window2D((1, 1), "VALID", pool=(2, 2))
    g = geometry_of(options, (1, 7, 8, 1), (1, pooled, 4, 1))
    assert (g.out_rows, g.pooled_rows, g.pooled_cols) == (7, pooled, 4), padding


def test_a_convolution_over_time_in_one_row_is_turned_to_many_short_rows() -> None:
    options = Window2D((1, 2), "VALID", dilation=(1, 3))
    g = geometry_of(options, (1, 1, 20, 5), (1, 1, 7, 5), (1, 3))
    assert g.swapped
    assert (g.in_rows, g.in_cols, g.out_rows, g.out_cols) == (20, 1, 7, 1)
    assert (g.kernel_rows, g.kernel_cols, g.stride_rows, g.dilation_rows) == (3, 1, 2, 3)


@pytest.mark.parametrize(
    ("source", "output", "kernel", "why"),
    [
        ((1, 5, 5), (1, 5, 5, 1), (1, 1), "its data do not have four dimensions"),
        ((2, 5, 5, 1), (2, 5, 5, 1), (1, 1), "its batch is 2"),
        ((1, 5, 5, 1), (1, 4, 5, 1), (1, 1), "its output is (4, 5), its options give (5, 5)"),
        ((1, 2, 5, 1), (1, 1, 5, 1), (3, 1), "its kernel is larger than its input"),
    ],
)
def test_shapes_that_do_not_fit_are_explained(
    source: tuple[int, ...], output: tuple[int, ...], kernel: tuple[int, int], why: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=r"^operator 3 \(CONV_2D\) is not supported") as caught:
        geometry_of(Window2D((1, 1), "VALID"), source, output, kernel)
    assert caught.value.why == why
