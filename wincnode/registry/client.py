"""Reads an image from a registry: its index, its manifests, and their configs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from wincnode.artifacts.web import PASSING, Pace, Passing
from wincnode.errors import RegistryError, RegistryRefused
from wincnode.events import printable
from wincnode.images.offer import Entry, Image, Nested, Platform
from wincnode.images.reference import Reference
from wincnode.inventory.model import Registry
from wincnode.registry import documents
from wincnode.registry.credentials import REMEDY, Logins
from wincnode.registry.documents import Descriptor, Document, bad
from wincnode.registry.endpoints import Endpoint, endpoints
from wincnode.registry.http import PACE, Answer, Ask, Http, Origin, origin, seconds, shown
from wincnode.registry.tokens import authorization
from wincnode.secrets import Secret

# Entries whose platform has to be looked up, and indexes below indexes.
LIMIT_LOOKS = 32
LIMIT_DEPTH = 3
# Hosts that ask for a login on the way of one request: the registry, and where it redirects to.
LIMIT_LOGINS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """How registries are reached.

    Args: registries: mirrors and authorities, by host. plain_http: hosts that are asked over http.
    """

    logins: Logins
    registries: Mapping[str, Registry] = field(default_factory=dict)
    plain_http: Collection[str] = ()
    pace: Pace = PACE


def read(reference: Reference, ways: Ways, *, layers: bool = False) -> Image:
    """Read what a reference leads to: from the first mirror that has it, else the registry itself.

    Args: layers: whether an index's manifests of Windows are read for layers that lie elsewhere.
    Raises: RegistryError: of the last that was asked. ConfigError.
    """
    *mirrors, own = endpoints(reference, registries=ways.registries, plain_http=ways.plain_http)
    for mirror in mirrors:
        try:
            return _Repository(mirror, reference, ways, layers=layers).image()
        except RegistryError:
            continue  # as containerd does; what counts is what the last one says
    return _Repository(own, reference, ways, layers=layers).image()


class _Repository:
    """One image's path at one endpoint."""

    def __init__(
        self, endpoint: Endpoint, reference: Reference, ways: Ways, *, layers: bool
    ) -> None:
        self._endpoint = endpoint
        self._reference = reference
        self._ways = ways
        self._http = Http(verify=endpoint.verify, pace=ways.pace)
        self._shown: dict[Origin, Secret] = {}
        self._layers = layers
        self._looks = 0

    def image(self) -> Image:
        """Read it all.

        Raises: RegistryError, ConfigError.
        """
        top = self._document(self._reference.wanted)
        if top.kind == "index":
            entries = tuple(self._entries(top, within=()))
        else:
            real = self._config(top)
            entries = (Entry(digest=top.digest, listed=None, real=real, foreign=top.foreign),)
        return Image(
            reference=self._reference,
            kind=top.kind,
            digest=top.digest,
            entries=entries,
            served_by=self._endpoint.base,
        )

    def _entries(self, index: Document, *, within: tuple[Nested, ...]) -> Iterator[Entry]:
        for row in index.entries:
            if row.media_type in documents.INDEXES:
                if len(within) + 1 < LIMIT_DEPTH:
                    self._look()
                    nested = Nested(digest=row.digest, listed=row.platform)
                    below = self._document(row.digest, row.media_type)
                    yield from self._entries(below, within=(*within, nested))
            elif row.media_type in documents.MANIFESTS:
                # Others, such as attestations, are no images.
                yield replace(self._entry(row), within=within)

    def _entry(self, row: Descriptor) -> Entry:
        listed = row.platform
        if listed is not None and (listed.os not in {"windows", ""} or listed.os_version):
            foreign: tuple[str, ...] = ()
            if self._layers and listed.os == "windows" and self._looks < LIMIT_LOOKS:
                self._look()
                foreign = self._document(row.digest, row.media_type).foreign
            return Entry(digest=row.digest, listed=listed, real=listed, foreign=foreign)
        self._look()
        manifest = self._document(row.digest, row.media_type)
        return Entry(
            digest=row.digest,
            listed=listed,
            real=self._config(manifest),
            foreign=manifest.foreign,
        )

    def _look(self) -> None:
        self._looks += 1
        if self._looks > LIMIT_LOOKS:
            text = f"more than {LIMIT_LOOKS} of its entries do not say for what they are"
            raise bad(shown(self._url("manifests", self._reference.wanted)), text)

    def _config(self, manifest: Document) -> Platform:
        url = self._url("manifests", manifest.digest)
        if manifest.config is None:
            raise bad(shown(url), "an index stands where a manifest should")
        digest = manifest.config.digest
        answer = self._get("blobs", digest, accept="*/*", limit=documents.LIMIT_CONFIG)
        return documents.config(answer.content, shown(self._url("blobs", digest)))

    def _document(self, wanted: str, listed: str = "") -> Document:
        """Get an index or a manifest.

        Args: listed: its media type as an index says it, which counts there; else the header's.
        """
        answer = self._get(
            "manifests", wanted, accept=documents.ACCEPT, limit=documents.LIMIT_MANIFEST
        )
        claimed = answer.headers.get("docker-content-digest", "")
        digest = documents.digest_of(answer.content, claimed)
        where = shown(self._url("manifests", wanted))
        if documents.DIGEST.fullmatch(claimed) and claimed != digest:
            raise bad(where, f"the content has another digest than {claimed}")
        return documents.document(
            answer.content,
            media_type=listed or answer.headers.get("content-type", ""),
            digest=wanted if ":" in wanted else digest,
            where=where,
        )

    def _get(self, kind: str, wanted: str, *, accept: str, limit: int) -> Answer:
        """Get a manifest or a blob; of a digest, with that digest."""
        url = self._url(kind, wanted)
        ask = Ask(url=url, accept=accept, limit=limit)
        answer = self._http.patiently(lambda: self._let_in(ask), url)
        if ":" in wanted and documents.digest_of(answer.content, wanted) != wanted:
            raise bad(shown(url), "the content has another digest")
        return answer

    def _let_in(self, ask: Ask) -> Answer:
        """Ask, and ask again with what the registry wants to see."""
        answer = self._asked(ask)
        asked: set[Origin] = set()
        while (
            answer.status == HTTPStatus.UNAUTHORIZED
            and (at := origin(answer.url)) not in asked
            and len(asked) < LIMIT_LOGINS
        ):
            asked.add(at)
            # Whoever is redirected to is shown what is its own, never what is the registry's.
            host = self._endpoint.host if at == origin(ask.url) else urlsplit(answer.url).netloc
            self._shown[at] = authorization(
                self._http,
                answer,
                self._ways.logins.of(host),
                url=answer.url,
                path=self._reference.path,
            )
            answer = self._asked(ask)
        if answer.status != HTTPStatus.OK:
            raise _refusal(answer, shown(ask.url))
        return answer

    def _asked(self, ask: Ask) -> Answer:
        return self._http.send(replace(ask, shown=self._shown))

    def _url(self, kind: str, wanted: str) -> str:
        return self._endpoint.url(self._reference, kind, wanted)


def _refusal(answer: Answer, url: str) -> Exception:
    """Give the error for a status; `errors` of the body says more.

    Source: opencontainers/distribution-spec:spec.md, "Error Codes"
    """
    said = _said(answer)
    text = f"{url}: the registry answered {answer.status}{said}"
    if answer.status in PASSING:
        after_s = seconds(answer.headers.get("retry-after", ""))
        said = f"the registry answered {answer.status}{said}"
        return Passing(said, after_s=after_s, status=answer.status)
    if answer.status == HTTPStatus.NOT_FOUND:
        return RegistryError(f"{url}: there is no such image{said}", id="registry.missing")
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return RegistryRefused(text, remedy=REMEDY)
    return RegistryError(text)


def _said(answer: Answer) -> str:
    try:
        row = documents.parsed(answer.content, "")["errors"][0]
        words = (row["code"], row.get("message"))
    except (RegistryError, LookupError, TypeError, AttributeError):
        return ""
    return f" ({printable(': '.join(str(word) for word in words if word), limit=300)})"
