"""The secrets of one run: put where a step wants them, and hidden in all that is told."""

from __future__ import annotations

import base64
import re
from typing import Any

from wincnode.lab.model.failures import Failure

MASK = "***"
NAME = "$secret"


class Secrets:
    """Args: line: pairs of name=BASE64, as they came."""

    def __init__(self, line: str) -> None:
        self._known: dict[str, str] = {}
        forms = []
        for pair in line.split(" "):
            name, _, code = pair.partition("=")
            value = base64.b64decode(code).decode("utf-8", "replace")
            self._known[name] = value
            wide = base64.b64encode(value.encode("utf-16-le", "surrogatepass")).decode("ascii")
            forms += [value, code, wide]
            lines = (row.strip() for row in re.split("[\r\n]", value))
            forms += [row for row in lines if len(row) >= 8]
        # The longest first, or what is left of it behind a shorter one would be shown.
        self._forms = sorted((form for form in forms if form), key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Put stars in the place of each secret."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def resolve(self, value: Any) -> Any:
        """Put secrets where they are named.

        Raises: Failure: the request does not bring one.
        """
        match value:
            case {"$secret": name}:
                if name not in self._known:
                    raise Failure(f"The request has no secret {name}.")
                return self._known[name]
            case dict():
                return {key: self.resolve(item) for key, item in value.items()}
            case list():
                return [self.resolve(item) for item in value]
        return value

    def shown(self, wanted: Any, value: Any) -> Any:
        """Give a value as it may be told, by what a step wants of it."""
        if value is not None and holds_secret(wanted):
            return MASK
        match value:
            case str():
                return value if self.hide(value) == value else MASK
            case list():
                return [self.shown(None, item) for item in value]
        return value


def holds_secret(value: Any) -> bool:
    """Say whether a secret is named anywhere in a value."""
    match value:
        case dict():
            return NAME in value or any(holds_secret(item) for item in value.values())
        case list():
            return any(holds_secret(item) for item in value)
    return False
