"""Boards that run on this machine: the sketch for a Cortex-M4F under QEMU, and the sketch compiled for this machine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ei_toolkit.board.board import Board, BoardContext, FlashedBoard, FoundBoard
from ei_toolkit.board.emulator.build import Target, build
from ei_toolkit.board.emulator.lifecycle import BoardFolder, Launch, folder_of, running_state, start, stop
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.emulator.shared_memory import SIZE_BYTES
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.transport.link import EmulatorLink, Link, LinkLost
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.config.boards import BOARDS, EMULATED, HOST
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.config.project import bundled
from ei_toolkit.eon import toolchain
from ei_toolkit.errors import BoardError, UsageError

# One instruction takes 16 ns of the board's time, 62.5 million per second: timings repeat exactly on every machine.
ICOUNT_SHIFT = 4
STACK = "-Wl,--defsym=stack_size=0x4000"  # 16 KB reserved for the sketch and its library


def _usb_board_options() -> str:
    return " or ".join(f"--board {spec.name}" for spec in BOARDS.values() if not spec.virtual)


class VirtualBoard(Board):
    """A board whose program runs in an emulator process of this machine."""

    @abstractmethod
    def target(self) -> Target:
        """Return the tools, flags and sources that build the program. Raises MissingToolError."""

    @abstractmethod
    def command(self, image: Path) -> Sequence[str]:
        """Return the command that runs `image`; {serial}, {microphone} and {memory} stand for file descriptors."""

    def find(self, boards: Path, ports: Sequence[UsbPort]) -> list[FoundBoard]:
        """Return the running board, if it runs."""
        state = folder_of(boards, self.name).running()
        if state is None:
            return []
        found = FoundBoard(
            self.name, state.address, "running", "", state.model_sha256, state.started, details=asdict(state)
        )
        return [found]

    def build(self, context: BoardContext, request: FlashRequest) -> BuiltImage:
        """Build the image; the board is not started."""
        self.check_request(request)
        with self._flash_lock(context) as folder:
            return self._build(context, request, folder)

    def flash(self, context: BoardContext, request: FlashRequest) -> FlashedBoard:
        """Build the image, and replace the running board by one with the new image when it is complete."""
        self.check_request(request)
        with self._flash_lock(context) as folder:
            image = self._build(context, request, folder)
            context.note(f"starting the {self.name} board")
            launch = Launch(
                self.name,
                tuple(self.command(image.path)),
                image.model_sha256,
                image.sha256,
                str(context.paths.studio_lock),
            )
            return FlashedBoard(self.name, start(context.paths.boards, launch).address, image)

    def source(self, context: BoardContext) -> Source:
        """Return how the serial line of the running board is opened."""
        boards = context.paths.boards
        running_state(boards, self.name)

        def reopen() -> Link:
            try:
                return EmulatorLink(running_state(boards, self.name).serial_port)
            except BoardError as error:
                raise LinkLost(error.what) from None

        return Source(reopen)

    def microphone(self, boards: Path) -> MicStream:
        """Return the microphone of the running board."""
        state = running_state(boards, self.name)
        return MicStream(self.name, state.microphone_port, state.model_sha256)

    def stop(self, boards: Path) -> bool:
        """Stop the board; return False if it was not running."""
        return stop(boards, self.name)

    def check_port(self, port: str | None) -> None:
        """Raise UsageError if the user named a port: a virtual board has none."""
        if port not in (None, "auto"):
            raise UsageError(
                f"the {self.name} board runs on this machine and has no port {port}",
                hint=f"Omit --port, or name the board on it: {_usb_board_options()}",
            )

    def flash_target(self, context: BoardContext) -> tuple[str, bool]:
        """Return the address of the running board, empty if it is not running."""
        running = folder_of(context.paths.boards, self.name).running()
        return (running.address if running else "", running is not None)

    def check_request(self, request: FlashRequest) -> None:
        """Raise UsageError for a ready image: it is for a board on USB."""
        if request.image is not None:
            raise UsageError(
                f"the {self.name} board does not take a ready image",
                hint=f"Omit {request.image.name}, or name the board that it is for: {_usb_board_options()}",
            )

    @contextmanager
    def _flash_lock(self, context: BoardContext) -> Iterator[BoardFolder]:
        """The board's folder, for one flash at a time."""
        folder = folder_of(context.paths.boards, self.name)
        folder.path.mkdir(parents=True, exist_ok=True)
        try:
            with acquire_lock(folder.flash_lock):
                yield folder
        except BlockingIOError:
            raise BoardError(
                f"the {self.name} board is already being flashed", hint="Wait for the other eitk flash to end."
            ) from None

    def _build(self, context: BoardContext, request: FlashRequest, folder: BoardFolder) -> BuiltImage:
        library, sketch = self.prepare(context, request, folder.build)
        target = self.target()
        context.note(f"compiling {library.name} for the {self.name} board")
        return build(library, sketch, self.name, target, folder.build / "objects")


class EmulatedBoard(VirtualBoard):
    """The sketch and the library compiled for the Cortex-M4F of the Nano 33 BLE, run by QEMU."""

    spec = EMULATED

    def missing_tools(self) -> list[str]:
        """Return the ARM tools that are not installed."""
        return toolchain.missing_arm_tools()

    def target(self) -> Target:
        """Return the ARM compiler and the bare-metal sources. Raises MissingToolError, also without QEMU."""
        toolchain.qemu()
        boards = bundled("firmware") / "boards"
        link = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", STACK)
        return Target(
            compiler=toolchain.arm_tool("g++"),
            linker=toolchain.arm_tool("gcc"),
            size=toolchain.arm_tool("size"),
            flags=toolchain.CORTEX_M4F,
            link=(*toolchain.CORTEX_M4F, *link, "-T", str(boards / "bare_metal" / "image.ld")),
            sources=(*sorted((boards / "emulated").glob("*.cpp")), boards / "bare_metal" / "startup.cpp"),
            includes=(boards / "bare_metal",),
        )

    def command(self, image: Path) -> Sequence[str]:
        """Return the command of QEMU, which shares the RAM that the sketch does not use with the daemon."""
        memory = f"memory-backend-file,id=shared,size={SIZE_BYTES},mem-path=/dev/fd/{{memory}},share=on"
        return (
            toolchain.qemu(), "-machine", f"{toolchain.QEMU_BOARD},memory-backend=shared", "-object", memory,
            "-display", "none", "-monitor", "none", "-no-reboot", "-icount", f"shift={ICOUNT_SHIFT}",
            "-chardev", "socket,id=serial,fd={serial}", "-serial", "chardev:serial",
            "-chardev", "socket,id=microphone,fd={microphone}", "-serial", "chardev:microphone",
            "-kernel", str(image),
        )  # fmt: skip


class HostBoard(VirtualBoard):
    """The sketch and the library compiled for this machine."""

    spec = HOST

    def target(self) -> Target:
        """Return the compiler of this machine. Raises MissingToolError."""
        compiler = toolchain.host_compiler()
        hal = bundled("firmware") / "boards" / "host" / "hal.cpp"
        return Target(compiler=compiler, linker=compiler, size=toolchain.host_size(), sources=(hal,))

    def command(self, image: Path) -> Sequence[str]:
        """Return the command of the host program: its arguments are the two file descriptors."""
        return (str(image), "{serial}", "{microphone}")
