"""Read the bytes of a .tflite as a typed graph. All values are validated before use."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Graph, Operator, Quantization, Tensor
from ei_toolkit.eon.options import read_options
from ei_toolkit.errors import DataError, MissingToolError, UnsupportedModelError

MAX_ITEMS = 2_000  # tensors or operators: far beyond what a microcontroller runs
MAX_ELEMENTS = 1 << 24
MAX_SCALES = 1 << 18  # of all tensors together; a file may give the same ones to each
MAX_INPUTS = 64  # of an operator; CONCATENATION, the widest, joins a few
MAX_NAME = 4096  # bytes; what is longer is cut
DTYPES = {"FLOAT32": "float32", "INT8": "int8", "INT32": "int32", "INT64": "int64", "BOOL": "bool"}


def read_model(content: bytes) -> Graph:
    """Read a .tflite with one subgraph, one input and one output.

    Raises DataError for bytes that are not a valid model, UnsupportedModelError where it holds what the compiler
    does not know, MissingToolError without the packages that read flatbuffers.
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
    if model.SubgraphsLength() != 1:
        raise UnsupportedModelError(f"the model has {model.SubgraphsLength()} subgraphs", why="only one is supported")
    subgraph = model.Subgraphs(0)
    _check_scales(subgraph)
    tensors = tuple(_tensor(model, subgraph, i) for i in _range(subgraph.TensorsLength(), "tensors"))
    operators = tuple(_operators(model, subgraph, len(tensors)))
    graph = Graph(
        tensors,
        operators,
        input=_single(subgraph.InputsAsNumpy(), "input", len(tensors)),
        output=_single(subgraph.OutputsAsNumpy(), "output", len(tensors)),
    )
    check_order(graph)
    return graph


def _check_scales(subgraph: Any) -> None:
    tensors = (subgraph.Tensors(i) for i in _range(subgraph.TensorsLength(), "tensors"))
    details = (tensor.Quantization() for tensor in tensors)
    _count(sum(d.ScaleLength() for d in details if d is not None), "scales", MAX_SCALES)


def _tensor(model: Any, subgraph: Any, index: int) -> Tensor:
    raw = subgraph.Tensors(index)
    name = (raw.Name() or b"")[:MAX_NAME].decode("utf-8", "replace") or f"tensor {index}"
    shape = _shape(raw, name)
    dtype = DTYPES.get(_enum("TensorType", raw.Type()))
    if dtype is None:
        raise UnsupportedModelError(f"tensor {name} is of type {_enum('TensorType', raw.Type())}")
    if raw.Sparsity() is not None:
        raise UnsupportedModelError(f"tensor {name} is sparse")
    return Tensor(index, name, shape, dtype, _quantization(raw, name, shape), _data(model, raw, name, shape, dtype))


def _shape(raw: Any, name: str) -> tuple[int, ...]:
    shape = tuple(int(raw.Shape(i)) for i in _range(raw.ShapeLength(), "dimensions", 8))
    if any(size <= 0 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise DataError(f"tensor {name} has the impossible shape {shape}")
    return shape


def _quantization(raw: Any, name: str, shape: tuple[int, ...]) -> Quantization | None:
    details = raw.Quantization()
    if details is None or details.ScaleLength() == 0:
        return None
    count = details.ScaleLength()
    axis = int(details.QuantizedDimension())
    if count != 1 and (not 0 <= axis < len(shape) or shape[axis] != count):
        raise DataError(f"tensor {name} has {count} scales, which fit none of its dimensions {shape}")
    scales = tuple(float(s) for s in details.ScaleAsNumpy())
    zero_points = tuple(_numbers(details.ZeroPointAsNumpy(), count)) or (0,) * count
    if len(zero_points) != count:
        raise DataError(f"tensor {name} has {count} scales and {details.ZeroPointLength()} zero points")
    if not all(math.isfinite(s) and s > 0 for s in scales):
        raise DataError(f"tensor {name} has a scale that is not a positive number")
    if not all(-128 <= z <= 127 for z in zero_points):
        raise DataError(f"tensor {name} has a zero point outside int8")
    return Quantization(scales, zero_points, axis)


def _data(model: Any, raw: Any, name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any] | None:
    index = raw.Buffer()
    if index == 0:
        return None
    if index >= _count(model.BuffersLength(), "buffers"):
        raise DataError(f"tensor {name} refers to buffer {index}, which does not exist")
    data = model.Buffers(index).DataAsNumpy()
    if isinstance(data, int):  # the package returns 0 for an absent vector
        return None
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    if data.size == 0:
        return None
    if data.size != wanted:
        raise DataError(f"tensor {name} {shape} needs {wanted} bytes, its buffer holds {data.size}")
    # A view of the file: a thousand tensors may share one buffer.
    values: NDArray[Any] = data.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)
    return values


def _operators(model: Any, subgraph: Any, tensors: int) -> Iterator[Operator]:
    codes = _count(model.OperatorCodesLength(), "operator codes")
    for i in _range(subgraph.OperatorsLength(), "operators"):
        raw = subgraph.Operators(i)
        if raw.OpcodeIndex() >= codes:
            raise DataError(f"operator {i} refers to an operator code that does not exist")
        kind = _kind(model.OperatorCodes(raw.OpcodeIndex()))
        inputs = _inputs(raw, f"operator {i} ({kind})")
        outputs = tuple(int(t) for t in _numbers(raw.OutputsAsNumpy()))
        if len(outputs) != 1:
            raise UnsupportedModelError(f"operator {i} ({kind}) has {len(outputs)} outputs")
        if any(not -1 <= t < tensors for t in inputs) or not 0 <= outputs[0] < tensors:
            raise DataError(f"operator {i} ({kind}) refers to a tensor that does not exist")
        yield Operator(i, kind, inputs, outputs[0], read_options(kind, raw, i))


def _inputs(raw: Any, where: str) -> tuple[int, ...]:
    if raw.InputsLength() > MAX_INPUTS:
        raise UnsupportedModelError(
            f"{where} has {raw.InputsLength()} inputs",
            why=f"at most {MAX_INPUTS} are supported",
            hint="Join them in several steps.",
        )
    return tuple(_numbers(raw.InputsAsNumpy()))


def _kind(code: Any) -> str:
    kind = _enum("BuiltinOperator", max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
    if kind == "CUSTOM":
        name = (code.CustomCode() or b"").decode("utf-8", "replace")
        raise UnsupportedModelError(f"the model uses the custom operator {name}")
    return kind


def _single(indices: Any, what: str, tensors: int) -> int:
    numbers = _numbers(indices)
    if len(numbers) != 1:
        raise UnsupportedModelError(f"the model has {len(numbers)} {what}s", why="only one is supported")
    if not 0 <= numbers[0] < tensors:
        raise DataError(f"the model's {what} is a tensor that does not exist")
    return int(numbers[0])


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
    """Check that each operator reads constants, the input, or what is written before, and writes a new tensor.

    Raises DataError.
    """
    known = {graph.input} | {t.index for t in graph.tensors if t.data is not None}
    for op in graph.operators:
        missing = [t for t in op.inputs if t != -1 and t not in known]
        if missing:
            raise DataError(
                f"operator {op.index} ({op.kind}) reads {graph.tensors[missing[0]].name} before it is written"
            )
        if op.output in known:
            raise DataError(f"operator {op.index} ({op.kind}) writes {graph.tensors[op.output].name} a second time")
        known.add(op.output)
    if graph.output not in known:
        raise DataError("no operator writes the model's output")
