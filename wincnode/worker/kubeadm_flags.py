r"""What kubeadm writes into kubeadm-flags.env, taken apart.

kubeadm joins its arguments with spaces and writes the whole as Go's quoted text. On Linux systemd
takes that apart again, where words may stand in quotes; on Windows nobody does.
Source: kubernetes/kubernetes:cmd/kubeadm/app/phases/kubelet/flags.go@v1.36.3
(WriteKubeletArgsToFile); systemd.exec(5), EnvironmentFile=; systemd.service(5), "Command lines"
"""

from __future__ import annotations

import re

from wincnode.errors import NodeError
from wincnode.worker.words import words

VARIABLE = "KUBELET_KUBEADM_ARGS"
# Source: go.dev/ref/spec, "Rune literals"
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\\"'`$]))", re.DOTALL
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def kubeadm_arguments(text: str) -> tuple[str, ...]:
    """Give the kubelet's arguments that kubeadm wrote; none where the file sets none.

    Raises: NodeError: the file is none of kubeadm's.
    """
    values = [
        line.removeprefix(f"{VARIABLE}=")
        for line in text.splitlines()
        if line.startswith(f"{VARIABLE}=")
    ]
    if not values:
        raise NodeError(f"kubeadm-flags.env sets no {VARIABLE}")
    value = values[-1].strip()
    if value[:1] in {'"', "'"}:
        if len(value) < 2 or value[-1] != value[0]:
            raise NodeError(f"kubeadm-flags.env: the text of {VARIABLE} has no end")
        quote, value = value[0], value[1:-1]
        value = _ESCAPE.sub(_unescaped, value) if quote == '"' else value
    try:
        return tuple(words(value))
    except ValueError as err:
        raise NodeError(f"kubeadm-flags.env: {VARIABLE}: {err}") from err


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return chr(int(code, 16)) if code else _LETTERS.get(found[4], found[4])
