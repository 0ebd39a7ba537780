"""The `model` engine: the protocol of the node's scripts, executed in Python on a machine's model.

It serves demos where there is no PowerShell, and hundreds of nodes in one process. The shipped
scripts are the truth: the same cases hold both engines.
"""

from wincnode.lab.model.engine import ModelEngine
from wincnode.lab.model.request import unpack

__all__ = ["ModelEngine", "unpack"]
