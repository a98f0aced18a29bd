"""MAX_POOL_2D, AVERAGE_POOL_2D and MEAN over rows and columns."""

from __future__ import annotations

from ei_toolkit.eon.fixed_point import mean_multiplier
from ei_toolkit.eon.graph import Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.kernels.geometry import Geometry, geometry
from ei_toolkit.eon.kernels.layer import (
    CTYPES,
    WITH_INT16,
    Layer,
    Rows,
    Scratch,
    Sink,
    float_range,
    inputs_of,
    require,
    same_type,
    single,
)
from ei_toolkit.eon.kernels.quantized import activation_range
from ei_toolkit.eon.kernels.reduction import reduce, reduced_axes


def pool2d(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a MAX_POOL_2D or AVERAGE_POOL_2D."""
    source, output = single(graph, op, WITH_INT16)
    assert isinstance(op.options, Window2D)
    require(source.shape[-1] == output.shape[-1], op, "it changes the number of channels")
    require(source.dtype == "float32" or source.quantization == output.quantization, op, "it changes the quantisation")
    g = geometry(op, source, output, op.options.size)
    if (
        op.kind == "AVERAGE_POOL_2D"
        and source.dtype != "int16"
        and (1, 1, g.in_rows, g.in_cols) == (*(g.out_rows, g.out_cols, g.kernel_rows, g.kernel_cols),)
    ):
        return _global_average(op, position, source, output)
    mean = "k::MeanFloat" if source.dtype == "float32" else "k::MeanUint8" if op.unsigned else "k::MeanInt"
    reduction = "k::Largest" if op.kind == "MAX_POOL_2D" else mean
    ctype = CTYPES[source.dtype]
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=("pool2d.h",),
        traits=_traits(g, op, op.options, output, ctype),
        scratch=(Scratch(f"window{position}", ctype, g.kernel_rows * g.in_cols * g.in_channels),),
        rows=Rows(
            cls=f"k::Pool2D<Layer{position}, {{source}}, {reduction}>",
            arguments=f"window{position}",
            in_rows=g.in_rows,
            in_row_elements=g.in_cols * g.in_channels,
            out_rows=g.out_rows,
            out_row_elements=g.out_cols * g.in_channels,
            ctype=ctype,
            block_rows=1,
            window_rows=g.kernel_rows,
            step=g.stride_rows,
            pad_top=g.pad_top,
        ),
    )


def _global_average(op: Operator, position: int, source: Tensor, output: Tensor) -> Layer:
    """Lower a pool over all pixels, which needs a sum for each channel and no window."""
    assert isinstance(op.options, Window2D)
    channels = source.shape[-1]
    count = source.elements // channels
    sum_type = "int32_t" if source.dtype == "int8" else "float"
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=("mean.h",),
        traits=_limits(op, op.options, output)
        | {"kChannels": channels, "kCount": count}
        | ({} if source.dtype == "float32" else {"kUnsigned": "true" if op.unsigned else "false"}),
        scratch=(Scratch(f"sums{position}", sum_type, channels),),
        sink=Sink(
            f"k::average<Layer{position}, {{rows}}, {{row_elements}}>({{source}}, sums{position}, {{out}});",
            count,
            channels,
            together=channels,
        ),
    )


def _limits(op: Operator, options: Window2D, output: Tensor) -> dict[str, int | float | str]:
    """Return the range of the activation function."""
    if output.dtype == "float32":
        return float_range(options.activation)
    low, high = activation_range(op, options.activation, output)
    return {"min()": low, "max()": high}


def _traits(g: Geometry, op: Operator, options: Window2D, output: Tensor, ctype: str) -> dict[str, int | float | str]:
    return _limits(op, options, output) | {
        "using Element": ctype,
        "kInRows": g.in_rows,
        "kInCols": g.in_cols,
        "kChannels": g.in_channels,
        "kRowElements": g.in_cols * g.in_channels,
        "kWindowRows": g.kernel_rows,
        "kStep": g.stride_rows,
        "kPadTop": g.pad_top,
        "kPadLeft": 0,
        "kPadRight": 0,
        "kPadValue": 0,
        "kPadCols": g.pad_left,
        "kColStride": g.stride_cols,
        "kPoolRows": g.kernel_rows,
        "kPoolCols": g.kernel_cols,
        "kOutRows": g.out_rows,
        "kOutCols": g.out_cols,
    }


def mean(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a MEAN over everything but the channels (global average pooling), or over other axes."""
    source, axes = inputs_of(graph, op, 2, 2)
    assert source is not None
    if source.dtype == "int16" or not _keeps_only_channels(source, reduced_axes(op, source, axes)):
        return reduce(graph, op, position)
    output = graph.tensors[op.output]
    same_type(op, source, output)
    channels = source.shape[-1]
    require(output.elements == channels, op, f"it turns {source.shape} into {output.shape}")
    count = source.elements // channels
    traits: dict[str, int | float | str] = {"kChannels": channels, "kCount": count}
    sum_type = "float"
    if source.dtype == "int8":
        sum_type = "int32_t"
        scale = mean_multiplier(source.quant.scale / output.quant.scale, count)
        bias = -source.quant.zero_point * count
        require(scale.shift <= 16 and abs(bias) + 128 * count < 1 << 30, op, "its sum could overflow")
        fast = "true" if -30 <= scale.shift <= -1 else "false"
        traits |= {"kBias": bias, "kMultiplier": scale.multiplier, "kShift": scale.shift, "kFast": fast}
        traits |= {"kOutputZeroPoint": output.quant.zero_point, "kMin": -128, "kMax": 127}
    scratch = (Scratch(f"sums{position}", sum_type, channels),)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=0,
        headers=("mean.h",),
        traits=traits,
        scratch=scratch,
        sink=Sink(
            f"k::mean<Layer{position}, {{rows}}, {{row_elements}}>({{source}}, sums{position}, {{out}});",
            count,
            channels,
            together=channels,
        ),
    )


def _keeps_only_channels(source: Tensor, reduced: list[int]) -> bool:
    rank = len(source.shape)
    kept = [axis for axis in range(rank) if axis not in reduced and source.shape[axis] > 1]
    only_channels = kept == [rank - 1] or (not kept and source.shape[-1] == 1)
    return only_channels and rank - 1 not in reduced
