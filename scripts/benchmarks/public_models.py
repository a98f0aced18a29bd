"""Compile the .tflite files of a folder and compare all outputs with the reference interpreter's.

Each model is built with both memory plans, and runs on this machine or on an emulated Cortex-M4F, with 4 MiB of flash
and RAM, so that networks for larger boards run as well. Results are written after every program; a run that is started
again with the same file of results continues behind them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from model_bench import Bench, random_inputs, reference_ports, with_bias_axes

from ei_toolkit.eon.compile import CompiledModel, TensorSpec, compile_model
from ei_toolkit.errors import EitkError

MOST_SOURCE_BYTES = 1 << 20  # of the models of one program
TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Case:
    """A model that compiles: its plans, its inputs, and the outputs of the reference interpreter."""

    name: str
    plans: tuple[CompiledModel, ...]  # one, if both plans are the same
    inputs: list[np.ndarray]
    expected: list[np.ndarray]

    @property
    def source_bytes(self) -> int:
        """Bytes of C++ of all plans."""
        return sum(len(plan.source) for plan in self.plans)


def prepared(file: Path, count: int) -> Case | str:
    """Compile a model and run the reference; return why there is nothing to compare where one of them refuses it."""
    content = file.read_bytes()
    try:
        fast, small = compile_model(content), compile_model(content, ram_optimized=True)
    except EitkError as error:
        return f"refused: {error}"
    if any(spec.dtype == "float32" for spec in fast.outputs):
        return "an output is float32"
    inputs = [some_inputs(spec, count, seed) for seed, spec in enumerate(fast.inputs, 1)]
    try:
        expected = in_other_process(with_bias_axes(content), inputs)
    except (RuntimeError, ValueError) as error:
        return f"refused by the reference: {str(error)[:200]}"
    except BrokenProcessPool:
        return "the reference ends with a signal"
    return Case(file.name, (fast,) if fast.source == small.source else (fast, small), inputs, expected)


def in_other_process(content: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the outputs of the reference, which some models end."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(reference_ports, content, inputs).result()


def some_inputs(spec: TensorSpec, count: int, seed: int) -> np.ndarray:
    """Return random inputs; small numbers where a model takes indices."""
    if spec.dtype in ("int32", "int64"):
        return np.random.default_rng(seed).integers(0, 50, (count, spec.elements)).astype(spec.dtype)
    return random_inputs(spec, count, seed)


def programs(files: Sequence[Path], count: int, results: dict[str, Any]) -> Iterator[list[Case]]:
    """Yield the cases of one program after the other; what cannot be compared goes to the results."""
    batch: list[Case] = []
    for file in files:
        case = prepared(file, count)
        if isinstance(case, str):
            results[file.name] = {"not compared": case}
            continue
        batch.append(case)
        if len(batch) > 1 and sum(c.source_bytes for c in batch) > MOST_SOURCE_BYTES:
            yield batch[:-1]
            batch = batch[-1:]
    if batch:
        yield batch


def compare(batch: Sequence[Case], *, arm: bool) -> dict[str, Any]:
    """Build and run one program, and return for each model the number of outputs and of those that differ."""
    with tempfile.TemporaryDirectory(prefix="eitk-public-models-") as folder:
        bench = Bench(Path(folder), larger_memory=True, timeout_s=TIMEOUT_S)
        plans = [plan for case in batch for plan in case.plans]
        found = bench.outputs_of_ports(plans, [case.inputs for case in batch for _ in case.plans], arm=arm)
    results, at = {}, 0
    for case in batch:
        answers = found[at : at + len(case.plans)]
        at += len(case.plans)
        differ = [sum(int((a != b).sum()) for a, b in zip(case.expected, each, strict=True)) for each in answers]
        results[case.name] = {
            "outputs": sum(values.size for values in case.expected),
            "distinct": max(len(np.unique(values)) for values in case.expected),
            "differ": differ[0],
            "differ, RAM-optimised": differ[-1],
        }
    return results


def main() -> None:
    """Compare, print the counts, and fail where an output differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--on", choices=("host", "emulated"), default="host")
    parser.add_argument("--results", type=Path, default=Path("public-models.json"))
    parser.add_argument("--inferences", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    files = sorted(args.folder.glob("*.tflite"), key=lambda file: (file.stat().st_size, file.name))
    files = [file for file in files if file.name not in results]
    for batch in programs(files, args.inferences, results):
        try:
            results |= compare(batch, arm=args.on == "emulated")
        except AssertionError as error:  # the messages of the C++ compiler or of the program
            results |= {case.name: {"failed": str(error)[-500:]} for case in batch}
        args.results.write_text(json.dumps(results, indent=1))
    args.results.write_text(json.dumps(results, indent=1))
    compared = [one for one in results.values() if "differ" in one]
    wrong = [name for name, one in results.items() if one.get("differ") or one.get("differ, RAM-optimised")]
    failed = [name for name, one in results.items() if "failed" in one]
    counts = {"compared": len(compared), "not compared": len(results) - len(compared), "wrong": wrong, "failed": failed}
    print(json.dumps(counts) if args.json else "\n".join(f"{name}: {value}" for name, value in counts.items()))
    sys.exit(bool(wrong or failed))


if __name__ == "__main__":
    main()
