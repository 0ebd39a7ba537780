"""Jinja2 in a sandbox: templated values to values, every failure with a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wincnode.node.kinds import Value

_ONE_EXPRESSION = re.compile(r"\s*\{\{((?:(?!\{\{|\}\}).)+)\}\}\s*", re.DOTALL)
_TEMPLATE = re.compile(r"\{[{%#]")
_NOT_PLAIN = re.compile(r"[^ -~]")
_NOT_LITERAL = re.compile(r"['\x00-\x08\x0a-\x1f\x7f]")
_NOT_BASIC = re.compile(r"[\"\\\x00-\x08\x0a-\x1f\x7f]")


# What filters and expressions end with that do not fit their values. A template that calls itself
# for ever, or asks for more memory than there is, is a mistake of the playbook as well.
_FAILURES = (
    *(ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError),
    *(MemoryError, RuntimeError),
)


class CannotRender(Exception):
    """A template that cannot be rendered, and why."""


class Renderer:
    """Renders values; made once per plan because Jinja2 takes 40 ms to import."""

    def __init__(self) -> None:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        # The values go into JSON, never into HTML or code.
        self._environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
        )
        self._environment.filters["to_yaml"] = to_yaml
        self._environment.filters["to_toml"] = to_toml

    def value(self, value: Value, scope: Mapping[str, Any]) -> Value:
        """Render every text in a value; a text that is one `{{ expression }}` keeps its type."""
        if isinstance(value, list):
            return [self.value(item, scope) for item in value]
        if isinstance(value, dict):
            return {name: self.value(item, scope) for name, item in value.items()}
        if not isinstance(value, str) or not _TEMPLATE.search(value):
            return value
        if "\r" in value:
            # Jinja2 makes a line feed of it.
            raise CannotRender(r"has a carriage return beside a template; write it as {{ '\r' }}")
        alone = _ONE_EXPRESSION.fullmatch(value)
        return self.expression(alone[1], scope) if alone else self._text(value, scope)

    def expression(self, text: str, scope: Mapping[str, Any]) -> Any:
        """Evaluate an expression to a JSON value."""
        from jinja2 import TemplateError, Undefined

        try:
            compiled = self._environment.compile_expression(text, undefined_to_none=False)
            found = compiled(**scope)
            if isinstance(found, Undefined):
                str(found)  # a StrictUndefined says here what is undefined
        except (TemplateError, *_FAILURES) as err:
            raise CannotRender(_reason(err)) from err
        return _json_value(found)

    def _text(self, text: str, scope: Mapping[str, Any]) -> str:
        from jinja2 import TemplateError

        try:
            return self._environment.from_string(text).render(scope)
        except (TemplateError, *_FAILURES) as err:
            raise CannotRender(_reason(err)) from err


def to_yaml(value: Value) -> str:
    """Give a value as YAML on one line that means exactly that value, whatever its texts hold.

    JSON is YAML, but for characters beyond the basic plane and some that YAML takes as line ends.
    """
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_PLAIN.sub(lambda found: f"\\U{ord(found[0]):08x}", text)


def to_toml(value: Value) -> str:
    r"""Give a text, number, truth or list as TOML that means exactly that value.

    A text is literal wherever it can be: a basic one would take the `\U` of a path as an escape.
    Source: toml.io/en/v1.0.0, "String"
    """
    if isinstance(value, list):
        return f"[{', '.join(map(to_toml, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    if not _NOT_LITERAL.search(value):
        return f"'{value}'"
    return '"' + _NOT_BASIC.sub(lambda found: f"\\u{ord(found[0]):04x}", value) + '"'


def _reason(err: Exception) -> str:
    return (str(err) or type(err).__name__).splitlines()[0]


def _json_value(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {str(name): _json_value(item) for name, item in found.items()}
    if isinstance(found, list | tuple):
        return [_json_value(item) for item in found]
    if found is None or isinstance(found, str | int | float | bool):
        return found
    raise CannotRender(f"gives {type(found).__name__}, which is no value of a step")
