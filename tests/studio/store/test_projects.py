"""Projects with their counters, and API keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import ROLES, new_secret
from ei_toolkit.studio.store.projects import LARGEST_BLOCK
from ei_toolkit.studio.wire_format import stamp


def test_projects_are_listed_oldest_first(opened: Store) -> None:
    opened.projects.create("zwei")
    opened.projects.create("drei")
    assert [(project.id, project.name) for project in opened.projects.all()] == [(1, "p"), (2, "zwei"), (3, "drei")]


def test_two_projects_may_have_the_same_name(opened: Store) -> None:
    assert opened.projects.create("p").id == 2


def test_the_id_of_a_deleted_project_is_not_used_again(opened: Store) -> None:
    last = opened.projects.create("last").id
    opened.projects.delete(last)
    assert opened.projects.create("new").id == last + 1
    with pytest.raises(ApiError, match="No project with this ID found"):
        opened.projects.get(last)


def test_an_update_replaces_name_description_and_settings(opened: Store) -> None:
    opened.projects.update(1, name="Größe", description="d", settings={"a": [1, None]})
    found = opened.projects.get(1)
    assert (found.name, found.description, found.settings) == ("Größe", "d", {"a": [1, None]})
    opened.projects.update(1, name="n", description="", settings={})
    assert opened.projects.get(1).settings == {}


def test_block_ids_count_up_and_skip_those_that_clients_chose(opened: Store) -> None:
    assert [opened.projects.next_block(1) for _ in range(3)] == [1, 2, 3]
    opened.projects.reserve_blocks(1, 10)
    opened.projects.reserve_blocks(1, 5)
    assert opened.projects.next_block(1) == 11
    assert opened.projects.next_block(opened.projects.create("other").id) == 1


def test_the_largest_block_id_is_given_once(opened: Store) -> None:
    opened.projects.reserve_blocks(1, LARGEST_BLOCK - 1)
    assert opened.projects.next_block(1) == LARGEST_BLOCK
    with pytest.raises(ApiError, match="No block id is left in project 1"):
        opened.projects.next_block(1)


def test_versions_of_deployments_count_up_for_each_project(opened: Store) -> None:
    other = opened.projects.create("other").id
    assert [opened.projects.next_deployment(project) for project in (1, 1, other, 1)] == [1, 2, 1, 3]


def test_counters_of_many_threads_give_each_number_once(opened: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: opened.projects.next_deployment(1), range(30)))
    assert sorted(found) == list(range(1, 31))


@pytest.mark.parametrize("counter", ["next_block", "next_deployment"])
def test_a_counter_of_an_unknown_project_is_an_error(opened: Store, counter: str) -> None:
    with pytest.raises(ApiError, match="No project with this ID found"):
        getattr(opened.projects, counter)(99)


def test_a_secret_has_the_form_of_edge_impulse_and_is_never_the_same() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(secret.startswith("ei_") and len(bytes.fromhex(secret[3:])) == 32 for secret in secrets)


@pytest.mark.parametrize("role", ROLES)
def test_a_key_is_found_with_its_role_and_hint(opened: Store, role: str) -> None:
    secret = new_secret()
    id_ = opened.keys.add(1, "laptop", role, secret, development=True)  # type: ignore[arg-type]
    found = opened.keys.find(secret)
    assert found is not None and found == opened.keys.by_id(id_)
    assert (found.id, found.project, found.name, found.role, found.development) == (id_, 1, "laptop", role, True)
    assert found.hint == f"ei_…{secret[-4:]}" and secret not in repr(found)


@pytest.mark.parametrize("wrong", ["", " ", "ei_", "\ud800"])
def test_a_wrong_secret_finds_no_key(opened: Store, wrong: str) -> None:
    secret = new_secret()
    opened.keys.add(1, "k", "admin", secret)
    assert opened.keys.find(wrong) is None
    assert opened.keys.find(secret.upper()) is None and opened.keys.find(secret + " ") is None


def test_the_same_secret_is_stored_once_in_all_projects(opened: Store) -> None:
    other = opened.projects.create("other").id
    opened.keys.add(1, "k", "admin", "x" * 16)
    with pytest.raises(ApiError, match="This API key is in use already"):
        opened.keys.add(other, "k", "readonly", "x" * 16)
    with pytest.raises(ApiError, match="at least 16 characters"):
        opened.keys.add(1, "k", "admin", "x" * 15)
    assert [key.name for key in opened.keys.of(1)] == ["k"] and opened.keys.of(other) == []


def test_a_key_is_valid_before_its_time_and_not_at_it(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    id_ = opened.keys.add(1, "k", "admin", "x" * 16, expires=stamp(moment))
    for passed, valid in ((-1, True), (0, False), (1, False)):
        present = stamp(moment + timedelta(milliseconds=passed))
        monkeypatch.setattr("ei_toolkit.studio.store.keys.now", lambda present=present: present)
        assert (opened.keys.find("x" * 16) is not None) is valid
        assert (opened.keys.by_id(id_) is not None) is valid
    assert [key.expires for key in opened.keys.of(1)] == ["2026-05-01T12:00:00.000Z"]


def test_a_key_is_revoked_in_its_own_project_only(opened: Store) -> None:
    other = opened.projects.create("other").id
    id_ = opened.keys.add(other, "k", "admin", "x" * 16)
    with pytest.raises(ApiError, match="No API key with this ID found"):
        opened.keys.revoke(1, id_)
    opened.keys.revoke(other, id_)
    assert opened.keys.by_id(id_) is None
