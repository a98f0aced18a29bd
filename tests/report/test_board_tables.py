"""What `eitk verify` prints: clips without a label that the model has are compared with Python, and not scored."""

from __future__ import annotations

import io

from rich.console import Console

from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow
from ei_toolkit.report.board_tables import verification_json, verification_view


def window(label: str, rock: float) -> VerifiedWindow:
    """A window whose scores equal those of Python; the board's threshold is 0.6."""
    scores = {"classical": 1 - rock, "rock": rock}
    winner = max(scores, key=scores.__getitem__) if max(scores.values()) >= 0.6 else "uncertain"
    return VerifiedWindow(f"{label}.wav", label, 3000, scores, (1, 2), (1, 2), winner, 120_000, 11_000)


def clip(label: str, *rock: float) -> VerifiedClip:
    return VerifiedClip(f"{label}.wav", label, tuple(window(label, share) for share in rock), ())


def shown(*clips: VerifiedClip) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(verification_view("emulated", clips, 0.6))
    return out.getvalue()


def test_both_accuracies_are_named_with_what_they_count() -> None:
    text = shown(clip("rock", 0.9, 0.55, 0.2, 0.8), clip("classical", 0.1))
    assert "5 of 5 windows equal to the int8 model in Python" in text
    assert (
        "accuracy at threshold 0.6 60.0 % (3 of 5 windows), top-1 accuracy 80.0 %, clip accuracy 100.0 % (2 of 2 clips)"
    ) in text


def test_a_clip_without_a_label_is_compared_and_not_scored() -> None:
    summary = verification_json("emulated", [clip("rock", 0.9), clip("", 0.9, 0.1)], 0.6)["summary"]
    assert (summary["windows"], summary["scored_windows"], summary["accuracy"]) == (3, 1, 1.0)
    assert (summary["tracks"], summary["scored_tracks"], summary["track_accuracy"]) == (2, 1, 1.0)
    assert (summary["compared"], summary["equal"]) == (3, 3)
    assert "2 windows without a known label; they are not scored" in shown(clip("rock", 0.9), clip("", 0.9, 0.1))


def test_labels_that_the_model_lacks_are_named() -> None:
    assert "1 windows with labels the model does not know: jazz; they are not scored" in shown(
        clip("rock", 0.9), clip("jazz", 0.9)
    )


def test_without_any_scored_window_there_is_no_accuracy() -> None:
    summary = verification_json("emulated", [clip("", 0.9)])["summary"]
    assert (summary["accuracy"], summary["top_1_accuracy"], summary["track_accuracy"]) == (None, None, None)
    assert "accuracy" not in shown(clip("", 0.9))
