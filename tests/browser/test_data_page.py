"""The data page in Chromium: table, filters, changes that can be undone, uploads, cutting, and names from anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studio_pages import Project, Window, file_in

Tone = Callable[..., bytes]


@pytest.fixture
def filled(project: Project, make_tone: Tone) -> Project:
    """A project of six samples of rock (training) and four of jazz (testing); two artists are in both splits."""
    for label, category, number, pitch in (("rock", "training", 6, 200), ("jazz", "testing", 4, 800)):
        for i in range(number):
            artist = json.dumps({"artist": f"Artist {i % 2 if label == 'rock' else i}"})
            sound = make_tone(pitch + 10 * i, 1 + i / 10)
            project.upload({f"{label}.{i}.wav": sound}, category, x_label=label, x_metadata=artist)
    return project


def names(page: Any) -> list[str]:
    """The names in the rows in view."""
    found: list[str] = page.eval_on_selector_all(".body .cells .name", "all => all.map(one => one.textContent)")
    return found[::3]


def wait_found(page: Any, text: str) -> None:
    page.wait_for_selector(f"p:text-is('{text}')")


def select(page: Any, *rows: str) -> None:
    for name in rows:
        page.check(f".body .cells:has(bdi:text-is('{name}')) input")


def test_filters_are_in_the_address_and_the_table_follows_them(window: Window, filled: Project) -> None:
    page = window.open("acquisition")
    wait_found(page, "10 samples found")
    assert names(page)[:2] == ["jazz.3", "jazz.2"]
    page.select_option(".filters label:has-text('Label') select", "rock")
    wait_found(page, "6 samples found")
    page.fill(".filters label:has-text('Artist') input", "Artist 1")
    wait_found(page, "3 samples found")
    page.fill(".filters label:has-text('Longer than') input", "1.2")
    wait_found(page, "2 samples found")
    page.click("button:text-is('Name')")
    page.wait_for_selector("[aria-sort=ascending]")
    assert page.url.endswith("/acquisition?label=rock&artist=Artist+1&min=1.2&sort=filename-asc")
    page.reload()
    wait_found(page, "2 samples found")
    assert names(page) == ["rock.3", "rock.5"]
    page.click("button:text-is('Remove all filters')")
    wait_found(page, "10 samples found")
    page.select_option(".filters label:has-text('Split') select", "testing")
    wait_found(page, "4 samples found")
    assert "/acquisition/testing" in page.url
    page.fill(".filters label:has-text('Name') input", "jazz.2")
    wait_found(page, "1 sample found")
    page.fill(".filters label:has-text('Name') input", "nothing")
    page.wait_for_selector("text=No sample matches the filters.")
    assert "training: 6 samples" in page.inner_text("main")
    assert "2 artists of 4 in several splits" in page.inner_text("main")
    page.click(".balance a:has-text('jazz')")
    wait_found(page, "4 samples found")


def state_of(project: Project) -> dict[str, tuple[str, str, bool]]:
    return {one["filename"]: (one["label"], one["category"], one["isDisabled"]) for one in project.samples()}


def test_changes_of_many_samples_are_undone_in_turn(window: Window, filled: Project) -> None:
    before = state_of(filled)
    page = window.open("acquisition?sort=filename-asc")
    changes: list[tuple[str, str, Callable[[tuple[str, str, bool]], tuple[str, str, bool]]]] = [
        ("Move to validation", "moved to validation", lambda one: (one[0], "validation", one[2])),
        ("Disable", "disabled", lambda one: (one[0], one[1], True)),
        ("Change labels", 'label "blues & more"', lambda one: ("blues & more", one[1], one[2])),
    ]
    expected = before
    for button, text, change in changes:
        wait_found(page, "10 samples found")
        select(page, "jazz.0", "rock.0")
        if button == "Change labels":
            page.fill(".selection input", "blues & more")
        page.click(f"button:text-is('{button}')")
        page.wait_for_selector(f"text=2 samples {text}")
        expected = {name: change(one) if name in ("jazz.0", "rock.0") else one for name, one in expected.items()}
        assert state_of(filled) == expected
    for _, text, _ in reversed(changes):
        page.click("section[aria-label='Changes of this page'] button:text-is('Undo')")
        page.wait_for_selector(f".messages:has-text('Undone: 2 samples {text}')")
    assert state_of(filled) == before


def artists_of(project: Project) -> dict[str, set[str]]:
    """The artists of each split."""
    found: dict[str, set[str]] = {}
    for one in project.samples():
        found.setdefault(one["category"], set()).add(one["metadata"].get("artist", ""))
    return found


def test_metadata_and_a_division_of_all_samples_are_changed_and_undone(window: Window, filled: Project) -> None:
    before = {one["filename"]: (one["category"], one["metadata"]) for one in filled.samples()}
    page = window.open("acquisition")
    select(page, "jazz.3", "jazz.2")
    page.fill(".selection input[name=value]", "Björk & <b>")
    page.click("button:text-is('Change metadata')")
    page.wait_for_selector('text=2 samples artist "Björk & <b>"')
    assert "Björk & <b>" in artists_of(filled)["testing"]
    page.click("summary:text-is('Divide all samples again')")
    page.fill("input[name=share-testing]", "40")
    page.fill("input[name=share-validation]", "30")
    page.click("button:text-is('Divide')")
    page.wait_for_selector("text=10 samples divided again")
    divided = artists_of(filled)
    assert sum(map(len, divided.values())) == len(set().union(*divided.values()))  # each artist is in one split
    page.wait_for_selector("text=/None: no artist of 3 is in training and in testing/")
    for text in ("10 samples divided again", '2 samples artist "Björk & <b>"'):
        page.click("section[aria-label='Changes of this page'] button:text-is('Undo')")
        page.wait_for_selector(f".messages:has-text('Undone: {text}')")
    assert {one["filename"]: (one["category"], one["metadata"]) for one in filled.samples()} == before


def test_a_deletion_is_carried_out_when_the_page_is_left_and_can_be_taken_back(window: Window, filled: Project) -> None:
    page = window.open("acquisition/testing")
    select(page, "jazz.0")
    page.click("button:text-is('Select all 4')")
    page.wait_for_selector("text=4 samples selected")
    page.click("button:text-is('Delete')")
    page.wait_for_selector("text=4 samples are deleted when you leave this page")
    assert page.inner_text(".cells.deleted >> nth=0").count("to be deleted") == 1
    assert len(filled.samples()) == 10
    page.click("button:text-is('Keep them')")
    page.wait_for_selector(".cells.deleted", state="detached")
    select(page, "jazz.1")
    page.click("button:text-is('Delete')")
    page.click("button:text-is('Delete now')")
    wait_found(page, "3 samples found")
    assert len(filled.samples()) == 9
    select(page, "jazz.2")
    page.click("button:text-is('Delete')")
    page.wait_for_selector("text=1 sample is deleted when you leave this page")
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert sorted(state_of(filled)) == sorted({"jazz.0", "jazz.3", *(f"rock.{i}" for i in range(6))})
    window.open("acquisition/testing")
    select(page, "jazz.0", "jazz.3")
    page.click("button:text-is('Delete')")
    page.click("text=Sign out")
    page.wait_for_selector("text=To sign in")
    assert sorted(state_of(filled)) == [f"rock.{i}" for i in range(6)]


def test_a_sample_is_played_cropped_restored_and_split(window: Window, project: Project, make_tone: Tone) -> None:
    [sample] = project.upload({"long.wav": make_tone(440, 4.0)}, x_label="tone")
    page = window.open(f"acquisition?sample={sample}")
    page.click("button:text-is('Play')")
    page.wait_for_selector("button:text-is('Pause')")
    page.wait_for_selector(".sample .row span.soft:not(:text-is('0.00 s'))")  # the position of the player
    page.click("button:text-is('Pause')")
    assert (
        page.evaluate("document.querySelectorAll('.sound > div')[0].shadowRoot.querySelectorAll('canvas').length") > 1
    )
    page.click("summary:text-is('Crop or split')")
    page.fill("label:has-text('Start') input", "1")
    page.press("label:has-text('Start') input", "Tab")
    page.fill("label:has-text('End') input", "2.5")
    page.press("label:has-text('End') input", "Tab")
    page.click("button:text-is('Crop to the part')")
    page.wait_for_selector("text=1 sample cropped")
    assert [one["totalLengthMs"] for one in project.samples()] == [1500]
    page.click("section[aria-label='Changes of this page'] button:text-is('Undo')")
    page.wait_for_selector(".messages:has-text('Undone: 1 sample cropped')")
    assert [one["totalLengthMs"] for one in project.samples()] == [4000]
    page.click("summary:text-is('Crop or split')")
    page.click("button:text-is('Mark parts of this length')")
    page.click("button:text-is('Split into the marked parts')")
    page.wait_for_selector("text=1 sample split into 4")
    assert sorted(one["filename"] for one in project.samples()) == [f"long.s{number}" for number in range(1, 5)]
    page.click("section[aria-label='Changes of this page'] button:text-is('Undo')")
    page.wait_for_selector(".messages:has-text('Undone: 1 sample split into 4')")
    [restored] = project.samples()
    assert (restored["filename"], restored["totalLengthMs"], restored["label"]) == ("long", 4000, "tone")


def test_files_are_uploaded_and_each_rejected_one_has_a_line(
    window: Window, project: Project, make_tone: Tone, tmp_path: Path
) -> None:
    page = window.open("acquisition")
    page.wait_for_selector("text=The project has no samples yet")
    page.click("summary:text-is('Add samples')")
    page.select_option("label:has-text('Split') >> nth=0 >> select", "training")
    files = [file_in(tmp_path, f"rock.{i}.wav", make_tone(300 + i, 0.2)) for i in range(25)]
    files += [file_in(tmp_path, "song.mp3", b"ID3" + bytes(500)), file_in(tmp_path, "broken.wav", b"RIFF1234WAVE")]
    page.set_input_files("input[type=file]", files)
    page.wait_for_selector("text=25 files accepted, 2 rejected, of 27.")
    lines = page.inner_text(".rejected").splitlines()
    assert lines[0].startswith("song.mp3: ") and "eitk upload converts other audio" in lines[0]
    assert lines[1].startswith("broken.wav: ")
    wait_found(page, "25 samples found")
    assert {(one["label"], one["category"]) for one in project.samples()} == {("rock", "training")}
    page.select_option("label:has-text('Label') >> nth=0 >> select", "text")
    page.fill("label:has-text('Text of the label') input", "日本 & <b>")
    page.fill("label:has-text('Artist (optional)') input", "Björk")
    content = list(make_tone(900, 0.2))
    page.evaluate(
        """content => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(content)], "dropped.wav"));
            const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("drop", options));
        }""",
        content,
    )
    wait_found(page, "26 samples found")
    dropped = project.samples()[0]
    assert (dropped["filename"], dropped["label"], dropped["metadata"]) == (
        "dropped",
        "日本 & <b>",
        {"artist": "Björk"},
    )


def test_one_whole_job_without_the_mouse(window: Window, filled: Project) -> None:
    page = window.open("acquisition?sort=filename-asc")
    wait_found(page, "10 samples found")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached with Tab")

    tab_to("[role=grid]")
    for key in ("ArrowDown", "Space", "ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_selector("text=3 samples selected")
    tab_to(".selection input")  # Tab goes around the page, back to what is above the table
    page.keyboard.type("swing")
    page.keyboard.press("Enter")
    page.wait_for_selector('text=3 samples label "swing"')
    assert sorted(one["filename"] for one in filled.samples() if one["label"] == "swing") == [
        "jazz.1",
        "jazz.2",
        "jazz.3",
    ]
    tab_to("[role=grid]")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sample-heading:focus")
    tab_to(".sample button:not([aria-label])")
    page.wait_for_selector(".sample button:text-is('Play')")
    page.keyboard.press("Enter")
    page.wait_for_selector("button:text-is('Pause')")
    tab_to("section[aria-label='Changes of this page'] button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messages:has-text('Undone')")
    assert not [one for one in filled.samples() if one["label"] == "swing"]


UNTRUSTED = (
    "<img src=x onerror=window.ran=true>", "\"'`><script>window.ran=true</script>", "javascript:alert(1)",
    "\u202eabc\u202e \u2066def", "a" * 10_000, "{{7*7}}${7*7}", "مرحبا بالعالم", "&amp;&lt;b&gt;",
)  # fmt: skip


def test_names_and_labels_are_text_whatever_they_are(
    window: Window, project: Project, make_tone: Tone, check_page: Callable[[Any], None]
) -> None:
    for number, text in enumerate(UNTRUSTED):
        [sample] = project.upload({f"{number}.wav": make_tone(200 + number, 0.2)}, x_label="x")
        project.call("POST", f"/raw-data/{sample}/edit-label", json={"label": text})
        project.call("POST", f"/raw-data/{sample}/metadata", json={"metadata": {"artist": text, text[:200]: text}})
        project.call("POST", f"/raw-data/{sample}/rename", json={"name": text.replace("/", "-")})
    page = window.open(f"acquisition?sample={sample}")
    wait_found(page, f"{len(UNTRUSTED)} samples found")
    page.wait_for_selector("button:text-is('Play')")
    select(page, "{{7*7}}${7*7}")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    check_page(page)
    assert page.evaluate("window.ran") is None
    assert page.query_selector("main img, main script, main b") is None
    shown = page.inner_text("main")
    for text in UNTRUSTED:
        assert text[:30] in shown, text[:30]


def test_samples_that_were_deleted_meanwhile_are_sentences(window: Window, filled: Project) -> None:
    page = window.open("acquisition?sort=filename-asc")
    wait_found(page, "10 samples found")
    filled.call("POST", "/raw-data/delete-all")
    page.click(".body .cells >> nth=0")
    page.wait_for_selector(".sample .notice.error:has-text('it was deleted')")
    select(page, "jazz.1")
    page.click("button:text-is('Disable')")
    page.wait_for_selector("text=No sample matches the filters.")
