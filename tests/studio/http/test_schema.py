"""Request schemas: what clients may send for each type, and how an error names the value."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from ei_toolkit.config.ranges import Range
from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.schema import Flag, Integer, Number, Page, RequestModel, parse, parse_body, within


class Inner(RequestModel):
    id: Integer = 0


class Example(RequestModel):
    whole_number: Integer = 0
    number: Number = 0.0
    flag: Flag = False
    text: str = ""
    names: list[str] = Field(default_factory=list)
    inner_objects: list[Inner] = Field(default_factory=list)
    anything: dict[str, Any] = Field(default_factory=dict)
    limited: Annotated[Integer, Field(ge=1, le=10)] = 1
    ranged: Annotated[Number, within(Range(0, 1, below=True))] = 0.5


@pytest.mark.parametrize(
    ("name", "sent", "value"),
    [
        ("wholeNumber", 5, 5), ("wholeNumber", "5", 5), ("wholeNumber", "5.0", 5), ("wholeNumber", 5.0, 5),
        ("number", "0.5", 0.5), ("number", 1, 1.0), ("text", 5, "5"), ("text", 0.5, "0.5"),
        ("flag", "True", True), ("flag", "false", False), ("flag", "", False), ("flag", 1, True), ("flag", "0", False),
        ("names", ["a", 1], ["a", "1"]), ("anything", {"a": None}, {"a": None}),
    ],
)  # fmt: skip
def test_values_are_read_as_the_official_clients_send_them(name: str, sent: Any, value: Any) -> None:
    found = parse(Example, {name: sent}).sent()
    assert found == {name: value} and type(found[name]) is type(value)


def test_null_counts_as_absent_and_unknown_names_are_ignored() -> None:
    found = parse(Example, {"wholeNumber": None, "innerObjects": [{"id": None}], "unknown": 1})
    assert found.whole_number == 0 and found.sent() == {"innerObjects": [{}]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wholeNumber": "x"}, "wholeNumber must be a whole number, but is 'x'"),
        ({"wholeNumber": 2.5}, "wholeNumber must be a whole number, but is 2.5"),
        ({"number": "nan"}, "number must be a finite number, but is 'nan'"),
        ({"number": []}, "number must be a number, but is []"),
        ({"flag": "perhaps"}, "flag must be true or false, but is 'perhaps'"),
        ({"text": True}, "text must be a string, but is True"),
        ({"names": "a"}, "names must be a list, but is 'a'"),
        ({"anything": []}, "anything must be an object, but is []"),
        ({"innerObjects": [{}, {"id": "b"}]}, "innerObjects[1].id must be a whole number, but is 'b'"),
        ({"innerObjects": [1]}, "innerObjects[0] must be an object, but is 1"),
        ({"limited": "x", "number": "y"}, "number must be a number, but is 'y'; "
         "limited must be a whole number, but is 'x'"),
        ({"limited": 0, "text": []}, "text must be a string, but is []"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_named_with_what_is_accepted(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(Example, values)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"limited": 0}, "limited must be 1 or greater, but is 0"),
        ({"limited": 11}, "limited must be 10 or less, but is 11"),
        ({"ranged": 1}, "ranged must be at least 0 and below 1, but is 1"),
    ],
)
def test_a_value_out_of_range_is_an_error_of_the_request_and_not_malformed(values: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(Example, values)
    assert (str(caught.value), caught.value.status) == (message, 200)


def test_long_values_are_shortened_in_messages() -> None:
    with pytest.raises(Malformed) as caught:
        parse(Example, {"wholeNumber": "x" * 10_000, "names": {"a": ["b" * 10_000] * 100}})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"limited": null}'])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert parse_body(Example, body).sent() == {}


def test_a_page_without_a_limit_has_all_items() -> None:
    assert parse(Page, {}).cut("abcd") == "abcd"
    assert parse(Page, {"limit": "2", "offset": "1"}).cut("abcd") == "bc"
    assert parse(Page, {"offset": 3}).cut("abcd") == "d"
