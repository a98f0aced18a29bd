"""The build of a virtual board with shell scripts as compilers: what is compiled again, and each kind of error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ei_toolkit.board.emulator.build import Target, build
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.flash.library import Library, file_sha256
from ei_toolkit.board.flash.sketch import NAME, StagedSketch
from ei_toolkit.errors import BoardError

COMPILE = """
for last; do :; done
echo "$*" >> {log}
echo object > "$last"
"""
LINK = 'for last; do :; done; echo "$*" >> {log}; echo image > "$last"'
SIZE = "echo '   text    data     bss     dec     hex filename'; echo '1000 200 30 1230 4ce image'"


@dataclass
class Workshop:
    """A library, a sketch, and tools that record their arguments."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "library" / "src").mkdir(parents=True)
        (self.folder / "library" / "src" / "model.cpp").write_text("int model;\n")
        (self.folder / "library" / "src" / "plain.c").write_text("int plain;\n")
        (self.folder / NAME).mkdir()
        (self.folder / NAME / f"{NAME}.ino").write_text("void setup() {}\n")
        self.target = Target(
            compiler=str(self.tool("compiler", COMPILE)), linker=str(self.tool("linker", LINK)),
            size=str(self.tool("size", SIZE)), flags=("-mcpu=test",), link=("-T", "image.ld"),
        )  # fmt: skip

    def tool(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text("#!/bin/sh\n" + text.format(log=self.folder / f"{name}.log") + "\n")
        file.chmod(0o700)
        return file

    def calls(self, tool: str = "compiler") -> list[str]:
        """The arguments of each call since the last time."""
        log = self.folder / f"{tool}.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def build(self, target: Target | None = None) -> BuiltImage:
        defines = {"EITK_MODEL_SHA256": f'"{"ab" * 32}"'}
        library = Library(self.folder / "library", "x_inferencing.h", defines)
        return build(library, StagedSketch(self.folder / NAME), "host", target or self.target, self.folder / "out")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def compiled(calls: list[str]) -> set[str]:
    """Names of the sources that were compiled."""
    return {Path(call.split(" -c ")[1].split(" -o ")[0]).name for call in calls}


def test_an_image_has_the_sizes_of_its_sections_and_the_hash_of_its_model(workshop: Workshop) -> None:
    image = workshop.build()
    assert (image.flash_bytes, image.ram_bytes) == (1200, 230)
    assert image.model_sha256 == "ab" * 32
    assert image.sha256 == file_sha256(image.path) == file_sha256(workshop.folder / "out" / "image.elf")


def test_sketch_library_and_board_are_compiled_and_linked(workshop: Workshop) -> None:
    workshop.build()
    calls = workshop.calls()
    assert {f"{NAME}.ino", "model.cpp", "plain.c"} < compiled(calls)
    (linked,) = workshop.calls("linker")
    assert linked.startswith("-T image.ld ") and linked.count(".o ") == len(calls)
    by_name = {name: call for call in calls for name in compiled([call])}
    assert "-x c++ -include Arduino.h" in by_name[f"{NAME}.ino"]
    assert "-std=gnu++14" not in by_name["plain.c"] and "Arduino.h" not in by_name["plain.c"]
    assert all("-mcpu=test" in call for call in calls)
    assert f"-I {workshop.folder / NAME}" in by_name[f"{NAME}.ino"]
    assert f"-I {workshop.folder / NAME}" not in by_name["model.cpp"]


def test_unchanged_sources_are_not_compiled_again(workshop: Workshop) -> None:
    first = workshop.build()
    workshop.calls()
    assert workshop.build() == first
    assert workshop.calls() == [] and len(workshop.calls("linker")) == 2


def test_a_change_compiles_what_can_see_it(workshop: Workshop) -> None:
    workshop.build()
    workshop.calls()
    (workshop.folder / NAME / f"{NAME}.ino").write_text("void setup() { }\n")
    workshop.build()
    assert compiled(workshop.calls()) == {f"{NAME}.ino"}
    (workshop.folder / "library" / "src" / "model.h").write_text("#pragma once\n")
    workshop.build()
    assert compiled(workshop.calls()) == {f"{NAME}.ino", "model.cpp", "plain.c"}
    workshop.build(replace(workshop.target, flags=("-O0",)))
    assert len(workshop.calls()) > 3


def test_objects_of_earlier_versions_are_deleted(workshop: Workshop) -> None:
    for text in ("1", "2", "3"):
        (workshop.folder / "library" / "src" / "model.cpp").write_text(f"int model = {text};\n")
        workshop.build()
    assert len(list((workshop.folder / "out").glob("model-*.o"))) == 1


def test_a_failed_compilation_leaves_no_object_and_is_repeated(workshop: Workshop) -> None:
    failing = workshop.tool("failing", "echo 'In file x:' >&2; echo 'model.cpp:3: error: no such thing' >&2; exit 1")
    with pytest.raises(
        BoardError, match=r"the firmware does not compile \(model\.cpp:3: error: no such thing\)"
    ) as caught:
        workshop.build(replace(workshop.target, compiler=str(failing)))
    assert caught.value.hint == "Build the library again: eitk build"
    assert not [file for file in (workshop.folder / "out").iterdir() if file.suffix in (".o", ".part")]
    workshop.build()


@pytest.mark.parametrize(
    ("message", "what", "why"),
    [
        ("region `RAM' overflowed by 4096 bytes", "the image does not fit the board", "RAM is 4,096 bytes too small"),
        ("x.o: undefined reference to `foo'", "the firmware does not link", "x.o: undefined reference to `foo'"),
        ("", "the firmware does not link", ""),
    ],
)  # fmt: skip
def test_a_failed_link_is_explained(workshop: Workshop, message: str, what: str, why: str) -> None:
    failing = workshop.tool("failing", f'cat >&2 <<"END"\n{message}\nEND\nexit 1')
    with pytest.raises(BoardError) as caught:
        workshop.build(replace(workshop.target, linker=str(failing)))
    assert (caught.value.what, caught.value.why) == (what, why)
