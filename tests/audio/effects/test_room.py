from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.audio.effects.room import BANK, SPEED_OF_SOUND, Room, draw_room, response, room_spectrum

RATE = 16_000


def naive(room: Room, seconds: float) -> list[tuple[float, int]]:
    """Distance and reflections of each image, by the definition, one after the other."""
    reach, found = seconds * SPEED_OF_SOUND, []
    spans = [range(-int(reach / length) - 2, int(reach / length) + 3) for length in room.size]
    for i in spans[0]:
        for j in spans[1]:
            for k in spans[2]:
                at = [
                    n * length + (source if n % 2 == 0 else length - source)
                    for n, length, source in zip((i, j, k), room.size, room.source, strict=True)
                ]
                distance = float(np.linalg.norm(np.array(at) - room.microphone))
                if distance < reach:
                    found.append((distance, abs(i) + abs(j) + abs(k)))
    return found


def test_images_are_those_of_the_definition() -> None:
    room = Room((4.0, 3.0, 2.5), (1.0, 1.2, 1.1), (2.5, 2.0, 1.4), 0.8, 0.8)
    early = response(room, RATE)[: round(0.03 * RATE)]
    expected = np.zeros(len(early) + 2)
    images = naive(room, 0.06)
    first = min(distance for distance, _ in images)
    for distance, order in images:
        delay = (distance - first) / SPEED_OF_SOUND * RATE
        if delay < len(early):
            amplitude = 0.8**order / distance
            expected[int(delay)] += amplitude * (1 - delay % 1)
            expected[int(delay) + 1] += amplitude * (delay % 1)
    assert early / early[0] == pytest.approx(expected[: len(early)] / expected[0], abs=2e-3)


def test_the_direct_sound_comes_first_and_the_energy_is_one() -> None:
    for number in range(6):
        filtered = response(draw_room(number), RATE)
        assert filtered[0] > 0.5 * np.abs(filtered).max()  # reflections may coincide and add up
        assert np.linalg.norm(filtered) == pytest.approx(1)


def test_harder_walls_ring_longer() -> None:
    size, source, microphone = (5.0, 4.0, 3.0), (1.0, 1.0, 1.0), (3.0, 2.5, 1.5)
    soft, hard = (response(Room(size, source, microphone, b, b), RATE) for b in (0.6, 0.9))
    late = slice(round(0.1 * RATE), None)
    assert np.linalg.norm(hard[late]) > 5 * np.linalg.norm(soft[late])


def test_rooms_of_the_bank_differ_and_hold_source_and_microphone() -> None:
    rooms = [draw_room(number) for number in range(BANK)]
    assert len(set(rooms)) == BANK
    for room in rooms:
        assert all(
            0 < x < length
            for point in (room.source, room.microphone)
            for x, length in zip(point, room.size, strict=True)
        )


def test_the_spectrum_is_that_of_the_response() -> None:
    filtered = np.fft.irfft(room_spectrum(3, 8000, RATE), 8000)
    assert filtered[: round(0.3 * RATE)] == pytest.approx(response(draw_room(3), RATE), abs=1e-5)
