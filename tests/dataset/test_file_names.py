from __future__ import annotations

from collections.abc import Mapping

import pytest

from ei_toolkit.dataset.file_names import groups_by_pattern, read_names, speakers
from ei_toolkit.errors import ConfigurationError


def labels(*names: str, certain: bool = True) -> Mapping[str, str] | None:
    reading = read_names(names, certain=certain)
    return reading and reading.labels


def test_the_rule_is_named() -> None:
    reading = read_names(["rock.1.wav", "rock.2.wav", "jazz.1.wav", "jazz.2.wav"])
    assert reading is not None and reading.rule == "text before the first ."


def test_one_odd_name_among_many_is_left_without_a_label() -> None:
    names = [f"{label}_{i}.wav" for label in ("rock", "jazz") for i in range(20)]
    assert len(labels(*names, "cover.wav") or {}) == 40


def test_several_odd_names_make_the_rule_doubtful() -> None:
    assert labels("rock_1.wav", "rock_2.wav", "jazz_1.wav", "jazz_2.wav", "a.wav", "b.wav") is None


def test_numbers_are_labels_only_on_request() -> None:
    names = ("1.a.wav", "1.b.wav", "2.a.wav", "2.b.wav")
    assert labels(*names) is None
    assert set((labels(*names, certain=False) or {}).values()) == {"1", "2"}


def test_as_many_labels_as_files_are_accepted_only_on_request() -> None:
    names = ("anna_x.wav", "ben_x.wav", "cleo_x.wav")
    assert labels(*names) is None
    assert set((labels(*names, certain=False) or {}).values()) == {"anna", "ben", "cleo"}


def test_a_second_word_that_not_every_group_has_in_two_labels_is_part_of_the_label() -> None:
    names = [f"{label}_{i}.wav" for label in ("hip_hop", "trip_hop", "free_jazz") for i in range(3)]
    assert set((labels(*names) or {}).values()) == {"hip_hop", "trip_hop", "free_jazz"}


def test_speakers_of_speech_commands() -> None:
    names = ["yes/0a7c2a8d_nohash_0.wav", "no/0a7c2a8d_nohash_1.wav", "no/f00dbabe_nohash_0.wav"]
    assert list(speakers(names).values()) == ["0a7c2a8d", "0a7c2a8d", "f00dbabe"]


@pytest.mark.parametrize(
    "names", [[], ["rock/1.wav", "rock/2.wav"], ["a_1.wav", "b_1.wav"], ["a_x_1.wav", "b_y_1.wav"]]
)
def test_names_without_speakers(names: list[str]) -> None:
    assert speakers(names) == {}


@pytest.mark.parametrize(
    ("pattern", "group"),
    [(r"_(\w+)_", "theo"), (r"(?P<x>\d)_(?P<group>[a-z]+)", "theo"), (r"theo|lucas", "theo"), (r"^(\w+)/", "digits")],
)
def test_a_pattern_finds_the_group_in_the_path(pattern: str, group: str) -> None:
    assert groups_by_pattern(["digits/0_theo_7.wav"], pattern) == {"digits/0_theo_7.wav": group}


def test_names_that_a_pattern_does_not_find_have_no_group() -> None:
    assert groups_by_pattern(["a_x_1.wav", "b.wav"], "_(x)?") == {"a_x_1.wav": "x"}


def test_an_invalid_pattern_is_named_with_an_example() -> None:
    with pytest.raises(ConfigurationError, match=r"dataset\.group_pattern = '\['") as caught:
        groups_by_pattern(["a.wav"], "[")
    assert r"_(\w+)_ for 0_theo_7.wav" in caught.value.hint
