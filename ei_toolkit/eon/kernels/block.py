"""The block of four pixels that the kernel of CONV_2D computes at a time: its shape, and the inputs that it gathers.

The shape is chosen by the measured costs of `block_costs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ei_toolkit.eon.kernels.block_costs import COSTS, BlockCosts
from ei_toolkit.eon.kernels.geometry import Geometry

PIXELS = 4  # that the kernel computes at a time
SHAPES = ((1, 4), (2, 2), (4, 1))  # rows and columns of a block
MOST_UNROLLED = 16  # inputs that do not fill a word; with more of them every run is padded to whole words
LITTLE = 0.025
FEW_WEIGHTS = 2048  # of a layer whose weights are stored as int16, if it has many pixels: flash for speed
MANY_PIXELS = 256
FARTHEST_INPUTS = 1020  # that an instruction can load two words from, in bytes
FARTHEST_OFFSET = 4000  # of a pixel in the output, from the first of its block, in bytes


@dataclass(frozen=True)
class Block:
    """The pixels of the convolution that the kernel computes at a time, its window of input rows, and its inputs."""

    pixel_rows: int
    pixel_cols: int
    window_rows: int
    pad_right: int  # elements
    width: int  # elements of one window row
    runs: int
    run_cols: int
    run_elements: int
    shared_rows: int  # rows of inputs that are gathered once for two pixels above two others; 0: each pixel for itself
    order: tuple[int, ...]  # of the inputs of a pixel, in pairs; -1 for an input that has the weight zero

    @property
    def pairs(self) -> int:
        """Pairs of inputs of a pixel."""
        return len(self.order) // 2

    @property
    def gathered_words(self) -> int:
        """Words of the gathered inputs of a block, each a pair."""
        return 2 * self.pairs // self.runs * self.shared_rows if self.shared_rows else PIXELS * self.pairs

    @property
    def window_bytes(self) -> int:
        """Bytes of the window; the last run is read in words beyond its end if it is padded."""
        padded = -1 in self.order and self.run_elements % 4 == 0
        return self.window_rows * self.width + (3 if padded else 0)


def choose_block(g: Geometry, filters: int) -> Block:
    """Return the block with the fewest rows of those within LITTLE of the fewest instructions for a layer.

    Rows cost memory: of the window, and where a layer passes on its rows. The pixels of a pool are in one block.
    """
    costs = {block: instructions(g, filters, block) for block in (block_of(g, s) for s in _shapes(g, filters))}
    near = [block for block, cost in costs.items() if cost <= (1 + LITTLE) * min(costs.values())]
    return min(near, key=lambda block: (block.pixel_rows, costs[block]))


def _shapes(g: Geometry, filters: int) -> list[tuple[int, int]]:
    if (g.pool_rows, g.pool_cols) != (1, 1):
        return [{(2, 2): (2, 2), (1, 2): (1, 4), (2, 1): (4, 1)}[g.pool_rows, g.pool_cols]]
    near = [(r, c) for r, c in SHAPES if ((r - 1) * g.out_cols + c - 1) * filters <= FARTHEST_OFFSET]
    return near or [SHAPES[0]]


def block_of(g: Geometry, shape: tuple[int, int]) -> Block:
    """Return the block of this shape."""
    rows, cols = shape
    reach = (g.out_cols - 1) * g.stride_cols + (g.kernel_cols - 1) * g.dilation_cols + 1
    straight = g.dilation_cols == 1
    run = (g.kernel_cols if straight else 1) * g.in_channels
    runs = g.kernel_rows * (1 if straight else g.kernel_cols)
    padded = run + -run % 4 if runs * (run % 4) > MOST_UNROLLED else run
    pad_right = max(reach - g.pad_left - g.in_cols, 0) * g.in_channels
    pad_right += -((g.pad_left + g.in_cols) * g.in_channels + pad_right) % 4  # rows of whole words are copied faster
    return Block(
        pixel_rows=rows,
        pixel_cols=cols,
        window_rows=(rows - 1) * g.stride_rows + (g.kernel_rows - 1) * g.dilation_rows + 1,
        pad_right=pad_right,
        width=(g.pad_left + g.in_cols) * g.in_channels + pad_right,
        runs=runs,
        run_cols=1 if straight else g.kernel_cols,
        run_elements=padded,
        shared_rows=g.kernel_rows + g.stride_rows if straight and _shares_rows(g, shape, padded) else 0,
        order=tuple(_order(runs, run, padded)),
    )


def _shares_rows(g: Geometry, shape: tuple[int, int], run_elements: int) -> bool:
    """Return whether the inputs of a block of this shape can be gathered row by row, and whether rows are shared.

    Of a pool that reaches beyond the output, the pixels outside have to repeat one inside, which rows cannot.
    """
    whole_pools = g.pool_rows == 1 or min(g.out_rows, g.pooled_rows * g.pool_rows) % 2 == 0
    overlap = g.kernel_rows > g.stride_rows and g.dilation_rows == 1
    near = 4 * run_elements * g.stride_rows < FARTHEST_INPUTS
    return shape == (2, 2) and overlap and whole_pools and run_elements % 4 == 0 and near


def _order(runs: int, run: int, padded: int) -> list[int]:
    """Return the inputs of a pixel in the order in which the kernel's `Gather` interleaves them."""
    position = [[r * run + i if i < run else -1 for i in range(padded)] for r in range(runs)]
    words = [row[i + k] for row in position for i in range(0, padded - 3, 4) for k in (0, 2, 1, 3)]
    left = [i for row in position for i in row[padded // 4 * 4 :]]
    return [*words, *left, *[-1] * (len(left) % 2)]


def prefers_halves(weights: int, pixels: int) -> bool:
    """Return whether the weights of a layer are better stored as int16, if its sums and scales allow it."""
    return weights <= FEW_WEIGHTS and pixels >= MANY_PIXELS


def instructions(g: Geometry, filters: int, block: Block, costs: BlockCosts = COSTS) -> int:
    """Return the estimated instructions of a layer on a Cortex-M4."""
    return round(sum(count * float(getattr(costs, name)) for name, count in work(g, filters, block)))


def work(g: Geometry, filters: int, block: Block) -> Iterator[tuple[str, int]]:
    """Yield how often a layer does what each cost is for."""
    rows = min(g.out_rows, g.pooled_rows * g.pool_rows)
    cols = min(g.out_cols, g.pooled_cols * g.pool_cols)
    block_rows = -(-rows // block.pixel_rows)
    blocks = block_rows * -(-cols // block.pixel_cols)
    words = block.run_elements // 4
    loose = block.pairs - 2 * words * block.runs
    products = blocks * -(-filters // 2)
    yield "block", blocks
    yield "gathered_row", blocks * (block.shared_rows or 2 * block.runs)
    yield "gathered_word", blocks * words * (2 * block.shared_rows or PIXELS * block.runs)
    yield "loose_pair", blocks * PIXELS * loose
    yield "product", products
    weights = filters * g.kernel_rows * g.kernel_cols * g.in_channels
    halves = prefers_halves(weights, g.out_rows * g.out_cols)
    yield "pair", products * block.pairs
    yield "packed_pair", 0 if halves else products * block.pairs
    yield "pool", products * (g.pool_rows * g.pool_cols - 1)
    yield "output", g.pooled_rows * g.pooled_cols * filters
    yield "window_row", block_rows * block.window_rows
    yield "window_word", block_rows * block.window_rows * block.width // 4
