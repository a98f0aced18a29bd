"""Geometry of convolutions and pools: sizes, strides, padding, and the window of rows that a kernel reads."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.eon.graph import Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.layer import require


@dataclass(frozen=True)
class Geometry:
    """One convolution or pool over rows and columns. `out_*` is before a fused pool, `pooled_*` after it."""

    in_rows: int
    in_cols: int
    in_channels: int
    out_rows: int
    out_cols: int
    kernel_rows: int
    kernel_cols: int
    stride_rows: int
    stride_cols: int
    dilation_rows: int
    dilation_cols: int
    pad_top: int
    pad_left: int
    pool_rows: int
    pool_cols: int
    pooled_rows: int
    pooled_cols: int
    swapped: bool  # rows and columns are exchanged, so that a 1-D convolution has many short rows


def geometry(op: Operator, source: Tensor, output: Tensor, kernel: tuple[int, int]) -> Geometry:
    """Return the geometry of an operator; check that the output has the shape that the options give.

    Raises UnsupportedModelError for a batch or shapes that do not fit.
    """
    options = op.options
    assert isinstance(options, Window2D)
    require(len(source.shape) == 4 and len(output.shape) == 4, op, "its data do not have four dimensions")
    require(source.shape[0] == 1 and output.shape[0] == 1, op, f"its batch is {source.shape[0]}")
    before, after, sizes, pools = [], [], [], []
    for axis in (0, 1):
        pad, size = _axis(op, options, source.shape[1 + axis], kernel[axis], axis)
        pool = options.pool[axis] if size > 1 else 1
        pools.append(pool)
        pooled = -(-size // pool) if _ceil(options, output, axis, size) else size // pool
        before.append(pad)
        after.append(size)
        sizes.append(pooled)
    require(
        tuple(sizes) == output.shape[1:3], op, f"its output is {output.shape[1:3]}, its options give {tuple(sizes)}"
    )
    swapped = source.shape[1] == 1 and output.shape[1] == 1
    r, c = (1, 0) if swapped else (0, 1)
    return Geometry(
        *(source.shape[1 + r], source.shape[1 + c], source.shape[3], after[r], after[c], kernel[r], kernel[c]),
        *(options.stride[r], options.stride[c], options.dilation[r], options.dilation[c], before[r], before[c]),
        *(pools[r], pools[c], sizes[r], sizes[c], swapped),
    )


def transposed_padding(options: Window2D, axis: int, size: int, kernel: int) -> int:
    """Return the padding in front of the output of a TRANSPOSE_CONV with `size` elements along `axis`."""
    stride = options.stride[axis]
    count = -(-size // stride) if options.padding == "SAME" else (size - kernel) // stride + 1
    return max((count - 1) * stride + kernel - size, 0) // 2


def _ceil(options: Window2D, output: Tensor, axis: int, size: int) -> bool:
    """Return whether the fused pool has SAME padding, which the size of its output determines."""
    pool = options.pool[axis]
    return size % pool != 0 and output.shape[1 + axis] == -(-size // pool)


def _axis(op: Operator, options: Window2D, size: int, kernel: int, axis: int) -> tuple[int, int]:
    """Return (padding before, output size) along one axis."""
    stride, reach = options.stride[axis], (kernel - 1) * options.dilation[axis] + 1
    if options.pads is not None:
        before, after = options.pads[2 * axis : 2 * axis + 2]
        padded = size + before + after
    elif options.padding == "VALID":
        before, padded = 0, size
    else:
        out = -(-size // stride)
        total = max((out - 1) * stride + reach - size, 0)
        return total // 2, out
    require(padded >= reach, op, "its kernel is larger than its input")
    return before, (padded - reach) // stride + 1
