"""Loops: their steps one after the other, sequences that are joined once, and loops that cannot be written as steps."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from layer_cases import STEPS, loop, words
from tiny_model import TinyModel

from ei_toolkit.eon import loops
from ei_toolkit.eon.blockers import BlockedModelError
from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.errors import DataError, UnsupportedModelError


def kinds(model: CompiledModel) -> Counter[str]:
    return Counter(layer.title for layer in model.layers)


def test_a_sequence_is_joined_once_after_the_steps() -> None:
    compiled = compile_model(loop("int8"))
    assert kinds(compiled) == {"GATHER": STEPS, "ADD": STEPS, "CONCATENATION": 1, "RELU": 1}
    assert kinds(compile_model(loop("int8", whole=False))) == {"GATHER": STEPS, "ADD": STEPS, "RELU": 1}


def test_the_steps_share_their_structures() -> None:
    source = compile_model(loop("float32", whole=False)).source
    assert len(re.findall("using Layer[0-9]+ = Layer[0-9]+;", source)) == STEPS - 2  # the first has a constant state


def test_an_operator_of_the_body_is_named_with_its_layer() -> None:
    with pytest.raises(BlockedModelError) as caught:
        compile_model(loop("int8", kind="SIN"))
    (blocker,) = caught.value.blockers
    assert (blocker.operator, blocker.kind) == (0, "SIN") and "float32" in blocker.problem


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"condition": "data"}, "the number of its steps is not known"),
        ({"limit": 2**30}, "its steps have more than 6,000 operators"),
        ({"limit": STEPS + 1}, "it takes an entry that does not exist from"),
    ],
)
def test_the_reason_why_a_loop_cannot_be_written_as_steps_is_stated(
    values: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "MOST_OPERATORS", 100)
    with pytest.raises(UnsupportedModelError, match=re.escape(problem)):
        compile_model(loop("int8", **values))


def counting(body: str, *, index: int = 2) -> bytes:
    """Return a loop of a counter and the input, without an end."""
    model = TinyModel()
    test, step = model.subgraph(), model.subgraph()
    counter, _ = (value := [test.tensor((), "int32"), test.tensor((1, 4), "float32")])
    model.add(test, value, [test.operator("LESS", [counter, words(test, 9)], test.tensor((), "bool"))])
    value = [step.tensor((), "int32"), step.tensor((1, 4), "float32")]
    if body == "itself":
        inner = [step.tensor((), "int32"), step.tensor((1, 4), "float32")]
        step.operator("WHILE", value, inner[0], "WhileOptions", condSubgraphIndex=1, bodySubgraphIndex=2)
        step.operators[-1].outputs = inner
    model.add(step, value, value[:1] if body == "fewer" else value)
    source = model.tensor((1, 4), "float32")
    last = [model.tensor((), "int32"), model.tensor((1, 4), "float32")]
    first = [words(model, 0), source]
    model.operator("WHILE", first, last[0], "WhileOptions", condSubgraphIndex=1, bodySubgraphIndex=index)
    model.operators[-1].outputs = last
    return model.finish(source, model.operator("RELU", [last[1]], model.tensor((1, 4), "float32")))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("nothing", "its steps have more than 6,000 operators"),
        ("itself", "its subgraph has a loop of the same subgraph"),
        ("fewer", "subgraph 1 has 2 inputs instead of 1"),
    ],
)
def test_a_loop_without_an_end_is_refused(body: str, problem: str) -> None:
    with pytest.raises(UnsupportedModelError, match=problem):
        compile_model(counting(body))


def test_a_subgraph_that_does_not_exist_is_damage() -> None:
    with pytest.raises(DataError, match="the model refers to subgraph 7"):
        compile_model(counting("nothing", index=7))
