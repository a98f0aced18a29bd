"""What Linux, macOS and Windows do differently: one module for POSIX systems and one for Windows, with the same names.

Virtual boards and the local studio run on Linux and macOS only; on Windows `require_posix` refuses them. mypy checks
every module of eitk for each of the three systems (`scripts/check-systems`).
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from ei_toolkit.system import windows as _system
else:
    from ei_toolkit.system import posix as _system

O_BINARY = _system.O_BINARY
"""Flag of os.open for a file that is not text: Windows changes line ends without it."""

continue_in_session = _system.continue_in_session
end_with_parent = _system.end_with_parent
has_child_ended = _system.has_child_ended
is_serial_device = _system.is_serial_device
limit_memory = _system.limit_memory
limit_process = _system.limit_process
lower_priority = _system.lower_priority
probe_lock = _system.probe_lock
raise_descriptor_limit = _system.raise_descriptor_limit
read_at = _system.read_at
release_range = _system.release_range
require_posix = _system.require_posix
signal_group = _system.signal_group
signal_process = _system.signal_process
start_in_session = _system.start_in_session
succeeds_in_child = _system.succeeds_in_child
use_utf8_output = _system.use_utf8_output
was_killed = _system.was_killed
write_at = _system.write_at
