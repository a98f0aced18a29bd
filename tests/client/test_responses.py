"""Responses are validated when they are read; an error names the path and the field."""

from __future__ import annotations

from typing import Any

import pytest

from ei_toolkit.client.responses import Response, parse_response, redact
from ei_toolkit.errors import ApiError


class Block(Response, frozen=True):
    block_id: int
    title: str = "untitled"
    score: float | None = None


class Blocks(Response, frozen=True):
    blocks: tuple[Block, ...]


def test_fields_have_the_names_of_the_api_and_unknown_ones_are_ignored() -> None:
    data = {"blocks": [{"blockId": 3, "title": "Flatten", "added": True}]}
    assert parse_response(data, Blocks, "/api/1/blocks").blocks == (Block(3, "Flatten"),)


@pytest.mark.parametrize("absent", [{}, {"title": None, "score": None}])
def test_null_counts_as_a_missing_field(absent: dict[str, Any]) -> None:
    assert parse_response({"blockId": 3, **absent}, Block, "/api") == Block(3, "untitled", None)


def test_a_number_without_a_fraction_is_an_integer() -> None:
    assert parse_response({"blockId": 3.0, "score": 1}, Block, "/api") == Block(3, score=1.0)


@pytest.mark.parametrize("block_id", ["3", True, 3.5, None, [], {}])
def test_an_error_names_the_path_and_the_field(block_id: Any) -> None:
    with pytest.raises(ApiError, match="/api/1/blocks") as caught:
        parse_response({"blocks": [{"blockId": 1}, {"blockId": block_id}]}, Blocks, "/api/1/blocks")
    assert "blocks[1]" in caught.value.why
    assert "blockId" in caught.value.why


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_a_response_that_is_no_object_is_an_error(data: Any) -> None:
    with pytest.raises(ApiError, match="is not valid"):
        parse_response(data, Blocks, "/api/1/blocks")


def test_every_key_is_masked() -> None:
    own, other = "secret-of-mine", "ei_" + "0123456789abcdef" * 2
    assert redact(f"{own} and {other}", own) == "ei_*** and ei_***"
