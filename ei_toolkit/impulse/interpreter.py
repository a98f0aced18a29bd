"""Run a .tflite model on this machine with the reference kernels, without TensorFlow.

An emitted model and TFLM equal the reference kernels (BUILTIN_REF) bit for bit; the default kernels (XNNPACK) give
other outputs for a few percent of the inputs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import DataError, MissingToolError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Quantisation:
    """real = (q - zero_point) * scale; a scale of 0 means that the tensor is float32."""

    scale: float
    zero_point: int

    def quantise(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """Round half away from zero in float32, as the device does, and saturate to int8."""
        ratio = values.astype(np.float32) / np.float32(self.scale)
        rounded = np.copysign(np.floor(np.abs(ratio) + np.float32(0.5)), ratio)
        quantised: npt.NDArray[np.int8] = np.clip(rounded + self.zero_point, -128, 127).astype(np.int8)
        return quantised

    def dequantise(self, values: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Convert int8 values to real values."""
        return (values.astype(np.float32) - self.zero_point) * np.float32(self.scale)


class Interpreter:
    """A model with one input and one output, run window by window.

    Raises DataError for bytes that are not such a model, MissingToolError without the package ai-edge-litert.
    """

    def __init__(self, model: bytes) -> None:
        self._bytes = model
        self._runtime = _runtime(model)
        self._input, self._output = _only(self._runtime.get_input_details()), _only(self._runtime.get_output_details())
        self.input = Quantisation(*self._input["quantization"])
        self.output = Quantisation(*self._output["quantization"])

    def __reduce__(self) -> tuple[type[Interpreter], tuple[bytes]]:
        return Interpreter, (self._bytes,)  # a worker process builds its own runtime

    @cached_property
    def sha256(self) -> str:
        """Hash of the model's bytes."""
        return hashlib.sha256(self._bytes).hexdigest()

    @property
    def is_int8(self) -> bool:
        """Whether input and output are int8."""
        return bool(self._input["dtype"] == np.int8 and self._output["dtype"] == np.int8)

    @property
    def input_size(self) -> int:
        """Number of features of a window."""
        return int(np.prod(self._input["shape"]))

    @property
    def output_size(self) -> int:
        """Number of classes."""
        return int(np.prod(self._output["shape"]))

    def predict(self, features: Array) -> npt.NDArray[np.float32]:
        """Compute (n, classes) probabilities of (n, f) features, with quantisation for an int8 model."""
        if self.is_int8:
            return self.output.dequantise(self.predict_int8(features))
        return self._run(self._checked(features).astype(np.float32), np.float32)

    def predict_int8(self, features: Array) -> npt.NDArray[np.int8]:
        """Compute the (n, classes) int8 outputs of (n, f) features. Raises DataError for a float model."""
        if not self.is_int8:
            raise DataError("this model is float32, not int8", hint="Load the int8 model, or call Interpreter.predict.")
        return self.run_int8(self.input.quantise(self._checked(features)))

    def run_int8(self, quantised: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """Compute (n, classes) int8 outputs of (n, f) int8 inputs."""
        return self._run(quantised, np.int8)

    def _checked(self, features: Array) -> Array:
        if features.ndim != 2 or features.shape[1] != self.input_size:
            raise DataError(f"the model takes (n, {self.input_size}) features, not {features.shape}")
        return features

    def _run(self, rows: Array, dtype: type[Any]) -> Array:
        shape, index = tuple(self._input["shape"]), self._input["index"]
        out = np.empty((len(rows), self.output_size), dtype)
        for i, row in enumerate(rows):
            self._runtime.set_tensor(index, row.reshape(shape))
            self._runtime.invoke()
            out[i] = self._runtime.get_tensor(self._output["index"]).reshape(-1)
        return out


def _runtime(model: bytes) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter as Runtime
        from ai_edge_litert.interpreter import OpResolverType
    except ImportError as error:
        raise MissingToolError(
            "models cannot run on this machine", why=str(error), hint="pip install 'eitk[local]'"
        ) from None
    try:
        runtime = Runtime(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        runtime.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise DataError("this is not a model that LiteRT can run", why=str(error).splitlines()[0]) from None
    return runtime


def _only(details: list[dict[str, Any]]) -> dict[str, Any]:
    if len(details) != 1:
        raise DataError(f"the model has {len(details)} inputs or outputs, not one")
    return details[0]
