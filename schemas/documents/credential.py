"""Wrapped trade documents: verifiable credentials (W3C VCDM 1.1 and 2.0), opened without believing them.

A credential comes bare (JSON-LD, with or without a data-integrity proof), or in an envelope of JOSE: as
`application/vc+jwt` itself, in an `EnvelopedVerifiableCredential` (VCDM 2.0 §4.13), or as a JWT of 1.1 with the claim
`vc` (§6.3.1); several come in a presentation. Contexts are not fetched and issuers not looked up: terms mean what the
vocabularies of traceability and UNTP publish. Whether a proof holds is for `hub/trust/credential.py`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

import rfc8785
from msgspec import Struct

from schemas.documents import jose
from schemas.documents.trade import Named, Party, named, party
from schemas.documents.validity import earliest, latest, second
from schemas.faults import FAULTS_MAX, Fault, capped, fault
from schemas.translate.document import read

CREDENTIALS_MAX = 100
"""Of one presentation."""
JCS_SUITES = frozenset({"eddsa-jcs-2022", "ecdsa-jcs-2019"})
"""Data-integrity proofs over canonical JSON (RFC 8785): what they sign can be told without any context."""
_ENVELOPES = ("data:application/vc+jwt,", "data:application/vc-ld+jwt,", "data:application/vc+ld+jwt,")
_PRESENTATIONS = ("data:application/vp+jwt,", "data:application/vp-ld+jwt,", "data:application/vp+ld+jwt,")
_TIME_CHARACTERS_MAX = 64
_NO_CLAIMS: Mapping[str, Any] = {}
_CONTEXTS = ("https://www.w3.org/ns/credentials/v2", "https://www.w3.org/2018/credentials/v1")


class Proof(Struct, frozen=True):
    """How a credential is sealed. Nothing of it has been verified."""

    form: Literal["none", "jose", "data-integrity"]
    suite: str = ""
    """The cryptosuite or type of a data-integrity proof."""
    unverified_token: str = ""
    """The compact JWS around the credential."""
    method: str = ""
    """The verification method that a data-integrity proof names; the next is its signature, as multibase."""
    unverified_value: str = ""
    digest: bytes | None = None
    """What that signature is over, of the suites in `JCS_SUITES`: empty if nothing can be. None: another proof."""


class Credential(Struct, frozen=True):
    """One credential and the trade documents that it names, for the index."""

    place: str
    """JSON Pointer to it; what is inside a JWT lies under the pointer of the JWT."""
    id: str
    types: tuple[str, ...]
    """Without `VerifiableCredential`."""
    issuer: Party | None
    valid_from: str
    """As its issuer wrote it, or from the JWT's `nbf`, whichever is later; empty: not told. `valid_until`: from `exp`,
    whichever is earlier."""
    valid_until: str
    proof: Proof
    documents: tuple[Named, ...]


class Unwrapped(Struct, frozen=True):
    """What was found in a JSON document: its credentials; or, bare, the trade document that it is."""

    credentials: tuple[Credential, ...] = ()
    faults: tuple[Fault, ...] = ()
    wrapped: bool = False
    """Whether it passes for a credential or presentation: then its faults are those of one."""


def unwrap(document: bytes) -> Unwrapped:
    """Open a JSON document, or a compact JWS. Raises nothing; no credentials where it is neither wrapped nor known."""
    opening = _Opening()
    text = document.strip()
    if jose.kind(text) is not None:
        opening.token(text.decode("ascii", "replace"), "", 0)
    else:
        value, faults = read(document)
        opening.faults.extend(faults)
        opening.value(value, "", 0)
    return Unwrapped(tuple(opening.credentials), tuple(capped(opening.faults)), opening.wrapped)


class _Opening:
    """Goes from presentations to credentials to their subjects, two envelopes deep at most."""

    def __init__(self) -> None:
        self.credentials: list[Credential] = []
        self.faults: list[Fault] = []
        self.wrapped = False

    def value(self, value: Any, place: str, depth: int) -> None:
        """An object that may be a presentation, an envelope, a credential or a bare trade document."""
        if depth > 3 or len(self.credentials) >= CREDENTIALS_MAX:
            return
        if not isinstance(value, dict):
            if depth:
                self._no_credential(value, place)
            return
        types, id_ = words(value.get("type") or value.get("@type")), value.get("id")
        if isinstance(id_, str) and id_.startswith(_ENVELOPES + _PRESENTATIONS):
            self.token(id_.partition(",")[2], place + "/id", depth + 1)
        elif "VerifiablePresentation" in types:
            self.wrapped = True
            inside = value.get("verifiableCredential")
            several = inside if isinstance(inside, list) and inside else [inside]
            for index, each in enumerate(several[:CREDENTIALS_MAX]):
                there = f"{place}/verifiableCredential" + (f"/{index}" if several is inside else "")
                self.token(each, there, depth + 1) if isinstance(each, str) else self.value(each, there, depth + 1)
        elif "credentialSubject" in value or "VerifiableCredential" in types:
            self._credential(value, types, place, _data_integrity(value))
        elif documents := self._named(value, (), place):
            self.credentials.append(Credential(place, _text(id_), (), None, "", "", Proof("none"), documents))
        elif depth:
            self._no_credential(value, place)

    def token(self, token: str, place: str, depth: int) -> None:
        """A compact JWS: its payload is looked at, whoever signed it."""
        self.wrapped = True
        payload = _payload(token)
        if not isinstance(payload, dict):
            self._wrong(place, token, "a JWS in compact form with a JSON object in it")
            return
        inner = payload.get("vc", payload.get("vp"))
        value: dict[str, Any] = payload
        if isinstance(inner, dict):
            claims = {"issuer": payload.get("iss"), "id": payload.get("jti")}
            value = {name: claim for name, claim in claims.items() if claim is not None} | inner
        issuer, signer = party(value.get("issuer"), "issuer", place), payload.get("iss")
        if signer is not None and (issuer is None or issuer.id != signer):
            self._wrong(place + "/iss", signer, "the issuer of the credential")
        types = words(value.get("type"))
        if "VerifiablePresentation" in types:
            self.value(value, place, depth + 1)
        else:
            self._credential(value, types, place, Proof("jose", "", token), payload)

    def _credential(
        self,
        value: Mapping[str, Any],
        types: tuple[str, ...],
        place: str,
        proof: Proof,
        claims: Mapping[str, Any] = _NO_CLAIMS,
    ) -> None:
        """`claims`: of the JWT around it."""
        self.wrapped = True
        context = value.get("@context")
        first = context[0] if isinstance(context, list) and context else context
        if first not in _CONTEXTS:
            self._wrong(place + "/@context", first, "the context of VCDM 1.1 or 2.0 first")
        issuer = party(value.get("issuer"), "issuer", place + "/issuer")
        if issuer is None or not issuer.id:
            self._wrong(place + "/issuer", value.get("issuer"), "the issuer by its URI")
        own = tuple(each for each in types if each != "VerifiableCredential")
        subject = value.get("credentialSubject")
        subjects = subject if isinstance(subject, list) else [subject]
        documents: list[Named] = []
        for index, each in enumerate(subjects[:CREDENTIALS_MAX]):
            there = f"{place}/credentialSubject" + (f"/{index}" if subjects is subject else "")
            if isinstance(each, dict) and each:
                documents.extend(self._named(each, own, there))
            else:
                self._wrong(there, each, "what the credential says of its subject")
        self.credentials.append(
            Credential(
                place, _text(value.get("id")), own, issuer,
                latest(self._times(value, claims, ("validFrom", "issuanceDate", "nbf"), place)),
                earliest(self._times(value, claims, ("validUntil", "expirationDate", "exp"), place)),
                proof, tuple(documents),
            )
        )  # fmt: skip

    def _times(
        self, value: Mapping[str, Any], claims: Mapping[str, Any], names: tuple[str, str, str], place: str
    ) -> list[str]:
        """What is told of one end of its validity, by any of the names; what is no time is said and left out."""
        told: dict[str, Any] = {name: value[name] for name in names[:2] if value.get(name) is not None}
        if (claim := claims.get(names[2])) is not None:
            told[names[2]] = _instant(claim)
        times = []
        for name, time in told.items():
            if isinstance(time, str) and len(time) <= _TIME_CHARACTERS_MAX and second(time) is not None:
                times.append(time)
            else:
                found = claims[name] if name == names[2] else time
                self._wrong(f"{place}/{name}", found, "a date and time with its zone")
        return times

    def _named(self, subject: Mapping[str, Any], types: tuple[str, ...], place: str) -> tuple[Named, ...]:
        documents, faults = named(subject, types, place)
        self.faults.extend(faults[: FAULTS_MAX + 1])
        return documents

    def _no_credential(self, value: object, place: str) -> None:
        self.wrapped = True
        self._wrong(place, value, "a verifiable credential")

    def _wrong(self, place: str, found: object, expected: str) -> None:
        self.faults.append(fault("CREDENTIAL_MALFORMED", place, found, expected))


def words(value: object) -> tuple[str, ...]:
    """A term that may be one word or several."""
    return tuple(each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _data_integrity(value: Mapping[str, Any]) -> Proof:
    """The proof (VC Data Integrity 1.0 §2.1). Of several, in a set or a chain, the first is named and none verified."""
    proof = value.get("proof")
    several = proof if isinstance(proof, list) else [proof]
    first = several[0] if several else None
    if not isinstance(first, dict):
        return Proof("none")
    suite = _text(first.get("cryptosuite") or first.get("type"))
    if len(several) > 1 or suite not in JCS_SUITES:
        return Proof("data-integrity", suite)
    method, signature = _text(first.get("verificationMethod")), _text(first.get("proofValue"))
    return Proof("data-integrity", suite, method=method, unverified_value=signature, digest=_signed(value, first))


def _signed(secured: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    """VC-DI-EdDSA §3.3.2 to §3.3.5, VC-DI-ECDSA the same: the digest of the proof's options, then of the document."""
    if proof.get("type") != "DataIntegrityProof" or proof.get("proofPurpose") != "assertionMethod":
        return b""
    options = {name: member for name, member in proof.items() if name != "proofValue"}
    document = {name: member for name, member in secured.items() if name != "proof"}
    if "@context" in options:
        own = _several(options["@context"])
        if _several(document.get("@context"))[: len(own)] != own:
            return b""
        document["@context"] = options["@context"]
    return b"".join(sha256(rfc8785.dumps(each)).digest() for each in (options, document))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _payload(token: object) -> Any:
    segments = token.split(".") if isinstance(token, str) else ()
    if len(segments) != 3:
        return None
    try:
        return read(urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4)))[0]
    except (Base64Error, ValueError):
        return None


def _instant(seconds: object) -> str | None:
    """A NumericDate (RFC 7519 §2), where it is one."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 253_402_300_800:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _text(value: object) -> str:
    return value[:512] if isinstance(value, str) else ""
