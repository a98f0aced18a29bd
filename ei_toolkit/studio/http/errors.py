"""What a route answers when it cannot do what it was asked.

ApiError        200   a logical error: `{"success":false,"error":…}`, as Edge Impulse's contract documents it
  Malformed    400   a body or a query that cannot be read
  Unknown      404   no such route
  Unauthorised 401   no key, or a wrong one
  Forbidden    403   a key of another project, or of a role that may not do this
  TooLarge     413   a body over its bound
  NotImplementedByStudio   501   a method of Edge Impulse's that the local studio does not have
"""

from __future__ import annotations


class ApiError(Exception):
    """Base of everything a route refuses; the message goes to the client."""

    status = 200


class Malformed(ApiError):
    """A body, header or query that cannot be read."""

    status = 400


class Unauthorised(ApiError):
    """No key, or a wrong one."""

    status = 401


class Forbidden(ApiError):
    """The key is good, but not for this."""

    status = 403


class Unknown(ApiError):
    """No such route."""

    status = 404


class TooLarge(ApiError):
    """A body over its bound."""

    status = 413


class NotImplementedByStudio(ApiError):
    """A method that the local studio does not have."""

    status = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not implemented by the local studio")
