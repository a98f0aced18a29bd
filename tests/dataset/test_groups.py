from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import identify, read_groups
from ei_toolkit.dataset.index import load_index
from ei_toolkit.errors import ConfigurationError, DataError


def clip(name: str) -> Clip:
    return Clip(Path(name), name, name.split("/")[0])


def groups_of(names: list[str], own: dict[str, str], hashes: dict[str, str] | None = None) -> list[str]:
    hashes = hashes or {name: name for name in names}
    return [known.group for known in identify([clip(name) for name in names], hashes, load_index(), own)]


def test_gtzan_names_the_artist_and_an_unknown_clip_is_a_group_of_its_own() -> None:
    assert groups_of(["rock/rock.00010.wav", "rock/mine.wav"], {}) == ["ani-difranco", "rock/mine"]


@pytest.mark.parametrize("key", ["rock/rock.00010.wav", "rock.00010.wav", "rock.00010"])
def test_the_users_list_comes_first(key: str) -> None:
    assert groups_of(["rock/rock.00010.wav"], {key: "cover band"}) == ["cover band"]


def test_equal_files_share_a_group() -> None:
    assert groups_of(["a/1.wav", "b/2.wav"], {}, {"a/1.wav": "same", "b/2.wav": "same"}) == ["a/1", "a/1"]


def test_the_list_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    for text in ("clip,group\nä.wav,Trio\n", "\ufeffgroup,clip,note\nTrio,ä.wav,x\n"):
        (tmp_path / "g.csv").write_text(text, encoding="utf-8")
        assert read_groups(tmp_path / "g.csv") == {"ä.wav": "Trio"}


@pytest.mark.parametrize(
    ("data", "message"), [(b"name,artist\n", "lacks the columns"), (b"\xff\xfe\0", "cannot be read")]
)
def test_a_list_that_is_none(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "g.csv").write_bytes(data)
    with pytest.raises(ConfigurationError, match=message):
        read_groups(tmp_path / "g.csv")


def test_a_list_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_groups(tmp_path / "g.csv")


def test_rows_without_a_clip_or_a_group_are_named(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("clip,group\na.wav,Trio\nb.wav,\n,Duo\nc.wav\n")
    with pytest.raises(
        DataError, match=r"row 2 \(b\.wav\), row 3 \(no clip\), row 4 \(c\.wav\): clip or group is missing"
    ):
        read_groups(tmp_path / "g.csv")


def test_many_incomplete_rows_are_counted(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("clip,group\n" + "a.wav,\n" * 12)
    with pytest.raises(DataError, match="and 7 more"):
        read_groups(tmp_path / "g.csv")


def test_a_list_without_rows(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("clip,group\n")
    with pytest.raises(DataError, match="no rows"):
        read_groups(tmp_path / "g.csv")


def test_spaces_around_a_name_do_not_make_it_another(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("clip,group\na.wav , Trio\nb.wav,Trio \n")
    assert read_groups(tmp_path / "g.csv") == {"a.wav": "Trio", "b.wav": "Trio"}


def test_a_list_that_names_no_clip_is_rejected_and_one_that_names_some_is_not() -> None:
    with pytest.raises(DataError, match="no row of the list") as caught:
        groups_of(["rock/mine.wav"], {"other.wav": "band"})
    assert "other.wav" in caught.value.why and "rock/mine.wav" in caught.value.hint
    assert groups_of(["rock/mine.wav", "rock/yours.wav"], {"mine": "band"}) == ["band", "rock/yours"]


def test_the_group_of_the_layout_follows_the_users_list_and_the_catalogue() -> None:
    names = ["yes/1.wav", "yes/2.wav", "rock/rock.00010.wav", "no/3.wav"]
    clips = [Clip(Path(name), name, name.split("/")[0], group="anna") for name in names[:3]] + [clip(names[3])]
    known = identify(clips, {name: name for name in names}, load_index(), {"2": "ben"})
    assert [one.group for one in known] == ["anna", "ben", "ani-difranco", "no/3"]
