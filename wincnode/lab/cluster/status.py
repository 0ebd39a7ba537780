"""Errors as an API server tells them: an HTTP status and a Status object.

Source of the texts: kubernetes/apimachinery:pkg/api/errors/errors.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


class ApiError(Exception):
    """A request that is answered with an error.

    Args: reason: the machine's word for it, such as NotFound.
    """

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def body(self) -> Json:
        """Give the Status object."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


def success(**details: Any) -> Json:
    """Give the Status object of a request that has nothing else to show."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def not_found(where: Mapping[str, str], name: str) -> ApiError:
    """Say that there is no such object."""
    text = f'{_qualified(where)} "{name}" not found'
    return ApiError(404, "NotFound", text, name=name, **_details(where))


def already_exists(where: Mapping[str, str], name: str) -> ApiError:
    """Say that the name is taken."""
    text = f'{_qualified(where)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, name=name, **_details(where))


def conflict(where: Mapping[str, str], name: str, why: str) -> ApiError:
    """Say that the object is another than the one that was read."""
    text = f'Operation cannot be fulfilled on {_qualified(where)} "{name}": {why}'
    return ApiError(409, "Conflict", text, name=name, **_details(where))


def forbidden(where: Mapping[str, str], name: str, why: str) -> ApiError:
    """Say that the user may not do this."""
    subject = f'{_qualified(where)} "{name}"' if name else _qualified(where)
    named = {"name": name} if name else {}
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", **named, **_details(where))


def bad_request(text: str) -> ApiError:
    """Say that the request makes no sense."""
    return ApiError(400, "BadRequest", text)


def invalid(kind: str, name: str, field: str, why: str) -> ApiError:
    """Say that a field has a value that it may not have."""
    text = f'{kind} "{name}" is invalid: {field}: {why}'
    cause = {"reason": "FieldValueInvalid", "message": why, "field": field}
    return ApiError(422, "Invalid", text, name=name, kind=kind, causes=[cause])


def expired() -> ApiError:
    """Say that a resource version is too old to watch from."""
    return ApiError(410, "Expired", "The resourceVersion for the provided watch is too old.")


def unauthorized() -> ApiError:
    """Say that nobody knows who is asking."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def no_such_path() -> ApiError:
    """Say that nothing is served there."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def _qualified(where: Mapping[str, str]) -> str:
    group = where.get("group", "")
    return f"{where['resource']}.{group}" if group else where["resource"]


def _details(where: Mapping[str, str]) -> dict[str, str]:
    group = where.get("group", "")
    return {**({"group": group} if group else {}), "kind": where["resource"]}
