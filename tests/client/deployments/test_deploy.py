"""Validate archives, file names and links of a server before use."""

from __future__ import annotations

import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.deployments import check_model_in_file, check_zip, path_of_link, safe_name, sha256_of
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError


def zip_of(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_a_library_is_accepted(tmp_path: Path) -> None:
    check_zip(zip_of(tmp_path / "a.zip", ("x_inferencing/src/x.h", b"int x;" * 1000), ("x_inferencing/a/", b"")))


@pytest.mark.parametrize(
    "name", ["../evil.h", "a/../../evil.h", "/etc/passwd", "C:/evil.h", "..\\evil.h", "a\\..\\..\\evil.h"]
)
def test_an_entry_that_leaves_its_folder_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(ApiError, match="rejected") as caught:
        check_zip(zip_of(tmp_path / "a.zip", ("ok.h", b"1"), (name, b"1")))
    assert "outside" in caught.value.why


def test_a_link_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="rejected"):
        check_zip(zip_of(tmp_path / "a.zip", (link("x"), b"/etc/passwd")))


def test_an_archive_that_expands_too_much_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ApiError) as caught:
        check_zip(zip_of(tmp_path / "a.zip", ("zeros.bin", bytes(50 * 2**20))))
    assert "grow" in caught.value.why


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_not_a_complete_zip_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ApiError, match="rejected"):
        check_zip(tmp_path / "a.zip")


def test_a_damaged_entry_is_rejected(tmp_path: Path) -> None:
    file = zip_of(tmp_path / "a.zip", ("x.h", bytes(range(256)) * 64))
    content = bytearray(file.read_bytes())
    content[60] ^= 0xFF
    file.write_bytes(bytes(content))
    with pytest.raises(ApiError, match="rejected"):
        check_zip(file)


def test_a_library_of_another_training_than_the_model_is_rejected(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"\x1c\x00\x00\x00TFL3 a model")
    right, wrong = (f'#define EITK_MODEL_SHA256 "{digest}"\n'.encode() for digest in (sha256_of(model), "0" * 64))
    check_model_in_file(zip_of(tmp_path / "a.zip", ("src/model_metadata.h", right)), model)
    with pytest.raises(ApiError, match="different trainings"):
        check_model_in_file(zip_of(tmp_path / "b.zip", ("src/model_metadata.h", wrong)), model)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=utf-8''ei-my%20project-arduino-1.0.3.zip", "ei-my-project-arduino-1.0.3.zip"),
        ('attachment; filename="../../evil.zip"', "evil.zip"),
        ("attachment; filename=evil.sh", "otherwise.zip"),
        ("", "otherwise.zip"),
    ],
)
def test_a_file_name_from_a_server_is_reduced(header: str, name: str) -> None:
    assert safe_name({"Content-Disposition": header}, "otherwise.zip") == name


@pytest.mark.parametrize("url", ["https://elsewhere.example/api/1/x", "//elsewhere.example/api/1/x", "file:///etc/x"])
def test_a_link_to_another_host_is_rejected(url: Any) -> None:
    studio = Studio(Transport(Endpoint("http://127.0.0.1:4800/v1", "", "ei_" + "k" * 40)), 1)
    with pytest.raises(ApiError):
        path_of_link(studio, url)
    assert path_of_link(studio, "/api/1/learn-data/3/model/x") == "/api/1/learn-data/3/model/x"
    assert path_of_link(studio, "http://127.0.0.1:4800/v1/api/1/x?a=b") == "/api/1/x?a=b"


@given(st.text(max_size=60))
def test_every_header_gives_a_safe_name_of_a_zip(header: str) -> None:
    for value in (header, f'attachment; filename="{header}.zip"', f"attachment; filename*=utf-8''{header}.zip"):
        name = safe_name({"Content-Disposition": value}, "otherwise.zip")
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*\.zip", name)


@pytest.mark.parametrize(
    "link",
    ["http://[", "http://[::1", "//[/api/x", "http://127.0.0.1:4800\\@evil.example/api/1/x", "", "api/1/x", "/x"],
)
def test_a_link_that_is_not_an_address_is_rejected(link: str) -> None:
    studio = Studio(Transport(Endpoint("http://127.0.0.1:4800/v1", "", "ei_" + "k" * 40)), 1)
    with pytest.raises(ApiError, match="the studio's download link"):
        path_of_link(studio, link)
