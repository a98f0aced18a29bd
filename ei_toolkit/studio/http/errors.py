"""Errors that a route answers with, and their HTTP status.

ApiError        200   an error of the request's logic: `{"success": false, "error": …}`, as Edge Impulse documents it
  Malformed    400   a body, header or query string that cannot be read
  Unauthorised 401   no key, or one that is not valid
  Forbidden    403   a key of another project, or of a role that does not allow the request
  Unknown      404   no such route
  TooLarge     413   a body over its limit
  TooManyRequests 429   a key that has too many uploads at once; Retry-After has the seconds to wait
  DiskFull     507   no space on the disk for what the request stores; sending it again does not help
  NotImplementedByStudio   501   a method of Edge Impulse's API that the local studio does not have
"""

from __future__ import annotations

import errno
import sqlite3


class ApiError(Exception):
    """Base of the errors that a client receives, with the message as `error`."""

    status = 200


class Malformed(ApiError):
    """A body, header or query string that cannot be read."""

    status = 400


class Unauthorised(ApiError):
    """No key, or one that is not valid."""

    status = 401


class Forbidden(ApiError):
    """The key is valid, but does not allow the request."""

    status = 403


class Unknown(ApiError):
    """There is no such route."""

    status = 404


class TooLarge(ApiError):
    """The body is over its limit."""

    status = 413


class TooManyRequests(ApiError):
    """The key has as many requests of this kind at once as it may have."""

    status = 429
    retry_after_s = 2


class DiskFull(ApiError):
    """The disk of the data folder has no space, or the quota of the studio's user is used up."""

    status = 507

    def __init__(self) -> None:
        super().__init__("The disk of the local studio is full: free space on it, then send the request again")


def is_disk_full(error: Exception) -> bool:
    """Return whether an error of the system or of SQLite is a full disk or a used up quota."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class NotImplementedByStudio(ApiError):
    """A method that the local studio does not have."""

    status = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not implemented by the local studio")
