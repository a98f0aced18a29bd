"""The parts of a block of CONV_2D on an emulated Cortex-M4F, fitted to measured layers; --write stores them."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from ei_toolkit.eon.graph import Window2D
from ei_toolkit.eon.kernels import block_costs
from ei_toolkit.eon.kernels.block import choose_block, work
from ei_toolkit.eon.kernels.block_costs import BlockCosts
from ei_toolkit.eon.kernels.geometry import geometry
from ei_toolkit.eon.passes import simplify
from ei_toolkit.eon.profile import profile_model
from ei_toolkit.eon.reader import read_model

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from tiny_model import TinyModel


@dataclass(frozen=True)
class Convolution:
    """A layer to measure, on square data with SAME padding; `pool` is the size of a max pool behind it."""

    size: int
    inputs: int
    filters: int
    kernel: int
    stride: int = 1
    pool: tuple[int, int] = (1, 1)


LAYERS = (
    *(Convolution(size, inputs, 16, 1) for size in (8, 25) for inputs in (8, 32, 128)),
    *(Convolution(size, inputs, 16, 3) for size in (6, 8, 15, 16, 24) for inputs in (3, 4, 16, 64)),
    *(Convolution(16, inputs, filters, 3, 2) for inputs in (3, 8, 32) for filters in (4, 32)),
    *(Convolution(16, inputs, 16, 3, 1, pool) for inputs in (2, 8, 32) for pool in ((2, 2), (1, 2), (2, 1))),
    *(Convolution(20, inputs, 8, kernel) for inputs in (1, 8) for kernel in (5, 9)),
)


def model_of(c: Convolution) -> bytes:
    """The layer as a model, with random weights."""
    random, made = np.random.default_rng(0), TinyModel()
    out = -(-c.size // c.stride)
    source = made.tensor((1, c.size, c.size, c.inputs), scale=0.1)
    shape = (c.filters, c.kernel, c.kernel, c.inputs)
    weights = made.tensor(shape, scale=0.01, data=random.integers(-127, 128, shape))
    end = made.tensor((1, out, out, c.filters), scale=1.0, zero_point=-128)
    steps: dict[str, Any] = {"strideH": c.stride, "strideW": c.stride, "padding": 0}
    made.operator("CONV_2D", [source, weights, -1], end, "Conv2DOptions", fusedActivationFunction=1, **steps)
    if c.pool != (1, 1):
        pooled = (1, out // c.pool[0], out // c.pool[1], c.filters)
        sizes = {"strideH": c.pool[0], "strideW": c.pool[1], "filterHeight": c.pool[0], "filterWidth": c.pool[1]}
        convolved, end = end, made.tensor(pooled, scale=1.0, zero_point=-128)
        made.operator("MAX_POOL_2D", [convolved], end, "Pool2DOptions", padding=1, **sizes)
    return bytes(made.finish(source, end))


def parts(content: bytes) -> Counter[str]:
    """How often the layer does what each cost is for."""
    graph = simplify(read_model(content))
    (op,) = graph.operators
    source, weights, output = (graph.tensors[t] for t in (*op.inputs[:2], op.output))
    assert isinstance(op.options, Window2D)
    g = geometry(op, source, output, (weights.shape[1], weights.shape[2]))
    return Counter(dict(work(g, weights.shape[0], choose_block(g, weights.shape[0]))))


def fit(rows: list[Counter[str]], measured: list[int]) -> BlockCosts:
    """The costs with the least squares of the relative errors; none is negative."""
    names = [field.name for field in fields(BlockCosts)]
    counts = np.array([[row[name] for name in names] for row in rows], dtype=float)
    costs, _ = nnls(counts / np.array(measured)[:, None], np.ones(len(measured)))
    return BlockCosts(*(round(float(cost), 2) for cost in costs))


def estimate(row: Counter[str], costs: BlockCosts) -> float:
    """The instructions of a layer with these parts."""
    return sum(count * float(getattr(costs, name)) for name, count in row.items())


def write(costs: BlockCosts) -> None:
    """Store the costs in the package."""
    path = Path(block_costs.__file__)
    values = "".join(f"    {field.name}={getattr(costs, field.name)},\n" for field in fields(costs))
    text = re.sub(r"COSTS = BlockCosts\(\n.*?\)\n", f"COSTS = BlockCosts(\n{values})\n", path.read_text(), flags=re.S)
    path.write_text(text)


def main() -> None:
    """Measure all layers, fit the costs, print them with their errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--write", action="store_true", help="store the costs in the package")
    arguments = parser.parse_args()
    contents = [model_of(layer) for layer in LAYERS]
    rows = [parts(content) for content in contents]
    measured = [profile_model(content).instructions for content in contents]
    costs = fit(rows, measured)
    if arguments.write:
        write(costs)
    errors = [estimate(row, costs) / count - 1 for row, count in zip(rows, measured, strict=True)]
    if arguments.json:
        json.dump({"costs": vars(costs), "worst_error": max(map(abs, errors))}, sys.stdout, indent=1)
        return
    print("layer, measured instructions, error of the estimate")
    for layer, count, error in zip(LAYERS, measured, errors, strict=True):
        print(f"{layer}: {count:,} {error:+.1%}")
    print(costs)


if __name__ == "__main__":
    main()
