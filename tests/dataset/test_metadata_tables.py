"""Tables of other people: delimiters, heads, odd rows, and files that are no tables."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.dataset.listing import Listing
from ei_toolkit.dataset.metadata_tables import Metadata, read_lists, read_tables

SOUNDS = ("wavs/a.wav", "wavs/b.wav", "wavs/c.wav", "wavs/d.wav")


def read(text: str | bytes, file: str = "list.csv", sounds: tuple[str, ...] = SOUNDS) -> Metadata:
    content = text.encode() if isinstance(text, str) else text
    (table,), notes = read_tables(Listing(sounds, {file: content}))
    assert notes == []
    return table


def labels(table: Metadata) -> str:
    return "".join(table.sounds[name].label for name in sorted(table.sounds))


@pytest.mark.parametrize(
    "text",
    [
        "file,label\na.wav,x\nb.wav,y\nc.wav,x\nd.wav,y\n",
        "file;label\na.wav;x\nb.wav;y\nc.wav;x\nd.wav;y\n",
        "Label\tFile\nx\twavs/a.wav\ny\twavs/b.wav\nx\twavs/c.wav\ny\twavs/d.wav\n",
        "path|class\nwavs\\a.wav|x\nwavs\\b.wav|y\nwavs\\c.wav|x\nwavs\\d.wav|y\n",
        '\ufefffile,label\r\n"a.wav","x"\r\n"b.wav","y"\r\n"c.wav","x"\r\n"d.wav","y"\r\n',
        "a.wav,x\nb.wav,y\nc.wav,x\nd.wav,y\n",
        "x,a.wav\ny,b.wav\nx,c.wav\ny,d.wav\n",
        "id,label\na,x\nb,y\nc,x\nd,y\n",
        " file , label \na.wav, x\nb.wav ,y \nc.wav,x\nd.wav,y\n\n",
        "n,duration,audio,genre\n1,3.0,a.wav,x\n2,3.0,b.wav,y\n3,3.0,c.wav,x\n4,3.0,d.wav,y\n",
    ],
)
def test_a_file_and_its_label_in_any_usual_form(text: str) -> None:
    assert labels(read(text)) == "xyxy"


def test_json_lines() -> None:
    rows = [{"file_name": f"{name}.wav", "label": index % 2, "more": [1]} for index, name in enumerate("abcd")]
    assert labels(read("\n".join(map(json.dumps, rows)), "wavs/metadata.jsonl")) == "0101"


def test_the_label_is_the_word_and_not_its_number() -> None:
    assert labels(read("filename,target,category\na.wav,0,x\nb.wav,1,y\nc.wav,0,x\nd.wav,1,y\n")) == "xyxy"


def test_a_column_of_splits_is_no_label() -> None:
    table = read("file,category,genre\na.wav,train,x\nb.wav,Test,y\nc.wav,dev,x\nd.wav,train,y\n")
    assert labels(table) == "xyxy"
    assert [table.sounds[name].split for name in SOUNDS] == ["training", "testing", "validation", "training"]


@pytest.mark.parametrize("column", ["speaker_id", "fsID", "src_file", "recording", "Artist"])
def test_groups_by_any_usual_name(column: str) -> None:
    table = read(f"file,label,{column}\na.wav,x,p\nb.wav,y,q\nc.wav,x,p\nd.wav,y,q\n")
    assert [table.sounds[name].group for name in SOUNDS] == ["p", "q", "p", "q"]
    assert table.source("group") == f"column {column.casefold()} of list.csv"


@pytest.mark.parametrize(
    ("file", "split"), [("train.csv", "training"), ("test_labels.csv", "testing"), ("dev/list.csv", "validation")]
)
def test_a_table_for_one_split_gives_it(file: str, split: str) -> None:
    assert {one.split for one in read("file,label\na.wav,x\nb.wav,y\n", file).sounds.values()} == {split}


def test_rows_without_a_sound_or_a_label_are_named() -> None:
    table = read("file,label\na.wav,x\nb.wav,\nz.wav,y\n../../etc/c.wav,y\nd.wav,y\n")
    assert table.unmatched == ("z.wav", "../../etc/c.wav")
    assert table.sounds["wavs/b.wav"].reason == "no label in the table"


def test_the_fold_chooses_among_files_of_one_name() -> None:
    sounds = ("fold1/a.wav", "fold1/b.wav", "fold2/a.wav", "fold2/b.wav")
    text = "file,fold,label\na.wav,1,x\na.wav,2,y\nb.wav,1,x\nb.wav,2,y\n"
    assert labels(read(text, sounds=sounds)) == "xxyy"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.csv", b"\xff\xfe\x00"),
        ("a.csv", b"file,label\n" + b'"' + b"x" * 200_000),
        ("a.jsonl", b"[1, 2]\n"),
        ("a.jsonl", b"{\n"),
        ("a.jsonl", b"[" * 100_000),
    ],
)
def test_a_damaged_table_is_a_note(file: str, content: bytes) -> None:
    tables, (note,) = read_tables(Listing(SOUNDS, {file: content}))
    assert tables == []
    assert note.startswith(f"{file} cannot be read as a table: ")


@pytest.mark.parametrize("text", ["", "\n", "file,label\n", "price,name\n1,2\n", "a\nb\nc\n", "0,1\n2,3\n"])
def test_a_table_of_something_else_describes_nothing(text: str) -> None:
    assert read_tables(Listing((*SOUNDS, "2.wav"), {"list.csv": text.encode()})) == ([], [])


@given(st.binary(max_size=200), st.sampled_from(["x.csv", "x.tsv", "x.jsonl"]))
def test_no_content_is_fatal(content: bytes, file: str) -> None:
    tables, notes = read_tables(Listing(SOUNDS, {file: content}))
    assert len(tables) + len(notes) <= 1


def test_lists_of_splits() -> None:
    lists = {"validation_list.txt": b"wavs/a.wav\r\n", "testing_list.txt": b"wavs/b.wav\n\n../x.wav\n\xff\n"}
    found = read_lists(Listing(SOUNDS, lists))
    assert found is not None
    assert [found.sounds[name].split for name in SOUNDS] == ["validation", "testing", "training", "training"]
    assert found.unmatched == ("../x.wav", "\ufffd")
    assert read_lists(Listing(SOUNDS)) is None
    assert read_lists(Listing(SOUNDS, {"testing_list.txt": b"other.wav\n"})) is None
