"""What the Host Network Service says of a code."""

from __future__ import annotations

from collections.abc import Mapping

# Messages of winerror.h of the Windows SDK 10.0.26100.0.
WORDS: Mapping[int, str] = {
    0x803B0001: "The network was not found.",
    0x803B0002: "The endpoint was not found.",
    0x803B0005: "The network does not have a subnet for this endpoint.",
    0x803B0006: "An adapter was not found.",
    0x803B0008: "An expected policy was not found.",
    0x803B000A: "The provided network configuration is invalid or missing parameters.",
    0x803B000B: "Invalid network type.",
    0x803B000D: "The provided policy configuration is invalid or missing parameters.",
    0x803B000E: "Invalid policy type.",
    0x803B0010: "A network with this name already exists.",
    0x803B0012: "Policy information already exists on this object.",
    0x803B0015: "The specified request is unsupported.",
    0x803B001B: "Invalid JSON document string.",
    0x803B001E: "IP address is either invalid or not part of any configured subnet(s).",
    0x803B0020: "Operation cannot be performed while service is stopping.",
    0x803B002B: (
        "This requested operation is invalid as endpoint is already part of a network namespace."
    ),
    0x803B002C: "The specified entity cannot be removed while it still has references.",
    0x803B0030: "The prefix provided is invalid.",
    0x803B0031: "A call was performed against an object that was torn down.",
    0x803B0032: "The provided subnet configuration is invalid or missing parameters.",
    0x803B0034: "The endpoint must be attached to complete the operation.",
    0x80070057: "The parameter is incorrect.",
    0x80070490: "Element not found.",
}
