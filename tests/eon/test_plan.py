"""The arena: buffers of overlapping lifetimes do not overlap, unless a lead allows it; small plans are optimal."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

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
