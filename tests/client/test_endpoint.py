"""Addresses that may get the key: on this machine, or with https."""

from __future__ import annotations

import pytest

from ei_toolkit.client.endpoint import (
    Endpoint,
    checked_api_url,
    checked_ingestion_url,
    checked_remote_management_url,
    ingestion_url_of,
    is_loopback,
    remote_management_url_of,
)
from ei_toolkit.errors import ConfigurationError

MALFORMED = ["http://[::1", "http://localhost:abc/v1", "http://localhost:99999/v1", "http://localhost:0/v1"]
NOT_A_STUDIO = ["foo", "ftp://localhost/v1", "https:///v1", "//localhost/v1", "https://a.example/v1?key=x"]
UNENCRYPTED = ["http://studio.example.com/v1", "http://10.0.0.1:4800/v1", "http://127.example.com/v1"]


@pytest.mark.parametrize("url", [*MALFORMED, *NOT_A_STUDIO, "https://a.example"])
def test_an_invalid_api_address_is_an_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"studio\.url") as caught:
        checked_api_url(url)
    assert "/v1" in caught.value.hint


@pytest.mark.parametrize("url", [*MALFORMED, *NOT_A_STUDIO])
def test_an_invalid_upload_address_is_an_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"studio\.ingestion_url") as caught:
        checked_ingestion_url(url)
    assert caught.value.hint


@pytest.mark.parametrize("url", UNENCRYPTED)
def test_an_unencrypted_address_on_another_machine_is_an_error(url: str) -> None:
    for check in (checked_api_url, checked_ingestion_url):
        with pytest.raises(ConfigurationError, match="unencrypted"):
            check(url)
    with pytest.raises(ConfigurationError, match="password"):
        checked_ingestion_url(url.replace("http://", "https://me:secret@"))


@pytest.mark.parametrize("host", ["http://127.0.0.1:4801", "http://localhost:4801", "http://[::1]:4801", "https://a.b"])
def test_addresses_that_may_get_the_key(host: str) -> None:
    assert checked_api_url(f"{host}/v1/") == f"{host}/v1"
    assert checked_ingestion_url(f"{host}/") == host


def test_the_upload_address_of_an_api_address() -> None:
    assert ingestion_url_of("https://studio.edgeimpulse.com/v1") == "https://ingestion.edgeimpulse.com"
    assert ingestion_url_of("http://[::1]:4800/v1") == "http://[::1]:4810"
    with pytest.raises(ConfigurationError, match="not known"):
        ingestion_url_of("https://a.example/v1")


def test_a_host_name_that_begins_with_127_is_not_this_machine() -> None:
    assert is_loopback("http://127.0.0.1:4800") and is_loopback("http://[::1]")
    assert not is_loopback("http://127.0.0.1.example.com") and not is_loopback("http://localhost.example.com")


@pytest.mark.parametrize("url", ["http://127.0.0.1:4802", "ws://", "ws://a.example", "wss://me:secret@a.example"])
def test_an_address_for_devices_is_a_websocket_that_may_get_the_key(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"studio\.remote_management_url"):
        checked_remote_management_url(url)
    assert checked_remote_management_url("ws://localhost:4802/") == "ws://localhost:4802"


def test_the_address_for_devices_belongs_to_the_api_address() -> None:
    def of(api_url: str, own: str = "") -> str:
        return remote_management_url_of(Endpoint(api_url, "", "key", remote_management_url=own))

    assert of("https://studio.edgeimpulse.com/v1") == "wss://remote-mgmt.edgeimpulse.com"
    assert of("http://127.0.0.1:4800/v1") == "ws://127.0.0.1:4802"
    assert of("http://[::1]:4800/v1", "ws://127.0.0.1:1") == "ws://127.0.0.1:1"
    with pytest.raises(ConfigurationError, match="address for devices"):
        of("https://a.example/v1")
