"""Models with some bytes changed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from layer_cases import CASES, MICRO
from tiny_model import TinyModel


def small_net(tiny: Any, *, pad: bool = False) -> bytes:
    """A convolution, a pool, a dense layer and a softmax on 6 x 5 x 2."""
    generator = np.random.default_rng(1)
    model = tiny()
    source = model.tensor((1, 6, 5, 2), scale=0.05, zero_point=3)
    x = source
    if pad:
        amounts = model.tensor([4, 2], "int32", data=[[0, 0], [1, 1], [0, 0], [0, 0]])
        x = model.operator("PAD", [x, amounts], model.tensor((1, 8, 5, 2), scale=0.05, zero_point=3), "PadOptions")
    rows = 6 if pad else 4
    weights = model.tensor((3, 3, 3, 2), scale=[0.01, 0.02, 0.03], data=generator.integers(-127, 128, (3, 3, 3, 2)))
    bias = model.tensor([3], "int32", scale=[0.0005, 0.001, 0.0015], data=[10, -20, 30])
    convolved = model.tensor((1, rows, 3, 3), scale=0.1, zero_point=-128)
    model.operator("CONV_2D", [x, weights, bias], convolved, "Conv2DOptions", strideH=1, strideW=1, padding=1)
    pooled = model.tensor((1, rows // 2, 1, 3), scale=0.1, zero_point=-128)
    pool = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": 1}
    model.operator("MAX_POOL_2D", [convolved], pooled, "Pool2DOptions", **pool)
    count = rows // 2 * 3
    dense = model.tensor((2, count), scale=0.01, data=generator.integers(-127, 128, (2, count)))
    logits = model.tensor((1, 2), scale=0.2, zero_point=5)
    model.operator("FULLY_CONNECTED", [pooled, dense, -1], logits, "FullyConnectedOptions")
    output = model.tensor((1, 2), scale=1 / 256, zero_point=-128)
    model.operator("SOFTMAX", [logits], output, "SoftmaxOptions", beta=1.0)
    return bytes(model.finish(source, output))


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Flip, set, move, cut or append some bytes."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(8, len(data))
        kind = chance.randrange(6)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.choice((0, 1, 2, 4, 127, 128, 255))
        elif kind == 2:
            data[at : at + 4] = chance.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**31, len(data))).to_bytes(4, "little")
        elif kind == 3:
            other = chance.randrange(8, len(data))
            data[at : at + 8] = data[other : other + 8]
        elif kind == 4 and len(data) > 64:
            del data[chance.randrange(32, len(data)) :]
        else:
            data += bytes(chance.randrange(256) for _ in range(8))
    return bytes(data)


def originals() -> list[bytes]:
    """Return the models whose bytes are changed: two networks, and all cases of operators that the reference has."""
    cases = [build() for name, build in CASES.items() if name not in MICRO]
    return [small_net(TinyModel), small_net(TinyModel, pad=True), *cases]
