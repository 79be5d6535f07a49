"""`customs-hub issuer-key`: the public keys by which issuers of credentials are known."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, act, view
from hub.cli.partner_file import text_of
from hub.cli.show import Columns, listing, moment

app = App(
    name="issuer-key",
    help="Keys of issuers of credentials, learnt from the issuers themselves. Nothing is ever fetched.",
)


@app.command
def add(
    issuer: str,
    file: Path,
    /,
    *,
    name: str,
    kid: str | None = None,
    valid_from: str | None = None,
    valid_until: str | None = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Believe what an issuer signs with this key; or change the name and times of a key in the book.

    Parameters
    ----------
    issuer
        Its URI, as its credentials name it, such as did:web:carrier.example.
    file
        The public key, PEM or JWK: EC P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 to 4096 bits (PS256).
    name
        What officers call the issuer.
    kid
        The key's id in the issuer's credentials: did:web:carrier.example#key-1, or key-1. Default: the kid of the JWK,
        else its thumbprint.
    valid_from
        A date or an RFC 3339 time. Default: since ever.
    valid_until
        The first moment at which the key no longer counts. Default: until it is removed.
    """
    request = {
        "issuer": issuer,
        "key": text_of(file),
        "kid": kid,
        "name": name,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "reason": reason,
    }
    return act("issuer-key.add", request, options)


@app.command
def remove(key: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Believe nothing more that this key signs; in force within a second. What was taken keeps what was found then.

    Parameters
    ----------
    key
        Issuer, #, key id, from `issuer-key list`.
    """
    return act("issuer-key.remove", {"id": key, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All keys, also those that were removed."""
    columns: Columns = {
        "KEY": "id",
        "NAME": "name",
        "ALGORITHM": "algorithm",
        "FROM": lambda key: moment(key["valid_from"]),
        "UNTIL": lambda key: moment(key["valid_until"]),
        "REMOVED": "removed",
        "IN FORCE": "in_force",
    }
    return view("issuer-key.list", {}, options, listing(columns))
