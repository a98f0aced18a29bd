"""UNIDIRECTIONAL_SEQUENCE_LSTM on int8 with a 16-bit cell state and on float, as converted from keras.layers.LSTM.

The int8 arithmetic is that of TensorFlow Lite's 8x8_16 kernel without peephole, projection and layer normalisation.
Hidden and cell state are variables of the model: they keep their values from one inference to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.blockers import FULL_INT8
from ei_toolkit.eon.fixed_point import Multiplier, quantize_multiplier
from ei_toolkit.eon.graph import Graph, Lstm, Operator, Tensor
from ei_toolkit.eon.kernels.layer import Constant, Layer, Scratch, constant, fail, require, same_type
from ei_toolkit.eon.literals import float_literal

INPUTS = 24  # of the operator, most of them optional
INPUT_WEIGHTS, HIDDEN_WEIGHTS, BIASES, HIDDEN, CELL = 1, 5, 12, 18, 19  # first input of each kind, four gates each
UNSUPPORTED = {"peephole weights": range(9, 12), "a projection": range(16, 18), "layer normalisation": range(20, 24)}
GATE_SCALE = np.float32(2.0**-12)  # of the sums that enter the functions of the gates
PLAIN = "Use keras.layers.LSTM with its default activations."


def lstm(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower a UNIDIRECTIONAL_SEQUENCE_LSTM."""
    source, hidden, cell = _states(graph, op)
    output = graph.tensors[op.output]
    assert isinstance(op.options, Lstm)
    same_type(op, source, output)
    require(len(source.shape) == 3, op, f"its input is {source.shape}")
    batch = source.shape[1 if op.options.time_major else 0]
    require(batch == 1, op, f"its batch is {batch}")
    steps, inputs, cells = source.elements // source.shape[2], source.shape[2], hidden.elements
    require(cell.elements == cells and output.elements == steps * cells, op, f"its output is {output.shape}")
    types = (source.dtype, hidden.dtype, cell.dtype)
    if types == ("float32", "float32", "float32"):
        return _float(graph, op, position, (steps, inputs, cells))
    if types != ("int8", "int8", "int16"):
        raise fail(op, f"its data are {source.dtype}, its states {hidden.dtype} and {cell.dtype}", FULL_INT8)
    cell_bits = _cell_bits(op, cell)
    to_hidden = _to_hidden(graph, op, hidden)
    require(to_hidden.shift <= 0, op, "its output scale is too small")
    gates = [_gate(graph, op, gate, source, hidden, (cells, inputs)) for gate in range(4)]
    tables = (
        Constant(f"kGates{position}", "k::LstmGate", [g[0] for g in gates], 64),
        _bytes(f"kInputWeights{position}", np.stack([g[1] for g in gates])),
        _bytes(f"kHiddenWeights{position}", np.stack([g[2] for g in gates])),
        Constant(f"kBiases{position}", "int32_t", np.stack([g[3] for g in gates]).ravel().tolist(), 32 * cells),
    )
    names = ", ".join(table.name for table in tables)
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(source.index, hidden.index, cell.index),
        output=op.output,
        macs=steps * 4 * cells * (inputs + cells),
        headers=("lstm.h",),
        traits={
            "kSteps": steps,
            "kInputs": inputs,
            "kCells": cells,
            "kCellBits": cell_bits,
            "kProductShift": 15 + cell_bits,
            "kCellClip": _cell_clip(op.options.cell_clip, cell),
            "kMultiplier": to_hidden.multiplier,
            "kShift": to_hidden.shift,
            "kOutputZeroPoint": hidden.quant.zero_point,
            "kMin": -128,
            "kMax": 127,
        },
        constants=tables,
        scratch=(Scratch(f"gates{position}", "int16_t", 4 * cells),),
        call=f"k::lstm<Layer{position}>({{in0}}, {{in1}}, {{in2}}, gates{position}, {{out}}, {names});",
    )


def _float(graph: Graph, op: Operator, position: int, sizes: tuple[int, int, int]) -> Layer:
    """Lower the operator on float32."""
    assert isinstance(op.options, Lstm)
    steps, inputs, cells = sizes
    tables = []
    for name, first, columns in (("Input", INPUT_WEIGHTS, inputs), ("Hidden", HIDDEN_WEIGHTS, cells)):
        gates = [_weights(graph, op, op.inputs[first + gate], (cells, columns), "float32") for gate in range(4)]
        tables.append(_floats(op, f"k{name}Weights{position}", [gate.data for gate in gates]))
    biases = [_bias(graph, op, gate, cells, "float32") for gate in range(4)]
    tables.append(_floats(op, f"kBiases{position}", biases))
    names = ", ".join(table.name for table in tables)
    return Layer(
        position=position,
        title=op.title,
        name=graph.tensors[op.output].name,
        inputs=(op.inputs[0], op.inputs[HIDDEN], op.inputs[CELL]),
        output=op.output,
        macs=steps * 4 * cells * (inputs + cells),
        headers=("lstm_float.h",),
        traits={
            "kSteps": steps,
            "kInputs": inputs,
            "kCells": cells,
            "clip()": float_literal(op.options.cell_clip) if op.options.cell_clip > 0 else "FLT_MAX",
        },
        constants=tuple(tables),
        scratch=(Scratch(f"gates{position}", "float", 4 * cells),),
        call=f"k::lstm_float<Layer{position}>({{in0}}, {{in1}}, {{in2}}, gates{position}, {{out}}, {names});",
    )


def _floats(op: Operator, name: str, parts: Sequence[NDArray[Any] | None]) -> Constant:
    values = np.concatenate([np.ravel(part) for part in parts if part is not None]).astype(np.float32)
    require(bool(np.isfinite(values).all()), op, "its weights hold values that are not finite")
    return Constant(name, "float", values.tolist(), 4 * values.size)


def _states(graph: Graph, op: Operator) -> tuple[Tensor, Tensor, Tensor]:
    """Return input, hidden state and cell state."""
    require(len(op.inputs) == INPUTS, op, f"it has {len(op.inputs)} inputs")
    for what, places in UNSUPPORTED.items():
        if any(op.inputs[i] >= 0 for i in places):
            raise fail(op, f"it has {what}", PLAIN)
    source, hidden, cell = (op.inputs[i] for i in (0, HIDDEN, CELL))
    for state in (hidden, cell):
        only = state in graph.states and len(graph.consumers(state)) == 1
        require(only, op, "its states are not variables of its own")
    require(source >= 0 and hidden != cell, op, "an input is missing")
    return graph.tensors[source], graph.tensors[hidden], graph.tensors[cell]


def _cell_bits(op: Operator, cell: Tensor) -> int:
    """Return the integer bits of the cell state, whose scale must be a power of two."""
    fraction, exponent = math.frexp(cell.quant.scale)
    bits = 15 + exponent - 1
    require(fraction == 0.5 and 0 <= bits <= 6, op, f"the scale of its cell state is {cell.quant.scale}")
    return bits


def _cell_clip(clip: float, cell: Tensor) -> int:
    return int(min(max(clip / cell.quant.scale, -32768.0), 32767.0)) if clip > 0 else 0


def _to_hidden(graph: Graph, op: Operator, hidden: Tensor) -> Multiplier:
    """Return the scale from a product of two numbers with 15 fractional bits to the hidden state."""
    assert isinstance(op.options, Lstm)
    intermediate = graph.tensors[op.options.hidden] if 0 <= op.options.hidden < len(graph.tensors) else None
    quantization = intermediate.quantization if intermediate is not None else None
    scale, zero_point = hidden.quant.scale, hidden.quant.zero_point
    if quantization is not None:
        require(
            (quantization.scale, quantization.zero_point) == (scale, zero_point), op, "its hidden scale is not its own"
        )
    return quantize_multiplier(float(np.float32(2.0**-15 / scale * 2.0**-15)))


Gate = tuple[tuple[int, int, int, int], NDArray[np.int8], NDArray[np.int8], NDArray[np.int64]]


def _gate(graph: Graph, op: Operator, gate: int, source: Tensor, hidden: Tensor, shape: tuple[int, int]) -> Gate:
    """Return scales, both weight matrices and the pairs of biases of one gate."""
    cells, inputs = shape
    scales: list[int] = []
    matrices: list[NDArray[np.int8]] = []
    bias = _bias(graph, op, gate, cells)
    biases = []
    for first, values, columns in ((INPUT_WEIGHTS, source, inputs), (HIDDEN_WEIGHTS, hidden, cells)):
        weights = _weights(graph, op, op.inputs[first + gate], (cells, columns))
        assert weights.data is not None
        scale = np.float32(weights.quant.scale) * np.float32(values.quant.scale) / GATE_SCALE
        multiplier = quantize_multiplier(float(scale))
        require(multiplier.shift <= 16, op, "its scales differ by more than 2^16")
        effective = bias - values.quant.zero_point * weights.data.astype(np.int64).sum(axis=1)
        bound = int((np.abs(effective) + 128 * np.abs(weights.data.astype(np.int64)).sum(axis=1)).max())
        require(bound << max(multiplier.shift, 0) < 1 << 31, op, "a sum could overflow 32 bits")
        scales += [multiplier.multiplier, multiplier.shift]
        matrices.append(weights.data)
        biases.append(effective)
        bias = np.zeros(cells, dtype=np.int64)  # the sum over the hidden state has none
    return (scales[0], scales[1], scales[2], scales[3]), matrices[0], matrices[1], np.stack(biases, axis=1)


def _weights(graph: Graph, op: Operator, index: int, shape: tuple[int, int], dtype: str = "int8") -> Tensor:
    if index < 0:
        raise fail(op, "it has no input gate", PLAIN)
    weights = constant(op, graph.tensors[index], "weights")
    if (weights.dtype, weights.shape) != (dtype, shape):
        raise fail(op, f"its weights are {weights.dtype} {weights.shape}, not {dtype} {shape}", FULL_INT8)
    if dtype == "float32":
        return weights
    whole = len(weights.quant.scales) == 1 and not any(weights.quant.zero_points)
    require(whole, op, "its weights have a scale per channel or a zero point")
    return weights


def _bias(graph: Graph, op: Operator, gate: int, cells: int, dtype: str = "int32") -> NDArray[Any]:
    """Return the biases of a gate, int32 as int64; zeros if there are none."""
    index = op.inputs[BIASES + gate]
    if index < 0:
        return np.zeros(cells, dtype=np.int64)
    bias = constant(op, graph.tensors[index], "biases")
    require(bias.dtype == dtype and bias.elements == cells, op, f"its bias is {bias.dtype} {bias.shape}")
    assert bias.data is not None
    values: NDArray[Any] = bias.data.astype(np.int64 if dtype == "int32" else np.float32).ravel()
    return values


def _bytes(name: str, values: NDArray[np.int8]) -> Constant:
    return Constant(name, "int8_t", values.ravel().tolist(), values.size)
