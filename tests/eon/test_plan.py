"""The arena: buffers of overlapping lifetimes do not overlap, unless a lead allows it; small plans are optimal."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.memory_plan import ALIGNMENT, Buffer, lower_bound, plan_arena


@st.composite
def lifetimes(draw: st.DrawFn) -> list[Buffer]:
    spans = draw(
        st.lists(st.tuples(st.integers(1, 100), st.integers(0, 8), st.integers(0, 4)), min_size=1, max_size=12)
    )
    return [Buffer(f"b{i}", size, first, first + length) for i, (size, first, length) in enumerate(spans)]


@given(lifetimes())
def test_buffers_of_overlapping_lifetimes_do_not_overlap(buffers: list[Buffer]) -> None:
    plan = plan_arena(buffers, {})
    for a, b in combinations(buffers, 2):
        if a.first <= b.last and b.first <= a.last:
            low, high = sorted((a, b), key=lambda x: plan.offsets[x.name])
            assert plan.offsets[low.name] + low.bytes <= plan.offsets[high.name]
    assert all(offset % ALIGNMENT == 0 for offset in plan.offsets.values())
    assert plan.arena_bytes >= plan.lower_bound
    assert plan_arena(buffers, {}) == plan


@given(st.lists(st.integers(1, 500), min_size=2, max_size=12))
def test_the_plan_of_a_chain_is_optimal(sizes: list[int]) -> None:
    chain = [Buffer(f"t{i}", size, i, i + 1) for i, size in enumerate(sizes)]
    plan = plan_arena(chain, {})
    assert plan.arena_bytes == plan.lower_bound == lower_bound(chain, {})


@given(st.integers(4, 400), st.integers(4, 400), st.integers(-400, 400))
def test_an_output_may_follow_its_input_at_its_lead(source: int, output: int, lead: int) -> None:
    buffers = [Buffer("in", source, 0, 1), Buffer("out", output, 1, 2)]
    plan = plan_arena(buffers, {("out", "in"): lead})
    distance = plan.offsets["in"] - plan.offsets["out"]
    assert distance >= min(lead, output) or -distance >= source
    assert plan.arena_bytes == plan.lower_bound <= -(-source // 4) * 4 + -(-output // 4) * 4


def test_a_buffer_in_place_costs_nothing() -> None:
    buffers = [Buffer("in", 100, 0, 1), Buffer("out", 100, 1, 2)]
    assert plan_arena(buffers, {("out", "in"): 0}).arena_bytes == 100


def live_together(a: Buffer, b: Buffer) -> bool:
    return a.first <= b.last and b.first <= a.last


def smallest_arena(buffers: list[Buffer], words: int) -> int:
    """Try every placement on multiples of the alignment, up to `words` of them."""
    best = words * ALIGNMENT
    for places in product(range(words), repeat=len(buffers)):
        offsets = [place * ALIGNMENT for place in places]
        size = max(offset + b.bytes for offset, b in zip(offsets, buffers, strict=True))
        if size < best and all(
            not live_together(a, b) or x + a.bytes <= y or y + b.bytes <= x
            for (a, x), (b, y) in combinations(zip(buffers, offsets, strict=True), 2)
        ):
            best = size
    return best


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=4))
def test_a_plan_of_few_buffers_is_the_smallest_of_all(spans: list[tuple[int, int, int]]) -> None:
    buffers = [Buffer(f"b{i}", 4 * words, first, first + length) for i, (words, first, length) in enumerate(spans)]
    assert plan_arena(buffers, {}).arena_bytes == smallest_arena(buffers, sum(words for words, _, _ in spans))


@given(lifetimes())
def test_the_lower_bound_is_the_largest_memory_of_one_step(buffers: list[Buffer]) -> None:
    steps = range(max(b.last for b in buffers) + 1)
    needed = [sum(-(-b.bytes // 4) * 4 for b in buffers if b.first <= step <= b.last) for step in steps]
    assert lower_bound(buffers, {}) == max(needed)


@given(lifetimes(), st.randoms())
def test_the_size_of_an_arena_of_few_buffers_does_not_depend_on_their_order(buffers: list[Buffer], random: Any) -> None:
    buffers = buffers[:5]
    shuffled = random.sample(buffers, len(buffers))
    assert plan_arena(shuffled, {}).arena_bytes == plan_arena(buffers, {}).arena_bytes


def test_no_buffer_needs_no_arena() -> None:
    plan = plan_arena([], {})
    assert (dict(plan.offsets), plan.arena_bytes, plan.lower_bound) == ({}, 0, 0)


def test_an_empty_buffer_has_a_place_of_its_own() -> None:
    plan = plan_arena([Buffer("a", 0, 0, 1), Buffer("b", 0, 0, 1)], {})
    assert sorted(plan.offsets.values()) == [0, ALIGNMENT]


@given(st.lists(st.integers(1, 60), min_size=3, max_size=7))
def test_a_chain_of_shrinking_tensors_that_work_in_place_needs_the_first_only(sizes: list[int]) -> None:
    sizes = sorted(sizes, reverse=True)
    chain = [Buffer(f"t{i}", size, i, i + 1) for i, size in enumerate(sizes)]
    leads = {(f"t{i + 1}", f"t{i}"): 0 for i in range(len(sizes) - 1)}
    assert plan_arena(chain, leads).arena_bytes == -(-sizes[0] // ALIGNMENT) * ALIGNMENT


def wide_net(tiny: Any, widths: list[int]) -> bytes:
    """Dense layers with as many values between them, then a softmax."""
    model = tiny()
    tensor = source = model.tensor((1, widths[0]), scale=0.1)
    for before, after in pairwise(widths):
        weights = model.tensor((after, before), scale=0.01, data=[[1] * before] * after)
        output = model.tensor((1, after), scale=0.1)
        tensor = model.operator("FULLY_CONNECTED", [tensor, weights, -1], output, "FullyConnectedOptions")
    end = model.tensor((1, widths[-1]), scale=1 / 256, zero_point=-128)
    return bytes(model.finish(source, model.operator("SOFTMAX", [tensor], end, "SoftmaxOptions", beta=1.0)))


@settings(max_examples=20)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_input_and_output_of_each_dense_layer_have_memory_of_their_own(tiny: Any, widths: list[int]) -> None:
    model = compile_model(wide_net(tiny, widths))
    for layer, before, after in zip(model.layers[:-1], widths, widths[1:], strict=False):
        (source, low), (output, high), *_ = layer.slots
        assert source != output
        assert low + before <= high or high + after <= low
    assert model.arena_lower_bound <= model.arena_bytes
    assert model.macs == sum(a * b for a, b in pairwise(widths))


@pytest.mark.parametrize("order", list(permutations([30, 10, 20])))
def test_rows_in_between_never_make_the_arena_larger(tiny: Any, order: tuple[int, ...]) -> None:
    content = wide_net(tiny, [40, *order, 2])
    assert compile_model(content, ram_optimized=True).arena_bytes <= compile_model(content).arena_bytes
