"""What went wrong, as OpenAI's protocol says it: {"error": {"message", "type", "code", "param"}} and a status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from studio.errors import InputError, MachineError, ModelError, ModelNotFound, StudioError

_STATUS: tuple[tuple[type[StudioError], int], ...] = (
    (ModelNotFound, 404),
    (InputError, 400),
    (ModelError, 422),
    (MachineError, 503),
)
_TYPES: Mapping[int, str] = {401: "authentication_error", 404: "invalid_request_error", 503: "server_error"}
_OWN_CODES: Mapping[str, str] = {"ModelNotFound": "model_not_found"}


class RequestError(Exception):
    """A request that is refused, or could not be served. param: the parameter at fault, or None.

    origin: the error of ours behind it, told beside the protocol's fields so that our own page can word it anew.
    """

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, origin: StudioError | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.origin = origin

    def to_fields(self) -> dict[str, Any]:
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        told = {"message": self.message, "type": kind, "code": self.code, "param": self.param}
        if self.origin is not None:
            told["whetstone"] = {"code": self.origin.code, "values": self.origin.values}
        return {"error": told}

    def to_response(self) -> Response:
        headers = {"retry-after": "1"} if self.status == 503 else {}
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        body = orjson.dumps(self.to_fields(), default=str)
        return Response(body, self.status, headers, media_type="application/json")


def request_error_of(error: StudioError) -> RequestError:
    """An error of ours as the protocol's, with the same words in English."""
    status = next((status for cls, status in _STATUS if isinstance(error, cls)), 500)
    code = _OWN_CODES.get(error.code) or re.sub(r"(?<!^)(?=[A-Z])", "_", error.code).lower()
    param = "model" if isinstance(error, ModelError) else None
    return RequestError(status, code, str(error), param, error)


def request_error_of_validation(error: ValidationError) -> RequestError:
    """All problems of a body in one sentence; `param` is the first one's."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return RequestError(400, "invalid_json", f"The body is not JSON in UTF-8: {problems[0]['msg']}.")
    told = dict.fromkeys(f"{_param(problem['loc'])}: {problem['msg']}" for problem in problems)
    return RequestError(400, "invalid_value", "; ".join(told), _param(problems[0]["loc"]))


def unsupported(param: str, is_known: bool) -> RequestError:
    """For a parameter whose value would change the answer and that is not served here."""
    if is_known:
        return RequestError(400, "unsupported_parameter", f"{param} with this value is not supported here.", param)
    return RequestError(400, "unknown_parameter", f"Unknown parameter: {param}.", param)


def _param(location: tuple[int | str, ...]) -> str:
    """`messages[0].content` for ("messages", 0, "content", "str"): what a union tried says nothing to a caller."""
    shown = location[:3] if location and location[0] == "messages" else location[:1]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in shown)
    return text.removeprefix(".") or "body"
