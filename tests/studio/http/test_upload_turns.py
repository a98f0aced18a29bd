"""Turns of uploads: keys wait in turn, and one of them never has all threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import numpy as np
import pytest
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.http.app import ingestion_app
from ei_toolkit.studio.http.errors import TooManyRequests
from ei_toolkit.studio.http.upload_turns import REQUESTS_OF_KEY, UploadTurns


@pytest.fixture
def turns() -> Iterator[UploadTurns]:
    opened = UploadTurns(turns=2, of_key=1, requests_of_key=3)
    yield opened
    opened.close()


def test_a_function_has_its_arguments_and_its_result_is_returned(turns: UploadTurns) -> None:
    assert asyncio.run(turns.run(1, divmod, 17, 5)) == (3, 2)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(turns.run(1, divmod, 17, 0))


def test_keys_have_their_turns_one_after_the_other() -> None:
    turns, order = UploadTurns(turns=1, of_key=1), list[int]()

    async def all_at_once() -> None:
        await asyncio.gather(*(turns.run(key, order.append, key) for key in (1, 1, 1, 1, 2, 2, 3)))

    asyncio.run(all_at_once())
    assert order == [1, 1, 2, 3, 1, 2, 1]
    turns.close()


def test_a_key_whose_work_takes_long_leaves_a_thread_for_the_others(turns: UploadTurns) -> None:
    blocked, order = threading.Event(), list[int]()

    async def scenario() -> None:
        slow = [asyncio.create_task(turns.run(1, blocked.wait, 10)) for _ in range(5)]
        await asyncio.sleep(0)
        for key in (2, 3, 2):
            await asyncio.wait_for(turns.run(key, order.append, key), 5)
        assert order == [2, 3, 2] and not any(task.done() for task in slow)
        blocked.set()
        assert await asyncio.gather(*slow) == [True] * 5

    asyncio.run(scenario())


def test_a_cancelled_upload_gives_its_turn_back(turns: UploadTurns) -> None:
    blocked = threading.Event()

    async def scenario() -> None:
        first = asyncio.create_task(turns.run(1, blocked.wait, 10))
        second = asyncio.create_task(turns.run(1, blocked.wait, 10))
        await asyncio.sleep(0)
        second.cancel()
        blocked.set()
        await first
        assert await asyncio.wait_for(turns.run(1, len, "abc"), 5) == 3
        given = asyncio.create_task(turns.run(1, len, "abc"))
        await asyncio.sleep(0)  # the task waits, and its turn is there already
        given.cancel()
        await asyncio.gather(given, return_exceptions=True)
        for key in (1, 2, 1, 2):
            assert await asyncio.wait_for(turns.run(key, len, "abc"), 5) == 3

    asyncio.run(scenario())


def test_a_key_has_so_many_uploads_at_once(turns: UploadTurns) -> None:
    with turns.request(1), turns.request(1), turns.request(1):
        with (
            pytest.raises(TooManyRequests, match="The key has 3 uploads at once, which is the limit"),
            turns.request(1),
        ):
            pass
        with turns.request(2):
            pass
    with turns.request(1):
        pass


def test_an_upload_over_the_limit_of_its_key_is_rejected_with_a_time_to_wait(api: Api) -> None:
    def upload(role: str) -> httpx.Response:
        headers = {"x-api-key": api.keys[role]}
        return api.send(ingestion_app(api.studio), "POST", "/api/training/files", headers=headers, files=files)

    files = {"data": ("a.wav", wav_bytes(np.arange(99, dtype=np.int16), 16_000))}
    found = api.studio.store.keys.find(api.keys["admin"])
    assert found is not None
    with ExitStack() as held:
        for _ in range(REQUESTS_OF_KEY):
            held.enter_context(api.studio.upload_turns.request(found.id))
        response = upload("admin")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "2")
        assert "64 uploads at once, which is the limit: wait until one has ended" in response.json()["error"]
        assert upload("ingestiononly").status_code == 200
    assert upload("admin").json()["files"][0]["success"]
