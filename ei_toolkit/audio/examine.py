"""What a file is, by its content: which streams of sound it has, what is damaged, or what it is instead of sound.

The values of the samples are checked in `values`: `decode` does so for whatever reads a file, and the studio calls
`values.one_channel` for the samples of an upload.
"""

from __future__ import annotations

import mmap
import stat
from pathlib import Path

from ei_toolkit.audio.flac import MARK as FLAC_MARK
from ei_toolkit.audio.flac import examine_flac
from ei_toolkit.audio.mpeg import after_id3, examine_mpeg
from ei_toolkit.audio.ogg import MARK as OGG_MARK
from ei_toolkit.audio.ogg import examine_ogg
from ei_toolkit.audio.riff import examine_wav
from ei_toolkit.audio.stream import Examined, Stream
from ei_toolkit.errors import DataError

HEAD = 64
NEEDS_FFMPEG = {  # offset and mark; by content, since ffmpeg would also follow a playlist by any name
    "MPEG-4 audio": (4, b"ftyp"),
    "AAC (ADTS)": (0, b"\xff\xf1"),
    "AAC (ADTS, MPEG-2)": (0, b"\xff\xf9"),
    "AAC (ADIF)": (0, b"ADIF"),
    "Windows Media audio": (0, b"\x30\x26\xb2\x75"),
    "WebM or Matroska": (0, b"\x1a\x45\xdf\xa3"),
    "WavPack": (0, b"wvpk"),
    "Monkey's Audio": (0, b"MAC "),
    "True Audio": (0, b"TTA1"),
    "AC-3": (0, b"\x0b\x77"),
}
OTHER = {  # mark, in lower case, and what such a file is
    b"<!doctype html": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML document",
    b"%pdf": "a PDF document",
    b"pk\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x89png": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"gif8": "a GIF picture",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file with git lfs pull",
    b"{": "JSON text",
    b"#extm3u": "a playlist",
}
WAV_MARKS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff")


def examine(path: Path) -> Examined:
    """Find the streams of sound in a file without decoding it.

    Raises DataError for a file that is empty, cannot be opened, or is something other than sound.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path.name}: is not a regular file")
        if not status.st_size:
            raise DataError(f"{path.name}: the file is empty")
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _examined(path, data)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened", why=error.strerror or "") from None


def needs_ffmpeg(head: bytes) -> str:
    """The name of the format of a file that begins with `head`, if only ffmpeg reads it; "" otherwise."""
    return next((name for name, (at, mark) in NEEDS_FFMPEG.items() if head[at:].startswith(mark)), "")


def _examined(path: Path, data: mmap.mmap) -> Examined:
    head = data[:HEAD]
    if head[:4] in WAV_MARKS:
        return examine_wav(data) or Examined((Stream(),))
    if head[:4] == OGG_MARK:
        return examine_ogg(data) or Examined((Stream(),))
    behind_tag = data[(start := after_id3(data, 0)) : start + 4]
    if behind_tag == FLAC_MARK:
        return examine_flac(data) or Examined((Stream(),))
    if needs_ffmpeg(head) or needs_ffmpeg(behind_tag):
        return Examined((Stream(decoder="ffmpeg"),))
    start_of_text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if other := next((what for mark, what in OTHER.items() if start_of_text.startswith(mark)), ""):
        raise DataError(f"{path.name}: not audio: {other}")
    if path.suffix.lower() in (".mp3", ".mp2", ".mp1", ".mpga") or head[:3] == b"ID3" or head[:1] == b"\xff":
        found = examine_mpeg(data)
        if found is None:
            raise DataError(f"{path.name}: not audio: no MPEG audio frames in it")
        return found
    return Examined((Stream(),))
