"""The exceptions and their exit codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ei_toolkit import errors
from ei_toolkit.errors import EXIT_CODES, DataError, EitkError


def exceptions(base: type[EitkError] = EitkError) -> Iterator[type[EitkError]]:
    yield base
    for derived in base.__subclasses__():
        if derived.__module__ == errors.__name__:
            yield from exceptions(derived)


@pytest.mark.parametrize("kind", list(exceptions()))
def test_every_exception_has_an_exit_code_with_a_meaning_and_a_line_in_the_overview(kind: type[EitkError]) -> None:
    assert EXIT_CODES[kind.exit_code]
    (line,) = (line for line in str(errors.__doc__).splitlines() if line.strip().startswith(f"{kind.__name__} "))
    assert line.split()[1] == str(kind.exit_code)


def test_every_exit_code_is_used() -> None:
    assert {kind.exit_code for kind in exceptions()} == set(EXIT_CODES) - {0}


def test_the_reason_is_the_text_of_an_error_of_the_system_without_its_number() -> None:
    missing = FileNotFoundError(2, "No such file or directory", "/a.csv")
    assert DataError("a.csv cannot be read", why=str(missing)).why == "No such file or directory: '/a.csv'"
