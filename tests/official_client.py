"""The official generated client on a studio in this process: `from official_client import ...`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from studio_in_process import Api

from ei_toolkit.studio.http.app import api_app


class OfficialClient:
    """Calls methods of `edgeimpulse_api` with their request models; each answer must parse with its model."""

    def __init__(self, api: Api) -> None:
        import edgeimpulse_api  # takes four seconds, so not while tests are collected

        self.module = edgeimpulse_api
        key = {"ApiKeyAuthentication": api.keys["admin"]}
        self._client = edgeimpulse_api.ApiClient(edgeimpulse_api.Configuration(host="http://studio/v1", api_key=key))
        self._client.rest_client.pool_manager = _Connections(api)

    def call(self, name: str, method: str, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        """Call a method of the class `name` for project 1; return the fields of the answer."""
        called = getattr(getattr(self.module, name)(self._client), method)
        answer = called(1, *arguments, **keywords)
        answer = getattr(answer, "actual_instance", answer)  # of a model with several shapes
        assert answer.success, answer.error
        document: dict[str, Any] = answer.to_dict()
        return document

    def model(self, name: str, **fields: Any) -> Any:
        """Return a request model; `fields` have their names on the wire."""
        return getattr(self.module, name).parse_obj(fields)


class _Connections:
    """Stands in for the connection pool of urllib3: sends the client's requests to the app."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def request(self, verb: str, url: str, headers: Any, body: str | None = None, **_: Any) -> Any:
        path = url.removeprefix("http://studio")
        response = self.api.send(api_app(self.api.studio), verb, path, headers=dict(headers), content=body)
        return SimpleNamespace(
            status=response.status_code, reason=response.reason_phrase, data=response.content, headers=response.headers
        )
