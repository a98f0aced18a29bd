"""docs/api-coverage.md agrees with the routes and with the official client."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.studio.coverage import document, installed_methods, served_shapes
from ei_toolkit.studio.http.not_implemented import find_method, official_methods

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api-coverage.md"


def test_the_list_of_methods_is_that_of_the_installed_client() -> None:
    assert set(official_methods()) == set(installed_methods())
    assert len(official_methods()) == 555


def test_the_document_is_up_to_date() -> None:
    written = "\n".join(document(official_methods(), served_shapes())) + "\n"
    assert DOCUMENT.read_text(encoding="utf-8") == written, (
        "python -m ei_toolkit.studio.coverage > docs/api-coverage.md"
    )


def test_every_route_is_a_method_of_the_official_client() -> None:
    catch_all = {f"{verb} /{{}}" for verb in ("GET", "POST", "PUT", "DELETE", "PATCH")}
    assert served_shapes() - catch_all <= {method.shape for method in official_methods()}


@pytest.mark.parametrize(
    ("verb", "path", "name"),
    [
        ("POST", "/api/1/jobs/optimize", "optimize_job"),
        ("GET", "/api/1/raw-data/7", "get_sample"),
        ("GET", "/api/x/y/z/w", None),
    ],
)
def test_a_request_is_matched_to_its_method(verb: str, path: str, name: str | None) -> None:
    found = find_method(verb, path)
    assert (found.name if found else None) == name
