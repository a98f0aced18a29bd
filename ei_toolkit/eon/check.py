"""Check a model without building it: what is supported, what to change, its memory over time, and where it fits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ei_toolkit.config.boards import BOARDS, SKETCH_RAM, BoardSpec
from ei_toolkit.eon.blockers import BlockedModelError, Blocker
from ei_toolkit.eon.compile import CompiledModel, TensorSpec, compile_model
from ei_toolkit.eon.memory_use import MemoryStep, memory_steps
from ei_toolkit.eon.profile import estimate
from ei_toolkit.eon.reader import read_model


@dataclass(frozen=True)
class OperatorUse:
    """How often a model has an operator, and how many of these are not supported."""

    kind: str
    count: int
    blocked: int


@dataclass(frozen=True)
class Fit:
    """Whether a model fits a board, with what it needs and what there is. None: the board has no limit."""

    board: str
    fits: bool
    flash_bytes: int
    flash_limit: int | None
    ram_bytes: int
    ram_limit: int | None


@dataclass(frozen=True)
class Cost:
    """The estimated cost of a supported model, from the cost model of the compiler."""

    arena_bytes: int
    arena_lower_bound: int
    state_bytes: int
    weights_bytes: int
    macs: int
    instructions: int
    latency_ms: float
    memory: tuple[MemoryStep, ...]
    peak: MemoryStep | None
    fits: tuple[Fit, ...]


@dataclass(frozen=True)
class Check:
    """The result. `cost` is None and `blockers` are given for a model that is not supported."""

    operators: tuple[OperatorUse, ...]
    blockers: tuple[Blocker, ...]
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    warnings: tuple[str, ...] = ()
    cost: Cost | None = None

    @property
    def supported(self) -> bool:
        """Whether the compiler can translate the model."""
        return not self.blockers

    @property
    def fits_everywhere(self) -> bool:
        """Whether the model fits each known board."""
        return self.cost is not None and all(fit.fits for fit in self.cost.fits)


def check_model(tflite: bytes, *, ram_optimized: bool = False, input_rows: bool = False) -> Check:
    """Check a .tflite. Raises DataError for bytes that are not a valid model."""
    kinds = Counter(op.kind for op in read_model(tflite).operators if op.result == 0)
    try:
        model = compile_model(tflite, ram_optimized=ram_optimized, input_rows=input_rows)
    except BlockedModelError as error:
        blocked = Counter(blocker.kind for blocker in error.blockers)
        return Check(_uses(kinds, blocked), error.blockers)
    return Check(_uses(kinds, Counter()), (), model.inputs, model.outputs, model.warnings, _cost(model))


def _uses(kinds: Counter[str], blocked: Counter[str]) -> tuple[OperatorUse, ...]:
    return tuple(OperatorUse(kind, count, blocked[kind]) for kind, count in sorted(kinds.items()))


def _cost(model: CompiledModel) -> Cost:
    costs = estimate(model)
    instructions = sum(costs.steps)
    memory = memory_steps(model)
    flash, ram = costs.sections.flash, costs.sections.ram + costs.stack_bytes
    return Cost(
        arena_bytes=model.arena_bytes,
        arena_lower_bound=model.arena_lower_bound,
        state_bytes=model.state_bytes,
        weights_bytes=model.weights_bytes,
        macs=model.macs,
        instructions=instructions,
        latency_ms=costs.latency_ms,
        memory=memory,
        peak=max(memory, key=lambda step: step.used_bytes, default=None),
        fits=tuple(_fit(board, flash, ram) for board in BOARDS.values()),
    )


def _fit(board: BoardSpec, flash: int, ram: int) -> Fit:
    """Compare with a board. On a real board the sketch and the Arduino core need RAM, too."""
    needed = ram if board.virtual else ram + SKETCH_RAM
    fits = (board.flash_bytes is None or flash <= board.flash_bytes) and (
        board.ram_bytes is None or needed <= board.ram_bytes
    )
    return Fit(board.name, fits, flash, board.flash_bytes, needed, board.ram_bytes)
