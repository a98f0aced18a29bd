"""What a route answers when it cannot do what it was asked.

Refusal        200   a logical error: `{"success":false,"error":…}`, as Edge Impulse's contract documents it
  Malformed    400   a body or a query that cannot be read
  Unknown      404   no such route
  Unauthorised 401   no key, or a wrong one
  Forbidden    403   a key of another project, or of a role that may not do this
  TooLarge     413   a body over its bound
  NotOffered   501   a method of Edge Impulse's that the local studio does not have
"""

from __future__ import annotations


class Refusal(Exception):
    """Base of everything a route refuses; the message goes to the client."""

    status = 200


class Malformed(Refusal):
    """A body, header or query that cannot be read."""

    status = 400


class Unauthorised(Refusal):
    """No key, or a wrong one."""

    status = 401


class Forbidden(Refusal):
    """The key is good, but not for this."""

    status = 403


class Unknown(Refusal):
    """No such route."""

    status = 404


class TooLarge(Refusal):
    """A body over its bound."""

    status = 413


class NotOffered(Refusal):
    """A method that the local studio does not have."""

    status = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not implemented by the local studio")
