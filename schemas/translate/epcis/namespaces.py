"""What a JSON-LD `@context` declares: which prefixes and terms the names in an EPCIS document may use.

Nothing is fetched. The standard's own context is known by its address; what a context of others declares is not known,
and a name that it may have declared is not refused.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from schemas.faults import Fault, fault
from schemas.place import Place, pointer_of

EPCIS_CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
"""The address of the standard's context (EPCIS 2.0 §10), as the hub writes it."""

_STANDARD = re.compile(
    r"https?://(?:ref\.gs1\.org/standards/epcis|gs1\.github\.io/EPCIS|id\.gs1\.org)/(?:2\.0(?:\.[0-9]+)?/)?"
    r"epcis-context\.jsonld"
)
"""Where the standard has published it, in its versions."""

_PREFIXES = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""The prefixes of the standard's context."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*:[!#-;=?-\[\]_a-z~]+")
"""RFC 3986 §3: a scheme, or the prefix of a compact URI, and something of the characters that a URI is made of."""
_SCHEMES = frozenset({"http", "https", "urn", "ni", "nih", "tag", "did", "geo", "info", "mailto", "tel"})
"""Schemes that no prefix is mistaken for."""


class Namespaces(Struct, frozen=True):
    """The names in force at one place of a document."""

    prefixes: dict[str, str]
    terms: frozenset[str] = frozenset()
    """Names that a context defines by themselves."""
    unknown: bool = False
    """Whether a context is in force that is not known, so that any name may be declared."""

    def expanded(self, text: str) -> str:
        """A compact URI as the full one (JSON-LD 1.1 §4.1.5); other text as it is."""
        prefix, colon, rest = text.partition(":")
        if not colon or rest.startswith("//"):
            return text
        namespace = self.prefixes.get(prefix)
        return text if namespace is None else namespace + rest

    def braced(self, name: str) -> str:
        """The name of a member as event hashes write it: `{namespace}name`."""
        prefix, colon, rest = name.partition(":")
        namespace = self.prefixes.get(prefix) if colon else None
        return name if namespace is None else f"{{{namespace}}}{rest}"

    def declares(self, name: str) -> bool:
        """Whether a member that is not the standard's may have this name."""
        prefix, colon, rest = name.partition(":")
        if not colon:
            return name in self.terms or name.startswith("@")
        return prefix in self.prefixes or (bool(rest) and (prefix in _SCHEMES or rest.startswith("//")))

    def names(self, text: str) -> bool:
        """Whether text names something: a full URI, a compact one whose prefix is declared, or a term."""
        prefix, _, rest = text.partition(":")
        if not rest:
            return text in self.terms
        return self.unknown or prefix in self.prefixes or prefix in _SCHEMES or rest.startswith("//")


STANDARD = Namespaces(_PREFIXES)


def is_uri(text: str) -> bool:
    """Whether text has the form of a URI, full or compact."""
    return _URI.fullmatch(text) is not None


def is_standard(context: object) -> bool:
    """Whether a context says nothing beyond the standard's own."""
    listed = context if isinstance(context, list) else [context]
    return all(isinstance(each, str) and _STANDARD.fullmatch(each) for each in listed)


def read_context(context: object, place: Place, faults: list[Fault], within: Namespaces = STANDARD) -> Namespaces:
    """The names in force where `context` stands, inside those of `within`; what is wrong with it goes to `faults`."""
    listed: list[Any] = context if isinstance(context, list) else [context]
    prefixes, terms, unknown = dict(within.prefixes), set(within.terms), within.unknown
    for index, each in enumerate(listed):
        at = (place, index) if isinstance(context, list) else place
        if isinstance(each, dict):
            unknown |= _read_object(each, at, faults, prefixes, terms)
        elif not isinstance(each, str):
            faults.append(fault("TYPE_WRONG", pointer_of(at), each, "the address of a context, or an object"))
        elif not is_uri(each):
            faults.append(fault("VALUE_MALFORMED", pointer_of(at), each, "the address of a context, or an object"))
        elif not _STANDARD.fullmatch(each):
            faults.append(fault("CONTEXT_NOT_FETCHED", pointer_of(at), each, "prefixes declared in the document"))
            unknown = True
    return Namespaces(prefixes, frozenset(terms), unknown)


def _read_object(
    context: dict[str, Any], place: Place, faults: list[Fault], prefixes: dict[str, str], terms: set[str]
) -> bool:
    """Adds what one object declares; whether it lets any name be used (`@vocab`)."""
    for name, meaning in context.items():
        if name.startswith("@"):
            continue
        target = meaning.get("@id") if isinstance(meaning, dict) else meaning
        if isinstance(target, str) and ":" in target:
            prefixes[name] = target
            terms.add(name)
        elif isinstance(target, str) and target.startswith("@"):
            terms.add(name)
        elif meaning is not None and not isinstance(meaning, dict):
            faults.append(fault("VALUE_MALFORMED", pointer_of((place, name)), meaning, "a namespace, as a URI"))
    return isinstance(context.get("@vocab"), str)
