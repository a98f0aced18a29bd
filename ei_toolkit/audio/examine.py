"""What a file is, by its content: which streams of sound it has, what is damaged, or what it is instead of sound.

The values of the samples are checked in `values`: `decode` does so for whatever reads a file, and the studio calls
`values.one_channel` for the samples of an upload.
"""

from __future__ import annotations

import mmap
import stat
from pathlib import Path

from ei_toolkit.audio.caf import examine_caf
from ei_toolkit.audio.flac import MARK as FLAC_MARK
from ei_toolkit.audio.flac import examine_flac
from ei_toolkit.audio.formats import ACQUISITION_SUFFIXES, needs_ffmpeg
from ei_toolkit.audio.headers import missing_part, unpromised_bytes
from ei_toolkit.audio.mpeg import after_id3, examine_mpeg
from ei_toolkit.audio.ogg import MARK as OGG_MARK
from ei_toolkit.audio.ogg import examine_ogg
from ei_toolkit.audio.riff import examine_wav
from ei_toolkit.audio.stream import Examined, Stream
from ei_toolkit.errors import DataError

HEAD = 64
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
CAF_MARK = b"caff"
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


def _examined(path: Path, data: mmap.mmap) -> Examined:
    head = data[:HEAD]
    if path.suffix.lower() in ACQUISITION_SUFFIXES:
        return Examined((Stream(decoder="acquisition"),))
    if head[:4] in WAV_MARKS:
        return examine_wav(data, path.name) or _as_it_is(data)
    if head[:4] == OGG_MARK:
        return examine_ogg(data) or _as_it_is(data)
    behind_tag = data[(start := after_id3(data, 0)) : start + 4]
    if behind_tag == FLAC_MARK:
        return examine_flac(data) or _as_it_is(data)
    if name := needs_ffmpeg(head) or needs_ffmpeg(behind_tag):
        return _as_it_is(data, name)
    if head[:4] == CAF_MARK:
        return examine_caf(data) or _as_it_is(data)
    start_of_text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if other := next((what for mark, what in OTHER.items() if start_of_text.startswith(mark)), ""):
        raise DataError(f"{path.name}: not audio: {other}")
    if path.suffix.lower() in (".mp3", ".mp2", ".mp1", ".mpga") or head[:3] == b"ID3" or head[:1] == b"\xff":
        found = examine_mpeg(data)
        if found is None:
            raise DataError(f"{path.name}: not audio: no MPEG audio frames in it")
        return found
    return _as_it_is(data)


def _as_it_is(data: mmap.mmap, format_name: str = "") -> Examined:
    """A file that the decoder reads as it is; its header gives the length that decoders shorten silently."""
    data.seek(0)
    missing = missing_part(data, len(data))
    data.seek(0)
    more = unpromised_bytes(data, len(data))
    warnings = (f"{more} bytes follow the sound that the header counts; read without them",) if more else ()
    stream = Stream(decoder="ffmpeg" if format_name else "soundfile", format=format_name, missing=missing)
    return Examined((stream,), warnings=warnings)
