"""What verbs of a program take and give, in types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from wincnode.hcs.references import Ref, Text

# A field's annotation says what an argument is. These two are handles, so only references.
System: TypeAlias = Ref
Process: TypeAlias = Ref
Texts: TypeAlias = "tuple[Text, ...] | Ref"
Is = Literal["text", "texts", "number", "flag", "document", "system", "process"]
# What a result has under which name; "" is the whole of it.
Fields: TypeAlias = Mapping[str, Is]
NOTHING: Fields = MappingProxyType({})
SYSTEM: Fields = MappingProxyType({"": "system", "id": "text"})
PROCESS: Fields = MappingProxyType({"": "process", "pid": "number"})
DOCUMENT: Fields = MappingProxyType({"": "document"})
ANNOTATIONS: Mapping[str, Is] = MappingProxyType(
    {
        "Text": "text",
        "Texts": "texts",
        "int": "number",
        "bool": "flag",
        "Document": "document",
        "System": "system",
        "Process": "process",
    }
)
