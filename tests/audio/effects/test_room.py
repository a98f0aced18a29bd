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


def test_the_direct_sound_is_earlier_and_louder_for_a_near_source() -> None:
    size, microphone = (6.0, 5.0, 3.0), (3.0, 2.5, 1.5)
    near, far = (
        response(Room(size, source, microphone, 0.8, 0.6), RATE) for source in ((3.3, 2.5, 1.5), (0.5, 0.6, 1.0))
    )
    assert near[0] > far[0]
    assert near[0] ** 2 > 0.8 * (near**2).sum()


def test_walls_that_absorb_everything_leave_the_direct_sound() -> None:
    only = response(Room((4.0, 3.0, 2.5), (1.0, 1.2, 1.1), (2.5, 2.0, 1.4), 0.0, 0.0), RATE)
    assert only[0] == pytest.approx(1)
    assert np.abs(only[1:]).max() < 1e-9


def test_treble_is_absorbed_more_than_bass() -> None:
    soft = response(Room((5.0, 4.0, 3.0), (1.0, 1.0, 1.0), (3.0, 2.5, 1.5), 0.9, 0.3), RATE)
    late = np.abs(np.fft.rfft(soft[800:], 8000)) ** 2
    hz = np.fft.rfftfreq(8000, 1 / RATE)
    assert late[(hz > 100) & (hz < 500)].mean() > 20 * late[hz > 6000].mean()


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_the_tail_has_the_same_duration_at_every_rate(rate: int) -> None:
    assert len(response(draw_room(0), rate)) == round(0.3 * rate)


def test_rooms_of_the_bank_are_rooms_of_a_home() -> None:
    for room in map(draw_room, range(BANK)):
        width, depth, height = room.size
        assert 2.5 <= width <= 8 and 2.5 <= depth <= 6 and 2.3 <= height <= 3.2  # metres
        assert 0.6 <= room.bass <= 0.92 and 0.7 <= room.treble / room.bass <= 0.95
        assert np.linalg.norm(np.subtract(room.source, room.microphone)) <= 2.5


def test_a_window_shorter_than_the_tail_has_the_beginning_of_the_response() -> None:
    spectrum = room_spectrum(3, 500, RATE)
    assert spectrum.shape == (251,)
    assert np.fft.irfft(spectrum, 500) == pytest.approx(response(draw_room(3), RATE)[:500], abs=1e-6)
