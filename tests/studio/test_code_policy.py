"""Inputs that carry code are used only with --allow-scripts, and no other code of the package loads such an input."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from studio_in_process import Api

import ei_toolkit
from ei_toolkit.studio.code_policy import accepted_script, check_script_change, script_to_run
from ei_toolkit.studio.http.app import api_app
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs import pretrained

PACKAGE = Path(ei_toolkit.__file__).parent
VISUAL, EXPERT = {"mode": "visual", "script": ""}, {"mode": "expert", "script": "model = 1"}
LOADERS = {
    "exec", "eval", "compile", "__import__", "import_module", "run_path", "run_module", "from_saved_model",
    "load_model", "model_from_json", "enable_unsafe_deserialization", "Unpickler", "read_pickle", "py_function",
}  # fmt: skip
LOADING_MODULES = {"pickle", "dill", "joblib", "marshal", "runpy", "torch"}
EXPECTED_LOADERS = {
    ("training/fit.py", "exec"),  # a script; reached through code_policy.script_to_run only
    ("training/fit.py", "compile"),
    ("studio/jobs/pretrained.py", "from_saved_model"),  # after code_policy.require_allowed
    ("studio/jobs/task.py", "import_module"),  # modules of this package from a fixed table
    ("cli/commands.py", "import_module"),
    ("client/official.py", "import_module"),  # modules of the official client
    ("__init__.py", "import_module"),  # modules of this package, from the table of public names
    ("compression/run.py", "load_model"),  # in safe mode, which refuses Lambda layers
    ("compute/threads.py", "import_module"),  # NumPy and SciPy, whose libraries get one thread
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a module with the last part of the name that is called; `re.compile` is no loader."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            module = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if node.func.attr not in ("compile", "eval"):
                yield (f"{module}.load" if node.func.attr == "load" else node.func.attr), node


@cache
def modules() -> tuple[tuple[str, ast.AST], ...]:
    files = sorted(PACKAGE.rglob("*.py"))
    return tuple((file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text(encoding="utf-8"))) for file in files)


def test_every_call_that_can_run_code_of_an_input_is_known() -> None:
    found = {(path, name) for path, tree in modules() for name, _ in calls(tree) if name in LOADERS}
    assert found == EXPECTED_LOADERS


def test_arrays_are_read_without_pickles() -> None:
    loads = [
        (path, call) for path, tree in modules() for name, call in calls(tree) if name in ("np.load", "numpy.load")
    ]
    assert len(loads) >= 3
    for path, call in loads:
        allowed = {word.arg: word.value for word in call.keywords}.get("allow_pickle")
        assert isinstance(allowed, ast.Constant) and allowed.value is False, path


def test_no_module_imports_a_library_that_loads_objects_from_files() -> None:
    imported = {
        (path, alias.name)
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    }
    assert {found for found in imported if found[1].partition(".")[0] in LOADING_MODULES} == set()


@pytest.mark.parametrize(
    ("stored", "changes"),
    [
        (VISUAL, {"mode": "expert"}),
        (VISUAL, {"script": "model = 2"}),  # a client may switch the mode later
        (EXPERT, {"script": "model = 2"}),
        (EXPERT, {"mode": "visual", "script": "model = 2"}),
        (EXPERT, {"mode": "expert"}),
    ],
)
def test_a_script_is_stored_only_with_permission(stored: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="started without --allow-scripts"):
        check_script_change(stored, changes, allow_scripts=False)
    check_script_change(stored, changes, allow_scripts=True)


@pytest.mark.parametrize(
    "changes",
    [{}, {"trainingCycles": 3}, {"mode": "visual"}, {"mode": "visual", "script": "model = 1"}, {"script": ""}],
)
def test_other_settings_need_no_permission(changes: dict[str, Any]) -> None:
    check_script_change(EXPERT, changes, allow_scripts=False)


def test_only_the_accepted_script_is_run_and_only_with_permission() -> None:
    accepted = accepted_script(EXPERT, allow_scripts=True)
    assert script_to_run(EXPERT, accepted, allow_scripts=True) == "model = 1"
    for settings, digest, allowed in ((EXPERT, accepted, False), (EXPERT, None, True), (EXPERT, "", True)):
        with pytest.raises(ApiError):
            script_to_run(settings, digest, allowed)
    with pytest.raises(ApiError, match="was changed after the job was accepted"):
        script_to_run({**EXPERT, "script": "model = 2"}, accepted, allow_scripts=True)
    with pytest.raises(ApiError, match="started without --allow-scripts"):
        accepted_script(EXPERT, allow_scripts=False)


def test_visual_layers_need_no_permission() -> None:
    assert accepted_script(VISUAL, allow_scripts=False) == ""
    assert script_to_run({**EXPERT, "mode": "visual"}, None, allow_scripts=False) == ""


def saved_model() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model/saved_model.pb", b"no model")
    return archive.getvalue()


def upload(api: Api) -> dict[str, Any]:
    response = api.send(
        api_app(api.studio), "POST", "/v1/api/1/pretrained-model/upload", headers={"x-api-key": api.keys["admin"]},
        data={"modelFileType": "saved_model"}, files={"modelFile": ("m.zip", saved_model())},
    )  # fmt: skip
    document: dict[str, Any] = response.json()
    return document


def test_a_saved_model_is_not_accepted_without_permission(api: Api) -> None:
    refused = upload(api)
    assert refused["success"] is False
    assert refused["error"].endswith(
        "was started without --allow-scripts: start it with --allow-scripts, or convert it to .tflite and upload that"
    )
    assert not api.studio.store.jobs.queued()


def test_a_saved_model_that_was_accepted_is_not_loaded_after_a_restart_without_permission(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(pretrained, "import_tensorflow", lambda: loaded.append("TensorFlow"))
    allowed = api.studio
    api.studio = replace(allowed, options=replace(allowed.options, allow_scripts=True))
    job = upload(api)["id"]
    api.studio = allowed
    with pytest.raises(ApiError, match="started without --allow-scripts"):
        api.run(job)
    assert loaded == []
