"""Routes of API keys: adding, listing and revoking them, and the keys that devices use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http.app import api_app

TEN_YEARS_S = 10 * 365 * 86_400


def works(api: Api, secret: str) -> bool:
    response = api.send(api_app(api.studio), "GET", "/v1/api/projects", headers={"x-api-key": secret})
    return response.status_code == 200


def test_a_new_key_is_an_admin_key_with_a_secret_that_is_shown_once(api: Api) -> None:
    added = api.fields("POST", "/1/apikeys", json={"name": "laptop"})
    assert added["apiKey"].startswith("ei_") and len(added["apiKey"]) == 67 and works(api, added["apiKey"])
    [listed] = [key for key in api.fields("GET", "/1/apikeys")["apiKeys"] if key["id"] == added["id"]]
    assert (listed["name"], listed["role"], listed["isDevelopmentKey"]) == ("laptop", "admin", False)
    assert listed["apiKey"] == f"ei_…{added['apiKey'][-4:]}"


def test_keys_are_listed_in_the_order_in_which_they_were_added(api: Api) -> None:
    for name in ("b", "a", "c"):
        api.fields("POST", "/1/apikeys", json={"name": name, "role": "readonly"})
    assert [key["name"] for key in api.fields("GET", "/1/apikeys")["apiKeys"]][-3:] == ["b", "a", "c"]


def test_a_key_may_be_chosen_by_the_client_but_only_once_and_not_too_short(api: Api) -> None:
    chosen = "my own key 123456"
    assert api.fields("POST", "/1/apikeys", json={"apiKey": chosen})["apiKey"] == chosen
    assert works(api, chosen)
    assert api.error("POST", "/1/apikeys", json={"apiKey": chosen}) == "This API key is in use already"
    assert api.error("POST", "/1/apikeys", json={"apiKey": "short"}) == "An API key needs at least 16 characters"


def test_a_key_for_uploads_has_that_role_whatever_role_is_sent(api: Api) -> None:
    added = api.fields("POST", "/1/apikeys/ingestiononly", json={"name": "device", "role": "admin"})
    info = api.send(
        api_app(api.studio), "GET", "/v1/api/projects/api-key-info", headers={"x-api-key": added["apiKey"]}
    ).json()
    assert (info["role"], info["apiKeyId"], info["projectId"]) == ("ingestiononly", added["id"], 1)
    assert "expires" not in info


@pytest.mark.parametrize("path", ["/1/apikeys", "/1/apikeys/ingestiononly"])
def test_a_key_with_a_lifetime_expires_after_it(api: Api, path: str) -> None:
    before = datetime.now(UTC) + timedelta(seconds=3600) - timedelta(milliseconds=1)
    added = api.fields("POST", path, json={"ttl": 3600})
    [listed] = [key for key in api.fields("GET", "/1/apikeys")["apiKeys"] if key["id"] == added["id"]]
    expires = datetime.fromisoformat(listed["expires"])
    assert before <= expires <= datetime.now(UTC) + timedelta(seconds=3600)
    api.studio.store.database.run("UPDATE keys SET expires = ? WHERE id = ?", ("2020-01-01T00:00:00.000Z", added["id"]))
    assert not works(api, added["apiKey"])


@pytest.mark.parametrize(
    ("ttl", "rule"),
    [
        (0, "must be greater than 0, but is 0"),
        (-1, "must be greater than 0, but is -1"),
        (TEN_YEARS_S + 1, f"must be {TEN_YEARS_S} or less, but is {TEN_YEARS_S + 1}"),
    ],
)
def test_a_lifetime_is_between_one_second_and_ten_years(api: Api, ttl: int, rule: str) -> None:
    assert api.error("POST", "/1/apikeys", json={"ttl": ttl}) == f"ttl {rule}"
    assert api.json("POST", "/1/apikeys", json={"ttl": TEN_YEARS_S})["success"]


@pytest.mark.parametrize("path", ["/1/apikeys/{}", "/1/apikeys/ingestiononly/{}"])
def test_a_key_is_revoked_over_both_routes_and_only_once(api: Api, path: str) -> None:
    added = api.fields("POST", "/1/apikeys/ingestiononly", json={})
    api.fields("DELETE", path.format(added["id"]))
    assert not works(api, added["apiKey"])
    assert api.error("DELETE", path.format(added["id"])) == "No API key with this ID found"


def test_a_key_of_another_project_can_neither_be_seen_nor_revoked(api: Api) -> None:
    other = api.studio.store.projects.create("Other").id
    foreign = api.studio.store.keys.add(other, "foreign", "admin", "ei_of_another_project")
    assert foreign not in [key["id"] for key in api.fields("GET", "/1/apikeys")["apiKeys"]]
    assert api.error("DELETE", f"/1/apikeys/{foreign}") == "No API key with this ID found"
    assert works(api, "ei_of_another_project")


def test_devices_get_the_key_of_the_request_and_the_signing_key_of_the_project(api: Api) -> None:
    hmac = api.studio.store.projects.get(1).hmac_key
    assert api.fields("GET", "/1/devkeys") == {"apiKey": api.keys["admin"], "hmacKey": hmac}
    assert api.fields("GET", "/1/devkeys/hmac", "ingestiononly") == {"hmacKey": hmac}
    [key] = api.fields("GET", "/1/hmackeys")["hmacKeys"]
    assert (key["hmacKey"], key["isDevelopmentKey"], key["name"]) == (hmac, True, "Development key")
    assert api.call("GET", "/1/devkeys", "ingestiononly").status_code == 403


def test_projects_have_different_signing_keys(api: Api) -> None:
    hmac_keys = {api.studio.store.projects.create("p").hmac_key for _ in range(20)}
    assert len(hmac_keys) == 20 and all(len(bytes.fromhex(key)) == 16 for key in hmac_keys)
