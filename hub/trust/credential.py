"""Whether a verifiable credential is its issuer's word: envelopes of JOSE (W3C VC-JOSE-COSE, VCDM 1.1 §6.3.1), and the
data-integrity proofs over canonical JSON (`eddsa-jcs-2022`, `ecdsa-jcs-2019`).

Keys come from the hub's own book, put there by an operator: no DID is resolved, no context fetched, and a key that the
credential brings along proves nothing; a DID that is a key itself proves that its holder signed, whoever that is.
Other data-integrity proofs are recognised, not verified: their canonical form needs every context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.core.issuer import IssuerKey
from hub.core.jwk import PublicKeyObject
from hub.trust.data_integrity import holds
from hub.trust.did import key_of_did
from hub.trust.jws import Flaw, JOSEHeader, UnverifiedJWS, open_jws, verify_signature
from hub.trust.keys import load_public_jwk
from schemas.documents import jose
from schemas.documents.credential import Credential
from schemas.faults import Fault, fault

KeyBook = Mapping[str, Sequence[IssuerKey]]
"""Issuer (a URI, as in the credential) → its keys in the hub's book, also those that are no longer in it."""

CREDENTIAL_BYTES_MAX = 10_485_760
_TYPES = jose.CREDENTIALS | jose.GENERAL
"""A token that was made for something else is no credential (RFC 8725 §3.11)."""
_FOUND_CHARACTERS_MAX = 64
_Name = Annotated[str, Meta(min_length=1, max_length=512)]


class _CredentialHeader(JOSEHeader, frozen=True):
    """VC-JOSE-COSE §3.1: `cty` says that it is a credential, `iss` repeats its issuer, `kid` may be a whole DID URL."""

    kid: _Name = ""
    cty: _Name = ""
    iss: _Name = ""


Standing = Literal[
    "verified", "wrong", "key_not_in_force", "self_asserted", "issuer_unknown", "key_unknown", "not_verified", "none"
]
"""`wrong`: signed by someone else, or altered. `key_not_in_force`: by a key that the book holds for another time.
`self_asserted`: by the key that its issuer's name is, of whom nobody here knows who that is. `not_verified`: a proof of
a kind that is not verified. `none`: nobody signed it."""


class Judged(Struct, frozen=True):
    standing: Standing
    key: str = ""
    """The verification method by which it is verified, as the book names it."""
    found: str = ""
    """What is wrong, where it is `wrong`."""


class _Signer(Struct, frozen=True):
    key: PublicKeyObject
    known: IssuerKey | None = None
    """None: it is nowhere but in the issuer's own name."""


def judge(credential: Credential, keys: KeyBook, *, now: int) -> Judged:
    """Whose word a credential is at `now`, seconds since 1970, as a numbered proof. Whether it is valid itself
    is another question (`schemas/documents/validity.py`)."""
    # 1. It has a proof of a kind that can be verified here.
    proof = credential.proof
    if proof.form == "none":
        return Judged("none")
    if proof.form == "data-integrity" and proof.digest is None:
        return Judged("not_verified")
    issuer = credential.issuer.id if credential.issuer is not None else ""
    # 2. An envelope of JOSE is one, and names no other issuer than the credential does.
    jws = _opened(proof.unverified_token, issuer) if proof.form == "jose" else None
    if isinstance(jws, str):
        return Judged("wrong", found=jws)
    # 3. The key is one of that issuer's: in the book, or its very name.
    signer = _signer(issuer, jws.header.kid if jws is not None else proof.method, keys)
    if not isinstance(signer, _Signer):
        return Judged(signer)
    # 4. The signature is that key's, over the bytes that were opened.
    if jws is not None:
        flaw = verify_signature(jws, signer.key)
        if flaw is Flaw.ALGORITHM:
            return Judged("wrong", found=f"algorithm {jws.header.alg[:_FOUND_CHARACTERS_MAX]}, which is not its key's")
        signed = not isinstance(flaw, Flaw)
    else:
        signed = holds(proof.suite, proof.digest or b"", proof.unverified_value, signer.key)
    if not signed:
        return Judged("wrong")
    # 5. The book holds the key for this time.
    if signer.known is None:
        return Judged("self_asserted")
    return Judged("verified", signer.known.id) if signer.known.in_force(now) else Judged("key_not_in_force")


def _opened(token: str, issuer: str) -> UnverifiedJWS | str:
    """The envelope, in its one spelling, with known header members only, and signed at all (RFC 7518 §3.6: `none`); or
    what is wrong with it."""
    header = jose.header(token[: jose.HEADER_BYTES_MAX + 1].encode("ascii", "replace")) or {}
    if str(header.get("alg")).lower() == "none":
        return "no signature (alg none)"
    if strange := sorted(header.keys() - _CredentialHeader.__struct_fields__):
        return f"the header member {strange[0][:_FOUND_CHARACTERS_MAX]}, which is not taken"
    jws = open_jws(token, bytes_max=CREDENTIAL_BYTES_MAX, header_type=_CredentialHeader)
    if isinstance(jws, Flaw) or not isinstance(jws.header, _CredentialHeader):
        return "a damaged envelope"
    if jose.type_of(jws.header.typ) not in _TYPES:
        return "an envelope that was made for something else"
    if jws.header.iss not in ("", issuer):
        return "another issuer in its header"
    return jws if jws.signature else "no signature"


def _signer(issuer: str, method: str, keys: KeyBook) -> _Signer | Standing:
    """The key that is named. Without a name there is no doubt if the issuer has one key only."""
    kid = method.removeprefix(issuer).removeprefix("#")
    if own := [each for each in keys.get(issuer, ()) if not each.removed]:
        named = [each for each in own if each.kid == kid] if kid else own
        return _Signer(load_public_jwk(named[0].jwk), named[0]) if len(named) == 1 else "key_unknown"
    itself = key_of_did(issuer)
    if itself is None:
        return "issuer_unknown"
    key, fragment = itself
    return _Signer(key) if kid in ("", fragment) else "key_unknown"


def standing_fault(credential: Credential, judged: Judged) -> Fault | None:
    """What is to be said of it; None where it is proven."""
    if judged.standing == "verified":
        return None
    code = "CREDENTIAL_PROOF_WRONG" if judged.standing == "wrong" else "CREDENTIAL_NOT_PROVEN"
    return fault(
        code,
        credential.place,
        judged.found or _FOUND[judged.standing],
        "a signature by a key of its issuer that the hub knows",
    )


_FOUND: Mapping[Standing, str] = {
    "wrong": "another signature",
    "key_not_in_force": "a key of its issuer that is not in force now",
    "self_asserted": "a key that only its issuer's own name vouches for",
    "issuer_unknown": "an issuer without a key here",
    "key_unknown": "a key that is not known of this issuer",
    "not_verified": "a proof of a kind that is not verified",
    "none": "no proof",
}
