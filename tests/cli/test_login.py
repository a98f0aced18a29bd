"""`eitk login` and `eitk logout`: the key is checked, stored in the keyring, and never shown."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import keyring
import keyring.backend
import keyring.errors
import pytest

from ei_toolkit.client.endpoint import SERVICE, find_key, forget_key, store_key
from ei_toolkit.errors import CredentialError, MissingToolError

KEY = "ei_" + "a1b2c3d4" * 5
KEY_INFO = "/api/projects/api-key-info"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that forgets everything with the process; with `is_locked` it fails as a locked one does."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def _check(self) -> None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked("the keyring is locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.stored[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if (service, username) not in self.stored:
            raise keyring.errors.PasswordDeleteError("not found")
        del self.stored[service, username]


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    """The keyring of the test."""
    before, made = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def login(
    eitk_there: Any, scripted_studio: Any, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs `echo TEXT | eitk login`."""
    scripted_studio.answers[KEY_INFO] = {"projectId": 12, "role": "admin"}

    def run(text: str, *options: str) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return eitk_there("login", *options)

    return run


def test_a_key_that_the_studio_accepts_is_stored_for_its_address(
    login: Any, memory: MemoryKeyring, scripted_studio: Any
) -> None:
    url = scripted_studio.environ["EITK_STUDIO_URL"]
    code, out, err = login(KEY + "\n")
    assert (code, out) == (0, f"the key for {url} is in the keyring\n")
    assert err == "the key opens project 12 with the role admin\n"
    assert memory.stored == {(SERVICE, url): KEY}
    assert scripted_studio.seen[0].headers["x-api-key"] == KEY


def test_a_key_that_the_studio_rejects_is_not_stored(login: Any, memory: MemoryKeyring, scripted_studio: Any) -> None:
    answer = json.dumps({"success": False, "error": f"Invalid API key {KEY}"}).encode()
    scripted_studio.answers[KEY_INFO] = (401, answer, {})
    code, out, err = login(KEY)
    assert (code, memory.stored) == (3, {})
    assert "the studio does not accept the key" in err
    assert KEY not in out + err


@pytest.mark.parametrize("text", ["", "\n", "short", "two words of a key", "ei_größe" * 8, '"' + KEY + '"'])
def test_a_text_that_cannot_be_a_key_is_not_sent(
    login: Any, memory: MemoryKeyring, scripted_studio: Any, text: str
) -> None:
    code, _, err = login(text)
    assert code == 3
    assert "error: this is not an API key" in err
    assert "try: Copy it from Dashboard, Keys." in err
    assert (scripted_studio.seen, memory.stored) == ([], {})


def test_without_a_check_no_request_is_sent(login: Any, memory: MemoryKeyring, scripted_studio: Any) -> None:
    assert login(f"  {KEY}\t\n", "--no-check").code == 0
    assert list(memory.stored.values()) == [KEY]
    assert scripted_studio.seen == []


def test_only_the_first_line_of_the_input_is_the_key(login: Any, memory: MemoryKeyring) -> None:
    login(f"{KEY}\nsomething else\n", "--no-check")
    assert list(memory.stored.values()) == [KEY]


def test_a_system_without_a_keyring_has_a_hint_about_the_variable(login: Any, memory: MemoryKeyring) -> None:
    memory.is_locked = True
    code, _, err = login(KEY, "--no-check")
    assert code == 3
    assert "error: this system has no keyring" in err
    assert "try: Set EI_API_KEY instead." in err


def test_a_key_is_removed_once(login: Any, memory: MemoryKeyring, eitk_there: Any, scripted_studio: Any) -> None:
    url = scripted_studio.environ["EITK_STUDIO_URL"]
    login(KEY, "--no-check")
    assert eitk_there("logout").out == f"the key for {url} was removed\n"
    assert memory.stored == {}
    assert eitk_there("logout", "--json").data == {"studio": url, "removed": False}
    assert eitk_there("logout").out == f"there was no key for {url}\n"


def test_the_variable_takes_precedence_over_the_keyring(memory: MemoryKeyring) -> None:
    store_key("https://a.example/v1", KEY)
    other = "ei_" + "f" * 40
    assert find_key("https://a.example/v1", {"EI_API_KEY": other}) == other
    assert find_key("https://a.example/v1", {"EI_API_KEY": "  "}) == KEY
    assert find_key("https://a.example/v1", {}) == KEY


def test_each_studio_has_a_key_of_its_own(memory: MemoryKeyring) -> None:
    store_key("https://a.example/v1", KEY)
    with pytest.raises(CredentialError, match=r"there is no key for https://b\.example/v1") as caught:
        find_key("https://b.example/v1", {})
    assert 'or set [studio] url = "local"' in caught.value.hint
    assert forget_key("https://b.example/v1") is False


def test_a_locked_keyring_counts_as_empty_when_a_key_is_looked_up(memory: MemoryKeyring) -> None:
    memory.is_locked = True
    with pytest.raises(CredentialError, match="there is no key"):
        find_key("https://a.example/v1", {})
    with pytest.raises(MissingToolError) as caught:
        store_key("https://a.example/v1", KEY)
    assert caught.value.why == "the keyring is locked"
