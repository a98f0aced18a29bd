"""The logs of a training are read again as the programs do that they are for."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from ei_toolkit.client.jobs.epochs import Epoch
from ei_toolkit.errors import MissingToolError
from ei_toolkit.report.training_logs import LogKind, open_training_log

EPOCHS = (Epoch(1, {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.625}), Epoch(2, {"loss": 0.25, "accuracy": 0.875}))


def write(kind: str, folder: Path) -> None:
    with open_training_log(LogKind(kind), folder, "train-1", "birds", {"training.epochs": 2}) as log:
        for epoch in EPOCHS:
            log(epoch)


def test_csv_has_a_line_for_each_epoch_with_the_names_of_keras(tmp_path: Path) -> None:
    write("csv", tmp_path / "logs")
    assert (tmp_path / "logs" / "train-1.csv").read_text().splitlines() == [
        "epoch,loss,accuracy,val_loss,val_accuracy", "1,0.5,0.75,0.625,", "2,0.25,0.875,,",
    ]  # fmt: skip


def test_csv_is_complete_while_the_training_runs(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_training_log(LogKind.CSV, tmp_path, "train-1", "birds", {}) as log:
        log(EPOCHS[0])
        assert len((tmp_path / "train-1.csv").read_text().splitlines()) == 2
        raise KeyboardInterrupt


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """The scalars of an event file: records of length, checksum, content and checksum."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="no tensorboardX: install the group dev")
    (file,) = folder.iterdir()
    content, found, place = file.read_bytes(), [], 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        event = event_pb2.Event.FromString(content[place + 12 : place + 12 + length])
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        place += 16 + length
    return found


def test_tensorboard_gets_the_tags_of_keras_in_a_run_for_each_split(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="no tensorboardX: install the group dev")
    write("tensorboard", tmp_path)
    assert scalars(tmp_path / "train-1" / "train") == [
        ("epoch_loss", 0, 0.5), ("epoch_accuracy", 0, 0.75), ("epoch_loss", 1, 0.25), ("epoch_accuracy", 1, 0.875),
    ]  # fmt: skip
    assert scalars(tmp_path / "train-1" / "validation") == [("epoch_loss", 0, 0.625)]


@pytest.mark.exhaustive
def test_wandb_gets_a_run_with_the_settings_and_a_step_for_each_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb", reason="no wandb: install the extra")
    monkeypatch.setenv("WANDB_MODE", "offline")
    with open_training_log(LogKind.WANDB, tmp_path / "logs", "train-1", "birds", {"training.epochs": 2}) as log:
        for epoch in EPOCHS:
            log(epoch)
        assert (wandb.run.name, wandb.run.project, wandb.run.step) == ("train-1", "birds", 2)
        assert dict(wandb.run.config) == {"training.epochs": 2}
    assert wandb.run is None
    assert len(list((tmp_path / "logs" / "wandb").glob("offline-run-*"))) == 1


@pytest.mark.parametrize(("kind", "package"), [("tensorboard", "tensorboardX"), ("wandb", "wandb")])
def test_a_missing_package_is_named_with_its_extra(
    kind: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingToolError) as caught:
        write(kind, tmp_path)
    assert package in caught.value.what
    assert caught.value.hint == f"pip install 'eitk[{kind}]'"
    assert list(tmp_path.iterdir()) == []
