"""The base of all request schemas: pydantic models of JSON bodies and query strings.

The official clients differ in how they write values, so the models are lenient in the same way for every route: null
counts as absent, unknown names are ignored, numbers may be sent as text and text as numbers.

Query strings are read by FastAPI itself (`Annotated[Model, Query()]`). Bodies are read by `json_body`, not by FastAPI,
for three reasons. The key is checked before the body is read. The body is read up to a limit only. And its JSON is read
by `read_json`, which limits the nesting and accepts text that holds half a surrogate pair; the clients of some devices
send such text, and send it without a content type. Which characters texts may have is in `http/text.py`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from ei_toolkit.config.ranges import Range
from ei_toolkit.config.units import mib
from ei_toolkit.config.untrusted_json import DEEPEST
from ei_toolkit.studio.http.errors import ApiError, Malformed, TooLarge
from ei_toolkit.studio.http.text import CONTROL, LINE_RULE, read_request_json
from ei_toolkit.studio.wire_format import LARGEST_INTEGER

LARGEST_JSON = 16 * 2**20  # bytes of a JSON body
MOST_ERRORS = 3  # that one answer names


class RequestModel(BaseModel):
    """A JSON object or a query string. Names are camelCase on the wire and snake_case in Python."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        frozen=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_null(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values

    def sent(self) -> dict[str, Any]:
        """Return the values that the client has sent, by their names on the wire."""
        return self.model_dump(by_alias=True, exclude_unset=True)


M = TypeVar("M", bound=RequestModel)


class BrokenRule(ValueError):
    """A rule that a value breaks, `must be …`; the answer adds the name of the value and the value."""


class NotStorable(BrokenRule):
    """A number is too large for SQLite, or a text of one line has a control character."""


OUT_OF_RANGE = f"is out of range: it must be from -{LARGEST_INTEGER} to {LARGEST_INTEGER}"


def _storable(value: float) -> float:
    if abs(value) > LARGEST_INTEGER:
        raise NotStorable(OUT_OF_RANGE)
    return value


def _blank_is_false(value: Any) -> Any:
    return False if isinstance(value, str) and not value.strip() else value


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise NotStorable(LINE_RULE)
    return text


def within(allowed: Range) -> AfterValidator:
    """Return the annotation of a number that must be in a range."""

    def check(value: float) -> float:
        if value not in allowed:
            raise BrokenRule(f"must be {allowed}")
        return value

    return AfterValidator(check)


Integer = Annotated[int, AfterValidator(_storable)]
"""A whole number that SQLite can store."""
Number = Annotated[float, AfterValidator(_storable)]
"""A finite number of the same range."""
Line = Annotated[str, AfterValidator(_one_line)]
"""A text of one line: a name or a label."""
Flag = Annotated[bool, BeforeValidator(_blank_is_false)]
"""true or false; blank text is false."""
ImpulseId = Annotated[Integer | None, Query()]
"""`impulseId` of a query string; None means the default impulse of the project."""


class Page(RequestModel):
    """`limit` and `offset` of a list; limit 0 means everything."""

    limit: Annotated[Integer, Field(ge=0)] = 0
    offset: Annotated[Integer, Field(ge=0)] = 0

    def cut(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return the items of this page."""
        return items[self.offset : self.offset + self.limit if self.limit else None]


def json_body(model: type[M], largest: int = LARGEST_JSON) -> Callable[[Request], Awaitable[M]]:
    """Return a dependency that reads the JSON body of a request, `largest` bytes at most."""

    async def read(request: Request) -> M:
        received = bytearray()
        async for chunk in request.stream():
            received += chunk
            if len(received) > largest:
                raise TooLarge(f"The body has more than the {mib(largest)} that are accepted")
        return parse_body(model, bytes(received))

    return read


def parse_body(model: type[M], body: bytes) -> M:
    """Return the model of a JSON object; an empty body counts as an empty object. Raises ApiError."""
    try:
        document = read_request_json(body) if body.strip() else {}
    except ValueError as error:
        raise Malformed(f"The body is not JSON, or its JSON is nested deeper than {DEEPEST} levels") from error
    if not isinstance(document, dict):
        raise Malformed("The body is not a JSON object")
    return parse(model, document)


def parse(model: type[M], values: Mapping[str, Any]) -> M:
    """Return the model of values by their names on the wire. Raises ApiError."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise rejection(error.errors(include_url=False)) from error


# The rule for a value of the wrong type, by the first word of pydantic's type of error.
KINDS: Mapping[str, str] = {
    "bool": "must be true or false",
    "dict": "must be an object",
    "finite": "must be a finite number",
    "float": "must be a number",
    "int": "must be a whole number",
    "list": "must be a list",
    "model": "must be an object",
    "string": "must be a string",
}
LIMITS: Mapping[str, str] = {
    "greater_than": "must be greater than {gt:.15g}",
    "greater_than_equal": "must be {ge:.15g} or greater",
    "less_than": "must be less than {lt:.15g}",
    "less_than_equal": "must be {le:.15g} or less",
    "literal_error": "must be {expected}",
    "too_short": "must have {min_length} entries or more",
    "too_long": "may have {max_length} entries at most",
    "string_too_long": "may have {max_length} characters at most",
    "value_error": "{error}",
}
"""Rules that a value of the right kind breaks: Edge Impulse answers these with status 200 and `success: false`."""


def rejection(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return the ApiError for pydantic's errors: Malformed if a value is of the wrong kind."""
    malformed = [error for error in errors if error["type"] not in LIMITS or isinstance(_cause(error), NotStorable)]
    text = "; ".join(_explain(error) for error in (malformed or errors)[:MOST_ERRORS])
    return Malformed(text) if malformed else ApiError(text)


def _explain(error: Mapping[str, Any]) -> str:
    kind, name, cause = error["type"], _name(error["loc"]), _cause(error)
    if kind == "missing":
        return f"{name} is missing"
    if cause is not None and not isinstance(cause, BrokenRule):
        return f"{name}: {cause}" if name else str(cause)
    if kind == "int_parsing_size":
        rule = OUT_OF_RANGE
    elif kind in LIMITS:
        rule = LIMITS[kind].format(**error["ctx"])
    else:
        rule = KINDS.get(kind.partition("_")[0], error["msg"])
    return f"{name} {rule}, but is {_shown(error['input'])}"


def _cause(error: Mapping[str, Any]) -> ValueError | None:
    """Return the exception of a validator."""
    return error["ctx"]["error"] if error["type"] == "value_error" else None


def _name(location: Sequence[str | int]) -> str:
    """Return `inputBlocks[0].id` for the location of a value."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _shown(value: Any) -> str:
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = 60
    return shown.repr(value)
