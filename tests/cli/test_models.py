"""Commands that need a model, without a trained one and with a file of the user."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import support

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.byom import profile_model
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.errors import DataError
from ei_toolkit.studio import lifecycle as launch

MODEL = Path(__file__).parents[1] / "board" / "models" / "mfe_int8.tflite"
PROFILED = {"success": True, "model": {"profileInfo": {"int8": {"ram": 1234}}, "inputs": [{"shape": [1, 4800]}]}}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def eitk(tmp_path: Path) -> Iterator[Command]:
    """Runs a command line in a project that a local studio serves."""
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)

    yield partial(support.eitk, tmp_path)
    launch.stop(ProjectPaths(tmp_path).studio)


def test_commands_that_need_a_trained_model_have_a_hint(eitk: Command) -> None:
    assert eitk("impulse", "apply")[0] == 0
    for words in (("profile",), ("build", "--dry-run"), ("build",)):
        code, out, err = eitk(*words)
        assert (code, out) == (3, ""), words
        assert "not trained yet" in err and "eitk train" in err
    assert json.loads(eitk("jobs", "list", "--all", "--json")[1]) == []


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_the_profile_of_a_user_model_is_a_table_or_json(
    tmp_path: Path, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.cli.profile.connect", lambda *_: None)
    monkeypatch.setattr("ei_toolkit.cli.profile.profile_model", lambda *_: PROFILED)
    console = Console(io.StringIO(), io.StringIO())
    assert run(["profile", "--model", "m.tflite", *flags], Environment(console, tmp_path, {})) == 0
    out = console.stdout.getvalue()  # type: ignore[attr-defined]
    if flags:
        assert json.loads(out) == PROFILED
    else:
        shown = [line.split(maxsplit=1) for line in out.splitlines()]
        assert ["model.profileInfo.int8.ram", "1.2 KiB"] in [[word.strip() for word in line] for line in shown]
        assert ["model.inputs[0].shape", "1, 4800"] in [[word.strip() for word in line] for line in shown]
        assert "{" not in out and "success" not in out


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls of the SDK."""
    calls: list[str] = []
    monkeypatch.setattr("ei_toolkit.client.byom._with_sdk", lambda *_: calls.append("sent"))
    return calls


NO_STUDIO: Any = SimpleNamespace(transport=SimpleNamespace(endpoint=None))


@pytest.mark.parametrize("size", [16, 60, 2000, -1])
def test_a_model_that_was_cut_off_is_not_sent(tmp_path: Path, sent: list[str], size: int) -> None:
    (tmp_path / "cut.tflite").write_bytes(MODEL.read_bytes()[:size])
    with pytest.raises(DataError, match=r"cut\.tflite is damaged") as caught:
        profile_model(NO_STUDIO, tmp_path / "cut.tflite", None)
    assert caught.value.hint and not sent


def test_a_model_that_only_the_compiler_does_not_support_is_sent(tmp_path: Path, sent: list[str]) -> None:
    (tmp_path / "other.tflite").write_bytes(with_an_unknown_operator(MODEL.read_bytes()))
    profile_model(NO_STUDIO, MODEL, None)
    profile_model(NO_STUDIO, tmp_path / "other.tflite", None)
    assert sent == ["sent", "sent"]


def with_an_unknown_operator(model: bytes) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model)
    tree.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.TOPK_V2
    tree.operatorCodes[0].builtinCode = schema.BuiltinOperator.TOPK_V2
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())
