"""FULLY_CONNECTED on int8."""

from __future__ import annotations

from ei_toolkit.eon.graph import Activation, Graph, Operator, Tensor
from ei_toolkit.eon.kernels.float_convolution import float_biases, float_table
from ei_toolkit.eon.kernels.layer import (
    Constant,
    Layer,
    Scratch,
    Sink,
    constant,
    float_range,
    inputs_of,
    require,
    same_type,
)
from ei_toolkit.eon.kernels.quantized import channels, output_traits


def fully_connected(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a FULLY_CONNECTED; the input is read as rows of as many elements as the weights have columns."""
    source, weights, bias = inputs_of(graph, op, 2, 3)
    assert source is not None and isinstance(op.options, Activation)
    output = graph.tensors[op.output]
    weights = constant(op, weights, "weights")
    same_type(op, source, output)
    require(len(weights.shape) == 2, op, f"its weights are {weights.shape}")
    outputs, inputs = weights.shape
    batches = source.elements // inputs
    fits = source.elements == batches * inputs and output.elements == batches * outputs
    require(fits, op, f"{source.shape} times {weights.shape} does not give {output.shape}")
    if source.dtype == "float32":
        return _float(op, weights, bias, batches, output.name, position)
    per_channel = channels(op, source, weights, bias, output, axis=0, dense=True)
    assert weights.data is not None
    traits: dict[str, int | float | str] = {"kBatches": batches, "kInputs": inputs, "kOutputs": outputs}
    tables = f"kWeights{position}, kChannels{position}"
    rows = f"k::fully_connected_rows<Layer{position}, {{rows}}, {{row_elements}}>"
    sums = Scratch(f"sums{position}", "int32_t", outputs)
    sink = Sink(f"{rows}({{source}}, {sums.name}, {{out}}, {tables});", 1, inputs, together=1, scratch=(sums,))
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=batches * weights.elements,
        headers=("fully_connected.h",),
        traits=traits | output_traits(op, op.options.activation, output),
        constants=(
            Constant(f"kWeights{position}", "int8_t", weights.data.ravel().tolist(), weights.elements),
            per_channel.constant(f"kChannels{position}"),
        ),
        call=f"k::fully_connected<Layer{position}>({{in0}}, {{out}}, {tables});",
        sink=sink if batches == 1 else None,
    )


def _float(op: Operator, weights: Tensor, bias: Tensor | None, batches: int, name: str, position: int) -> Layer:
    assert isinstance(op.options, Activation)
    outputs, inputs = weights.shape
    return Layer(
        position=position,
        title=op.title,
        name=name,
        inputs=(op.inputs[0],),
        output=op.output,
        macs=batches * weights.elements,
        headers=("conv2d_float.h",),
        traits=float_range(op.options.activation) | {"kBatches": batches, "kInputs": inputs, "kOutputs": outputs},
        constants=(
            float_table(op, f"kWeights{position}", weights),
            float_biases(op, f"kBiases{position}", bias, outputs, outputs),
        ),
        call=f"k::fully_connected_float<Layer{position}>({{in0}}, {{out}}, kWeights{position}, kBiases{position});",
    )
