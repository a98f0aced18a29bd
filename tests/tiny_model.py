"""A builder of tiny .tflite models: import it with `from tiny_model import ...`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    "bool": schema.TensorType.BOOL,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "float32": schema.TensorType.FLOAT32,
}

B = schema.BuiltinOperator
VERSIONS = dict.fromkeys(
    (
        B.ARG_MAX,
        B.ARG_MIN,
        B.ASSIGN_VARIABLE,
        B.BATCH_MATMUL,
        B.CALL_ONCE,
        B.CAST,
        B.COS,
        B.DENSIFY,
        B.DEPTH_TO_SPACE,
        B.DIV,
        B.ELU,
        B.EQUAL,
        B.EXPAND_DIMS,
        B.GATHER,
        B.GELU,
        B.GREATER,
        B.GREATER_EQUAL,
        B.HARD_SWISH,
        B.LESS,
        B.LESS_EQUAL,
        B.LOG,
        B.LOGICAL_AND,
        B.LOG_SOFTMAX,
        B.NEG,
        B.NOT_EQUAL,
        B.PRELU,
        B.READ_VARIABLE,
        B.RELU_N1_TO_1,
        B.RESHAPE,
        B.REVERSE_V2,
        B.RSQRT,
        B.SELECT,
        B.SELECT_V2,
        B.SIN,
        B.SPACE_TO_DEPTH,
        B.SQRT,
        B.SQUARE,
        B.SQUARED_DIFFERENCE,
        B.SUM,
        B.TILE,
        B.VAR_HANDLE,
        B.WHILE,
    ),
    1,
) | dict.fromkeys((B.EXP, B.LEAKY_RELU), 2)  # of operators without version 3; fmt: skip


@dataclass
class TinyModel:
    """Builds a .tflite tensor by tensor and operator by operator."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    operators: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    initial: TinyModel | None = None  # the subgraph that assigns the variables' first values
    further: list[Any] = field(default_factory=list)  # other subgraphs

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: float | Sequence[float] | None = None,
        zero_point: int = 0,
        *,
        axis: int = 0,
        data: Any = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor; constant if it has data. Several scales are per index along `axis`."""
        made = schema.TensorT()
        made.name, made.shape, made.type = f"t{len(self.tensors)}".encode(), list(shape), TYPES[dtype]
        made.isVariable = variable
        if scale is not None:
            scales = [scale] if isinstance(scale, float) else list(scale)
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = scales
            made.quantization.zeroPoint = [zero_point] * len(scales)
            made.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype=dtype).tobytes(), dtype=np.uint8)
            made.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(made)
        return len(self.tensors) - 1

    def operator(self, kind: str, inputs: Sequence[int], output: int, options: str | None = None, **values: Any) -> int:
        """Add an operator with options such as ("Conv2DOptions", strideH=1); returns its output, -1 if it has none."""
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self.codes:
            self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = (
            self.codes.index(code),
            list(inputs),
            [output] if output >= 0 else [],
        )
        if options is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, options + "T")()
            for name, value in values.items():
                setattr(made.builtinOptions, name, value)
        self.operators.append(made)
        return output

    def make_sparse(self, tensor: int, rows: Sequence[Sequence[int]], block: int) -> None:
        """Mark the constant as a matrix of which each row has the given columns only, `block` columns at a time."""
        columns = schema.Int32VectorT()
        columns.values = [int(n) for row in rows for n in row]
        segments = schema.Int32VectorT()
        segments.values = [int(n) for n in np.cumsum([0, *map(len, rows)])]
        levels = [schema.DimensionMetadataT() for _ in range(3 if block > 1 else 2)]
        levels[0].denseSize = len(rows)
        levels[1].format = schema.DimensionType.SPARSE_CSR
        levels[1].arraySegmentsType = levels[1].arrayIndicesType = schema.SparseIndexVector.Int32Vector
        levels[1].arraySegments, levels[1].arrayIndices = segments, columns
        if block > 1:
            levels[2].denseSize = block
        sparsity = schema.SparsityParametersT()
        sparsity.traversalOrder, sparsity.dimMetadata = list(range(len(levels))), levels
        sparsity.blockMap = [1] if block > 1 else []
        self.tensors[tensor].sparsity = sparsity

    def variable(self, name: str, value: Any, dtype: str = "int8", **quant: Any) -> int:
        """Add a variable with its initial value; returns its handle."""
        if self.initial is None:
            self.initial = TinyModel(buffers=self.buffers, codes=self.codes)
            self.operator("CALL_ONCE", [], -1, "CallOnceOptions", initSubgraphIndex=1)
        handle = self._handle(name)
        first = self.initial.tensor(np.shape(value), dtype, data=value, **quant)
        self.initial.operator("ASSIGN_VARIABLE", [self.initial._handle(name), first], -1, "AssignVariableOptions")
        return handle

    def _handle(self, name: str) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type = name.encode(), [], schema.TensorType.RESOURCE
        self.tensors.append(made)
        handle = len(self.tensors) - 1
        return self.operator("VAR_HANDLE", [], handle, "VarHandleOptions", container=b"", sharedName=name.encode())

    def subgraph(self) -> TinyModel:
        """Begin another subgraph, which ends with `add`."""
        return TinyModel(buffers=self.buffers, codes=self.codes)

    def add(self, other: TinyModel, inputs: Sequence[int], outputs: Sequence[int]) -> int:
        """Add a subgraph; returns its index in a model without variables."""
        self.further.append(other._graph(list(inputs), list(outputs)))
        return len(self.further)

    def finish(self, source: int, output: int, *further_inputs: int, further_outputs: Sequence[int] = ()) -> bytes:
        """The file, with one input and output or more."""
        graphs = [self._graph([source, *further_inputs], [output, *further_outputs])]
        if self.initial is not None:
            graphs.append(self.initial._graph([], []))
        graphs += self.further
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, graphs, self.buffers
        model.operatorCodes = []
        for code in self.codes:
            made = schema.OperatorCodeT()
            made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), VERSIONS.get(code, 3)
            model.operatorCodes.append(made)
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _graph(self, inputs: list[int], outputs: list[int]) -> Any:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = inputs, outputs
        return graph


def classifier(features: int, classes: int, seed: int = 1) -> bytes:
    """A float32 model: the softmax of a random linear function of the features."""
    random = np.random.default_rng(seed)
    return linear_classifier(random.normal(0, 0.3, (classes, features)), random.normal(0, 0.3, classes))


def linear_classifier(weights: Any, bias: Any) -> bytes:
    """A float32 model: the softmax of a linear function with these weights (classes, features)."""
    classes, features = np.shape(weights)
    model = TinyModel()
    source = model.tensor((1, features), "float32")
    constants = (
        model.tensor((classes, features), "float32", data=weights), model.tensor((classes,), "float32", data=bias),
    )  # fmt: skip
    scores, output = model.tensor((1, classes), "float32"), model.tensor((1, classes), "float32")
    model.operator("FULLY_CONNECTED", [source, *constants], scores, "FullyConnectedOptions")
    model.operator("SOFTMAX", [scores], output, "SoftmaxOptions", beta=1.0)
    return model.finish(source, output)
