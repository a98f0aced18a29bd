"""The outputs of the reference interpreter, and of many compiled models in one program."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.compile import CompiledModel, TensorSpec, compile_model
from ei_toolkit.eon.toolchain import ARM, ARM_LINK, HOST, ICOUNT, MACHINE


def _interpreter(model: bytes, resolver: OpResolverType) -> Interpreter:
    return Interpreter(model_content=model, experimental_op_resolver_type=resolver)


def reference(model: bytes, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of the reference kernels, one row for each input."""
    (outputs,) = reference_ports(model, [inputs])
    return outputs


def reference_ports(model: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return all outputs of the reference kernels for all inputs; an array for each, its rows one after the other."""
    try:
        interpreter = _interpreter(model, OpResolverType.BUILTIN_REF)
    except ValueError:  # a few operators, such as ELU, are missing among the reference kernels
        interpreter = _interpreter(model, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    ends = interpreter.get_output_details()
    answers: list[list[np.ndarray]] = [[] for _ in ends]
    for row in zip(*inputs, strict=True):
        for source, values in zip(interpreter.get_input_details(), row, strict=True):
            interpreter.set_tensor(source["index"], values.reshape(source["shape"]))
        interpreter.invoke()
        for output, found in zip(ends, answers, strict=True):
            found.append(interpreter.get_tensor(output["index"]).ravel())
    return [np.array(found) for found in answers]


def micro_reference(model: bytes, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of TensorFlow Lite Micro, for operators that only it has."""
    from tflite_micro import runtime  # not on every system

    interpreter = runtime.Interpreter.from_bytes(model)
    shape = interpreter.get_input_details(0)["shape"]
    answers = []
    for row in inputs:
        interpreter.set_input(row.reshape(shape), 0)
        interpreter.invoke()
        answers.append(interpreter.get_output(0).ravel())
    return np.array(answers)


def with_bias_axes(content: bytes) -> bytes:
    """Return a model whose biases are quantised along their only axis, which the interpreter requires."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.shape is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def inputs_for(model: bytes, count: int, seed: int) -> np.ndarray:
    """Random inputs of the model's type."""
    return random_inputs(compile_model(model).input, count, seed)


def random_inputs(spec: TensorSpec, count: int, seed: int) -> np.ndarray:
    """Random inputs of one type: uniform noise, and for int8 values near the middle."""
    generator = np.random.default_rng(seed)
    if spec.dtype == "float32":
        return generator.normal(0, 2, (count, spec.elements)).astype(np.float32)
    if spec.dtype != "int8":
        limits = np.iinfo(spec.dtype)
        return generator.integers(limits.min, limits.max + 1, (count, spec.elements)).astype(spec.dtype)
    values = generator.integers(-128, 128, (count, spec.elements))
    values[1::2] = np.clip(generator.normal(spec.zero_point, 20, values[1::2].shape), -128, 127)
    return values.astype(np.int8)


SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g0")
# g++ does not see that a convolution writes no pixels beyond its output, where that is at the end of the arena.
STRICT = ("-Werror", "-Wno-error=stringop-overflow")
MAIN_HEAD = '#include "platform.h"\n{includes}\n'
MAIN_CASE = """\
namespace case{i} {{
#include "case{i}/model.cpp"
}}
#undef EITK_MODEL_INPUTS
#undef EITK_MODEL_OUTPUTS
"""
MAIN_RUN = """\
  for (int n = 0; n < {count}; ++n) {{
    namespace m = case{i}::eitk::model;
{reads}
    m::invoke();
{writes}
  }}
"""
READ = "    platform::read_input(m::{function}(), sizeof(m::{type}) * m::k{type}Size);"
WRITE = "    platform::write_output(m::{function}(), sizeof(m::{type}) * m::k{type}Size);"
# Other memory of the machine at the same addresses, for programs that no board has memory for.
LARGER_MEMORY = {"LENGTH = 1M": "LENGTH = 4M", "LENGTH = 256K": "LENGTH = 4M"}


@dataclass(frozen=True)
class Bench:
    """Compiles many models into one program and runs it, here or on an emulated Cortex-M4F.

    With `larger_memory`, the emulated machine has 4 MiB of flash and of RAM.
    """

    folder: Path
    larger_memory: bool = False
    timeout_s: float = 280.0  # of a compiler or a run

    def outputs(
        self,
        models: Sequence[bytes],
        inputs: Sequence[np.ndarray],
        *,
        arm: bool = False,
        ram_optimized: bool = False,
        flags: Sequence[str] = (),
    ) -> list[np.ndarray]:
        """Outputs of every model with one input and output for each of its inputs; compiler warnings are errors."""
        compiled = [compile_model(model, ram_optimized=ram_optimized) for model in models]
        answers = self.outputs_of_ports(compiled, [[values] for values in inputs], arm=arm, flags=flags)
        return [output for (output,) in answers]

    def outputs_of_ports(
        self,
        compiled: Sequence[CompiledModel],
        inputs: Sequence[Sequence[np.ndarray]],
        *,
        arm: bool = False,
        flags: Sequence[str] = (),
    ) -> list[list[np.ndarray]]:
        """All outputs of every model, from an array (n, elements) for each of its inputs."""
        for i, model in enumerate(compiled):
            (self.folder / f"case{i}").mkdir()
            (self.folder / f"case{i}" / "model.h").write_text(model.header)
            (self.folder / f"case{i}" / "model.cpp").write_text(model.source)
        headers = sorted({name for model in compiled for name in model.kernels})
        for name in headers:
            target = self.folder / "eitk" / "kernels" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((bundled("firmware") / "runtime" / "eitk" / "kernels" / name).read_bytes())
        text = MAIN_HEAD.format(includes="\n".join(f'#include "eitk/kernels/{name}"' for name in headers))
        text += "".join(MAIN_CASE.format(i=i) for i in range(len(compiled)))
        runs = "".join(
            _main_run(i, model, len(values[0])) for i, (model, values) in enumerate(zip(compiled, inputs, strict=True))
        )
        (self.folder / "main.cpp").write_text(text + "int main() {\n" + runs + "  return 0;\n}\n")
        content = b"".join(row.tobytes() for values in inputs for rows in zip(*values, strict=True) for row in rows)
        answer = self._run_arm(content) if arm else self._run_host(content, flags)
        return _split(answer, compiled, [len(values[0]) for values in inputs])

    def _run_host(self, content: bytes, flags: Sequence[str]) -> bytes:
        runner = bundled("firmware") / "boards" / "model_runner"
        sources = ["main.cpp", str(runner / "platform_host.cpp")]
        # Without optimisation: it takes most of the time of the compiler. The programs for ARM are optimised.
        self._call(["g++", *HOST, "-O0", "-Werror", *flags, "-I.", f"-I{runner}", *sources, "-o", "program"])
        if shutil.which("clang++"):
            self._call(["clang++", *HOST, "-Werror", "-fsyntax-only", "-I.", f"-I{runner}", "main.cpp"])
        return self._call(["./program"], content)

    def _run_arm(self, content: bytes) -> bytes:
        runner, bare_metal = (bundled("firmware") / "boards" / name for name in ("model_runner", "bare_metal"))
        sources = [runner / "platform_bare_metal.cpp", bare_metal / "startup.cpp", bare_metal / "semihosting.cpp"]
        includes = ["-I.", f"-I{runner}", f"-I{bare_metal}"]
        objects = []
        for source in ("main.cpp", *map(str, sources)):
            objects.append(Path(source).stem + ".o")
            self._call(["arm-none-eabi-g++", *ARM, *STRICT, *includes, "-c", source, "-o", objects[-1]])
        memory = (bare_metal / "image.ld").read_text()
        for usual, larger in LARGER_MEMORY.items() if self.larger_memory else ():
            memory = memory.replace(usual, larger)
        (self.folder / "image.ld").write_text(memory)
        script = ["-T", "image.ld"]
        self._call(["arm-none-eabi-gcc", *ARM_LINK, *script, *objects, "-lm", "-o", "program.elf"])
        (self.folder / "input.bin").write_bytes(content)
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        self._call(["qemu-system-arm", *MACHINE, *ICOUNT, *semihosting, "-kernel", "program.elf"])
        return (self.folder / "output.bin").read_bytes()

    def _call(self, command: Sequence[str], content: bytes = b"") -> bytes:
        done = subprocess.run(command, cwd=self.folder, input=content, capture_output=True, timeout=self.timeout_s)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
        return done.stdout


def _main_run(index: int, model: CompiledModel, count: int) -> str:
    """Return the statements that run a model."""
    lines = [
        "\n".join(line.format(type=name, function=name.lower()) for name in _names(side, len(ends)))
        for line, side, ends in ((READ, "Input", model.inputs), (WRITE, "Output", model.outputs))
    ]
    return MAIN_RUN.format(i=index, count=count, reads=lines[0], writes=lines[1])


def _names(side: str, count: int) -> list[str]:
    return [side, *(f"{side}{number}" for number in range(2, count + 1))]


def _split(answer: bytes, compiled: Sequence[CompiledModel], counts: Sequence[int]) -> list[list[np.ndarray]]:
    """Return what each model wrote: for each inference all outputs."""
    found, at = [], 0
    for model, count in zip(compiled, counts, strict=True):
        sizes = [spec.elements * np.dtype(spec.dtype).itemsize for spec in model.outputs]
        rows = np.frombuffer(answer, np.uint8, count * sum(sizes), at).reshape(count, -1)
        columns = np.split(rows, np.cumsum(sizes)[:-1].tolist(), axis=1)
        pairs = zip(columns, model.outputs, strict=True)
        found.append([np.ascontiguousarray(column).view(spec.dtype) for column, spec in pairs])
        at += rows.size
    assert at == len(answer)
    return found
