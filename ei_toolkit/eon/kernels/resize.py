"""RESIZE_BILINEAR."""

from __future__ import annotations

import numpy as np

from ei_toolkit.eon.graph import Graph, Operator, Resize
from ei_toolkit.eon.kernels.layer import WITH_INT16, Layer, constant, inputs_of, require, same_scale, same_type
from ei_toolkit.eon.literals import float_literal

ONE = 1 << 10  # the unit of positions between two pixels
MOST_PIXELS = 1 << 15  # along a side


def resize_bilinear(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a RESIZE_BILINEAR to a constant size."""
    source, size = inputs_of(graph, op, 2, 2)
    assert source is not None and isinstance(op.options, Resize)
    output = graph.tensors[op.output]
    same_type(op, source, output, WITH_INT16)
    require(same_scale(source, output), op, "it changes the quantisation")
    sizes = constant(op, size, "size").data
    require(len(source.shape) == 4 and len(output.shape) == 4, op, "its data do not have four dimensions")
    batch, rows, cols, channels = source.shape
    fits = sizes is not None and output.shape == (1, *map(int, sizes.ravel()), channels) and batch == 1
    require(fits, op, f"it resizes {source.shape} to {output.shape}")
    require(max(*source.shape[1:3], *output.shape[1:3]) <= MOST_PIXELS, op, f"it resizes {source.shape}")
    both = op.options.align_corners and op.options.half_pixel_centers
    require(not both, op, "it aligns corners and pixel centres")
    pairs = [_pair(n, m, align=op.options.align_corners) for n, m in zip((rows, cols), output.shape[1:3], strict=True)]
    traits: dict[str, int | float | str] = {
        "kInRows": rows,
        "kInCols": cols,
        "kChannels": channels,
        "kOutRows": output.shape[1],
        "kOutCols": output.shape[2],
        "kHalf": "true" if op.options.half_pixel_centers else "false",
    }
    real = source.dtype == "float32" or op.unsigned  # the reference computes uint8 in float32
    if real:
        scales = [float_literal(float(np.float32(n) / np.float32(m))) for n, m in pairs]
        traits |= {"row_scale()": scales[0], "col_scale()": scales[1]}
    else:
        traits |= {f"k{name}Scale": (ONE * n + m // 2) // m for name, (n, m) in zip(("Row", "Col"), pairs, strict=True)}
    kernel = "resize_bilinear" + ("_unsigned" if op.unsigned else "_float" if real else "")
    call = f"k::{kernel}<Layer{position}>({{in0}}, {{out}});"
    return Layer(position, op.title, output.name, op.inputs[:1], op.output, 0, ("resize.h",), traits=traits, call=call)


def _pair(before: int, after: int, *, align: bool) -> tuple[int, int]:
    """Return numbers of inputs and outputs whose quotient is the distance between two outputs."""
    return (before - 1, after - 1) if align and after > 1 else (before, after)
