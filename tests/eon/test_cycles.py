"""Cycles of instructions and of the steps of a trace."""

from __future__ import annotations

import pytest

from ei_toolkit.eon.cycles import cycles_of_steps, instruction_cycles

TRACE = """\
----------------
IN: eitk_on_layer
0x00000100:  4770       bx       lr

Trace 0: 0x7f [00800408/00000100/00000110/ff000200] eitk_on_layer
----------------
IN: invoke
0x00000200:  6801       ldr      r1, [r0]
0x00000202:  f850 2b04  ldr      r2, [r0], #4
0x00000206:  fb21 3302  smlad    r3, r1, r2, r3
0x0000020a:  d1f9       bne      #0x200

Trace 0: 0x7f [00800408/00000200/00000110/ff000200] invoke
Trace 0: 0x7f [00800408/00000200/00000110/ff000200] invoke
----------------
IN: invoke
0x0000020c:  e8bd 8010  pop      {r4, pc}

Trace 0: 0x7f [00800408/0000020c/00000110/ff000200] invoke
Trace 0: 0x7f [00800408/00000100/00000110/ff000200] eitk_on_layer
Trace 0: 0x7f [00800408/0000020c/00000110/ff000200] invoke
Trace 0: 0x7f [00800408/00000300/00000110/ff000200] main
Trace 0: 0x7f [00800408/00000200/00000110/ff000200] invoke
"""


@pytest.mark.parametrize(
    ("instruction", "operands", "behind", "cycles"),
    [
        ("smlad", "r3, r1, r2, r3", "ldr", 1),
        ("ldr", "r1, [r0]", "adds", 2),
        ("ldr.w", "r1, [r0]", "ldrsb.w", 1),
        ("ldrh", "r1, [r0]", "strb", 1),
        ("strb.w", "r1, [r0]", "adds", 1),
        ("ldrd", "r1, r2, [r0]", "ldr", 3),
        ("ldm.w", "r1!, {r4, r5, r6, r8}", "ldr", 5),
        ("push", "{r4-r7, lr}", "", 6),
        ("vldr", "s0, [r0]", "", 2),
        ("vpop", "{s16-s19}", "", 5),
        ("vdiv.f32", "s0, s1, s2", "", 14),
        ("sdiv", "r0, r1, r2", "", 7),
        ("it", "lt", "", 1),
    ],
)
def test_an_instruction_takes_the_cycles_of_the_manual(
    instruction: str, operands: str, behind: str, cycles: int
) -> None:
    assert instruction_cycles(instruction, operands, behind) == cycles


def test_steps_have_the_cycles_of_their_blocks_and_of_the_branches_that_are_taken() -> None:
    # ldr 2, ldr behind it 1, smlad 1, bne 1; once with two cycles for the branch back. pop of two 3, and 2.
    assert cycles_of_steps(TRACE.splitlines()) == [(5 + 2) + 5 + (3 + 2), 3 + 2]


def test_a_trace_without_steps_has_none() -> None:
    assert cycles_of_steps([]) == []
