"""Compilers are found or named with the package to install, and programs that fail are explained."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ei_toolkit.eon import toolchain
from ei_toolkit.eon.compile import CompiledModel, TensorSpec
from ei_toolkit.eon.toolchain import Sections, failed_tool, run_tool, sections, write_sources
from ei_toolkit.errors import DataError, EitkError, MissingToolError


def program(folder: Path, name: str, text: str = "exit 0") -> Path:
    """A shell script that can be run."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(stat.S_IRWXU)
    return folder / name


def test_the_compiler_of_the_variable_cxx_comes_first(tmp_path: Path) -> None:
    for name in ("mine++", "c++", "g++", "clang++"):
        program(tmp_path, name)
    environ = {"PATH": str(tmp_path), "CXX": "mine++"}
    assert toolchain.host_compiler(environ) == str(tmp_path / "mine++")
    assert toolchain.host_compiler({"PATH": str(tmp_path)}) == str(tmp_path / "c++")
    (tmp_path / "c++").unlink()
    assert toolchain.host_compiler(environ | {"CXX": "absent++"}) == str(tmp_path / "g++")


@pytest.mark.parametrize(
    ("find", "what", "hint"),
    [
        (toolchain.host_compiler, "there is no C++ compiler on this machine", "g++"),
        (toolchain.host_size, "size is not installed", "binutils"),
        (lambda environ: toolchain.arm_tool("g++", environ), "the ARM compiler is not installed", "gcc-arm-none-eabi"),
        (toolchain.qemu, "QEMU is not installed", "qemu-system-arm"),
    ],
)
def test_a_missing_tool_is_named_with_the_package_that_has_it(
    tmp_path: Path, find: object, what: str, hint: str
) -> None:
    with pytest.raises(MissingToolError, match=f"^{what.replace('+', '[+]')}") as caught:
        find({"PATH": str(tmp_path)})  # type: ignore[operator]
    assert "apt-get install" in caught.value.hint and hint in caught.value.hint


def test_the_tools_that_are_missing_for_an_emulated_board_are_listed(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path / "bin")}
    program(tmp_path / "bin", "arm-none-eabi-g++")
    program(tmp_path / "bin", "qemu-system-arm")
    assert toolchain.missing_arm_tools(environ) == ["arm-none-eabi-gcc", "arm-none-eabi-size"]


def test_a_program_gets_its_input_and_its_output_is_returned(tmp_path: Path) -> None:
    assert run_tool([program(tmp_path, "upper", "tr a-z A-Z; pwd")], cwd=tmp_path, stdin=b"abc\n") == (
        f"ABC\n{tmp_path}\n".encode()
    )


def test_a_program_that_fails_is_named_with_the_end_of_its_messages(tmp_path: Path) -> None:
    failing = program(tmp_path, "g++", "yes 'main.cpp: error' | head -n 100 >&2; echo 'last line \\377' >&2; exit 3")
    with pytest.raises(EitkError, match=r"^g\+\+ failed") as caught:
        run_tool([failing])
    assert len(caught.value.why) <= 800 and caught.value.why.endswith("last line �")


def test_a_caller_may_explain_a_failure_itself(tmp_path: Path) -> None:
    explained = program(tmp_path, "qemu", "echo 'no machine' >&2; exit 1")
    with pytest.raises(DataError, match="qemu: no machine"):
        run_tool([explained], explain=lambda name, messages: DataError(f"{name}: {messages}"))


def test_a_program_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(EitkError, match=r"^waiting did not finish in 0\.2 s$"):
        run_tool([program(tmp_path, "waiting", "exec sleep 60")], timeout_s=0.2)


@pytest.mark.parametrize(
    "messages",
    ["ld: image.elf section `.bss' will not fit in region `RAM'", "the stack leaves no room for the model"],
)
def test_a_model_that_is_too_large_for_the_board_is_an_error_of_the_model(messages: str) -> None:
    error = failed_tool("arm-none-eabi-gcc", messages)
    assert isinstance(error, DataError)
    assert (error.what, error.why) == (
        "the model does not fit the board", "the board has 1 MiB of flash and 256 KiB of RAM",
    )  # fmt: skip


def test_sizes_are_read_from_the_listing_of_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ("image.elf :", "section size addr", ".text 1200 0", ".rodata 34 8192", ".bss 560 536870912", "Total 1867")
    program(tmp_path, "arm-none-eabi-size", "\n".join(f"echo '{row}'" for row in rows))
    monkeypatch.setattr(toolchain, "arm_tool", lambda name: str(tmp_path / f"arm-none-eabi-{name}"))
    found = sections(tmp_path / "image.elf")
    assert found == Sections(text=1200, rodata=34, data=0, bss=560)
    assert (found.flash, found.ram) == (1234, 560)


def test_initial_values_count_in_flash_and_in_ram() -> None:
    sizes = Sections(text=100, rodata=10, data=8, bss=200)
    assert (sizes.flash, sizes.ram) == (118, 208)


def model_with(kernels: tuple[str, ...]) -> CompiledModel:
    spec = TensorSpec((1, 4), "int8", 1.0, 0)
    return CompiledModel("// header\n", "// Größe\n", kernels, 0, 0, (spec,), (spec,), (), "0" * 64, 0)


def test_sources_are_written_with_the_kernels_that_they_include(tmp_path: Path) -> None:
    files = write_sources(model_with(("conv2d.h", "softmax.h")), tmp_path / "out")
    names = {file.relative_to(tmp_path / "out").as_posix() for file in files}
    assert names == {"model.h", "model.cpp", "eitk/kernels/conv2d.h", "eitk/kernels/softmax.h"}
    assert (tmp_path / "out" / "model.cpp").read_text(encoding="utf-8") == "// Größe\n"
    assert write_sources(model_with(()), tmp_path / "out") == [tmp_path / "out/model.h", tmp_path / "out/model.cpp"]
