"""File names, labels and metadata as the different clients send them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.sample_labels import (
    Label,
    LabelledRange,
    check_ranges,
    header_text,
    joined_labels,
    label_of,
    metadata_of,
    metadata_texts,
    ranges_by_file,
    safe_filename,
    stored_ranges,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(TEXT)
@settings(max_examples=60)
def test_a_percent_encoded_header_is_decoded(text: str) -> None:
    assert header_text(quote(text, safe="")) == text


@given(TEXT.filter(lambda text: "%" not in text))
@settings(max_examples=60)
def test_raw_utf_8_in_a_header_is_decoded(text: str) -> None:
    assert header_text(text.encode().decode("latin-1")) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("größe", "größe"), ("50%", "50%"), ("100 % é", "100 % é"), ("%FF%FE", "%FF%FE"), ("%zz", "%zz"), ("", "")],
)
def test_a_header_in_latin_1_or_with_another_percent_sign_stays_as_it_is(value: str, text: str) -> None:
    assert header_text(value) == text


@pytest.mark.parametrize(
    ("headers", "name", "label"),
    [
        ({"x-label": "rock"}, "jazz.1.wav", "rock"),
        ({"x-label": "  rock  "}, "jazz.wav", "rock"),
        ({"x-label": ""}, "jazz.wav", ""),
        ({"x-label": "a, b/c.d"}, "jazz.wav", "a, b/c.d"),
        ({}, "rock.01.wav", "rock"),
        ({}, "hip hop-2_b.wav", "hip hop-2_b"),
        ({}, "no suffix", "no suffix"),
        ({}, "größe.wav", "gr"),  # Edge Impulse documents the pattern ^[a-zA-Z0-9\s-_]+
        ({"x-no-label": "0"}, "rock.wav", "rock"),
        ({"x-no-label": "false"}, "rock.wav", "rock"),
        ({"x-no-label": ""}, "rock.wav", "rock"),
    ],
)
def test_a_label_is_that_of_the_header_or_the_beginning_of_the_name(
    headers: dict[str, str], name: str, label: str
) -> None:
    assert label_of(headers, name) == Label(label, "label")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"x-no-label": "1"}, "rock.wav"),
        ({"x-no-label": "true", "x-label": "jazz"}, "rock.wav"),
        ({}, "größe"[2:]),
        ({}, ".wav"),
    ],
)
def test_a_file_without_a_label_is_unlabeled(headers: dict[str, str], name: str) -> None:
    assert label_of(headers, name) == Label("", "unlabeled")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.wav", "a.wav"), ("folder/a.wav", "a.wav"), ("C:\\clips\\a.wav", "a.wav"), ("/", "sample"), ("", "sample"),
        ("..", ".."), ("a\x00b\n.wav", "ab.wav"), ("x" * 300 + ".wav", "x" * 255), ("\u202eevil.wav", "evil.wav"),
    ],
)  # fmt: skip
def test_a_file_name_is_reduced_to_a_printable_last_part(name: str, shown: str) -> None:
    assert safe_filename(name) == shown


@given(st.dictionaries(TEXT, TEXT, max_size=4))
@settings(max_examples=60)
def test_metadata_is_json_in_a_header_in_both_encodings(values: dict[str, str]) -> None:
    assert metadata_of({"x-metadata": quote(json.dumps(values))}) == values
    assert metadata_of({"x-metadata": json.dumps(values)}) == values or "%" in json.dumps(values)


@pytest.mark.parametrize("headers", [{}, {"x-metadata": ""}])
def test_metadata_may_be_absent(headers: dict[str, str]) -> None:
    assert metadata_of(headers) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("artist=x", "The header x-metadata must be JSON, but is 'artist=x'"),
        ("[1]", "The header x-metadata must be a JSON object, but is '[1]'"),
        ('"text"', "The header x-metadata must be a JSON object, but is '\"text\"'"),
        ("{" + "x" * 100, f"The header x-metadata must be JSON, but is {'{' + 'x' * 59!r}"),
    ],
)
def test_metadata_that_cannot_be_read_is_shown(text: str, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        metadata_of({"x-metadata": text})
    assert str(caught.value) == message


def test_values_of_metadata_that_are_no_text_become_json() -> None:
    values = {"a": "1", "b": 1, "c": 0.5, "d": False, "e": None, "f": {"g": []}}
    assert metadata_texts(values) == {"a": "1", "b": "1", "c": "0.5", "d": "false", "e": "null", "f": '{"g": []}'}


def labels_file(files: Any) -> bytes:
    return json.dumps({"version": 1, "type": "structured-labels", "structuredLabels": files}).encode()


def test_labelled_ranges_are_read_by_file_name() -> None:
    ranges = [{"startIndex": 0, "endIndex": 9, "label": "voice"}, {"startIndex": "10", "endIndex": 19.0, "label": 5}]
    found = ranges_by_file(labels_file({"folder/a.wav": ranges, "b.wav": None, "c.wav": []}))
    assert found["b.wav"] == found["c.wav"] == []
    assert stored_ranges(found["a.wav"]) == [
        {"startIndex": 0, "endIndex": 9, "label": "voice"}, {"startIndex": 10, "endIndex": 19, "label": "5"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "structuredLabels is missing"),
        (b"{", "The body is not JSON, or its JSON is nested deeper than 100 levels"),
        (b"[]", "The body is not a JSON object"),
        (labels_file([]), "structuredLabels must be an object, but is []"),
        (labels_file({"a": {}}), "structuredLabels.a must be a list, but is {}"),
        (labels_file({"a": [{"startIndex": 0, "label": "x"}]}), "structuredLabels.a[0].endIndex is missing"),
        (
            labels_file({"a": [{"startIndex": 0.5, "endIndex": 1, "label": "x"}]}),
            "structuredLabels.a[0].startIndex must be a whole number, but is 0.5",
        ),
    ],
)
def test_a_labels_file_that_cannot_be_read_is_an_error_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        ranges_by_file(content)
    assert str(caught.value) == f"structured_labels.labels cannot be read: {reason}"


def label(start: int, end: int, name: str = "x") -> LabelledRange:
    return LabelledRange(startIndex=start, endIndex=end, label=name)


@given(st.integers(-5, 25), st.integers(-5, 25), st.integers(0, 20))
def test_a_range_is_within_the_sample_if_all_its_indices_are(start: int, end: int, count: int) -> None:
    inside = start <= end and all(0 <= index < count for index in (start, end))
    if inside:
        check_ranges([label(start, end)], count)
    else:
        with pytest.raises(ApiError, match=f"from index {start} to {end} is outside the sample, which has {count}"):
            check_ranges([label(0, count - 1)] * (count > 0) + [label(start, end)], count)


def test_the_labels_of_ranges_are_joined_once_in_order() -> None:
    assert joined_labels([label(0, 1, "b"), label(2, 3, "a"), label(4, 5, "b")]) == "b, a"
    assert joined_labels([]) == ""
