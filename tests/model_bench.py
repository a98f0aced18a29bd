"""The outputs of the reference interpreter, and of many compiled models in one program."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.compile import TensorSpec, compile_model
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


# g++ does not see that a convolution writes no pixels beyond its output, where that is at the end of the arena.
STRICT = ("-Werror", "-Wno-error=stringop-overflow")
MAIN_HEAD = '#include "platform.h"\n{includes}\n'
MAIN_CASE = 'namespace case{i} {{\n#include "case{i}/model.cpp"\n}}\n'
MAIN_RUN = """\
  for (int n = 0; n < {count}; ++n) {{
    namespace m = case{i}::eitk::model;
    platform::read_input(m::input(), sizeof(m::Input) * m::kInputSize);
    m::invoke();
    platform::write_output(m::output(), sizeof(m::Output) * m::kOutputSize);
  }}
"""


@dataclass(frozen=True)
class Bench:
    """Compiles many models into one program and runs it, here or on an emulated Cortex-M4F."""

    folder: Path

    def outputs(
        self,
        models: Sequence[bytes],
        inputs: Sequence[np.ndarray],
        *,
        arm: bool = False,
        ram_optimized: bool = False,
        flags: Sequence[str] = (),
    ) -> list[np.ndarray]:
        """Outputs of every model for each of its inputs; compiler warnings are errors."""
        compiled = [compile_model(model, ram_optimized=ram_optimized) for model in models]
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
        runs = "".join(MAIN_RUN.format(i=i, count=len(values)) for i, values in enumerate(inputs))
        (self.folder / "main.cpp").write_text(text + "int main() {\n" + runs + "  return 0;\n}\n")
        content = b"".join(values.tobytes() for values in inputs)
        answer = self._run_arm(content) if arm else self._run_host(content, flags)
        return self._split(answer, compiled, inputs)

    def _run_host(self, content: bytes, flags: Sequence[str]) -> bytes:
        runner = bundled("firmware") / "boards" / "model_runner"
        sources = ["main.cpp", str(runner / "platform_host.cpp")]
        self._call(["g++", *HOST, "-Werror", *flags, "-I.", f"-I{runner}", *sources, "-o", "program"])
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
        script = ["-T", str(bare_metal / "image.ld")]
        self._call(["arm-none-eabi-gcc", *ARM_LINK, *script, *objects, "-lm", "-o", "program.elf"])
        (self.folder / "input.bin").write_bytes(content)
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        self._call(["qemu-system-arm", *MACHINE, *ICOUNT, *semihosting, "-kernel", "program.elf"])
        return (self.folder / "output.bin").read_bytes()

    def _call(self, command: Sequence[str], content: bytes = b"") -> bytes:
        done = subprocess.run(command, cwd=self.folder, input=content, capture_output=True, timeout=280)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
        return done.stdout

    @staticmethod
    def _split(answer: bytes, compiled: Sequence[Any], inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        outputs, at = [], 0
        for model, values in zip(compiled, inputs, strict=True):
            dtype = np.dtype(model.output.dtype)
            size = len(values) * model.output.elements
            outputs.append(np.frombuffer(answer, dtype, size, at).reshape(len(values), -1))
            at += size * dtype.itemsize
        assert at == len(answer)
        return outputs
