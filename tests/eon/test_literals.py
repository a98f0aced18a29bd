"""C++ text from Python values: the compiled program has the values of Python."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.literals import comment_text, double_literal, float_literal, string_literal

# Alphabets in which escapes, trigraphs and digits after escapes are frequent, and any text.
TEXT = st.one_of(st.text(), st.text(alphabet="\"\\?=/'()!<>-#01279\x00\x01\x1f\x7f\x80\n\r\té音🎵\u2028\ud800"))
STANDARDS = ("-std=c++14", "-std=gnu++14")  # only the first replaces trigraphs


def printed(program: str, folder: Path, *flags: str) -> bytes:
    """Standard output of a C++ program."""
    (folder / "main.cpp").write_bytes(program.encode("utf-8", "surrogatepass"))
    command = ["g++", *flags, "-Wall", "-Wextra", "-Werror", "main.cpp", "-o", "main"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run([folder / "main"], capture_output=True, check=True, timeout=20).stdout


def printed_strings(texts: list[str], folder: Path, standard: str) -> bytes:
    """Return the bytes of all literals, one after the other."""
    calls = "\n".join(f"  put({string_literal(text)});" for text in texts)
    program = (
        "#include <cstddef>\n#include <cstdio>\n"
        "template <std::size_t N>\nvoid put(const char (&text)[N]) { std::fwrite(text, 1, N - 1, stdout); }\n"
        f'int main() {{\n  put("");\n{calls}\n}}\n'
    )
    return printed(program, folder, standard)


def test_control_characters_trigraphs_quotes_and_utf8(tmp_path: Path) -> None:
    texts = [
        'ro"ck',
        "a\\b",
        "what??/",
        "??=??(x??)",
        "Größe",
        "日本語",
        "tab\tline\n\x01\x7f1",
        "\x017",
        "100 %s",
        "\u202e",
    ]
    expected = "".join(texts).encode()
    assert all(printed_strings(texts, tmp_path, standard) == expected for standard in STANDARDS)


def test_escapes_have_three_digits_so_that_no_digit_can_follow_them() -> None:
    assert string_literal("\x017") == '"\\0017"'
    assert string_literal("??=") == '"\\?\\?="'


@settings(max_examples=6)
@given(texts=st.lists(TEXT, min_size=100, max_size=200), standard=st.sampled_from(STANDARDS))
def test_every_text_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    standard: str,
) -> None:
    expected = "".join(texts).encode("utf-8", "surrogatepass")
    assert printed_strings(texts, tmp_path_factory.mktemp("literals"), standard) == expected


@given(TEXT)
def test_a_comment_stays_on_its_line_and_does_not_end_early(text: str) -> None:
    line = comment_text(text)
    assert not any(part in line for part in ("*/", "/*", "\\", "??"))
    assert line.isprintable()


@settings(max_examples=3)
@given(st.lists(TEXT, min_size=100, max_size=200))
def test_comments_of_every_text_compile(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    comments = "\n".join(f"// {comment_text(text)}\n/* {comment_text(text)} */" for text in texts)
    program = f'#include <cstdio>\n{comments}\nint main() {{ std::puts("ok"); }}\n'
    assert printed(program, tmp_path_factory.mktemp("comments"), "-std=c++14") == b"ok\n"


def test_numbers_come_back_bit_for_bit(tmp_path: Path) -> None:
    values = [0.0, 1.0, -1.5, 0.1, 1 / 3, 1e-30, 3.4e38, 2.0**-126, 16777216.0, 1e22]
    floats = ", ".join(map(float_literal, values))
    doubles = ", ".join(map(double_literal, values))
    program = (
        "#include <cstdio>\n"
        f"int main() {{\n  const float f[] = {{{floats}}};\n  const double d[] = {{{doubles}}};\n"
        "  std::fwrite(f, sizeof f, 1, stdout);\n  std::fwrite(d, sizeof d, 1, stdout);\n}\n"
    )
    expected = np.array(values, np.float32).tobytes() + np.array(values, np.float64).tobytes()
    assert printed(program, tmp_path, "-std=c++14") == expected
