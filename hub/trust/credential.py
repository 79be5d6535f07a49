"""Whether a verifiable credential is its issuer's word: the JOSE envelope (W3C VC-JOSE-COSE, VCDM 1.1 §6.3.1).

Keys come from the hub's own book, put there by an operator: no DID is resolved, no context fetched, and a key that the
credential brings along proves nothing. Data-integrity proofs are recognised, not verified: their canonical form needs
every context.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from hub.core.jwk import PublicKeyObject
from hub.trust.jws import Flaw, JOSEHeader, open_jws, verify_signature
from schemas.documents.credential import Credential
from schemas.faults import Fault, fault

KeyBook = Mapping[str, Mapping[str, PublicKeyObject]]
"""Issuer (a URI, as in the credential) → key id → key. A key id stands without the issuer in front of it."""

CREDENTIAL_BYTES_MAX = 10_485_760
_TYPES = frozenset({"", "JWT", "vc+jwt", "vc-ld+jwt", "vc+ld+jwt"})
"""A token that was made for something else is no credential (RFC 8725 §3.11)."""
_Name = Annotated[str, Meta(min_length=1, max_length=512)]


class _CredentialHeader(JOSEHeader, frozen=True):
    """VC-JOSE-COSE §3.1: `cty` says that it is a credential, `iss` repeats its issuer, `kid` may be a whole DID URL."""

    kid: _Name = ""
    cty: _Name = ""
    iss: _Name = ""


Standing = Literal["verified", "wrong", "issuer_unknown", "key_unknown", "not_verified", "none"]
"""`wrong`: signed by someone else, or altered. `not_verified`: a data-integrity proof. `none`: nobody signed it."""


def standing(credential: Credential, keys: KeyBook) -> Standing:
    """Whose word a credential is, as a numbered proof. Expiry is not looked at: that is for whoever relies on it."""
    # 1. It has a proof of a kind that can be verified here.
    if credential.proof.form != "jose":
        return "none" if credential.proof.form == "none" else "not_verified"
    # 2. The token has its one spelling, and a header with known members only.
    token = credential.proof.unverified_token
    jws = open_jws(token, bytes_max=CREDENTIAL_BYTES_MAX, header_type=_CredentialHeader)
    if isinstance(jws, Flaw) or not isinstance(jws.header, _CredentialHeader) or jws.header.typ not in _TYPES:
        return "wrong"
    # 3. The header names no other issuer than the credential does.
    issuer = credential.issuer.id if credential.issuer is not None else ""
    if jws.header.iss not in ("", issuer):
        return "wrong"
    # 4. The key is one of that issuer's. Without an id there is no doubt if there is one key only.
    own = keys.get(issuer)
    if not own:
        return "issuer_unknown"
    kid = jws.header.kid.removeprefix(issuer).removeprefix("#")
    key = own.get(kid) if jws.header.kid else next(iter(own.values())) if len(own) == 1 else None
    if key is None:
        return "key_unknown"
    # 5. The signature is that key's, over the bytes that were opened.
    return "wrong" if isinstance(verify_signature(jws, key), Flaw) else "verified"


def standing_fault(credential: Credential, stands: Standing) -> Fault | None:
    """What is to be said of it; None where it is proven."""
    if stands == "verified":
        return None
    code = "CREDENTIAL_PROOF_WRONG" if stands == "wrong" else "CREDENTIAL_NOT_PROVEN"
    return fault(code, credential.place, _FOUND[stands], "a signature (JOSE) by a key of its issuer that the hub knows")


_FOUND: Mapping[Standing, str] = {
    "wrong": "another signature",
    "issuer_unknown": "an issuer without a key here",
    "key_unknown": "a key that is not known of this issuer",
    "not_verified": "a data-integrity proof",
    "none": "no proof",
}
