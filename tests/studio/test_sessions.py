"""One-time tokens and sessions of browsers."""

from __future__ import annotations

from ei_toolkit.studio import sessions
from ei_toolkit.studio.sessions import Sessions


def test_a_token_signs_in_once() -> None:
    opened = Sessions()
    token = opened.issue_token(7)
    signed_in = opened.sign_in(token)
    assert signed_in is not None
    secret, session = signed_in
    assert (session.key, opened.find(secret)) == (7, session)
    assert opened.sign_in(token) is None


def test_a_late_token_does_not_sign_in() -> None:
    opened = Sessions(token_lifetime_s=0.0)
    assert opened.sign_in(opened.issue_token(7)) is None


def test_a_session_ends_by_itself_and_by_signing_out() -> None:
    expired = Sessions(lifetime_s=0.0)
    secret, _ = expired.sign_in(expired.issue_token(7)) or ("", None)
    assert secret
    assert expired.find(secret) is None
    opened = Sessions()
    secret, _ = opened.sign_in(opened.issue_token(7)) or ("", None)
    opened.sign_out(secret)
    assert opened.find(secret) is None


def test_nothing_signs_in_and_nothing_is_found_without_a_token() -> None:
    opened = Sessions()
    opened.issue_token(7)
    assert opened.sign_in("") is None
    assert opened.find("") is None


def test_only_the_newest_tokens_are_kept() -> None:
    opened = Sessions()
    tokens = [opened.issue_token(number) for number in range(sessions.MOST_ENTRIES + 1)]
    assert opened.sign_in(tokens[0]) is None
    assert opened.sign_in(tokens[1]) is not None
