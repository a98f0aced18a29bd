"""Compile models with changed bytes: no crash, no wrong output, no C++ that does not build or reads outside its memory.

What compiles is built with the sanitizers for addresses and undefined behaviour, and compared with the reference
interpreter, which runs in another process: changed models may end it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from model_bench import random_inputs, reference
from mutated_models import mutate, originals

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.errors import DataError

ROUNDS = 3  # inputs of each model
LARGEST_ARENA, MOST_MACS = 1 << 18, 2_000_000  # of a model that is run
BATCH = 60  # models of a program
ANSWER_S = 20.0
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-sanitize=alignment")
FLAGS = ("-std=gnu++14", "-O0", "-w", *SANITIZERS)
HEAD = "#include <stdio.h>\n#include <stdlib.h>\n#include <float.h>\n#include <math.h>\n#include <string.h>\n"
CASE = """\
namespace case{i} {{
#include "case{i}.cpp"
int run() {{
  namespace m = eitk::model;
  for (int n = 0; n < {rounds}; ++n) {{
    if (fread(m::input(), sizeof(m::Input), m::kInputSize, stdin) != m::kInputSize) return 2;
    m::invoke();
    fwrite(m::output(), sizeof(m::Output), m::kOutputSize, stdout);
  }}
  return 0;
}}
}}  // namespace case{i}
"""


@dataclass(frozen=True)
class Changed:
    """A changed model that compiles, and its inputs."""

    number: int
    content: bytes
    model: CompiledModel
    inputs: np.ndarray


def compiled(number: int, models: Sequence[bytes], counts: Counter[str]) -> Iterator[Changed | str]:
    """Compile a changed model; yield it, or what is wrong with the compiler."""
    chance = random.Random(number)
    content = mutate(chance.choice(models), chance)
    try:
        model = compile_model(content, ram_optimized=bool(number % 2))
    except DataError:
        counts["refused"] += 1
        return
    except Exception:  # noqa: BLE001  any exception but DataError is what this program looks for
        yield f"{number}: crash: " + traceback.format_exc().strip().rsplit("\n", 1)[-1]
        return
    counts["compiled"] += 1
    if len(model.inputs) + len(model.outputs) > 2 or model.arena_bytes > LARGEST_ARENA or model.macs > MOST_MACS:
        counts["not run"] += 1
        return
    yield Changed(number, content, model, random_inputs(model.input, ROUNDS, number))


def programs(batch: Sequence[Changed], folder: Path) -> dict[str, bytes | str]:
    """Return for each text of model.cpp what the program wrote for its inputs, or why there is nothing."""
    runtime = bundled("firmware") / "runtime"
    kernels = sorted({name for one in batch for name in one.model.kernels})
    text = HEAD + "".join(f'#include "eitk/kernels/{name}"\n' for name in kernels)
    for i, one in enumerate(batch):
        (folder / f"case{i}.cpp").write_text(one.model.source.replace('#include "model.h"', f'#include "case{i}.h"'))
        (folder / f"case{i}.h").write_text(one.model.header.replace("#pragma once", ""))
        text += CASE.format(i=i, rounds=ROUNDS)
    calls = "".join(f"    case {i}: return case{i}::run();\n" for i in range(len(batch)))
    text += f"int main(int, char** arguments) {{\n  switch (atoi(arguments[1])) {{\n{calls}  }}\n  return 3;\n}}\n"
    (folder / "main.cpp").write_text(text)
    command = ["g++", *FLAGS, f"-I{folder}", f"-I{runtime}", str(folder / "main.cpp"), "-o", str(folder / "program")]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        if len(batch) > 1:
            halves = batch[: len(batch) // 2], batch[len(batch) // 2 :]
            return programs(halves[0], folder) | programs(halves[1], folder)
        return {batch[0].model.source: "does not build: " + built.stderr[:300]}
    return {one.model.source: _run(folder / "program", i, one) for i, one in enumerate(batch)}


def _run(program: Path, index: int, one: Changed) -> bytes | str:
    try:
        done = subprocess.run([program, str(index)], input=one.inputs.tobytes(), capture_output=True, timeout=ANSWER_S)
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode:
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if "error" in line]
        return f"ends with {done.returncode}: {lines[:1]}"
    return done.stdout


def _answer(connection: Connection) -> None:
    while True:
        try:
            content, inputs = connection.recv()
        except EOFError:  # the program has ended
            return
        try:
            connection.send(reference(content, inputs))
        except Exception as error:  # noqa: BLE001  the interpreter refuses what it likes
            connection.send(str(error))


class Reference:
    """The reference interpreter in another process, which is replaced where it ends."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_answer, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def outputs(self, one: Changed) -> Any:
        """Return the outputs, or None where the interpreter refuses the model, ends or hangs."""
        try:
            self._connection.send((one.content, one.inputs))
            if self._connection.poll(ANSWER_S):
                found = self._connection.recv()
                return None if isinstance(found, str) else found
        except (EOFError, ConnectionError):
            pass
        self._process.kill()
        self._process.join()
        self._start()
        return None


def compare(one: Changed, found: bytes | str, interpreter: Reference, counts: Counter[str]) -> Iterator[str]:
    """Yield what is wrong with the outputs of one model."""
    if isinstance(found, str):
        yield f"{one.number}: {found}"
        return
    expected = interpreter.outputs(one)
    if expected is None:
        counts["refused by the reference only"] += 1
        return
    values = np.frombuffer(found, one.model.output.dtype).reshape(ROUNDS, -1)
    if values.shape != expected.shape:
        yield f"{one.number}: {values.shape[1]} outputs instead of {expected.shape[1]}"
    elif not _equal(values, expected):
        titles = [layer.title for layer in one.model.layers]
        yield f"{one.number}: wrong, {titles}: {values.ravel()[:4]} instead of {expected.ravel()[:4]}"
    else:
        counts["equal"] += 1


def _equal(values: np.ndarray, expected: np.ndarray) -> bool:
    if values.dtype != np.float32:
        return np.array_equal(values, expected)
    usual = np.isfinite(expected) & np.isfinite(values)
    largest = float(np.abs(expected[usual]).max(initial=1e-6))
    return np.allclose(values[usual], expected[usual], rtol=1e-3, atol=1e-4 * largest)


def check(numbers: Sequence[int], models: Sequence[bytes], counts: Counter[str]) -> Iterator[str]:
    """Yield what is wrong with the changed models of these numbers."""
    interpreter = Reference()
    waiting: list[Changed] = []
    with tempfile.TemporaryDirectory(prefix="eitk-mutations-") as name:
        for number in numbers:
            for one in compiled(number, models, counts):
                if isinstance(one, str):
                    yield one
                else:
                    waiting.append(one)
            if len(waiting) >= BATCH or (waiting and number == numbers[-1]):
                unique = list({one.model.source: one for one in waiting}.values())
                written = programs(unique, Path(name))
                inputs = {one.model.source: one.inputs for one in unique}
                for one in waiting:
                    same = Changed(one.number, one.content, one.model, inputs[one.model.source])
                    yield from compare(same, written[one.model.source], interpreter, counts)
                waiting = []


def main() -> None:
    """Compile, print the counts, and fail where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first model; a number is its seed")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong = []
    for line in check(range(args.first, args.first + args.count), originals(), counts):
        wrong.append(line)
        print(line, file=sys.stderr, flush=True)
    result = {"models": args.count, **counts, "wrong": wrong}
    print(json.dumps(result) if args.json else "\n".join(f"{name}: {value}" for name, value in result.items()))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
