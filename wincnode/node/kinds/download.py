"""A file that is downloaded, and is what its SHA-256 says."""

from __future__ import annotations

from wincnode.addresses import HOST_PORT, URL, URL_FORM
from wincnode.node.kinds import PATH, PATH_FORM, Field, Kind

SHA256 = r"[0-9a-f]{64}"
SHA256_FORM = "a SHA-256 as 64 lower-case hexadecimal digits"

KIND = Kind(
    name="download",
    doc="A file that has the given SHA-256; the node downloads it, or finds it pushed.",
    example=(
        r"{path: C:\k\kubelet.exe, sha256: '{{ item.sha256 }}', size: '{{ item.size }}', "
        "sources: '{{ item.sources }}'}"
    ),
    timeout_s=1800,
    fields=(
        Field(
            name="path",
            type="text",
            role="key",
            required=True,
            pattern=PATH,
            form=PATH_FORM,
            doc="Full path of the file; a folder that is missing is made for administrators only.",
        ),
        Field(
            name="sha256",
            type="text",
            role="want",
            required=True,
            pattern=SHA256,
            form=SHA256_FORM,
            doc="SHA-256 of the file.",
        ),
        Field(
            name="size",
            type="number",
            role="want",
            compare="never",
            required=True,
            minimum=1,
            doc="Bytes of the file, for which the drive must have room.",
        ),
        Field(
            name="sources",
            type="texts",
            role="want",
            compare="never",
            required=True,
            pattern=URL,
            form=f"a list of texts, each {URL_FORM}",
            doc="Addresses that are tried in this order; none where the file is pushed.",
        ),
        Field(
            name="proxy",
            type="text",
            role="want",
            compare="never",
            pattern=rf"https?://{HOST_PORT}/?",
            form="an address such as http://proxy.example:3128",
            doc="Proxy to go through; the one of the account that runs the step by default.",
        ),
        Field(
            name="tries",
            type="number",
            role="want",
            compare="never",
            default=4,
            minimum=1,
            maximum=20,
            doc="How often in a row all sources may bring nothing.",
        ),
    ),
)
