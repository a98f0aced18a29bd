"""Variables: initial values, resets, what is read and written in place, and variables that have no value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_bench import reference
from operator_cases import CASES, QUANT, streaming
from support import eitk
from tiny_model import TinyModel

from ei_toolkit.eon.blockers import BlockedModelError
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.errors import DataError

FRAMES = np.random.default_rng(8).integers(-128, 128, (12, 4)).astype(np.int8)


def titles(model: bytes) -> list[str]:
    return [layer.title for layer in compile_model(model).layers]


def test_rows_are_successive_frames_unless_the_state_is_reset_before_each(tmp_path: Path) -> None:
    model = streaming()
    (tmp_path / "model.tflite").write_bytes(model)
    np.save(tmp_path / "in.npy", FRAMES)
    arguments = ("eon", "run", "model.tflite", "--input", "in.npy", "--output", "out.npy")
    assert eitk(tmp_path, *arguments).code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), reference(model, FRAMES))
    assert eitk(tmp_path, *arguments, "--reset-each").code == 0
    each = np.concatenate([reference(model, frame[np.newaxis]) for frame in FRAMES])
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), each)
    assert not np.array_equal(each, reference(model, FRAMES))


def test_variables_are_read_and_written_in_place_where_the_order_allows_it() -> None:
    assert titles(streaming()) == ["CONCATENATION", "STRIDED_SLICE", "CONV_2D"]
    assert titles(streaming(shift_first=True)) == ["STRIDED_SLICE", "CONCATENATION", "CONV_2D"]
    assert "READ_VARIABLE" in titles(streaming(late_reader=True))
    assert titles(CASES["counter"]()) == ["ADD", "ASSIGN_VARIABLE"]  # the sum is the output, too


def test_initial_values_are_set_by_reset_and_by_the_first_inference() -> None:
    compiled = compile_model(streaming())
    assert "if (!initialised) reset();" in compiled.source
    assert "memcpy(arena + " in compiled.source and "kInitial" in compiled.source
    assert "void reset();" in compiled.header
    assert "memset(arena + " in compile_model(CASES["counter"]()).source
    assert "initialised" not in compile_model(CASES["split"]()).source


def with_variable(change: str) -> bytes:
    """A model that reads a variable, wrong in one way."""
    model = TinyModel()
    source = model.tensor((1, 4), **QUANT)
    handle = model.variable("sum", np.zeros((1, 4)), **QUANT)
    shape: tuple[int, ...] = (1, 3) if change == "shape" else (1, 4)
    old = model.operator("READ_VARIABLE", [source if change == "handle" else handle], model.tensor(shape, **QUANT))
    if change == "no value":
        assert model.initial is not None
        model.initial.operators.pop()
    output = model.operator("RELU", [old], model.tensor(shape, **QUANT))
    if change == "subgraph":
        model.operators[0].builtinOptions.initSubgraphIndex = 7
    return model.finish(source, output)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("no value", "the variable 'sum' is read before it has a value"),
        ("handle", "its handle is not a VAR_HANDLE"),
        ("shape", r"the variable 'sum' is \(1, 4\), the tensor t\d \(1, 3\)"),
    ],
)
def test_a_variable_that_cannot_be_resolved_is_explained(change: str, problem: str) -> None:
    with pytest.raises(BlockedModelError, match=problem) as caught:
        compile_model(with_variable(change))
    assert [b.kind for b in caught.value.blockers] == ["READ_VARIABLE"]
    assert caught.value.blockers[0].remedy


def test_a_subgraph_that_does_not_exist_is_damage() -> None:
    with pytest.raises(DataError, match=r"the model refers to subgraph 7 \(it has 2 subgraphs\)"):
        compile_model(with_variable("subgraph"))
