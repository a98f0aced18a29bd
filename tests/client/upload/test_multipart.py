"""The body of an upload, as a server parses it."""

from __future__ import annotations

import pytest
from python_multipart.multipart import MultipartParser, parse_options_header

from ei_toolkit.client.upload.ingestion import Multipart


def read(body: Multipart) -> list[tuple[str, bytes]]:
    """(content disposition, content) of each part."""
    parts: list[list[bytes]] = []
    callbacks = {
        "on_part_begin": lambda: parts.append([b"", b""]),
        "on_header_value": lambda data, start, end: parts[-1].__setitem__(0, parts[-1][0] + data[start:end] + b" "),
        "on_part_data": lambda data, start, end: parts[-1].__setitem__(1, parts[-1][1] + data[start:end]),
    }
    _, options = parse_options_header(body.content_type)
    parser = MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]
    for piece in body:
        parser.write(piece)
    parser.finalize()
    return [(head.decode(), content) for head, content in parts]


@pytest.mark.parametrize("name", ["clip.0.wav", 'a "quoted" name.wav', "größe 🎸.wav", "a\r\nX-Evil: 1.wav"])
def test_files_arrive_unchanged_with_their_names(name: str) -> None:
    contents = [b"RIFF\r\n--not a boundary", b"", bytes(range(256)) * 400]
    found = read(Multipart([(name, content) for content in contents]))
    assert [content for _, content in found] == contents
    assert all('form-data; name="data"; filename=' in head and "audio/wav" in head for head, _ in found)
    assert all("\n" not in head for head, _ in found)


def test_the_length_is_known_and_the_body_can_be_sent_again() -> None:
    body = Multipart([("a.wav", b"1234"), ("b.wav", bytes(1000))])
    assert len(b"".join(body)) == len(body) == len(b"".join(body))
    assert len(Multipart([("a.wav", b"")])) != len(Multipart([]))
