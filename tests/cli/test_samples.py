"""`eitk samples`: what is listed, counted, downloaded, deleted and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.dataset.manifest import Manifest, Window

SAMPLES = {
    "training": [(1, "rock.1", "rock"), (2, "rock.2", "rock"), (3, "größe.3", "classical")],
    "validation": [],
    "testing": [(4, "rock.4", "rock"), (5, "noise", "")],
}


def page(received: Any) -> dict[str, Any]:
    category = received.query["category"]
    samples = [
        {"id": number, "filename": name, "label": label, "category": category, "totalLengthMs": 2500.0,
         "metadata": {"artist": "x"}}
        for number, name, label in SAMPLES[category]
    ]  # fmt: skip
    return {"samples": samples, "totalCount": len(samples)}


@pytest.fixture
def samples(eitk_there: Any, scripted_studio: Any) -> Any:
    """Runs `eitk samples` in a studio with five samples."""
    scripted_studio.answers["/api/1/raw-data"] = page
    return lambda *words: eitk_there("samples", *words)


def deleted(script: Any) -> list[str]:
    return [request.rpartition("/")[2] for request in script.requests("DELETE")]


def test_samples_are_listed_with_seconds_and_a_dash_for_no_label(samples: Any) -> None:
    code, out, _ = samples("list")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["id", "category", "label", "seconds", "name"]
    assert ["3", "training", "classical", "2.5", "größe.3"] in lines
    assert ["5", "testing", "–", "2.5", "noise"] in lines


@pytest.mark.parametrize(
    ("options", "ids"),
    [((), [1, 2, 3, 4, 5]), (("--category", "testing"), [4, 5]), (("--label", "rock"), [1, 2, 4]),
     (("--label", ""), [5]), (("--name", "rock."), [1, 2, 4]), (("--name", "größe"), [3]),
     (("--category", "training", "--label", "rock", "--name", ".2"), [2]), (("--label", "jazz"), [])],
)  # fmt: skip
def test_a_list_can_be_narrowed(samples: Any, options: tuple[str, ...], ids: list[int]) -> None:
    assert [row["id"] for row in samples("list", "--json", *options).data] == ids


def test_json_has_the_metadata_as_an_object(samples: Any) -> None:
    assert samples("list", "--json", "--name", "noise").data[0]["metadata"] == {"artist": "x"}


def test_samples_are_counted_by_category_and_label(samples: Any) -> None:
    rows = samples("count", "--json").data
    assert [(row["category"], row["label"], row["samples"]) for row in rows] == [
        ("testing", "", 1), ("testing", "rock", 1), ("training", "classical", 1), ("training", "rock", 2),
    ]  # fmt: skip


def test_an_unknown_category_is_a_usage_error_before_any_request(samples: Any, scripted_studio: Any) -> None:
    code, _, err = samples("list", "--category", "test")
    assert code == 2
    assert "--category" in err
    assert scripted_studio.seen == []


def test_samples_are_downloaded_into_the_folder_of_their_category(
    samples: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    for number in range(1, 6):
        scripted_studio.answers[f"/api/1/raw-data/{number}/wav"] = (200, b"RIFF", {"Content-Type": "audio/wav"})
    code, out, _ = samples("pull", "there", "--label", "rock")
    assert (code, out) == (0, f"downloaded 3 samples to {tmp_path / 'there'}\n")
    files = sorted(str(file.relative_to(tmp_path / "there")) for file in (tmp_path / "there").rglob("*.wav"))
    assert files == ["testing/rock.4.4.wav", "training/rock.1.1.wav", "training/rock.2.2.wav"]


@pytest.mark.parametrize(
    "words", [(), ("1", "--stale"), ("--stale", "--category", "all"), ("1", "--category", "testing")]
)
def test_samples_to_delete_are_chosen_in_one_way(samples: Any, scripted_studio: Any, words: tuple[str, ...]) -> None:
    code, _, err = samples("delete", *words, "--yes")
    assert code == 2
    assert "no samples are chosen, or in two ways" in err
    assert scripted_studio.seen == []


def test_samples_are_deleted_by_id_each_once(samples: Any, scripted_studio: Any) -> None:
    for number in (1, 4):
        scripted_studio.answers[f"DELETE /api/1/raw-data/{number}"] = {}
    code, out, _ = samples("delete", "4", "1", "4", "--yes")
    assert (code, out) == (0, "deleted 2 samples\n")
    assert deleted(scripted_studio) == ["4", "1"]


def test_unknown_ids_are_named_after_the_known_ones_were_deleted(samples: Any, scripted_studio: Any) -> None:
    scripted_studio.answers["DELETE /api/1/raw-data/1"] = {}
    code, out, err = samples("delete", "1", "98", "99", "--yes", "--json")
    assert code == 1
    assert '"deleted": 1' in out and '"unknown": [98, 99]' in out
    assert "project 1 has no sample 98, 99" in err
    assert "eitk samples list" in err


def test_a_deletion_needs_a_confirmation(samples: Any, scripted_studio: Any) -> None:
    code, _, err = samples("delete", "1")
    assert code == 2
    assert "delete 1 sample from project 1?" in err
    assert "--yes" in err
    assert deleted(scripted_studio) == []


def test_a_dry_run_deletes_nothing_and_asks_nothing(samples: Any, scripted_studio: Any) -> None:
    code, out, _ = samples("delete", "--category", "testing", "--dry-run")
    assert (code, out) == (0, "would delete 2 samples\n")
    assert deleted(scripted_studio) == []


def write_manifest(folder: Path, *rows: tuple[str, str, str]) -> Path:
    """Write a manifest of (name, label, split)."""
    windows = [
        Window(f"{name}.wav", f"{n:064}", "a.wav", "c" * 64, "x", 0, label, split)  # type: ignore[arg-type]
        for n, (name, label, split) in enumerate(rows)
    ]
    Manifest(tuple(windows)).write(folder / "manifest.csv")
    return folder / "manifest.csv"


def test_manifest_and_studio_are_compared_by_name(samples: Any, tmp_path: Path) -> None:
    file = write_manifest(
        tmp_path,
        ("rock.1", "rock", "training"),
        ("rock.2", "jazz", "training"),
        ("rock.4", "rock", "training"),
        ("new", "rock", "training"),
    )
    code, out, _ = samples("diff", str(file), "--json")
    assert code == 1
    assert '"present": 1' in out
    assert '"missing": ["new.wav"]' in out
    assert '"moved": ["rock.2.wav", "rock.4.wav"]' in out
    assert '"foreign": [{"id": 3, "name": "größe.3"}, {"id": 5, "name": "noise"}]' in out


def test_equal_contents_are_exit_code_0(samples: Any, tmp_path: Path) -> None:
    names = [(name, label, split) for split, rows in SAMPLES.items() for _, name, label in rows]
    code, out, _ = samples("diff", str(write_manifest(tmp_path, *names)))
    assert code == 0
    assert out.splitlines()[1].split() == ["in", "both", "5"]


def test_samples_that_the_manifest_does_not_have_are_deleted(
    samples: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    (tmp_path / ".eitk" / "windows").mkdir(parents=True)
    write_manifest(tmp_path / ".eitk" / "windows", ("rock.1", "rock", "training"), ("rock.4", "rock", "testing"))
    for number in (2, 3, 5):
        scripted_studio.answers[f"DELETE /api/1/raw-data/{number}"] = {}
    assert samples("delete", "--stale", "--yes").code == 0
    assert deleted(scripted_studio) == ["2", "3", "5"]


def test_without_a_manifest_nothing_is_called_stale(samples: Any, scripted_studio: Any) -> None:
    code, _, err = samples("delete", "--stale", "--yes")
    assert code == 3
    assert "there are no windows at" in err
    assert deleted(scripted_studio) == []
