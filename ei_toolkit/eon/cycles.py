"""Estimate the cycles of a Cortex-M4 from a trace of the emulator.

The trace has each block of instructions once, and the address of each block that runs. An instruction takes the cycles
of ARM's Technical Reference Manual (DDI 0439, table 3-1): most take one; a load two, or one behind another load or
store; a load or store of n words n + 1; a taken branch three, as the pipeline is refilled; a division seven (2 to 12).
Instructions are assumed to be in the cache. Constants that kernels read from flash are not: the caller adds
FLASH_WAIT_CYCLES for each word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FLASH_WAIT_CYCLES = 2  # of a word in the flash of an nRF52840 at 64 MHz
BRANCH_REFILL = 2
SINGLE = re.compile(r"(ldr|str)s?[bh]?$")
SEVERAL = re.compile(r"v?(ldm|stm|push|pop)")
BRANCH = re.compile(r"(b|bl|bx|blx|cbz|cbnz|tbb|tbh)(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?$")
CYCLES = {
    "ldrd": 3,
    "strd": 3,
    "vldr": 2,
    "vstr": 2,
    "sdiv": 7,
    "udiv": 7,
    "vdiv": 14,
    "vsqrt": 14,
    "vmla": 3,
    "vmls": 3,
    "vfma": 3,
    "vfms": 3,
}

INSTRUCTION = re.compile(r"0x([0-9a-f]+):\s+([0-9a-f]{4}(?: [0-9a-f]{4})?)\s+(\S+)\s*(.*)")
EXECUTED = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/\S+\] ?(\S*)")
STEP_FUNCTION = "eitk_on_layer"
RUNTIME_FUNCTION = re.compile(r"_ZN(8platform|7machine|11semihosting)|eitk_on_layer")


@dataclass(frozen=True)
class Block:
    """The cycles of a block of instructions if its last branch is not taken, and the address behind it."""

    cycles: int
    end: int
    branches: bool


def instruction_cycles(mnemonic: str, operands: str, behind: str) -> int:
    """Return the cycles of an instruction behind another, without the refill of a taken branch."""
    name = mnemonic.split(".")[0]
    if SEVERAL.match(name):
        return 1 + _registers(operands)
    if name.startswith("str"):
        return CYCLES.get(name, 1)
    if SINGLE.match(name):
        return 1 if SINGLE.match(behind.split(".")[0]) else 2
    return CYCLES.get(name, 1)


def _registers(operands: str) -> int:
    """Return the number of registers in a list such as {r4, r5-r7}."""
    count = 0
    for item in operands[operands.index("{") + 1 : operands.index("}")].split(","):
        first, _, last = item.strip().partition("-")
        count += int(last.lstrip("rsd")) - int(first.lstrip("rsd")) + 1 if last else 1
    return count


def cycles_of_steps(trace: Iterable[str]) -> list[int]:
    """Return the cycles of each step of the first inference, from the lines of a trace of a program with steps."""
    blocks: dict[int, Block] = {}
    counts: list[Counter[tuple[int, bool]]] = []
    entry = last = -1
    for address, symbol, block in _executed(trace, blocks):
        if counts and last >= 0 and blocks[last].branches:
            counts[-1][last, address != blocks[last].end] += 1
        elif counts and last >= 0:
            counts[-1][last, False] += 1
        last = -1
        if symbol == STEP_FUNCTION and entry in (-1, address):
            entry = address
            counts.append(Counter())
        elif counts and symbol == "main":
            break
        elif not RUNTIME_FUNCTION.match(symbol):
            last = address if block is not None else -1
    return [sum(n * (blocks[at].cycles + BRANCH_REFILL * taken) for (at, taken), n in step.items()) for step in counts]


def _executed(trace: Iterable[str], blocks: dict[int, Block]) -> Iterator[tuple[int, str, Block | None]]:
    """Yield address, function and block of each block that ran; fill `blocks` with their instructions."""
    listing: list[tuple[int, str, str, str]] = []
    for line in trace:
        if found := EXECUTED.match(line):
            if listing:
                blocks[listing[0][0]] = _block(listing)
                listing = []
            address = int(found[1], 16)
            yield address, found[2], blocks.get(address)
        elif found := INSTRUCTION.match(line):
            listing.append((int(found[1], 16), found[2], found[3], found[4]))
        elif line.startswith("IN:") and listing:
            blocks[listing[0][0]] = _block(listing)
            listing = []


def _block(listing: list[tuple[int, str, str, str]]) -> Block:
    behind, cycles = "", 0
    for _, _, mnemonic, operands in listing:
        cycles += instruction_cycles(mnemonic, operands, behind)
        behind = mnemonic
    address, code, mnemonic, operands = listing[-1]
    branches = bool(BRANCH.match(mnemonic.split(".")[0])) or "pc}" in operands
    return Block(cycles, address + (4 if " " in code else 2), branches)
