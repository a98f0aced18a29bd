"""Open a serial port on USB, and explain why one does not open."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from ei_toolkit.board.transport.link import Link, LinkLost, SerialLink
from ei_toolkit.board.transport.ports import Lister, usb_ports
from ei_toolkit.errors import BoardError

UDEV_RULES = "/etc/udev/rules.d/60-nano33ble.rules"
UDEV_RULE = 'SUBSYSTEMS=="usb", ATTRS{idVendor}=="2341", MODE:="0666", ENV{ID_MM_DEVICE_IGNORE}="1", TAG+="uaccess"'
TOUCH_BAUD = 1200
TOUCH_HOLD_S = 0.25  # the core reads the line coding 200 ms after it changed


class UnusablePort(LinkLost):
    """A port that does not open, however often it is tried."""


class PortDenied(UnusablePort):
    """The user may not open the port."""


class PortBusy(UnusablePort):
    """Another program has the port open."""


class NotSerial(UnusablePort):
    """The file of this name is not a serial port."""


def open_port(device: str) -> SerialLink:
    """Open a port for exclusive use. Raises PortDenied, PortBusy, NotSerial, LinkLost."""
    try:
        return SerialLink(device, exclusive=True)
    except LinkLost as error:
        raise _classified(device, error) from None


def touch(device: str) -> None:
    """Make a sketch start the bootloader: open at 1200 baud, then close, which drops DTR. Raises as open_port does."""
    try:
        link = SerialLink(device, baud=TOUCH_BAUD, exclusive=True)
    except LinkLost as error:
        raise _classified(device, error) from None
    link.drop_dtr()
    time.sleep(TOUCH_HOLD_S)
    link.close()


@dataclass(frozen=True)
class Usb:
    """Access to USB: list ports, open one, touch one at 1200 baud. Tests replace the functions with a simulator's."""

    ports: Lister = usb_ports
    open: Callable[[str], Link] = open_port
    touch: Callable[[str], None] = touch


def explain(device: str, error: UnusablePort) -> BoardError:
    """Return the exception with what the user can do about a port that cannot be used."""
    if isinstance(error, PortDenied):
        return _explain_denied(device, error)
    if isinstance(error, PortBusy):
        return _explain_busy(device, error)
    return BoardError(str(error), hint="List the boards: eitk boards; --port auto takes the only one.")


def _explain_denied(device: str, error: Exception) -> BoardError:
    return BoardError(
        f"no permission to open {device}",
        why=str(error),
        hint=f"Install the rule once, then plug the board in again: echo '{UDEV_RULE}' | sudo tee {UDEV_RULES} && "
        "sudo udevadm control --reload && sudo udevadm trigger",
    )


def _explain_busy(device: str, error: Exception) -> BoardError:
    if _modem_manager_runs():
        hint = (
            "ModemManager opens new serial ports to look for modems. Exclude this board: "
            f"echo '{UDEV_RULE}' | sudo tee {UDEV_RULES} && sudo udevadm control --reload, or stop it: "
            "sudo systemctl stop ModemManager"
        )
    else:
        hint = "Close the other program (eitk tail, a serial monitor, the Arduino IDE), then run this again."
    return BoardError(f"another program has {device} open", why=str(error), hint=hint)


def _classified(device: str, error: LinkLost) -> LinkLost:
    number = getattr(error.__cause__, "errno", None) or _errno_in(str(error))
    if number in (errno.EACCES, errno.EPERM):
        return PortDenied(str(error))
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortBusy(str(error))
    if number == errno.ENOENT:
        return LinkLost(f"there is no port {device}")
    if number in (errno.ENOTTY, errno.EISDIR) or isinstance(error.__cause__, ValueError):
        return NotSerial(f"{device} is not a serial port")
    return error


def _errno_in(text: str) -> int | None:
    """The number in a message of pyserial, which wraps operating system errors in two ways."""
    found = re.search(r"\[Errno (\d+)\]|\((\d+), '", text)
    return int(found[1] or found[2]) if found else None


def _modem_manager_runs() -> bool:
    if not shutil.which("pgrep"):
        return False
    return subprocess.run(["pgrep", "-x", "ModemManager"], capture_output=True, check=False).returncode == 0
