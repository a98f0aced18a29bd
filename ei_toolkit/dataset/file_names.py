"""Labels and groups in the names of files: rock.00012.wav, rock_3.wav, 0_theo_7.wav, yes.wav.1a2b.wav."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ei_toolkit.dataset.listing import stem_of
from ei_toolkit.errors import ConfigurationError

LABEL_GROUP_NUMBER = re.compile(r"(?P<label>[^ ._-]+)(?P<sep>[_-])(?P<group>[^ ._-]+)(?P=sep)\d+")
NUMBER_AT_END = re.compile(r"[ ._-]*(?:\(\d+\)|\d+)$")
HASHED_SPEAKER = re.compile(r"(?P<group>[^_]+)_nohash_\d+")  # Speech Commands
LETTER = re.compile(r"[^\W\d_]")
LEAST_PART = 0.95  # of the files that a rule must give a label


@dataclass(frozen=True)
class NameReading:
    """The label of each sound, the group where the names have one, and the rule in words."""

    rule: str
    labels: Mapping[str, str]
    groups: Mapping[str, str]


def read_names(sounds: Sequence[str], *, certain: bool = True) -> NameReading | None:
    """Return the labels in the names of files by the first rule that gives two labels or more; None if none does.

    With `certain`, there must be two files for a label on average, and labels must have letters unless a name of a
    speaker follows them: a date or a counter is not a label.
    """
    stems = {name: stem_of(name) for name in sounds}
    if grid := _label_group_number(stems):
        return grid
    for rule, label_of in RULES:
        labels = {name: label for name, stem in stems.items() if (label := label_of(stem))}
        if _is_plausible(labels, len(stems), certain=certain):
            return NameReading(rule, labels, {})
    return None


def speakers(sounds: Sequence[str], labels: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return the speaker of each sound by name where all names have one in the form of Speech Commands or digits.

    With `labels`, names of the form `0_theo_7` must begin with their label: without it, two words are no evidence.
    """
    stems = {name: stem_of(name) for name in sounds}
    found = {name: match["group"] for name, stem in stems.items() if (match := HASHED_SPEAKER.fullmatch(stem))}
    if stems and len(found) >= LEAST_PART * len(stems):
        return found
    grid = _label_group_number(stems)
    if grid is None or (labels is not None and any(labels.get(name) != grid.labels[name] for name in grid.groups)):
        return {}
    return grid.groups


def groups_by_pattern(sounds: Sequence[str], pattern: str) -> Mapping[str, str]:
    """Return the group of each sound whose name the pattern finds: its group `group`, else its first, else all of it.

    Raises ConfigurationError for an invalid regular expression.
    """
    compiled = compiled_pattern(pattern)
    matches = {name: match for name in sounds if (match := compiled.search(name))}
    chosen = "group" if "group" in compiled.groupindex else min(1, compiled.groups)
    return {name: group for name, match in matches.items() if (group := match[chosen])}


def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of [dataset] group_pattern. Raises ConfigurationError if it is invalid."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(
            f"dataset.group_pattern = {pattern!r} is not a regular expression", why=str(error),
            hint="Enclose the group in parentheses, for example: _(\\w+)_ for 0_theo_7.wav.",
        ) from None  # fmt: skip


def _before(separator: str) -> Callable[[str], str]:
    return lambda stem: stem.split(separator)[0].strip() if separator in stem else ""


def _before_number(stem: str) -> str:
    return NUMBER_AT_END.sub("", stem).strip() if NUMBER_AT_END.search(stem) else ""


RULES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("text before the first .", _before(".")),
    ("text before the number at the end", _before_number),
    ("text before the first _", _before("_")),
    ("text before the first -", _before("-")),
    ("text before the first space", _before(" ")),
)


def _label_group_number(stems: Mapping[str, str]) -> NameReading | None:
    """Read `0_theo_7` as label, group and number, if every group has two labels or more."""
    matches = {name: match for name, stem in stems.items() if (match := LABEL_GROUP_NUMBER.fullmatch(stem))}
    if not matches or len(matches) < LEAST_PART * len(stems):
        return None
    labels = {name: match["label"] for name, match in matches.items()}
    groups = {name: match["group"] for name, match in matches.items()}
    of_group: dict[str, set[str]] = {}
    for name, group in groups.items():
        of_group.setdefault(group, set()).add(labels[name])
    shared = len(of_group) > 1 and all(len(own) > 1 and LETTER.search(group) for group, own in of_group.items())
    return NameReading("label, speaker and number in the name", labels, groups) if shared else None


def _is_plausible(labels: Mapping[str, str], sounds: int, *, certain: bool) -> bool:
    counts = Counter(labels.values())
    if len(counts) < 2 or len(labels) < LEAST_PART * sounds:
        return False
    return not certain or (2 * len(counts) <= sounds and all(LETTER.search(label) for label in counts))
