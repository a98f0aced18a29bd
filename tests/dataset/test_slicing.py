from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.config import AugmentSettings, DatasetSettings, Settings
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import Plan
from ei_toolkit.dataset.slicing import SliceReport, slice_clips
from ei_toolkit.errors import ConfigurationError, DataError

Write = Callable[..., Path]
AUGMENT = AugmentSettings(copies=2, room=0.5, rumble=0.5, pitch_semitones=1, stretch=0.05, tilt_db=2)


def cut(settings: Settings, project: Path, jobs: int = 1) -> SliceReport:
    return slice_clips(settings, project, project / "out", jobs, lambda _done, _note: None)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "slice.json"}


def augmented(settings: Settings, **augment: object) -> Settings:
    return replace(settings, slice=replace(settings.slice, augment=replace(AUGMENT, **augment)))  # type: ignore[arg-type]


def test_every_window_is_traced_to_its_clip(clips: Path, settings: Settings) -> None:
    report = cut(settings, clips.parent)
    assert len(report.windows) == 40
    for window in report.windows:
        data = (clips.parent / "out" / window.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == window.sha256
        assert window.file.endswith(f".{window.start_ms}.{window.sha256[:12]}.wav")
        assert hashlib.sha256((clips / window.clip).read_bytes()).hexdigest() == window.clip_sha256
        assert window.label == window.clip.split("/")[0]
    assert Manifest.read(clips.parent / "out" / "manifest.csv").windows == report.windows


def test_windows_hold_the_samples_of_their_place(clips: Path, settings: Settings) -> None:
    window = next(w for w in cut(settings, clips.parent).windows if w.start_ms == 2000)
    whole, _ = soundfile.read(clips / window.clip, dtype="int16")
    part, rate = soundfile.read(clips.parent / "out" / window.file, dtype="int16")
    assert rate == 8000
    assert np.array_equal(part, whole[16_000:24_000])


def test_file_names_are_plain_ascii_whatever_the_clip_is_called(clips: Path, settings: Settings) -> None:
    assert all(window.file.isascii() and " " not in window.file for window in cut(settings, clips.parent).windows)


def test_a_clip_whose_name_is_not_utf8_is_cut_under_a_name_that_can_be_written(clips: Path, settings: Settings) -> None:
    clip = next(clips.glob("*/*.wav"))
    odd = Path(os.fsdecode(os.fsencode(clip.with_name("odd")) + b"\xff.wav"))
    clip.rename(odd)
    names = {window.clip for window in cut(settings, clips.parent).windows}
    assert f"{odd.parent.name}/odd\ufffd.wav" in names


def test_any_number_of_jobs_gives_the_same_bytes(clips: Path, settings: Settings, tmp_path: Path) -> None:
    found = []
    for jobs in (1, 2, 3):
        cut(augmented(settings), clips.parent, jobs)
        found.append(contents(clips.parent / "out"))
        (clips.parent / "out" / "slice.json").unlink()
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 100


def test_only_training_windows_are_augmented_and_the_manifest_states_how(clips: Path, settings: Settings) -> None:
    windows = cut(augmented(settings), clips.parent).windows
    training = [w for w in windows if w.split == "training"]
    assert all(w.augmentation == "" for w in windows if w.split == "testing")
    assert sum(w.augmentation == "" for w in training) * 3 == len(training)
    assert all("gain" in w.augmentation for w in training if w.augmentation)


def test_a_copy_does_not_depend_on_the_clips_beside_it(clips: Path, settings: Settings) -> None:
    before = {w.sha256 for w in cut(augmented(settings), clips.parent).windows if "1.wav" in w.clip}
    next(clips.glob("*/*3.wav")).unlink()
    after = {w.sha256 for w in cut(augmented(settings), clips.parent).windows if "1.wav" in w.clip}
    assert before & after in (before, after)  # the same, unless the clip changed splits


def test_the_level_is_set_after_the_alteration(clips: Path, settings: Settings) -> None:
    settings = augmented(settings)
    settings = replace(settings, slice=replace(settings.slice, level="rms", target_dbfs=-20.0))
    for window in cut(settings, clips.parent).windows[::7]:
        samples, _ = soundfile.read(clips.parent / "out" / window.file)
        assert 20 * np.log10(samples.std()) == pytest.approx(-20, abs=0.2)


def test_a_second_run_does_nothing(clips: Path, settings: Settings) -> None:
    first = cut(settings, clips.parent)
    times = {path: path.stat().st_mtime_ns for path in (clips.parent / "out").iterdir()}
    second = cut(settings, clips.parent)
    assert second.reused
    assert second.windows == first.windows
    assert {path: path.stat().st_mtime_ns for path in (clips.parent / "out").iterdir()} == times


CHANGES = ["clip", "setting", "window lost", "window emptied", "window cut short", "manifest damaged", "rows lost"]


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_noticed(clips: Path, settings: Settings, write_clip: Write, change: str) -> None:
    report = cut(settings, clips.parent)
    file, manifest = clips.parent / "out" / report.windows[0].file, clips.parent / "out" / "manifest.csv"
    if change == "clip":
        write_clip(clips / "rock" / "new.wav", seed=99)
    elif change == "setting":
        settings = replace(settings, slice=replace(settings.slice, hop_ms=500))
    elif change == "window lost":
        file.unlink()
    elif change == "window emptied":
        file.write_bytes(b"")
    elif change == "window cut short":
        file.write_bytes(file.read_bytes()[:5000])
    elif change == "manifest damaged":
        manifest.write_text("gone\n")
    else:
        manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:20]))
    again = cut(settings, clips.parent)
    assert not again.reused
    assert Manifest.read(manifest).windows == again.windows
    assert len(again.windows) >= len(report.windows)
    assert cut(settings, clips.parent).reused
    assert all((clips.parent / "out" / w.file).stat().st_size == 16_044 for w in again.windows)


def test_windows_of_an_earlier_run_are_removed(clips: Path, settings: Settings) -> None:
    before = {w.file for w in cut(settings, clips.parent).windows}
    (clips.parent / "out" / "half.part").touch()
    settings = replace(settings, slice=replace(settings.slice, window_ms=2000))
    after = {w.file for w in cut(settings, clips.parent).windows}
    assert not before & after
    assert {path.name for path in (clips.parent / "out").iterdir()} == after | {"manifest.csv", "slice.json"}


def test_an_interrupted_run_is_completed(clips: Path, settings: Settings) -> None:
    """The manifest is written last: a run stopped before leaves files that the next takes over."""
    whole = cut(settings, clips.parent)
    expected = contents(clips.parent / "out")
    for path in [clips.parent / "out" / "manifest.csv", clips.parent / "out" / "slice.json"]:
        path.unlink()
    (clips.parent / "out" / whole.windows[3].file).write_bytes(b"RIFF, and then the power failed")
    assert cut(settings, clips.parent).windows == whole.windows
    assert contents(clips.parent / "out") == expected


def test_bad_clips_are_named_with_their_reason_and_skipped(clips: Path, settings: Settings, write_clip: Write) -> None:
    rock = clips / "rock"
    (rock / "empty.wav").touch()
    (rock / "text.wav").write_text("no sound")
    write_clip(rock / "short.wav", 0.5)
    soundfile.write(rock / "silent.wav", np.zeros(20_000), 8000)
    soundfile.write(rock / "nan.wav", np.full(20_000, np.nan), 8000, "FLOAT")
    (rock / "cut.wav").write_bytes(write_clip(rock / "cut.wav").read_bytes()[:9000])
    report = cut(settings, clips.parent, jobs=2)
    assert {s.clip.removeprefix("rock/"): s.reason.split(". ")[0] for s in report.skipped} == {
        "cut.wav": "cut short, 3.44 s of sound are missing",
        "empty.wav": "the file is empty",
        "nan.wav": "holds values that are not numbers",
        "short.wav": "shorter than a window: 0.50 s of 1 s",
        "silent.wav": "silent",
        "text.wav": "not audio that can be read (Format not recognised)",
    }
    assert len(report.windows) == 40
    assert cut(settings, clips.parent).skipped == report.skipped  # the second run reports it again


def test_silent_stretches_of_a_clip_give_no_window(clips: Path, settings: Settings) -> None:
    sound = 0.1 * np.random.default_rng(1).standard_normal(24_000)
    sound[8000:16_000] = 0
    soundfile.write(clips / "rock" / "pause.wav", sound, 8000)
    assert [w.start_ms for w in cut(settings, clips.parent).windows if "pause" in w.clip] == [0, 2000]


def test_the_same_clip_under_two_names_is_cut_once(clips: Path, settings: Settings) -> None:
    (clips / "rock" / "copy.wav").write_bytes((clips / "rock" / "stück 1.wav").read_bytes())
    report = cut(settings, clips.parent)
    assert report.duplicates == 4
    assert len({w.sha256 for w in report.windows}) == len(report.windows) == 40


def test_equal_clips_of_one_name_in_two_labels_do_not_meet_in_writing(clips: Path, settings: Settings) -> None:
    for number in range(6):
        samples = 0.1 * np.random.default_rng(number).standard_normal(80_000)
        for label in clips.iterdir():
            soundfile.write(label / f"same {number}.wav", samples, 8000)
    report = cut(settings, clips.parent, jobs=2)
    assert report.duplicates == 60
    assert {w.file for w in report.windows} <= {path.name for path in (clips.parent / "out").iterdir()}


def test_a_label_with_no_usable_clip(clips: Path, settings: Settings) -> None:
    for path in (clips / "rock").iterdir():
        path.write_text("no sound")
    with pytest.raises(DataError, match="no clip of the label rock can be used") as caught:
        cut(settings, clips.parent)
    assert caught.value.hint == "Replace these clips."
    assert not (clips.parent / "out").exists()


def test_a_window_longer_than_the_clips_is_named(clips: Path, settings: Settings) -> None:
    with pytest.raises(DataError, match="no clip of the label") as caught:
        cut(replace(settings, slice=replace(settings.slice, window_ms=5000)), clips.parent)
    assert "slice.window_ms, now 5000" in caught.value.hint


def test_a_side_without_windows_is_an_error_and_the_old_manifest_stays(clips: Path, settings: Settings) -> None:
    cut(settings, clips.parent)
    before = (clips.parent / "out" / "manifest.csv").read_bytes()
    for path in (clips / "rock").iterdir():
        soundfile.write(path, np.zeros(20_000), 8000)
    with pytest.raises(DataError, match="the label rock"):
        cut(settings, clips.parent)
    assert (clips.parent / "out" / "manifest.csv").read_bytes() == before


def test_groups_of_the_user_keep_clips_together(clips: Path, settings: Settings) -> None:
    clips_of = {label.name: sorted(p.name for p in label.iterdir()) for label in clips.iterdir()}
    rows = [f"{name},{label[0]} trio {i % 2}" for label, names in clips_of.items() for i, name in enumerate(names)]
    (clips / "groups.csv").write_text("clip,group\n" + "\n".join(rows), encoding="utf-8")
    windows = cut(settings, clips.parent).windows
    assert {w.group for w in windows} == {"k trio 0", "k trio 1", "r trio 0", "r trio 1"}
    splits = {(w.group, w.split) for w in windows}
    assert len(splits) == 4


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("sample_rate", 0, "a whole number from 1000 to 192000"),
        ("window_ms", 0, "at least 1"),
        ("hop_ms", -5, "at least 1"),
        ("target_dbfs", 1e9, "at least -100 and at most 0"),
        ("max_gain_db", 1e9, "at least 0 and at most 120"),
        ("augment", AugmentSettings(room=2), "at least 0 and at most 1"),
        ("augment", AugmentSettings(copies=-1), "copies to a whole number from 0 to 100"),
        ("augment", AugmentSettings(seed=-7), "at least 0"),
        ("augment", AugmentSettings(noise_snr_db=(float("nan"), 5.0)), "[5.0, 30.0]"),
    ],
)
def test_settings_that_cannot_be(clips: Path, settings: Settings, name: str, value: object, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"slice.{name}") as caught:
        cut(replace(settings, slice=replace(settings.slice, **{name: value})), clips.parent)  # type: ignore[arg-type]
    assert hint in caught.value.hint


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_a_part_for_testing_that_cannot_be(clips: Path, settings: Settings, fraction: float) -> None:
    with pytest.raises(ConfigurationError, match=r"dataset\.test_fraction") as caught:
        cut(replace(settings, dataset=replace(settings.dataset, test_fraction=fraction)), clips.parent)
    assert caught.value.hint == "Set dataset.test_fraction to above 0 and below 1."


def test_no_folder_of_clips_is_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"dataset\.root is not set"):
        cut(Settings(), tmp_path)


def test_a_place_that_cannot_be_written(clips: Path, settings: Settings) -> None:
    (clips.parent / "out").write_text("a file is in the way")
    with pytest.raises(DataError, match="windows cannot be written"):
        cut(settings, clips.parent)


def test_noise_of_the_users_own(clips: Path, settings: Settings, write_clip: Write) -> None:
    write_clip(clips.parent / "noises" / "street.wav", 2, seed=50)
    settings = augmented(settings, noise_files="noises")
    assert any("street" in w.augmentation for w in cut(settings, clips.parent, jobs=2).windows)
    with pytest.raises(ConfigurationError, match="no recordings"):
        cut(augmented(settings, noise_files="nowhere"), clips.parent, jobs=2)


@pytest.mark.gtzan
def test_real_clips_split_by_artist(gtzan: Path, tmp_path: Path) -> None:
    for genre in ("rock", "classical"):
        (tmp_path / "clips" / genre).mkdir(parents=True)
        for path in sorted((gtzan / "audio" / genre).glob("*.flac"))[::4]:
            (tmp_path / "clips" / genre / path.name).symlink_to(path)
    report = cut(Settings(dataset=DatasetSettings(root="clips")), tmp_path, jobs=2)
    splits: dict[str, set[str]] = {}
    for window in report.windows:
        splits.setdefault(window.group, set()).add(window.split)
    assert all(len(of_group) == 1 for of_group in splits.values())
    assert "queen" in splits
    assert not report.skipped


def test_a_long_clip_is_cut_without_being_held_in_memory(clips: Path, settings: Settings) -> None:
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(clips / "rock" / "long.flac", "w", 48_000, 2) as out:
        for _ in range(180):
            out.write(0.1 * rng.standard_normal((48_000, 2)))
    settings = replace(settings, slice=replace(settings.slice, sample_rate=48_000, hop_ms=20_000))
    tracemalloc.start()
    windows = cut(settings, clips.parent).windows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len([w for w in windows if "long" in w.clip]) == 9
    assert peak < 12e6  # decoded as float32 it would be 69 MB


def test_a_split_without_windows_is_reported(tmp_path: Path, settings: Settings, write_clip: Write) -> None:
    """Both classical tracks belong to the training part of the published split."""
    for track in ("classical.00030", "classical.00043", "rock.00030", "rock.00031"):
        write_clip(tmp_path / "clips" / track.split(".")[0] / f"{track}.wav", seed=int(track[-2:]))
    settings = replace(settings, dataset=replace(settings.dataset, split="fault-filtered"))
    with pytest.raises(DataError, match="the label classical has no testing clip") as caught:
        cut(settings, tmp_path)
    assert caught.value.why == '[dataset] split = "fault-filtered" leaves that split empty'
    assert not (tmp_path / "out").exists()  # no clip was cut


def test_one_channel_of_the_clips_can_be_chosen(clips: Path, settings: Settings) -> None:
    """The channels of this clip cancel each other in their mean."""
    left = 0.1 * np.random.default_rng(0).standard_normal(64_000)
    soundfile.write(clips / "rock" / "cancels.wav", np.stack([left, -left], axis=1), 16_000)
    assert "rock/cancels.wav" in {one.clip for one in cut(settings, clips.parent).skipped}
    chosen = replace(settings, slice=replace(settings.slice, channel="left"))
    report = cut(chosen, clips.parent)
    assert "rock/cancels.wav" in {window.clip for window in report.windows}


def test_a_changed_table_of_labels_is_noticed(tmp_path: Path, settings: Settings, write_clip: Write) -> None:
    """The clips stay as they are; only the file that describes them changes."""
    for number in range(6):
        write_clip(tmp_path / "clips" / f"{number}.wav", 1, seed=number)
    table = tmp_path / "clips" / "list.csv"
    table.write_text("file,label\n" + "".join(f"{n}.wav,{'calm' if n % 2 else 'wild'}\n" for n in range(6)))
    assert len([w for w in cut(settings, tmp_path).windows if w.label == "calm"]) == 3
    table.write_text("file,label\n" + "".join(f"{n}.wav,{'calm' if n > 1 else 'wild'}\n" for n in range(6)))
    again = cut(settings, tmp_path)
    assert not again.reused
    assert len([w for w in again.windows if w.label == "calm"]) == 4


def test_the_splits_of_the_layout_are_kept_and_only_training_is_augmented(
    tmp_path: Path, settings: Settings, write_clip: Write
) -> None:
    for number, split in enumerate(("train", "val", "test") * 4):
        label = "calm" if number < 6 else "wild"
        write_clip(tmp_path / "clips" / split / label / f"{number}.wav", 1, seed=number)
    windows = cut(augmented(settings), tmp_path).windows
    assert {window.split: window.clip.split("/")[0] for window in windows} == {
        "training": "train", "validation": "val", "testing": "test",
    }  # fmt: skip
    assert {window.split for window in windows if window.augmentation} == {"training"}


def test_a_label_of_duplicates_names_the_clips_that_it_repeats(clips: Path, settings: Settings) -> None:
    """The same recordings under two labels, as FLAC the second time: other bytes, the same samples."""
    for path in sorted((clips / "rock").iterdir()):
        samples, rate = soundfile.read(path, dtype="int16")
        (clips / "zydeco").mkdir(exist_ok=True)
        soundfile.write(clips / "zydeco" / f"{path.stem}.flac", samples, rate)
    with pytest.raises(DataError, match="the label zydeco has no") as caught:
        cut(settings, clips.parent)
    assert "duplicates: zydeco/stück" in caught.value.why and "repeats rock/stück" in caught.value.why
    assert caught.value.hint == "Remove the clips that repeat others, or add clips."


def test_a_recording_under_two_labels_is_warned_of(clips: Path, settings: Settings) -> None:
    samples, rate = soundfile.read(clips / "rock" / "stück 1.wav", dtype="int16")
    soundfile.write(next(label for label in clips.iterdir() if label.name != "rock") / "again.flac", samples, rate)
    report = cut(settings, clips.parent)
    (warned,) = [one for one in report.warned if "samples of windows" in one.warning]
    assert "left out 4 windows with the samples of windows of" in warned.warning
    assert cut(settings, clips.parent).warned == report.warned  # a run that does nothing repeats it


def test_unreadable_clips_are_named_before_a_label_that_cannot_be_split(clips: Path, settings: Settings) -> None:
    for path in sorted((clips / "rock").iterdir())[1:]:
        path.write_bytes(b"\x80" * 5000)
    with pytest.raises(DataError, match="the label rock cannot be split by group") as caught:
        cut(settings, clips.parent)
    assert caught.value.why.startswith("4 of its 5 clips cannot be used (rock/stück 3.wav: not audio")
    assert "and 1 more" in caught.value.why
    assert caught.value.hint.startswith("Replace these clips first.")


def test_short_clips_are_padded_on_request(clips: Path, settings: Settings, write_clip: Write) -> None:
    write_clip(clips / "rock" / "short.wav", 0.5, seed=77)
    assert [one.clip for one in cut(settings, clips.parent).skipped] == ["rock/short.wav"]
    padded = cut(replace(settings, slice=replace(settings.slice, short="pad")), clips.parent)
    assert (padded.skipped, padded.padded) == ((), 1)
    (window,) = [window for window in padded.windows if window.clip == "rock/short.wav"]
    samples, _ = soundfile.read(clips.parent / "out" / window.file, dtype="int16")
    assert len(samples) == 8000 and samples[:4000].any() and not samples[4000:].any()


def test_windows_are_cut_from_the_sound_between_silences_on_request(clips: Path, settings: Settings) -> None:
    sound = np.zeros(8000 * 8)
    random = np.random.default_rng(1)
    for start, seconds in ((2.0, 1.5), (5.0, 2.5)):
        sound[round(8000 * start) : round(8000 * (start + seconds))] = 0.1 * random.standard_normal(
            round(8000 * seconds)
        )
    soundfile.write(clips / "rock" / "pauses.wav", sound, 8000)
    trimmed = replace(settings, slice=replace(settings.slice, trim_silence=True))
    starts = [w.start_ms for w in cut(trimmed, clips.parent).windows if w.clip == "rock/pauses.wav"]
    assert starts == [1900, 4900, 5900]  # 0.1 s of silence stay before a sound


def test_a_clip_is_cut_with_its_peak_at_full_scale_and_without_silence_at_its_ends_on_request(
    clips: Path, settings: Settings
) -> None:
    sound = np.zeros(8000 * 6)
    sound[8000 * 2 : 8000 * 5] = 0.1 * np.sin(np.arange(8000 * 3))
    sound[8000 * 3 : 8000 * 3 + 4000] = 0  # a pause within the clip stays
    soundfile.write(clips / "rock" / "quiet.wav", sound, 8000)
    prepared = replace(settings, slice=replace(settings.slice, trim_ends=True, normalise=True))
    windows = [w for w in cut(prepared, clips.parent).windows if w.clip == "rock/quiet.wav"]
    assert [w.start_ms for w in windows] == [1920, 2920, 3920]  # frames of 2,048 samples, 512 apart
    samples, _ = soundfile.read(clips.parent / "out" / windows[0].file, dtype="int16")
    assert np.abs(samples).max() == 32767


def test_groups_that_the_data_set_has_in_both_splits_are_named(
    tmp_path: Path, settings: Settings, write_clip: Write
) -> None:
    for number, (split, label) in enumerate((s, la) for s in ("train", "test") for la in ("no", "yes")):
        write_clip(tmp_path / "clips" / split / f"{label}_anna_{number}.wav", 1, seed=number)
        write_clip(
            tmp_path / "clips" / split / f"{label}_{'ben' if split == 'test' else 'cleo'}_{number}.wav", 1, number
        )
    shown: list[Plan] = []
    slice_clips(settings, tmp_path, tmp_path / "out", 1, lambda _done, _note: None, shown.append)
    note = "groups in training and testing, with which the test overestimates accuracy: anna"
    assert shown[0].layout.notes[-1] == note
