"""[[impulse.layers]] as the visual layers that Edge Impulse's API carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ei_toolkit.config import Layer


def visual_layers(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """API objects of the layers, in order.

    A convolution with `pool = "each"` becomes as many layers with stack 1, each with its own pooling; with
    `pool = "last"` it stays one layer, whose `stack` convolutions share one pooling.
    """
    return [made for layer in layers for made in _made(layer)]


def _made(layer: Layer) -> Iterator[dict[str, Any]]:
    if layer.type in ("conv1d", "conv2d"):
        alone = layer.pool == "each"
        for _ in range(layer.stack if alone else 1):
            stack = 1 if alone else layer.stack
            yield {"type": layer.type, "neurons": layer.filters, "kernelSize": layer.kernel, "stack": stack}
    elif layer.type == "reshape":
        yield {"type": "reshape", "columns": layer.columns}
    elif layer.type == "dense":
        yield {"type": "dense", "neurons": layer.units}
    elif layer.type == "dropout":
        yield {"type": "dropout", "dropoutRate": layer.rate}
    else:
        yield {"type": {"batch_normalization": "batchNormalization"}.get(layer.type, layer.type)}
