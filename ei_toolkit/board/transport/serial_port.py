"""Opening a real serial port, and what to say when it does not open."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import time

from ei_toolkit.board.transport.link import LinkLost, SerialLink
from ei_toolkit.errors import BoardError

UDEV_RULES = "/etc/udev/rules.d/60-nano33ble.rules"
UDEV_RULE = 'SUBSYSTEMS=="usb", ATTRS{idVendor}=="2341", MODE:="0666", ENV{ID_MM_DEVICE_IGNORE}="1", TAG+="uaccess"'
TOUCH_BAUD = 1200
TOUCH_HOLD_S = 0.25  # the core looks at the line after 200 ms


class Unusable(LinkLost):
    """A port that will not open however often it is tried."""


class PortDenied(Unusable):
    """The user may not open the port."""


class PortBusy(Unusable):
    """Another program holds the port."""


class NotSerial(Unusable):
    """What has this name is no serial port."""


def open_port(device: str) -> SerialLink:
    """Open a port for this program alone. Raises PortDenied, PortBusy, NotSerial, LinkLost."""
    try:
        return SerialLink(device, exclusive=True)
    except LinkLost as error:
        raise _sorted(device, error) from None


def touch(device: str) -> None:
    """Ask a sketch for the bootloader: open at 1200 baud, then close, which drops DTR. Raises as open_port does."""
    try:
        link = SerialLink(device, baud=TOUCH_BAUD, exclusive=True)
    except LinkLost as error:
        raise _sorted(device, error) from None
    link.drop_dtr()
    time.sleep(TOUCH_HOLD_S)
    link.close()


def explain(device: str, error: Unusable) -> BoardError:
    """What to do about a port that cannot be used."""
    if isinstance(error, PortDenied):
        return _explain_denied(device, error)
    if isinstance(error, PortBusy):
        return _explain_busy(device, error)
    return BoardError(str(error), hint="See which boards are there: eitk boards; --port auto takes the only one.")


def _explain_denied(device: str, error: Exception) -> BoardError:
    return BoardError(
        f"{device} may not be opened",
        why=str(error),
        hint=f"Install the rule once, then plug the board in again: echo '{UDEV_RULE}' | sudo tee {UDEV_RULES} && "
        "sudo udevadm control --reload && sudo udevadm trigger",
    )


def _explain_busy(device: str, error: Exception) -> BoardError:
    if _modem_manager_runs():
        hint = (
            "ModemManager takes new serial ports for modems. Keep it away from this board: "
            f"echo '{UDEV_RULE}' | sudo tee {UDEV_RULES} && sudo udevadm control --reload, or stop it: "
            "sudo systemctl stop ModemManager"
        )
    else:
        hint = "Close the other program (eitk tail, a serial monitor, the Arduino IDE), then run this again."
    return BoardError(f"another program holds {device}", why=str(error), hint=hint)


def _sorted(device: str, error: LinkLost) -> LinkLost:
    number = getattr(error.__cause__, "errno", None) or _errno_in(str(error))
    if number in (errno.EACCES, errno.EPERM):
        return PortDenied(str(error))
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortBusy(str(error))
    if number == errno.ENOENT:
        return LinkLost(f"there is no port {device}")
    if number in (errno.ENOTTY, errno.EISDIR) or isinstance(error.__cause__, ValueError):
        return NotSerial(f"{device} is no serial port")
    return error


def _errno_in(text: str) -> int | None:
    """The number in a message of pyserial, which wraps errors of the system in two ways."""
    found = re.search(r"\[Errno (\d+)\]|\((\d+), '", text)
    return int(found[1] or found[2]) if found else None


def _modem_manager_runs() -> bool:
    if not shutil.which("pgrep"):
        return False
    return subprocess.run(["pgrep", "-x", "ModemManager"], capture_output=True, check=False).returncode == 0
