"""Control characters in the texts of requests: refused with the name of the parameter, wherever they are."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from studio_in_process import Api, routes

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.http.app import api_app, ingestion_app
from ei_toolkit.studio.http.errors import Malformed
from ei_toolkit.studio.http.text import check_line, read_request_json

TEXT_PARAMETERS = ("search", "filename", "labels", "category", "minDate", "maxDate", "metadata", "ids", "excludeIds")


def wav(number: int) -> bytes:
    return wav_bytes(np.full(160, number, np.int16), 16000)


@pytest.fixture
def filled(api: Api) -> Api:
    """A studio with three samples of two labels."""
    api.upload({"a.wav": wav(1), "b.wav": wav(2)}, x_label="rock")
    api.upload({"c.wav": wav(3)}, x_label="jazz")
    return api


def count(api: Api) -> int:
    total: int = api.fields("GET", "/1/raw-data/count?category=all")["count"]
    return total


@pytest.mark.parametrize("name", TEXT_PARAMETERS)
@pytest.mark.parametrize("text", ["\0zzz", "zzz\0", "\n", "a\x1b[2J", "\x7f", "\x9b1m"])
@pytest.mark.parametrize(("verb", "path"), [("GET", "/1/raw-data"), ("POST", "/1/raw-data/batch/delete")])
def test_a_control_character_in_a_filter_is_refused_and_nothing_is_deleted(
    filled: Api, verb: str, path: str, name: str, text: str
) -> None:
    response = filled.call(verb, path, params={name: text})
    expected = f"{name} must not contain control characters, but is {text!r}"
    assert (response.status_code, response.json()) == (400, {"success": False, "error": expected})
    assert count(filled) == 3


def test_every_route_refuses_a_control_character_in_its_query(api: Api) -> None:
    app, headers = api_app(api.studio), {"x-api-key": api.keys["admin"]}
    answered = {
        (verb, path)
        for verb, path in routes()
        if api.send(app, verb, f"{path}?search=%00", headers=headers).json().get("error")
        != "search must not contain control characters, but is '\\x00'"
    }
    assert answered == {("POST", "/v1/api-login")}  # which has no key and reads no query


@pytest.mark.parametrize("path", ["/1/raw-data/delete-all/training%00", "/1/optimize/a%0ab"])
def test_a_control_character_in_a_path_is_refused(filled: Api, path: str) -> None:
    response = filled.call("POST", path)
    assert response.status_code in (400, 404, 501) and not response.json()["success"]
    assert count(filled) == 3


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/1/raw-data/1/edit-label", {"label": "a\0"}, "label"),
        ("/1/raw-data/1/rename", {"name": "a\0"}, "name"),
        ("/1/raw-data/1/metadata", {"metadata": {"k": ["x", "a\0"]}}, "metadata.k[1]"),
        ("/1/raw-data/1/metadata", {"metadata": {"k\0": "x"}}, "a name in metadata"),
        ("/1/training/keras/1", {"script": "a\0"}, "script"),
        ("/1/raw-data/1/edit-label", {"unknown": "a\0"}, "unknown"),
    ],
)
def test_nul_in_a_body_is_refused_with_the_name_of_the_value(filled: Api, path: str, body: Any, name: str) -> None:
    response = filled.call("POST", path, json=body)
    assert response.status_code == 400
    assert response.json()["error"].startswith(f"{name} must not contain NUL, but is ")


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/1/raw-data/1/edit-label", {"label": "a\nb"}, "label"),
        ("/1/raw-data/batch/add-metadata?category=all", {"metadataKey": "a\r", "metadataValue": "x"}, "metadataKey"),
        (
            "/1/raw-data/1/structured-labels",
            {"structuredLabels": [{"startIndex": 0, "endIndex": 5, "label": "\x1b[2J"}]},
            "structuredLabels[0].label",
        ),
        ("/1/apikeys", {"name": "a\tb", "role": "readonly"}, "name"),
        ("/1", {"name": "a\tb"}, "name"),
    ],
)
def test_names_and_labels_are_texts_of_one_line(filled: Api, path: str, body: Any, name: str) -> None:
    response = filled.call("POST", path, json=body)
    assert response.status_code == 400
    assert response.json()["error"].startswith(f"{name} must not contain control characters, but is ")


def test_a_description_may_have_lines(api: Api) -> None:
    api.fields("POST", "/1", json={"description": "one\ntwo"})
    assert api.studio.store.projects.get(1).description == "one\ntwo"


def test_a_label_of_an_upload_is_a_text_of_one_line(api: Api) -> None:
    headers = {"x-api-key": api.keys["admin"], "x-label": quote("ro\0ck")}
    response = api.send(
        ingestion_app(api.studio), "POST", "/api/training/files", headers=headers, files={"data": ("a.wav", wav(1))}
    )
    [outcome] = response.json()["files"]
    assert outcome["error"] == "the label must not contain control characters, but is 'ro\\x00ck'"
    assert count(api) == 0


def test_metadata_of_an_upload_has_no_nul(api: Api) -> None:
    headers = {"x-api-key": api.keys["admin"], "x-metadata": json.dumps({"artist": "a\0"})}
    response = api.send(
        ingestion_app(api.studio), "POST", "/api/training/files", headers=headers, files={"data": ("a.wav", wav(1))}
    )
    assert response.status_code == 400
    assert response.json()["error"] == "x-metadata.artist must not contain NUL, but is 'a\\x00'"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_nul_is_found_in_every_encoding_of_json(encoding: str) -> None:
    with pytest.raises(Malformed, match="the text must not contain NUL"):
        read_request_json(r'"a\u0000"'.encode(encoding))
    assert read_request_json(r'"a\\u0000"'.encode(encoding)) == r"a\u0000"


@pytest.mark.parametrize("text", ["", "rock & roll", "größe", "🎸", "\u202e", " "])
def test_other_characters_are_accepted(text: str) -> None:
    check_line("label", text)
