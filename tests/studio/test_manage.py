"""Managing projects and keys of a data folder without a server: choices, errors and their hints."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import ConfigurationError, CredentialError, DataError, UsageError
from ei_toolkit.studio import manage
from ei_toolkit.studio.lifecycle import ensure_own_key, read_secret, secret_file, write_secret
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import new_secret


def test_a_new_folder_gets_one_project_with_an_admin_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = manage.prepare(tmp_path / "new" / "studio", "First")
    [project] = manage.projects(tmp_path / "new" / "studio")
    assert (project.name, project.samples, project.keys, project.deployments) == ("First", 0, 1, 0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    [key] = manage.list_keys(file.parent, 0)
    assert key["key"] == f"ei_…{read_secret(file)[-4:]}" and manage.own_key(file.parent) == key["id"]


def test_a_folder_with_a_project_stays_as_it_is(tmp_path: Path) -> None:
    file = manage.prepare(tmp_path, "First")
    secret = read_secret(file)
    manage.prepare(tmp_path, "Second")
    assert read_secret(file) == secret and [project.name for project in manage.projects(tmp_path)] == ["First"]


def test_a_project_is_added_to_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    id_, secret = manage.add_project(tmp_path / "data", "größe")
    assert id_ == 1 and secret.startswith("ei_")
    assert manage.own_key(tmp_path / "data") is None  # the key is shown, but not kept


@pytest.mark.parametrize("command", ["projects", "own_key"])
def test_a_folder_without_a_studio_is_an_error_and_is_not_created(tmp_path: Path, command: str) -> None:
    missing = tmp_path / "typo"
    with pytest.raises(ConfigurationError) as caught:
        getattr(manage, command)(missing)
    assert (caught.value.what, caught.value.why) == (f"{missing} holds no studio", "it has no studio.sqlite")
    assert "--data" in caught.value.hint and "--add NAME" in caught.value.hint
    assert not missing.exists()


def test_the_only_project_need_not_be_named_and_one_of_several_must(tmp_path: Path) -> None:
    manage.prepare(tmp_path, "First")
    assert len(manage.list_keys(tmp_path, 0)) == len(manage.list_keys(tmp_path, 1)) == 1
    manage.add_project(tmp_path, "Second")
    with pytest.raises(UsageError) as caught:
        manage.add_key(tmp_path, 0, "k", "admin")
    assert caught.value.what == "there are 2 projects"
    assert caught.value.hint == "eitk studio projects lists them; choose one with --project"
    with pytest.raises(UsageError, match="there is no project 7"):
        manage.revoke_key(tmp_path, 7, 1)


def test_a_folder_whose_projects_were_deleted_has_none_to_choose(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with pytest.raises(UsageError, match="there are 0 projects"):
        manage.list_keys(tmp_path, 0)


def test_a_role_that_does_not_exist_is_rejected_before_anything_is_stored(tmp_path: Path) -> None:
    manage.prepare(tmp_path, "p")
    with pytest.raises(UsageError) as caught:
        manage.add_key(tmp_path, 0, "k", "Admin")
    assert caught.value.what == "there is no role 'Admin'"
    assert caught.value.hint == "Choose one of admin, readonly, ingestiononly, ingestion_deployment."
    assert len(manage.list_keys(tmp_path, 0)) == 1


def test_an_unknown_key_cannot_be_revoked(tmp_path: Path) -> None:
    manage.prepare(tmp_path, "p")
    with pytest.raises(DataError, match="No API key with this ID found"):
        manage.revoke_key(tmp_path, 0, 99)


def test_a_revoked_own_key_is_not_the_own_key_any_more(tmp_path: Path) -> None:
    manage.prepare(tmp_path, "p")
    own = manage.own_key(tmp_path)
    assert own is not None
    manage.revoke_key(tmp_path, 0, own)
    assert manage.own_key(tmp_path) is None


def test_a_folder_without_permission_to_write_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manage.prepare(tmp_path, "p")
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK)
    with pytest.raises(ConfigurationError) as caught:
        manage.projects(tmp_path)
    assert caught.value.what == f"{tmp_path} cannot be written to"
    assert caught.value.hint == "name another folder with --data"


def test_a_folder_that_an_older_studio_serves_is_not_migrated(tmp_path: Path) -> None:
    manage.prepare(tmp_path, "p")
    with sqlite3.connect(Options(tmp_path).database) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with acquire_lock(Options(tmp_path).lock), pytest.raises(ConfigurationError) as caught:
        manage.projects(tmp_path)
    assert caught.value.what == f"{tmp_path} is served by a studio of an older eitk"
    assert caught.value.hint == "run eitk studio stop, then try again"


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("")
    with pytest.raises(ConfigurationError) as caught:
        manage.prepare(file, "p")
    assert caught.value.what == f"{file} cannot be used as a data folder"
    assert caught.value.hint == "name a folder that you may write to"


@pytest.mark.parametrize(("host", "numeric"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1")])
def test_a_loopback_address_needs_no_permission_and_no_key(tmp_path: Path, host: str, numeric: str) -> None:
    assert manage.check_host(Options(tmp_path, host=host), allow_remote=False).host == numeric
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "studio.example"])
def test_an_address_for_other_machines_is_named_with_what_it_needs(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageError) as caught:
        manage.check_host(Options(tmp_path, host=host), allow_remote=False)
    assert caught.value.what == (
        f"{host} can be reached from other machines, and the studio uses HTTP without encryption"
    )
    assert "--i-know" in caught.value.hint
    with pytest.raises(CredentialError) as missing:
        manage.check_host(Options(tmp_path, host=host), allow_remote=True)
    assert missing.value.hint == "eitk studio keys add --role admin"


def test_the_own_key_is_kept_and_the_project_is_renamed_with_its_configuration(tmp_path: Path) -> None:
    first = ensure_own_key(tmp_path, "Old name")
    assert ensure_own_key(tmp_path, "New name") == first
    assert [project.name for project in manage.projects(tmp_path)] == ["New name"]
    assert [(key["name"], key["role"]) for key in manage.list_keys(tmp_path, 0)] == [("eitk", "admin")]
    assert read_secret(secret_file(tmp_path)) == first


def test_the_description_and_settings_of_a_renamed_project_stay(tmp_path: Path) -> None:
    ensure_own_key(tmp_path, "Old name")
    store = Store.open(tmp_path)
    store.projects.update(1, name="Old name", description="d", settings={"tags": ["a"]})
    ensure_own_key(tmp_path, "New name")
    found = store.projects.get(1)
    assert (found.name, found.description, found.settings) == ("New name", "d", {"tags": ["a"]})
    store.close()


def test_a_key_of_a_project_with_another_name_opens_that_project(tmp_path: Path) -> None:
    manage.add_project(tmp_path, "A")
    id_, secret = manage.add_project(tmp_path, "B")
    write_secret(secret_file(tmp_path), secret)
    assert ensure_own_key(tmp_path, "C") == secret
    assert {project.id: project.name for project in manage.projects(tmp_path)}[id_] == "C"


def test_a_lost_key_among_several_projects_is_an_error_that_shows_the_command(tmp_path: Path) -> None:
    for name in ("A", "B"):
        manage.add_project(tmp_path, name)
    with pytest.raises(CredentialError) as caught:
        ensure_own_key(tmp_path, "C")
    assert caught.value.what == f"{tmp_path} has no key for eitk, and 2 projects but none named 'C'"
    assert f"--project ID > {tmp_path / 'key'}" in caught.value.hint
    assert ensure_own_key(tmp_path, "B").startswith("ei_")


def test_a_secret_is_read_without_its_line_end_and_an_absent_file_is_empty(tmp_path: Path) -> None:
    file, secret = tmp_path / "key", new_secret()
    assert read_secret(file) == ""
    write_secret(file, secret)
    assert read_secret(file) == secret
    file.write_bytes(f"  {secret}\r\n".encode() + b"\xff")
    assert read_secret(file).startswith(secret)
