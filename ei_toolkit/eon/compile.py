"""The compiler: from the bytes of a .tflite to C++ and its figures (memory, layers, work)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.blockers import FULL_INT8, BlockedModelError, Blocker
from ei_toolkit.eon.emit import Program, header, source
from ei_toolkit.eon.graph import Graph, Shape, Tensor
from ei_toolkit.eon.kernels import lower
from ei_toolkit.eon.kernels.layer import CTYPES, Layer
from ei_toolkit.eon.memory_plan import reads, slot
from ei_toolkit.eon.passes import simplify
from ei_toolkit.eon.passes.float_weights import dequantized_bytes
from ei_toolkit.eon.passes.signed_bytes import signed_bytes
from ei_toolkit.eon.reader import QUANTIZED, read_model
from ei_toolkit.eon.schedule import schedule
from ei_toolkit.errors import UnsupportedModelError


@dataclass(frozen=True)
class TensorSpec:
    """Shape, type ("int8", "uint8", "int16", "int32", "int64" or "float32") and quantisation of an input or output.

    Only the first three are quantised; the others have the scale 1.
    """

    shape: Shape
    dtype: str
    scale: float
    zero_point: int

    @property
    def elements(self) -> int:
        """Number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size


@dataclass(frozen=True)
class LayerInfo:
    """One layer for reports: its operator, its shapes, its work, and its offsets in the arena."""

    name: str
    title: str
    inputs: tuple[Shape, ...]
    output: Shape
    macs: int
    step: int  # layers of one step run together, row by row
    slots: tuple[tuple[str, int], ...]  # (what, offset in the arena)
    flash_words: int = 0  # words of constants that an inference reads
    general: bool = False  # whether the general kernel of direct_conv2d.h computes it
    repeats: bool = False  # whether it calls the same function as an earlier layer


@dataclass(frozen=True)
class Placed:
    """Memory in the arena from step `first` to step `last`; -1 is before the first step."""

    name: str
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class CompiledModel:
    """The translation of one model."""

    header: str
    source: str
    kernels: tuple[str, ...]
    arena_bytes: int
    arena_lower_bound: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layers: tuple[LayerInfo, ...]
    sha256: str
    weights_bytes: int
    memory: tuple[Placed, ...] = ()
    state_bytes: int = 0  # of the arena, for variables that keep their values between inferences
    dequantized_bytes: int = 0  # by which float32 weights are larger than the int8 weights of the file

    @property
    def input(self) -> TensorSpec:
        """The first input, of most models the only one."""
        return self.inputs[0]

    @property
    def output(self) -> TensorSpec:
        """The first output, of most models the only one."""
        return self.outputs[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know about the translation."""
        if not self.dequantized_bytes:
            return ()
        grown = (
            f"the int8 weights of layers on float32 data are stored as float32: {self.dequantized_bytes:,} bytes more"
        )
        return (f"{grown}. {FULL_INT8}",)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference; no result is computed twice."""
        return sum(layer.macs for layer in self.layers)


def compile_model(
    tflite: bytes, *, ram_optimized: bool = False, unsigned_ends: bool = True, input_rows: bool = False
) -> CompiledModel:
    """Translate a .tflite. With `ram_optimized`, chains of layers run row by row and need no tensors between them.

    With `input_rows`, a function of the caller returns the rows of the input one by one: it needs no memory.

    Without `unsigned_ends`, inputs and outputs of type uint8 become int8, with zero points that are lower by 128.
    Raises DataError for bytes that are not a valid model, UnsupportedModelError for a model whose outputs the C++ could
    not reproduce bit for bit.
    """
    sha256 = hashlib.sha256(tflite).hexdigest()
    file = read_model(tflite)
    graph = simplify(file if unsigned_ends else signed_bytes(file, keep_ends=False))
    layers = lower_model(graph)
    graph = with_row_input(graph, layers) if input_rows else graph
    units, plan = schedule(graph, layers, ram_optimized=ram_optimized)
    program = Program(graph, units, plan, sha256)
    return CompiledModel(
        header=header(program),
        source=source(program),
        kernels=kernel_files({h for layer in program.layers for h in layer.headers}),
        arena_bytes=program.plan.arena_bytes,
        arena_lower_bound=program.plan.lower_bound,
        inputs=tuple(_spec(graph.tensors[t]) for t in graph.inputs),
        outputs=tuple(_spec(graph.tensors[t]) for t in graph.outputs),
        layers=_layers(program),
        sha256=sha256,
        weights_bytes=program.constant_bytes,
        memory=tuple(Placed(b.name, plan.offsets[b.name], b.bytes, b.first, b.last) for b in plan.buffers),
        state_bytes=sum(graph.tensors[t].bytes for t in graph.states),
        dequantized_bytes=dequantized_bytes(file),
    )


def with_row_input(graph: Graph, layers: Sequence[Layer]) -> Graph:
    """Return the graph with an input whose rows the caller hands over. Raises UnsupportedModelError if it cannot."""
    root = graph.root(graph.inputs[0])
    readers = [layer for layer in layers if any(graph.root(t) == root for t in layer.inputs)]
    why = ""
    if len(graph.inputs) > 1:
        why = f"the model has {len(graph.inputs)} inputs"
    elif root in graph.output_roots:
        why = f"{graph.tensors[root].name} is an output as well"
    elif len(readers) != 1 or len(readers[0].inputs) != 1:
        why = f"{graph.tensors[root].name} is read by " + (", ".join(x.title for x in readers) or "no layer")
    elif readers[0].rows is None:
        why = f"{readers[0].title}, its first layer, does not work row by row"
    if why:
        hint = "Compile it without --input-rows. A convolution or a pool as the first layer works row by row."
        raise UnsupportedModelError("the input cannot be taken row by row", why=why, hint=hint)
    return replace(graph, row_input=root)


def lower_model(graph: Graph) -> tuple[Layer, ...]:
    """Return the layers of a simplified graph. Raises BlockedModelError with all reasons, DataError as `lower`."""
    ends = [("input", t) for t in graph.inputs] + [("output", t) for t in graph.outputs]
    blockers = [b for what, t in ends if (b := _interface_blocker(what, graph.tensors[t])) is not None]
    try:
        layers = lower(graph)
    except BlockedModelError as error:
        blockers += error.blockers
    if blockers:
        raise BlockedModelError(blockers)
    return layers


def _interface_blocker(what: str, tensor: Tensor) -> Blocker | None:
    problem, remedy = "", "Convert it with int8, uint8 or float32 in and out."
    if tensor.data is not None:
        problem, remedy = "it is constant", "Remove this output from the model."
    elif tensor.dtype not in CTYPES or tensor.dtype == "bool":
        problem = f"it is {tensor.dtype}"
    elif tensor.dtype in QUANTIZED and tensor.quantization is None:
        problem = f"it is {tensor.dtype} without a quantisation"
    elif tensor.dtype in QUANTIZED and len(tensor.quant.scales) != 1:
        problem = "it is quantised per channel"
    return Blocker(None, f"the model's {what} {tensor.name}", tensor.name, problem, remedy) if problem else None


def _spec(tensor: Tensor) -> TensorSpec:
    if tensor.dtype not in QUANTIZED:
        return TensorSpec(tensor.shape, tensor.dtype, 1.0, 0)
    return TensorSpec(tensor.shape, tensor.dtype, tensor.quant.scale, tensor.quant.zero_point)


def _layers(program: Program) -> tuple[LayerInfo, ...]:
    tensors, offsets = program.graph.tensors, program.plan.offsets
    repeating = _repeating(program)
    return tuple(
        LayerInfo(
            name=layer.name,
            title=layer.title,
            inputs=tuple(tensors[t].shape for t in layer.inputs),
            output=tensors[layer.output].shape,
            macs=layer.macs,
            step=step,
            slots=tuple((name, offsets[name]) for name in _names(program, step)),
            flash_words=_flash_words(layer),
            general=GENERAL_KERNEL in layer.headers,
            repeats=layer.position in repeating,
        )
        for step, unit in enumerate(program.units)
        for layer in unit.layers
    )


def _repeating(program: Program) -> set[int]:
    """Return the positions of layers with the constants and the call of an earlier one, but for its tables."""
    seen: set[tuple[object, ...]] = set()
    repeating = set()
    for layer in program.layers:
        call = layer.call
        for name in (f"Layer{layer.position}", *(constant.name for constant in layer.constants)):
            call = re.sub(rf"\b{name}\b", "", call)
        key = (tuple(layer.traits.items()), call)
        if call and layer.rows is None and key in seen:
            repeating.add(layer.position)
        seen.add(key)
    return repeating


GENERAL_KERNEL = "direct_conv2d.h"


def _flash_words(layer: Layer) -> int:
    return sum(c.bytes for c in layer.constants) // 4 if layer.flash_words is None else layer.flash_words


def _names(program: Program, step: int) -> list[str]:
    unit = program.units[step]
    tensors = (*reads(program.graph, unit), program.graph.root(unit.output))
    return [*map(slot, tensors), *(s.name for s in unit.scratch)]


def kernel_files(headers: set[str]) -> tuple[str, ...]:
    """Return the given kernel headers and all that they include: sorted names in firmware/runtime/eitk/kernels."""
    folder = bundled("firmware") / "runtime" / "eitk" / "kernels"
    found: set[str] = set()
    waiting = set(headers)
    while waiting:
        name = waiting.pop()
        found.add(name)
        text = (folder / name).read_text(encoding="utf-8")
        waiting |= set(re.findall(r'#include "eitk/kernels/([^"]+)"', text)) - found
    return tuple(sorted(found))
