"""Read the bytes of a .tflite as a typed graph. All values are validated before use."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import ITEM_BYTES, Graph, Operator, Options, Quantization, Tensor, Unreadable
from ei_toolkit.eon.loops import unroll_loops
from ei_toolkit.eon.options import check_outputs, read_options
from ei_toolkit.eon.sparse import dense_values
from ei_toolkit.eon.variables import bind_variables
from ei_toolkit.errors import DataError, MissingToolError, UnsupportedModelError

MAX_ITEMS = 2_000  # tensors or operators: far beyond what a microcontroller runs
MAX_ELEMENTS = 1 << 24
MAX_SCALES = 1 << 18  # of all tensors together; a file may give the same ones to each
MAX_INPUTS = 64  # of an operator; CONCATENATION, the widest, joins a few
MAX_NAME = 4096  # bytes; what is longer is cut
QUANTIZED = frozenset({"int8", "uint8", "int16"})
ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def read_model(content: bytes) -> Graph:
    """Read a .tflite. Operators and types that the compiler does not support are kept, for a report of all of them.

    Raises DataError for bytes that are not a valid model, MissingToolError without the packages that read flatbuffers.
    """
    _check_packages()
    if len(content) < 16 or content[4:8] != b"TFL3":
        raise DataError("this is not a TensorFlow Lite model", why="the file identifier TFL3 is missing")
    try:
        return _read(content)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
        # The flatbuffers package does not verify offsets; an offset outside the file causes one of these.
        raise DataError("the model file is damaged", why=f"{type(error).__name__} while reading it") from error


def _check_packages() -> None:
    # Imported when a model is read: both packages are an extra, and profiles of finished models need neither.
    try:
        import flatbuffers  # noqa: F401
        import tflite  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingToolError(f"{error.name} is not installed", hint="pip install 'eitk[firmware]'") from error


def _read(content: bytes) -> Graph:
    import tflite

    model = tflite.Model.GetRootAs(content, 0)
    subgraph = _subgraph(model, 0)
    tensors, operators = _tensors(model, subgraph), _operators(model, subgraph)
    graph = Graph(
        tensors,
        operators,
        inputs=_interface(subgraph.InputsAsNumpy(), "input", len(tensors)),
        outputs=_interface(subgraph.OutputsAsNumpy(), "output", len(tensors)),
    )
    graph = replace(graph, states=_variable_tensors(subgraph, graph))
    graph = unroll_loops(graph, cache(lambda index: _loop_graph(model, index)))
    graph = bind_variables(graph, lambda index: _operators_and_tensors(model, index))
    check_order(graph)
    return graph


def _variable_tensors(subgraph: Any, graph: Graph) -> dict[int, NDArray[Any]]:
    """Return the tensors that operators such as an LSTM keep between inferences; they begin as the number 0."""
    read = {t for op in graph.operators for t in op.inputs if t >= 0 and graph.tensors[t].data is None}
    kept = (graph.tensors[t] for t in sorted(read) if subgraph.Tensors(t).IsVariable())
    return {
        tensor.index: np.full(tensor.shape, _zero(tensor), dtype=tensor.dtype)
        for tensor in kept
        if tensor.dtype in ITEM_BYTES
    }


def _zero(tensor: Tensor) -> int:
    """Return with which value the interpreter fills a variable tensor."""
    return tensor.quantization.zero_point if tensor.dtype == "int8" and tensor.quantization is not None else 0


def _subgraph(model: Any, index: int) -> Any:
    count = _count(model.SubgraphsLength(), "subgraphs")
    if not 0 <= index < count:
        raise DataError(f"the model refers to subgraph {index}", why=f"it has {count} subgraphs")
    return model.Subgraphs(index)


def _operators_and_tensors(model: Any, index: int) -> tuple[tuple[Operator, ...], tuple[Tensor, ...]]:
    subgraph = _subgraph(model, index)
    return _operators(model, subgraph), _tensors(model, subgraph)


def _loop_graph(model: Any, index: int) -> Graph:
    """Return a subgraph of a loop: its ends may be any tensors, several times."""
    subgraph = _subgraph(model, index)
    tensors = _tensors(model, subgraph)
    inputs, outputs = (tuple(_numbers(ends)) for ends in (subgraph.InputsAsNumpy(), subgraph.OutputsAsNumpy()))
    if any(not 0 <= t < len(tensors) for t in (*inputs, *outputs)):
        raise DataError(f"subgraph {index} names a tensor that does not exist as its input or output")
    return Graph(tensors, _operators(model, subgraph), inputs, outputs)


def _tensors(model: Any, subgraph: Any) -> tuple[Tensor, ...]:
    _check_scales(subgraph)
    return tuple(_tensor(model, subgraph, i) for i in _range(subgraph.TensorsLength(), "tensors"))


def _check_scales(subgraph: Any) -> None:
    tensors = (subgraph.Tensors(i) for i in _range(subgraph.TensorsLength(), "tensors"))
    details = (tensor.Quantization() for tensor in tensors)
    _count(sum(d.ScaleLength() for d in details if d is not None), "scales", MAX_SCALES)


def _tensor(model: Any, subgraph: Any, index: int) -> Tensor:
    raw = subgraph.Tensors(index)
    name = (raw.Name() or b"")[:MAX_NAME].decode("utf-8", "replace") or f"tensor {index}"
    shape = _shape(raw, name)
    dtype = _enum("TensorType", raw.Type()).lower()
    if dtype.startswith("#"):
        raise DataError(f"tensor {name} is of type {dtype}, which does not exist")
    return Tensor(
        index, name, shape, dtype, _quantization(raw, name, shape, dtype), _data(model, raw, name, shape, dtype)
    )


def _shape(raw: Any, name: str) -> tuple[int, ...]:
    shape = tuple(int(raw.Shape(i)) for i in _range(raw.ShapeLength(), "dimensions", 8))
    if any(size < 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise _impossible(name, shape)
    return shape


def _impossible(name: str, shape: tuple[int, ...]) -> DataError:
    hint = "Convert the model with a fixed size of each dimension and a batch of one."
    return DataError(f"tensor {name} has the impossible shape {shape}", hint=hint)


def _quantization(raw: Any, name: str, shape: tuple[int, ...], dtype: str) -> Quantization | None:
    """Return the quantisation of an integer tensor; what converters write for tensors of other types has no meaning."""
    details = raw.Quantization()
    if dtype == "int32":
        return _int32_quantization(details)
    if dtype not in QUANTIZED or details is None or details.ScaleLength() == 0:
        return None
    count = details.ScaleLength()
    axis = int(details.QuantizedDimension()) if len(shape) > 1 else 0  # converters write the axis of the weights
    if count != 1 and (not 0 <= axis < len(shape) or shape[axis] != count):
        raise DataError(f"tensor {name} has {count} scales, which fit none of its dimensions {shape}")
    scales = tuple(float(s) for s in details.ScaleAsNumpy())
    zero_points = tuple(_numbers(details.ZeroPointAsNumpy(), count)) or (0,) * count
    if len(zero_points) != count:
        raise DataError(f"tensor {name} has {count} scales and {details.ZeroPointLength()} zero points")
    if not all(math.isfinite(s) and s > 0 for s in scales):
        raise DataError(f"tensor {name} has a scale that is not a positive number")
    low, high = ZERO_POINTS[dtype]
    if not all(low <= z <= high for z in zero_points):
        raise DataError(f"tensor {name} has a zero point outside {dtype}")
    return Quantization(scales, zero_points, axis)


def _int32_quantization(details: Any) -> Quantization | None:
    """Return the scale of an int32 tensor, which only QUANTIZE reads; None where the fields have another meaning."""
    if details is None or details.ScaleLength() != 1 or any(_numbers(details.ZeroPointAsNumpy())):
        return None
    scale = float(details.Scale(0))
    return Quantization((scale,), (0,)) if math.isfinite(scale) and scale > 0 else None


def _data(model: Any, raw: Any, name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any] | None:
    index = raw.Buffer()
    if index == 0 or dtype not in ITEM_BYTES:
        return None
    if index >= _count(model.BuffersLength(), "buffers"):
        raise DataError(f"tensor {name} refers to buffer {index}, which does not exist")
    data = model.Buffers(index).DataAsNumpy()
    if isinstance(data, int):  # the package returns 0 for an absent vector
        return None
    if data.size == 0:
        return None
    if raw.Sparsity() is not None and data.size % ITEM_BYTES[dtype] == 0:
        return dense_values(raw.Sparsity(), data.view(np.dtype(dtype).newbyteorder("<")), shape, name)
    wanted = math.prod(shape) * ITEM_BYTES[dtype]
    if data.size != wanted:
        raise DataError(f"tensor {name} {shape} needs {wanted} bytes, its buffer holds {data.size}")
    # A view of the file: a thousand tensors may share one buffer.
    values: NDArray[Any] = data.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)
    return values


def _operators(model: Any, subgraph: Any) -> tuple[Operator, ...]:
    count = _count(subgraph.TensorsLength(), "tensors")
    return tuple(
        op for i in _range(subgraph.OperatorsLength(), "operators") for op in _operator(model, subgraph, i, count)
    )


def _operator(model: Any, subgraph: Any, index: int, tensors: int) -> Iterator[Operator]:
    """Yield an operator of the file, once for each of its outputs; one without outputs has the output -1."""
    raw = subgraph.Operators(index)
    if raw.OpcodeIndex() >= _count(model.OperatorCodesLength(), "operator codes"):
        raise DataError(f"operator {index} refers to an operator code that does not exist")
    kind = _kind(model.OperatorCodes(raw.OpcodeIndex()))
    inputs = _inputs(raw, f"operator {index} ({kind})")
    outputs = tuple(_numbers(raw.OutputsAsNumpy()))
    if any(not -1 <= t < tensors for t in inputs) or any(not 0 <= t < tensors for t in outputs):
        raise DataError(f"operator {index} ({kind}) refers to a tensor that does not exist")
    options = _options(kind, raw, index, outputs)
    for result, output in enumerate(outputs or (-1,)):
        yield Operator(index, kind, inputs, output, options, result=result)


def _options(kind: str, raw: Any, index: int, outputs: tuple[int, ...]) -> Options:
    try:
        check_outputs(kind, len(outputs))
        return read_options(kind, raw, index)
    except UnsupportedModelError as error:
        problem = (error.why or error.what).removeprefix(f"operator {index} ({kind}) ")
        return Unreadable(problem, error.hint)


def _inputs(raw: Any, where: str) -> tuple[int, ...]:
    if raw.InputsLength() > MAX_INPUTS:
        raise UnsupportedModelError(
            f"{where} has {raw.InputsLength()} inputs",
            why=f"at most {MAX_INPUTS} are supported",
            hint="Join them in several steps.",
        )  # before the list is read: a damaged file may claim millions of them
    return tuple(_numbers(raw.InputsAsNumpy()))


def _kind(code: Any) -> str:
    kind = _enum("BuiltinOperator", max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
    if kind == "CUSTOM":
        return "CUSTOM " + (code.CustomCode() or b"")[:MAX_NAME].decode("utf-8", "replace")
    return kind


def _interface(indices: Any, what: str, tensors: int) -> tuple[int, ...]:
    """Return the inputs or outputs of the model."""
    numbers = tuple(_numbers(indices))
    if not numbers:
        raise DataError(f"the model has no {what}")
    if len(numbers) > MAX_INPUTS:
        raise UnsupportedModelError(f"the model has {len(numbers)} {what}s", why=f"at most {MAX_INPUTS} are supported")
    if any(not 0 <= t < tensors for t in numbers):
        raise DataError(f"the model's {what} is a tensor that does not exist")
    if len(set(numbers)) != len(numbers):
        raise UnsupportedModelError(f"the model names one tensor as two {what}s")
    return numbers


def _numbers(array: Any, most: int = MAX_ITEMS) -> list[int]:
    """Return at most `most` + 1 numbers of a vector; none for an absent vector, for which the package returns 0."""
    return [] if isinstance(array, int) else [int(n) for n in array[: most + 1]]


def _count(count: int, what: str, most: int = MAX_ITEMS) -> int:
    if count > most:
        raise DataError(f"the model has {count} {what}", why=f"at most {most} are supported")
    return count


def _range(count: int, what: str, most: int = MAX_ITEMS) -> range:
    return range(_count(count, what, most))


def _enum(name: str, value: int) -> str:
    import tflite

    values = vars(getattr(tflite, name))
    return next((key for key, number in values.items() if number == value and not key.startswith("_")), f"#{value}")


def check_order(graph: Graph) -> None:
    """Check that each operator reads constants, inputs, state, or what is written before, and writes a new tensor.

    Raises DataError.
    """
    known = {*graph.inputs, *graph.states, -1} | {t.index for t in graph.tensors if t.data is not None}
    for op in graph.operators:
        for tensor in (graph.tensors[t] for t in (*op.inputs, op.output) if t >= 0):
            if tensor.elements == 0:  # some converters leave empty tensors that no operator reads or writes
                raise _impossible(tensor.name, tensor.shape)
        missing = [t for t in op.inputs if t not in known]
        if missing and not isinstance(op.options, Unreadable):  # reported later with what else is not supported
            raise DataError(
                f"operator {op.index} ({op.kind}) reads {graph.tensors[missing[0]].name} before it is written"
            )
        if op.output in known and op.output != -1 and op.output not in graph.states:
            raise DataError(f"operator {op.index} ({op.kind}) writes {graph.tensors[op.output].name} a second time")
        known.add(op.output)
    for tensor in (graph.tensors[t] for t in (*graph.inputs, *graph.outputs)):
        if tensor.elements == 0:
            raise _impossible(tensor.name, tensor.shape)
        if tensor.index not in known:
            raise DataError(f"no operator writes the model's output {tensor.name}")
