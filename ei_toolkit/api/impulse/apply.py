"""Make the project's impulse the wanted one, touching only what differs."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.api.answer import Answer
from ei_toolkit.api.impulse.bodies import impulse_body, learn_body
from ei_toolkit.api.impulse.current import Current, current_impulse, impulse_id_of, require_impulse
from ei_toolkit.api.impulse.diff import Change, diff
from ei_toolkit.api.impulse.state import DspState, ImpulseState
from ei_toolkit.api.official import official
from ei_toolkit.api.project import Studio
from ei_toolkit.errors import ApiError


def apply_impulse(studio: Studio, wanted: ImpulseState, name: str = "") -> tuple[Change, ...]:
    """Change the impulse and return what was changed; nothing is sent where nothing differs.

    Blocks that stay what they are keep their ids, so that their features and training survive.
    Raises ApiError where the studio refuses, or still has something else afterwards.
    """
    current = current_impulse(studio, name)
    changes = diff(current.state if current else None, wanted)
    if current is None or any(change.part == "structure" for change in changes):
        current = _set_structure(studio, wanted, current, name)
    open_changes = diff(current.state, wanted)
    for index in sorted({change.block for change in open_changes if change.part == "dsp"}):
        _set_config(studio, current.dsp_ids[index], wanted.dsp[index])
    if any(change.part == "learn" for change in open_changes):
        body = learn_body(wanted.learn)
        studio.transport.post(studio.path("training", "keras", current.learn_id), body, repeatable=True)
    if open_changes:
        _check(diff(require_impulse(studio, name).state, wanted))
    return changes


def _set_structure(studio: Studio, wanted: ImpulseState, current: Current | None, name: str) -> Current:
    input_id = current.input_id if current else _new_id(studio)
    dsp_ids = tuple(_kept_id(block, current, index) or _new_id(studio) for index, block in enumerate(wanted.dsp))
    learn_id = current.learn_id if current else _new_id(studio)
    body = impulse_body(wanted, name, input_id, dsp_ids, learn_id)
    impulse_id = impulse_id_of(studio, name) or (_new_impulse(studio) if name else None)
    studio.transport.post(studio.path("impulse"), body, repeatable=True, impulseId=impulse_id)
    return require_impulse(studio, name)


def _kept_id(block: DspState, current: Current | None, index: int) -> int | None:
    """A block's id stays while its place, type and version do."""
    if current is None or index >= len(current.dsp_ids):
        return None
    old = current.state.dsp[index]
    return current.dsp_ids[index] if (old.type, old.version) == (block.type, block.version) else None


def _new_id(studio: Studio) -> int:
    answer = studio.transport.post(studio.path("impulse", "get-new-block-id"), repeatable=True)
    return Answer(answer, "a new block's id").integer("blockId")


def _new_impulse(studio: Studio) -> int:
    answer = studio.transport.post(studio.path("impulse", "new"), official("CreateNewEmptyImpulseRequest")())
    return Answer(answer, "the new impulse").integer("id")


def _set_config(studio: Studio, block_id: int, block: DspState) -> None:
    studio.transport.post(
        studio.path("dsp", block_id), official("DSPConfigRequest")(config=dict(block.config)), repeatable=True
    )


def _check(left: Sequence[Change]) -> None:
    if left:
        change = left[0]
        raise ApiError(
            f"the studio did not take {change.key} = {change.wanted}", why=f"it still has {change.there or 'nothing'}"
        )
