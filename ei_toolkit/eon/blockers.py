"""Blockers: what prevents the translation of a model. All of them are collected and reported together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ei_toolkit.errors import UnsupportedModelError

FULL_INT8 = (
    "Convert to full int8: set converter.optimizations = [tf.lite.Optimize.DEFAULT], a representative_dataset and "
    "target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]."
)
UNROLL = "Use keras.layers.{}(..., unroll=True), or replace the layer by Conv1D layers."
SIGNAL = (
    "These operators compute features: let a processing block (eitk impulse) compute them, and convert only the "
    "network that reads the features."
)
DILATED = "Use a stride of 1 and padding='valid' or 'same' in the dilated convolution, and convert with a batch of one."
REMEDIES = {
    "BATCH_TO_SPACE_ND": DILATED,
    "SPACE_TO_BATCH_ND": DILATED,
    "BIDIRECTIONAL_SEQUENCE_LSTM": UNROLL.format("LSTM"),
    "LSTM": UNROLL.format("LSTM"),
    "UNIDIRECTIONAL_SEQUENCE_RNN": UNROLL.format("SimpleRNN"),
    "WHILE": UNROLL.format("GRU"),
    "IF": "Remove the condition from the graph: export the branch that the device runs.",
    "SVDF": "Convert the layer to int8 with a state and weights over time of 16 bits, or to float.",
    "TRANSPOSE_CONV": "Convert with a fixed batch of one, so that the shape of the output is constant.",
    "RESIZE_BILINEAR": "Resize to a constant size, on int8, uint8, int16 or float32.",
    "EMBEDDING_LOOKUP": "Compute the embedding before the model and pass it as the input.",
    "TOPK_V2": "Return the scores and choose the best ones in the application.",
    "NON_MAX_SUPPRESSION_V4": "Return boxes and scores and choose the best ones in the application.",
    "NON_MAX_SUPPRESSION_V5": "Return boxes and scores and choose the best ones in the application.",
}
ETHOS = "This model was compiled for an Ethos-U accelerator: use the .tflite from before the Vela compiler."
FLEX = "Convert without tf.lite.OpsSet.SELECT_TF_OPS, and replace the layer that needs it."
OTHER = "Replace the layer; docs/compiler.md lists the supported operators."


@dataclass(frozen=True)
class Blocker:
    """One reason why a model cannot be translated.

    `operator` is the index in the file, or None if the reason is not one operator; `layer` the name of its output.
    """

    operator: int | None
    kind: str
    layer: str
    problem: str
    remedy: str


def remedy_for(kind: str) -> str:
    """Return what to change in a model that uses an operator without a kernel."""
    if kind.startswith("CUSTOM Flex"):
        return FLEX
    if kind.startswith("CUSTOM ethos-u"):
        return ETHOS
    if kind.startswith("CUSTOM Signal"):
        return SIGNAL
    return REMEDIES.get(kind, OTHER)


class BlockedModelError(UnsupportedModelError):
    """A model that cannot be translated, with all reasons."""

    def __init__(self, blockers: Sequence[Blocker]) -> None:
        self.blockers = tuple(blockers)
        groups = group_blockers(blockers)
        if len(groups) == 1:
            (group,) = groups
            super().__init__(rejection(group), why=group[0].problem, hint=group[0].remedy)
        else:
            lines = [f"\n  {rejection(group)}: {group[0].problem}. {group[0].remedy}" for group in groups]
            what = f"the compiler cannot translate the model, for {len(groups)} reasons:{''.join(lines)}"
            super().__init__(what)


def group_blockers(blockers: Sequence[Blocker]) -> list[tuple[Blocker, ...]]:
    """Group the blockers of one problem and remedy, in the order of the file."""
    groups: dict[tuple[str, str, bool], list[Blocker]] = {}
    for blocker in blockers:
        groups.setdefault((blocker.problem, blocker.remedy, blocker.operator is None), []).append(blocker)
    return [tuple(group) for group in groups.values()]


MOST_NAMED = 3  # operators of a group that a message names; `eitk eon check` lists all of them


def rejection(group: Sequence[Blocker], most: int = MOST_NAMED) -> str:
    """Return the clause that names the operators of one group, at most `most` of them."""
    first = group[0]
    if first.operator is None:
        return f"{' and '.join(b.kind for b in group)} {'is' if len(group) == 1 else 'are'} not supported"
    if len(group) == 1:
        return f"operator {first.operator} ({first.kind}) is not supported, layer {first.layer!r}"
    named = ", ".join(f"{b.operator} ({b.kind}, layer {b.layer!r})" for b in group[:most])
    more = f" and {len(group) - most} more" if len(group) > most else ""
    return f"operators {named}{more} are not supported"
