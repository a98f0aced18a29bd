"""Data acquisition files of uploads; the answer names what is wrong with one."""

from __future__ import annotations

from ei_toolkit.audio import acquisition
from ei_toolkit.audio.acquisition import Acquisition, AcquisitionInfo
from ei_toolkit.errors import DataError
from ei_toolkit.studio.http.errors import ApiError


def read_acquisition(data: bytes, form: str, hmac_key: str = "") -> Acquisition:
    """Read the content of a file as `audio.acquisition` does. Raises ApiError with its reason."""
    try:
        return acquisition.read_acquisition(data, form, hmac_key)
    except DataError as error:
        raise ApiError(error.what) from error


def inspect_acquisition(data: bytes, form: str, hmac_key: str) -> AcquisitionInfo:
    """Check the content of a file as `read_acquisition` does, and keep no values. Raises ApiError with its reason."""
    try:
        return acquisition.inspect_acquisition(data, form, hmac_key)
    except DataError as error:
        raise ApiError(error.what) from error
