"""A few held-out windows to look at and to listen to, as the model is given them."""

from __future__ import annotations

from ei_toolkit.dataset.manifest import Window
from ei_toolkit.report.html.markup import Html, Section, figure, grid, join, paragraph
from ei_toolkit.report.html.media import player, spectrogram_image
from ei_toolkit.report.project_summary import ProjectSummary, held_out_windows
from ei_toolkit.report.window_features import window_features

LABELS, EACH = 6, 2  # how many labels are shown, and how many windows of each


def listen(facts: ProjectSummary) -> Section | None:
    """Windows of different clips, from the middle of each, with the features of the first block."""
    if not facts.config.settings.impulse.dsp:
        return None
    chosen = [window for label in facts.labels[:LABELS] for window in _some(held_out_windows(facts.windows, label))]
    block = facts.config.settings.impulse.dsp[0]
    intro = paragraph(
        f"Held-out windows as the network is given them: block {block.type}, time to the right, frequency upwards."
    )
    return Section("listen", "Look and listen", join([intro, grid(_figure(facts, window) for window in chosen)]))


def _some(windows: list[Window]) -> list[Window]:
    """The middle window of a clip each of different artists, or of different clips where there is one artist."""
    clips: dict[str, list[Window]] = {}
    for window in windows:
        clips.setdefault(window.clip, []).append(window)
    middles = [own[len(own) // 2] for own in clips.values()]
    by_artist = list({window.group: window for window in reversed(middles)}.values())[::-1]
    return list(dict.fromkeys([*by_artist, *middles]))[:EACH]


def _figure(facts: ProjectSummary, window: Window) -> Html:
    title = f"{window.label}: {window.clip} at {window.start_ms / 1000:g} s, by {window.group}"
    picture = spectrogram_image(window_features(facts, window), title)
    sound = player(facts.config.paths.windows / window.file, title)
    return figure(join([picture, sound]), title)
