"""The formats of sound by the suffixes of their files and, where only ffmpeg reads them, by how their files begin."""

from __future__ import annotations

SOUNDFILE_SUFFIXES = frozenset(
    {".wav", ".wave", ".au", ".snd", ".flac", ".mp3", ".mp2", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc"}
    | {".caf", ".w64", ".rf64"}
)
FFMPEG_SUFFIXES = frozenset(
    {".m4a", ".m4b", ".m4r", ".mp4", ".aac", ".wma", ".webm", ".mka", ".3gp", ".3g2", ".wv", ".ape", ".tta", ".ac3"}
    | {".spx", ".amr", ".mpc", ".dsf", ".shn", ".ra"}
)
SUFFIXES = SOUNDFILE_SUFFIXES | FFMPEG_SUFFIXES
ACQUISITION_SUFFIXES = frozenset({".json", ".cbor"})
"""Edge Impulse's data acquisition files. They are clips only where an export names them: other files end so, too."""
NEEDS_FFMPEG = "needs ffmpeg, which is not installed"  # how the reason of a file that is not read for that ends
HOW_TO_INSTALL = "Install ffmpeg: apt install ffmpeg, brew install ffmpeg, or winget install ffmpeg."
FFMPEG_MARKS = {  # offset and mark of their files
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
    "AMR": (0, b"#!AMR"),
    "Musepack": (0, b"MPCK"),
    "Musepack 7": (0, b"MP+"),
    "DSF": (0, b"DSD "),
    "Shorten": (0, b"ajkg"),
    "RealAudio": (0, b".RMF"),
}


def needs_ffmpeg(head: bytes) -> str:
    """Return the name of the format of a file that begins with `head`, if only ffmpeg reads it; "" otherwise."""
    return next((name for name, (at, mark) in FFMPEG_MARKS.items() if head[at:].startswith(mark)), "")
