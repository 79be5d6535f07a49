"""The key book: public keys of issuers of credentials, learnt from the issuers themselves and put in by an operator.

Whoever is in it is believed to have said what it signed, and nothing more: no right in the hub comes of it. A key keeps
its id while it is in the book; once removed, the issuer may use the id for another key, as many do.
"""

from __future__ import annotations

import re

import orjson
from msgspec.structs import replace

from hub.core.issuer import IssuerKey
from hub.core.operator import ANYONE, SECURITY, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.keys import jwk_of
from hub.trust.keys import KeyRefused, algorithm_of, load_public_jwk, thumbprint

_ISSUER = re.compile(r"[a-z][a-z0-9+.-]*:[!-\"$-~]{1,190}", re.ASCII)
_KID = re.compile(r"[!-~]{1,200}", re.ASCII)
ID_CHARACTERS_MAX = 256
"""Of issuer and key id together, as the registry keeps them."""


class AddIssuerKey(Request, frozen=True, kw_only=True):
    """Also changes the name and the times of a key that is in the book."""

    issuer: str
    key: str
    """The public key: the text of a PEM or JWK file."""
    kid: str | None = None
    """As the issuer's credentials name it, with the issuer in front or not; else the `kid` of the JWK, else its
    thumbprint (RFC 7638)."""
    name: str
    valid_from: str | None = None
    valid_until: str | None = None


class RemoveIssuerKey(Request, frozen=True, kw_only=True):
    id: str
    """Issuer, `#`, key id."""


def add_issuer_key(request: AddIssuerKey, basis: Basis, checks: Checks) -> Changes:
    if not _ISSUER.fullmatch(request.issuer):
        checks.invalid("/issuer", request.issuer, "a URI without fragment, such as did:web:carrier.example")
    try:
        jwk = jwk_of(request.key)
    except KeyRefused as refusal:
        checks.fault("ACT_KEY_REFUSED", "/key", "(not shown)", str(refusal))
        return ()
    begins, ends = (
        checks.instant(f"/{name}", text) if text is not None else None
        for name, text in (("valid_from", request.valid_from), ("valid_until", request.valid_until))
    )
    if ends is not None and ends <= (begins or 0):
        checks.invalid("/valid_until", request.valid_until, "a time behind valid_from")
    key = IssuerKey(
        issuer=request.issuer,
        kid=_kid(request, jwk, checks),
        name=checks.text("/name", request.name),
        jwk=jwk,
        algorithm=algorithm_of(load_public_jwk(jwk)),
        valid_from=begins,
        valid_until=ends,
    )
    known = basis.snapshot.issuer_keys.get(key.id)
    if known is not None and not known.removed and known.jwk != jwk:
        checks.fault("ACT_KEY_ID_TAKEN", "/kid", f"a key with thumbprint {thumbprint(known.jwk)}", "an id not in use")
    return () if key == known else (key,)


def remove_issuer_key(request: RemoveIssuerKey, basis: Basis, checks: Checks) -> Changes:
    key = checks.known("/id", request.id, basis.snapshot.issuer_keys)
    return (replace(key, removed=True),) if key is not None and not key.removed else ()


def _kid(request: AddIssuerKey, jwk: dict[str, str], checks: Checks) -> str:
    own = orjson.loads(request.key).get("kid") if request.key.lstrip().startswith("{") else None
    named = request.kid if request.kid is not None else own if isinstance(own, str) else thumbprint(jwk)
    kid = named.removeprefix(request.issuer).removeprefix("#")
    if not _KID.fullmatch(kid) or len(request.issuer) + 1 + len(kid) > ID_CHARACTERS_MAX:
        checks.invalid("/kid", kid, f"printable ASCII without blanks, {ID_CHARACTERS_MAX} characters with the issuer")
    return kid


ACTS = {
    "issuer-key.add": Act(AddIssuerKey, add_issuer_key, Effect.STARTS, SECURITY),
    "issuer-key.remove": Act(RemoveIssuerKey, remove_issuer_key, Effect.STOPS, ANYONE),
}
