"""Names that come from people: spaces, hyphens, accents, other scripts, nothing at all, malice."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.eon.library.names import archive_name, c_string, header_name, library_name, one_line


@pytest.mark.parametrize(
    ("project", "header"),
    [
        ("Music Genre Classifier", "Music_Genre_Classifier_inferencing.h"),
        ("Home-Ear-TinyML", "Home-Ear-TinyML_inferencing.h"),
        ("Jürgens Plattenkiste", "Jurgens_Plattenkiste_inferencing.h"),
        ("音楽", "Project_inferencing.h"),
        ("../../etc/passwd", "etc_passwd_inferencing.h"),
    ],
)
def test_headers_are_named_as_edge_impulse_names_them(project: str, header: str) -> None:
    assert header_name(project) == header


def test_archives_are_named_as_edge_impulse_names_them() -> None:
    assert archive_name("Music Genre Classifier", "arduino", 3) == "ei-music-genre-classifier-arduino-1.0.3.zip"
    assert archive_name("Music Genre Classifier", "zip", 3) == "ei-music-genre-classifier-cpp-1.0.3.zip"


@given(st.text())
def test_any_project_name_gives_a_name_that_arduino_allows(project: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}", library_name(project))


@given(st.text())
def test_any_text_stays_on_its_line_and_in_its_comment(text: str) -> None:
    line = one_line(text)
    assert "\n" not in line and "*/" not in line and "\\" not in line


def test_strings_come_back_from_the_compiler(tmp_path: Path) -> None:
    texts = ['ro"ck', "a\\b", "what??/", "Größe", "日本語", "tab\tline\n\x01\x7f1", "100 %s", "\u202eevil", "a b-c"]
    source = "\n".join(f"puts({c_string(text)});" for text in texts)
    (tmp_path / "a.cpp").write_text(f"#include <stdio.h>\nint main() {{ {source} }}\n", encoding="utf-8")
    command = [
        "g++",
        "-std=c++14",
        "-Wall",
        "-Werror",
        "-trigraphs",
        str(tmp_path / "a.cpp"),
        "-o",
        str(tmp_path / "a"),
    ]
    subprocess.run(command, check=True)
    assert subprocess.run([tmp_path / "a"], capture_output=True, check=True).stdout.decode() == "\n".join(texts) + "\n"
