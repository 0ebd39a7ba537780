"""How hosts and web addresses are written; what else an address may hold arrives in other words."""

from __future__ import annotations

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?"
_LITERAL = r"\[[0-9A-Fa-f:.]{2,45}\]"
HOST_PORT = rf"({_NAME}|{_LITERAL})(:[0-9]{{1,5}})?"
# Other characters stand in an address as %XX. Who makes a request writes them so, and asks the
# server for another text than was given. Source: rfc-editor.org/rfc/rfc3986, 2 and 3.3
PATH = r"/[A-Za-z0-9._~:/@!$&'()*+,;=%-]*"
URL = rf"https?://{HOST_PORT}{PATH}(\?[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?"
URL_FORM = "an http or https address without credentials, other characters written as %XX"
