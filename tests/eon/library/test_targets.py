"""Names of libraries for any project name: spaces, hyphens, accents, other scripts, paths."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon.library.targets import deployment_name, header_name, library_name


@pytest.mark.parametrize(
    ("project", "header"),
    [
        ("Music Genre Classifier", "Music_Genre_Classifier_inferencing.h"),
        ("Home-Audio-TinyML", "Home-Audio-TinyML_inferencing.h"),
        ("Jürgens Plattenkiste", "Jurgens_Plattenkiste_inferencing.h"),
        ("音楽", "Project_inferencing.h"),
        ("../../etc/passwd", "etc_passwd_inferencing.h"),
    ],
)
def test_headers_have_the_names_of_edge_impulse(project: str, header: str) -> None:
    assert header_name(project) == header


def test_archives_have_the_names_of_edge_impulse() -> None:
    assert deployment_name("Music Genre Classifier", "arduino", 3) == "ei-music-genre-classifier-arduino-1.0.3.zip"
    assert deployment_name("Music Genre Classifier", "zip", 3) == "ei-music-genre-classifier-cpp-1.0.3.zip"
    assert deployment_name("Genres", "runner-linux-aarch64", 3) == "ei-genres-linux-aarch64-1.0.3.eim"


@given(st.text())
def test_any_project_name_gives_a_name_that_arduino_allows(project: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}", library_name(project))
