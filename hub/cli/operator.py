"""`customs-hub operator`: the people who run the hub, their roles and keys."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from hub.cli import DONE, FAILED
from hub.cli.desk import DEFAULTS, Options, Reason, Several, act, view
from hub.cli.show import Columns, listing, moment
from hub.core.errors import HubError

app = App(name="operator", help="The people who run the hub: stopping takes one of them, starting takes two.")

COLUMNS: Columns = {
    "OPERATOR": "id",
    "NAME": "name",
    "ROLES": "roles",
    "STATE": lambda each: each["state"] if each["may_act"] or each["state"] != "active" else "ended",
    "UNTIL": lambda each: moment(each["until"]),
    "MENTOR": "mentor",
    "ON CALL": "on_call",
}


@app.command
def keygen(file: Path, /) -> int:
    """Make a key to sign with: FILE for its owner alone, and beside it the public half (NAME.pub.pem) to be registered.

    Parameters
    ----------
    file
        Where the private key goes; a file that exists is never overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = Ed25519PrivateKey.generate()
    public = file.with_name(f"{file.stem}.pub.pem")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return FAILED
    print(f"{file}  keep it to yourself\n{public}  to be registered")
    return DONE


@app.command
def first(operator: str, /, *, name: str | None = None, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Register the first administrator, on the hub's machine; from then on four eyes bind everywhere.

    Parameters
    ----------
    operator
        The name to sign with (--as): a-z, 0-9 and -, at most 32 characters. The key is that of --key.
    name
        What people call him or her. Default: the same.
    """
    if options.key is None:
        print("customs-hub operator first: --key FILE is the key of the first administrator", file=sys.stderr)
        return FAILED
    text = _public_text(options.key)
    if text is None:
        return FAILED
    request = {"id": operator, "name": name or operator, "key": text, "reason": reason}
    return act("operator.first", request, _unsigned(options))


@app.command
def add(
    operator: str,
    file: Path,
    /,
    *,
    role: Annotated[list[str], Several],
    name: str | None = None,
    until: str = "",
    mentor: str = "",
    on_call: Annotated[bool, Parameter(negative="")] = False,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Register an operator.

    Parameters
    ----------
    operator
        The name to sign with: a-z, 0-9 and -, at most 32 characters.
    file
        The public key, PEM or JWK (`customs-hub operator keygen`).
    role
        viewer, partner-officer, agreement-officer, security-officer, auditor; one or more.
    name
        What people call him or her. Default: the same.
    until
        The end of a role for a time: a date, or an RFC 3339 time.
    mentor
        Of a liaison visitor, who is there for a time and never signs as the second: the operator who does.
    on_call
        May be the second in an emergency (`key break-glass`).
    """
    text = _public_text(file)
    if text is None:
        return FAILED
    request = {
        "id": operator,
        "name": name or operator,
        "roles": role,
        "key": text,
        "until": until,
        "mentor": mentor,
        "on_call": on_call,
        "reason": reason,
    }
    return act("operator.add", request, options)


@app.command(name="role")
def role_(
    operator: str,
    /,
    *,
    role: Annotated[list[str] | None, Several] = None,
    until: str | None = None,
    on_call: bool | None = None,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Change what an operator may do; what is left out stays as it is.

    Parameters
    ----------
    role
        All of the roles from now on.
    until
        The end of a role for a time; "" for none.
    on_call
        May be the second in an emergency, or no longer.
    """
    request = {"id": operator, "roles": role, "until": until, "on_call": on_call, "reason": reason}
    return act("operator.role", request, options)


@app.command
def rotate(operator: str, file: Path, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Register a new key of an operator; the one before signs on for the time of grace (`auth.key_grace_seconds`)."""
    text = _public_text(file)
    if text is None:
        return FAILED
    return act("operator.rotate", {"id": operator, "key": text, "reason": reason}, options)


@app.command
def suspend(operator: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Nothing that this operator signs counts any more, within a second."""
    return act("operator.suspend", {"id": operator, "reason": reason}, options)


@app.command
def resume(operator: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End a suspension."""
    return act("operator.resume", {"id": operator, "reason": reason}, options)


@app.command
def remove(operator: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """For good: the name is never used again."""
    return act("operator.remove", {"id": operator, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All operators."""
    return view("operator.list", {}, options, listing(COLUMNS))


def _unsigned(options: Options) -> Options:
    """The first administrator is registered by the user of the machine."""
    return Options(config=options.config, data=options.data, json=options.json)


def _public_text(file: Path) -> str | None:
    """The text of a public key's file, or the public half of a private key that is its reader's own; None: told."""
    try:
        text = file.read_text()
        return _public_half(file) if "PRIVATE KEY" in text else text
    except (OSError, HubError, UnicodeDecodeError, ValueError) as error:
        print(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return None


def _public_half(file: Path) -> str:
    import orjson

    from hub.drivers.system import private_files
    from hub.trust.act import load_key_pair

    return orjson.dumps(load_key_pair(private_files.read(file)).jwk).decode()
