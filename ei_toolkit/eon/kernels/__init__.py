"""Lower operators to layers: a kernel of the runtime, its constants and its scratch memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ei_toolkit.config.units import mib
from ei_toolkit.eon.blockers import REMEDIES, BlockedModelError, Blocker, remedy_for
from ei_toolkit.eon.graph import Graph, Operator, Unreadable
from ei_toolkit.eon.kernels.conditions import ORDERS, SELECTIONS, compare, select
from ei_toolkit.eon.kernels.convolution import conv2d
from ei_toolkit.eon.kernels.dense import fully_connected
from ei_toolkit.eon.kernels.depthwise import depthwise_conv2d
from ei_toolkit.eon.kernels.direct import transpose_conv
from ei_toolkit.eon.kernels.elementwise import FUNCTIONS, concatenation, copy, elementwise, load, pack, pad, prelu
from ei_toolkit.eon.kernels.functions import FLOAT_KERNELS
from ei_toolkit.eon.kernels.layer import Layer
from ei_toolkit.eon.kernels.lstm import lstm
from ei_toolkit.eon.kernels.matmul import batch_matmul
from ei_toolkit.eon.kernels.movement import MOVES, move
from ei_toolkit.eon.kernels.pooling import mean, pool2d
from ei_toolkit.eon.kernels.reduction import reduce
from ei_toolkit.eon.kernels.resize import resize_bilinear
from ei_toolkit.eon.kernels.selection import arg_extreme, cast, gather
from ei_toolkit.eon.kernels.svdf import svdf
from ei_toolkit.eon.kernels.unary import dequantize, log_softmax, quantize, softmax, unary
from ei_toolkit.errors import DataError, UnsupportedModelError

MOST_CONSTANT_BYTES = 16 << 20

LOWER: dict[str, Callable[[Graph, Operator, int], Layer]] = {
    "CONV_2D": conv2d,
    "TRANSPOSE_CONV": transpose_conv,
    "MAX_POOL_2D": pool2d,
    "AVERAGE_POOL_2D": pool2d,
    "FULLY_CONNECTED": fully_connected,
    "MEAN": mean,
    **dict.fromkeys(("SUM", "REDUCE_MAX", "REDUCE_MIN"), reduce),
    "SOFTMAX": softmax,
    "LOG_SOFTMAX": log_softmax,
    "DEPTHWISE_CONV_2D": depthwise_conv2d,
    **dict.fromkeys(FUNCTIONS, elementwise),
    "PRELU": prelu,
    **dict.fromkeys(ORDERS, compare),
    **dict.fromkeys(SELECTIONS, select),
    "CONCATENATION": concatenation,
    "PACK": pack,
    "RESIZE_BILINEAR": resize_bilinear,
    "BATCH_MATMUL": batch_matmul,
    "SVDF": svdf,
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), arg_extreme),
    "GATHER": gather,
    "CAST": cast,
    "PAD": pad,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    **dict.fromkeys(MOVES, move),
    "READ_VARIABLE": copy,
    "ASSIGN_VARIABLE": copy,
    "LOAD": load,  # in no file: of the pass load_constants
    **dict.fromkeys(FLOAT_KERNELS, unary),
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
}


def lower(graph: Graph) -> tuple[Layer, ...]:
    """Return the layers of a simplified graph, in order.

    Raises BlockedModelError with all operators that are not supported, and DataError for constants that no board has
    memory for: each layer has its own tables, so weights that layers share are stored several times.
    """
    graph = replace(graph, tensors=tuple(t if t.shape else replace(t, shape=(1,)) for t in graph.tensors))
    layers: list[Layer] = []
    blockers: list[Blocker] = []
    constants = 0
    for position, op in enumerate(graph.operators):
        try:
            layers.append(_lower(graph, op, position))
        except UnsupportedModelError as error:
            # One for all outputs of an operator. The operators of a loop have its number.
            if (op.index, op.kind) not in ((blocker.operator, blocker.kind) for blocker in blockers):
                blockers.append(_blocker(graph, op, error))
            continue
        constants += sum(constant.bytes for constant in layers[-1].constants)
        if constants > MOST_CONSTANT_BYTES:
            raise DataError(
                f"the model's weights take more than {mib(MOST_CONSTANT_BYTES)}",
                why=f"counted up to operator {op.index} ({op.kind})",
                hint="A model for a microcontroller has less than 1 MB of them.",
            )
    if blockers:
        raise BlockedModelError(blockers)
    return tuple(layers)


def _blocker(graph: Graph, op: Operator, error: UnsupportedModelError) -> Blocker:
    layer = graph.tensors[op.output].name if op.output >= 0 else ""
    return Blocker(op.index, op.kind, layer, error.why or error.what, error.hint or remedy_for(op.kind))


def _lower(graph: Graph, op: Operator, position: int) -> Layer:
    if isinstance(op.options, Unreadable):
        raise UnsupportedModelError(op.options.problem, hint=op.options.remedy)
    if op.kind not in LOWER:
        raise UnsupportedModelError(
            "it remains at run time, and is supported only on constants or where a pass removes it",
            hint=REMEDIES.get(op.kind, "Convert the model with a fixed batch of one."),
        )
    if op.inputs[:1] in ((), (-1,)):
        raise UnsupportedModelError("it has no input")
    with np.errstate(over="ignore"):  # a quotient of extreme scales is refused by its size
        return LOWER[op.kind](graph, op, position)
