"""Sizes, times and fractions as text: every message, table and report takes them from here."""

from __future__ import annotations

from datetime import datetime

KIB = 1024


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, whose plural ends in s: "1 clip", "2 clips"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def kib(size: float) -> str:
    """Return a size in bytes as KiB with one decimal: 5325 is "5.2 KiB"."""
    return f"{size / KIB:,.1f} KiB"


def mib(size: float) -> str:
    """Return bytes in MiB, such as `1,024 MiB`."""
    return f"{size / 2**20:,.0f} MiB"


def percent(fraction: float) -> str:
    """Return a fraction in percent with one decimal: 0.934 is "93.4 %"."""
    return f"{fraction * 100:.1f} %"


def local_time(created: str) -> str:
    """Return a time in ISO format as date, hour and minute of this machine's time zone; another text as it is."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def classification_time(features_ms: float | None, network_ms: float) -> str:
    """Return the time of one classification: "146 ms (features 131 + network 15)".

    Where the time of the features is not known, the text states that the time is that of the network only.
    """
    if features_ms is None:
        return f"{_ms(network_ms)} ms (network only)"
    return f"{_ms(features_ms + network_ms)} ms (features {_ms(features_ms)} + network {_ms(network_ms)})"


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
