"""Signatures over mandates and withdrawals: compact JWS by keys of the principal (`schemas/formats/mandate.md`)."""

from __future__ import annotations

from collections.abc import Mapping

from hub.core.credential import PublicKey
from hub.trust.jws import Flaw, open_jws, verify_signature
from hub.trust.keys import load_public_jwk

MANDATE_TYPE = "customs-hub-mandate+jws"
SIGNATURE_BYTES_MAX = 131_072


def named_key(signature: str) -> str:
    """The id of the key by which something says that it is signed; empty: by none."""
    jws = open_jws(signature, bytes_max=SIGNATURE_BYTES_MAX)
    return "" if isinstance(jws, Flaw) else jws.header.kid


def signer_of(signature: str, text: bytes, keys: Mapping[str, PublicKey], *, purpose: str = MANDATE_TYPE) -> str | Flaw:
    """The id of the key, one of `keys`, that signed exactly this text for this purpose; or why it is none."""
    # 1. One spelling, allowed header members only, and made for this purpose.
    jws = open_jws(signature, bytes_max=SIGNATURE_BYTES_MAX)
    if isinstance(jws, Flaw):
        return jws
    if jws.header.typ != purpose:
        return Flaw.TYPE
    # 2. By a key that may sign now, which it names.
    key = keys.get(jws.header.kid)
    if key is None:
        return Flaw.KEY
    # 3. Over the very text.
    if jws.unverified_payload != text:
        return Flaw.CLAIMS
    signed = verify_signature(jws, load_public_jwk(key.jwk))
    return signed if isinstance(signed, Flaw) else key.id
