"""`customs-hub key`: the public keys by which partners' systems prove themselves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from hub.cli import FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act, view
from hub.cli.show import KEY_COLUMNS, listing
from hub.cli.signing import Signer, read_signer

app = App(
    name="key",
    help="Public keys of partners' systems (PEM or JWK). Private keys are refused: keep them where they were made.",
)


@app.command
def add(
    partner: str,
    system: str,
    file: Path,
    /,
    *,
    scope: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Register a system's public key; a first one makes the system.

    Parameters
    ----------
    system
        The system's own name: its client id is PARTNER.SYSTEM.
    file
        The public key, PEM or JWK: EC P-256, Ed25519, or RSA of 2048 to 4096 bits.
    scope
        events:write, feeds:read, receipts:read; one or more. May be left out if the system has its scopes already.
    """
    return _act(
        "key.add", {"partner": partner, "system": system, "scopes": scope or [], "reason": reason}, file, options
    )


@app.command
def rotate(partner: str, system: str, file: Path, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Put a new key in use; the one before is accepted for the time of grace (`auth.key_grace_seconds`)."""
    return _act("key.rotate", {"partner": partner, "system": system, "reason": reason}, file, options)


@app.command
def revoke(key: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Stop a key for ever; in force within a second.

    Parameters
    ----------
    key
        The key's id (RFC 7638 thumbprint), from `key list`.
    """
    return act("key.revoke", {"key": key, "reason": reason}, options)


@app.command(name="break-glass")
def break_glass(
    partner: str,
    system: str,
    file: Path,
    /,
    *,
    second: str | None = None,
    second_key: Path | None = None,
    reason: Reason,
    options: Options = DEFAULTS,
) -> int:
    """In an emergency: let a registered system in with a new key, for 12 hours. Reviewed within a day.

    Parameters
    ----------
    file
        The system's new public key, PEM or JWK.
    second
        The operator on call who signs as the second; without, the act waits for `proposal approve`.
    second_key
        That operator's private key.
    """
    seconds = []
    if second is not None:
        if second_key is None:
            raise Misused("--second NAME goes with --second-key FILE")
        seconds.append(read_signer(second, second_key))
    return _act("key.break-glass", {"partner": partner, "system": system, "reason": reason}, file, options, *seconds)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All keys."""
    return view("key.list", {}, options, listing(KEY_COLUMNS))


def _act(name: str, request: dict[str, object], file: Path, options: Options, *seconds: Signer) -> int:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        print(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}", file=sys.stderr)
        return FAILED
    return act(name, {**request, "key": text}, options, *seconds)
