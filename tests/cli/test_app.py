from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import eitk

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import WORKFLOW, Environment

HEAVY = {"tensorflow", "librosa", "edgeimpulse_api", "edgeimpulse", "numpy", "fastapi", "matplotlib", "scipy"}


def environment(folder: Path) -> Environment:
    return Environment(Console(io.StringIO(), io.StringIO()), folder, {})


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from ei_toolkit.cli.app import run; run(['--help']); "
    code += f"sys.exit(', '.join({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "Usage: eitk" in done.stdout


def test_the_page_of_the_report_imports_no_library_of_models() -> None:
    code = "import sys, ei_toolkit.report.html.page\n"
    code += "sys.exit(', '.join({'sklearn', 'scipy', 'librosa', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("flags", [["--json", "config", "show"], ["config", "show", "--json"]])
def test_shared_flags_stand_before_or_behind_the_command(tmp_path: Path, flags: list[str]) -> None:
    env = environment(tmp_path)
    assert run(flags, env) == 0
    assert env.console.stdout.getvalue().startswith('{"project.name"')  # type: ignore[attr-defined]


def test_an_error_has_its_exit_code_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepoch = 3\n")
    env = environment(tmp_path)
    assert run(["config", "show"], env) == 3
    assert "Did you mean epochs?" in env.console.stderr.getvalue()  # type: ignore[attr-defined]


def test_a_wrong_flag_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["config", "show", "--nonsense"], environment(tmp_path)) == 2


def stderr_of(env: Environment) -> str:
    return env.console.stderr.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("words", "option", "hint"),
    [(["slice", "-j", "0"], "'--jobs' / '-j'", "eitk slice"), (["upload", "--batch", "0"], "'--batch'", "eitk upload")],
)
def test_a_wrong_value_names_its_option_and_the_help_command(
    tmp_path: Path, words: list[str], option: str, hint: str
) -> None:
    env = environment(tmp_path)
    assert run(words, env) == 2
    assert option in stderr_of(env)
    assert f"try: {hint} --help" in stderr_of(env)


@pytest.mark.parametrize("words", [["config", "show"], ["init"]])
@pytest.mark.parametrize("name", ["typo", "file"])
def test_a_missing_project_folder_is_an_error(tmp_path: Path, words: list[str], name: str) -> None:
    (tmp_path / "file").touch()
    env = environment(tmp_path)
    assert run(["-C", name, *words], env) == 2
    assert f"there is no folder {tmp_path / name}" in stderr_of(env)
    assert "try:" in stderr_of(env)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_project_folder_is_relative_to_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert run(["-C", "there", "init"], environment(tmp_path)) == 0
    assert (tmp_path / "there" / "eitk.toml").is_file()


def test_a_name_with_brackets_is_printed_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "out[bold]"
    folder.mkdir()
    env = environment(folder)
    assert run(["init", "--name", "Rock [live] [/metal]"], env) == 0
    assert run(["config", "show", "--origin"], env) == 0
    shown = env.console.stdout.getvalue()  # type: ignore[attr-defined]
    assert f"wrote {folder / 'eitk.toml'} " in shown
    assert "Rock [live] [/metal]" in shown


def test_json_has_null_for_a_setting_that_is_not_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.cli.config.plain", lambda _: float("nan"))
    env = environment(tmp_path)
    assert run(["config", "show", "--json"], env) == 0
    shown = json.loads(env.console.stdout.getvalue(), parse_constant=pytest.fail)  # type: ignore[attr-defined]
    assert shown["project.name"] is None


def test_help_names_tables_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dataset", "verify", "--help"], environment(tmp_path)) == 0
    assert "default: dataset.root" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = environment(tmp_path)
    assert run(["dataset", "synth", "file/clips"], env) == 1
    assert f"{tmp_path}/file/clips" in stderr_of(env)
    assert "why: not a directory" in stderr_of(env)
    assert "try:" in stderr_of(env)


def test_no_permission_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(file: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("ei_toolkit.config.atomic_write.os.open", denied)
    env = environment(tmp_path)
    assert run(["init"], env) == 1
    assert "cannot be read or written" in stderr_of(env)
    assert "why: permission denied" in stderr_of(env)
    assert "eitk -C" in stderr_of(env)


@pytest.mark.parametrize(
    ("name", "content", "code", "words", "hint"),
    [
        (
            "some.wav",
            b"RIFF\xff\xfe\x00\x01" * 99,
            2,
            "neither a manifest of windows nor a folder or zip",
            "--label NAME",
        ),
        ("notes.csv", b"a,b\n1,2\n", 1, "notes.csv is not a window manifest", "manifest.csv"),
        ("nope.csv", None, 1, "there is no file", "manifest.csv"),
        ("", None, 1, "no files to upload in", "Sounds, CSV time series"),
    ],
)
def test_what_cannot_be_uploaded_is_named(
    tmp_path: Path, name: str, content: bytes | None, code: int, words: str, hint: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    env = environment(tmp_path)
    assert run(["upload", str(tmp_path / name)], env) == code
    assert words in stderr_of(env)
    assert str(tmp_path / name) in stderr_of(env)
    assert "damaged" not in stderr_of(env)
    assert "there are no windows" not in stderr_of(env)
    assert hint in stderr_of(env).partition("try: ")[2]


@pytest.mark.parametrize("group", ["", "config", "studio", "studio keys", "runs"])
def test_a_group_without_a_command_prints_its_help(tmp_path: Path, group: str) -> None:
    env = environment(tmp_path)
    assert run(group.split(), env) == 2
    assert stderr_of(env).startswith(f"Usage: eitk {group}".rstrip())
    assert "error:" not in stderr_of(env)
    assert env.console.stdout.getvalue() == ""  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("slice", 3, "dataset.root is not set"),
        ("config shw", 2, "No such command 'shw'"),
        ("config", 2, "a command is missing"),
        ("slice -j 0", 2, "'--jobs' / '-j'"),
        ("-C nowhere slice", 2, "there is no folder"),
        ("tail --board uno", 2, "'--board': 'uno' is not one of nano33ble, emulated, host"),
        ("init --board uno", 2, "'--board': 'uno' is not one of"),
        ("init --recipe nope", 2, "'--recipe': there is no recipe 'nope'"),
        ("evaluate --recipe nope", 2, "'--recipe': there is no recipe 'nope'"),
        ("demo --recipe nope", 2, "'--recipe': there is no recipe 'nope'"),
        ("nightly synth --recipe nope", 2, "'--recipe': there is no recipe 'nope'"),
        ("demo --board nope", 2, "'--board': 'nope' is not one of"),
        ("nightly synth --board nope", 2, "'--board': 'nope' is not one of"),
        ("board stop nope", 2, "'board': 'nope' is not one of"),
        ("evaluate --protocol nope", 2, "'--protocol': there is no protocol 'nope'. Protocols: artist"),
        ("evaluate --conditions mic,nope", 2, "'--conditions': there is no condition 'nope'. Conditions: gain-20"),
        ("studio keys add --role nope", 2, "'--role': 'nope' is not one of 'admin'"),
        ("dataset fetch gtzan --genre nope", 2, "'--genre': GTZAN has no genre nope. Genres: blues"),
        ("dataset verify --genre nope", 2, "'--genre': GTZAN has no genre nope"),
        ("report --like nope", 2, "'--like': 'nope' is not one of"),
        ("samples list --category nope", 2, "'--category': 'nope' is not one of 'training'"),
        ("board check nope", 2, "'board': 'nope' is not one of"),
        ("runs list --kind nope", 2, "'--kind': there is no kind of run 'nope'"),
        ("runs export --kind nope", 2, "'--kind': there is no kind of run 'nope'"),
        ("runs seen nope", 2, "'kind': there is no kind of run 'nope'"),
        ("train --timeout -1", 2, "'--timeout'"),
        ("build --timeout -1", 2, "'--timeout'"),
        ("tail --every soon --board host", 2, "--every 'soon' is not a time"),
        ("tail --board host", 6, "host"),
        ("report --figures", 2, "--figures"),
    ],
)
def test_for_programs_an_error_is_one_object_on_stderr(tmp_path: Path, words: str, code: int, message: str) -> None:
    env = environment(tmp_path)
    assert run([*words.split(), "--json"], env) == code
    (line,) = stderr_of(env).splitlines()
    found = json.loads(line)
    assert found["code"] == code
    assert message in found["message"]
    assert found["hint"]
    assert set(found) == {"code", "message", "why", "hint"}
    assert env.console.stdout.getvalue() == ""  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_in_a_workflow_an_error_is_text_for_its_user(tmp_path: Path) -> None:
    env = Environment(Console(io.StringIO(), io.StringIO()), tmp_path, {WORKFLOW: "1"})
    assert run(["slice", "--json"], env) == 3
    assert stderr_of(env).startswith("error: dataset.root is not set\n")


def test_json_after_two_dashes_is_an_argument(tmp_path: Path) -> None:
    env = environment(tmp_path)
    assert run(["slice", "--", "--json"], env) == 2
    assert stderr_of(env).startswith("error: ")


STOP_IMPORT = """
import sys
class Stop:
    def find_spec(self, name, *_):
        if name == "ei_toolkit.cli.commands":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from ei_toolkit.__main__ import main
main()
"""


def test_ctrl_c_during_the_imports_ends_without_a_message() -> None:
    done = subprocess.run([sys.executable, "-c", STOP_IMPORT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_in_a_command_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ei_toolkit.cli.environment.load_config", interrupted)
    env = environment(tmp_path)
    assert run(["config", "show"], env) == 130
    assert stderr_of(env) == "interrupted\n"


def test_an_unexpected_exception_is_a_message_and_a_traceback_only_with_debug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("ei_toolkit.cli.environment.load_config", broken)
    for flags, traced in (([], False), (["--debug"], True)):
        env = environment(tmp_path)
        assert run(["config", "show", *flags], env) == 1
        shown = env.console.stderr.getvalue()  # type: ignore[attr-defined]
        assert "error: ZeroDivisionError: by zero" in shown
        assert ("Traceback" in shown) is traced


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("train", "--epochs", "5"), "It is a setting: -o training.epochs=VALUE"),
        (("slice", "--window-ms", "5"), "It is a setting: -o slice.window_ms=VALUE"),
        (("train", "--speed", "5"), "eitk train --help"),
    ],
)
def test_an_option_that_is_a_setting_is_named_as_one(tmp_path: Path, words: tuple[str, ...], hint: str) -> None:
    done = eitk(tmp_path, *words)
    assert done.code == 2
    assert hint in done.err
