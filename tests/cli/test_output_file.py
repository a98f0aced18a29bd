"""A file that a command will write is checked before the command computes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.cli.output_file import check_output
from ei_toolkit.errors import UsageError


def test_a_file_in_a_folder_that_exists_is_accepted(tmp_path: Path) -> None:
    assert check_output(tmp_path / "out.html") == tmp_path / "out.html"
    assert check_output(tmp_path / "out.md", (".html", ".md")) == tmp_path / "out.md"


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("out.txt", "the ending is not known", "Name a file that ends in .html or .md."),
        ("folder.md", "it is a folder", "Name a file in it."),
        ("missing/out.md", "there is no folder", "mkdir -p"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str, reason: str, hint: str) -> None:
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(UsageError, match="cannot write") as caught:
        check_output(tmp_path / name, (".html", ".md"))
    assert reason in caught.value.why
    assert hint in caught.value.hint
