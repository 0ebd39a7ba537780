"""How hosts, web addresses and images are written; nothing else that they may hold comes as is."""

from __future__ import annotations

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?"
_LITERAL = r"\[[0-9A-Fa-f:.]{2,45}\]"
HOST_PORT = rf"({_NAME}|{_LITERAL})(:[0-9]{{1,5}})?"
# Other characters stand in an address as %XX. Who makes a request writes them so, and asks the
# server for another text than was given. Source: rfc-editor.org/rfc/rfc3986, 2 and 3.3
PATH = r"/[A-Za-z0-9._~:/@!$&'()*+,;=%-]*"
URL = rf"https?://{HOST_PORT}{PATH}(\?[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?"
# An image's reference: its registry, its path there, its tag and its digest.
# Source: distribution/reference:regexp.go
IMAGE_HOST = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
IMAGE_PATH = rf"{_PART}(?:/{_PART})*"
IMAGE_TAG = r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"
IMAGE_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
IMAGE_LIMIT = 1024
URL_FORM = "an http or https address without credentials, other characters written as %XX"
