"""A WebSocket whose messages have a largest size: the library reads a message of any size into memory."""

from __future__ import annotations

from typing import Any

from websocket import ABNF, WebSocket, WebSocketPayloadException

MAX_MESSAGE_BYTES = 2**20  # a line of a log has at most 16 KiB


class BoundedWebSocket(WebSocket):
    """A WebSocket that raises WebSocketPayloadException before it reads a message of more than MAX_MESSAGE_BYTES."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._message_bytes = 0
        read_length = self.frame_buffer.recv_length

        def read_and_check_length() -> None:
            read_length()
            header, length = self.frame_buffer.header, self.frame_buffer.length
            self._check_length(header[4] if header else ABNF.OPCODE_CONT, length or 0)

        self.frame_buffer.recv_length = read_and_check_length  # type: ignore[method-assign]

    def _check_length(self, opcode: int, length: int) -> None:
        """Check the length of a frame; the frames of a message count together."""
        if opcode == ABNF.OPCODE_CONT:
            self._message_bytes += length
        elif opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
            self._message_bytes = length
        if max(length, self._message_bytes) > MAX_MESSAGE_BYTES:
            raise WebSocketPayloadException(f"a message has more than {MAX_MESSAGE_BYTES} bytes")
