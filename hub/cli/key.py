"""`customs-hub key`: the public keys by which partners' systems prove themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from hub.cli import DONE, FAILED, Misused
from hub.cli.credential import Scopes, SystemName, act_with
from hub.cli.desk import DEFAULTS, Options, Reason, act, settings_of, view
from hub.cli.show import ACCESS_COLUMNS, KEY_COLUMNS, USED_COLUMNS, Plain, failure, listing, print_json, table
from hub.cli.signing import read_signer

app = App(
    name="key",
    help="Public keys of partners' systems (PEM or JWK). Private keys are refused: keep them where they were made.",
)


@app.command
def add(
    partner: str,
    system: SystemName,
    file: Path,
    /,
    *,
    scope: Scopes = None,
    not_before: str = "",
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Register a system's public key; a first one makes the system.

    Parameters
    ----------
    file
        The public key, PEM or JWK: EC P-256, Ed25519, or RSA of 2048 to 4096 bits.
    not_before
        A date or time from which it counts; at once, if left out.
    """
    request = {"partner": partner, "system": system, "scopes": scope or [], "not_before": not_before, "reason": reason}
    return act_with(file, "key", "key.add", request, options)


@app.command
def rotate(partner: str, system: str, file: Path, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Put a new key in use; the one before is accepted for the time of grace (`auth.key_grace_seconds`)."""
    request = {"partner": partner, "system": system, "reason": reason}
    return act_with(file, "key", "key.rotate", request, options)


@app.command
def approve(*key: str, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Let a key count that a company enrolled, and make its system.

    Parameters
    ----------
    key
        What the company reads out of it: nothing but that very key can then be approved. Or its id.
    """
    return act("key.approve", {"key": " ".join(key), "reason": reason}, options)


@app.command
def refuse(key: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Turn down a key that waits for approval: it never comes back.

    Parameters
    ----------
    key
        Its id, or what is read out of it, from `invite list`.
    """
    return act("key.refuse", {"key": key, "reason": reason}, options)


@app.command
def revoke(key: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Stop a key for ever, within a second; with the last of its system ends what that reads from Kafka itself.

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
    request = {"partner": partner, "system": system, "reason": reason}
    return act_with(file, "key", "key.break-glass", request, options, *seconds)


@app.command
def leaked(key: str, /, *, since: str, reason: Reason, options: Options = DEFAULTS) -> int:
    """Somebody else has it: end it within a second with all that was had by it, and tell whoever received its events.

    Parameters
    ----------
    key
        The id of a key, certificate or API key.
    since
        The first moment at which somebody else may have had it: a date, or an RFC 3339 time with offset.
    """
    return act("key.leaked", {"key": key, "since": since, "reason": reason}, options)


@app.command
def settle(
    key: str,
    /,
    *,
    confirm: Annotated[bool, Parameter(negative="")] = False,
    retract: Annotated[bool, Parameter(negative="")] = False,
    reason: Reason,
    options: Options = DEFAULTS,
) -> int:
    """Say what became of the suspicion; whoever was told of it is told.

    Parameters
    ----------
    confirm
        Its events were forged, or nobody can say that they were not.
    retract
        They are the company's own.
    """
    if confirm == retract:
        raise Misused("give either --confirm or --retract")
    return act("key.confirm" if confirm else "key.retract", {"key": key, "reason": reason}, options)


@app.command
def used(key: str, /, *, since: str, options: Options = DEFAULTS) -> int:
    """All that was done under a credential since a moment, read beside a hub that may run.

    Parameters
    ----------
    key
        The id of a key, certificate or API key.
    since
        A date, or an RFC 3339 time with offset.
    """
    import asyncio

    from hub.assembly.used import used_under
    from hub.core.errors import HubError
    from hub.operate.checks import Checks

    found: list[Plain] = []
    checks = Checks()
    moment = checks.instant("/since", since)
    if checks.faults:
        raise Misused("--since takes a date, or an RFC 3339 time with offset, such as 2026-01-31T12:00:00Z")
    try:
        told = asyncio.run(used_under(settings_of(options), key, since=moment, tell=found.append))
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    if options.json:
        print_json({**told, "items": found})
        return DONE
    if found:
        table(found, USED_COLUMNS)
    print(f"{told['events']} events accepted under {told['key']} of {told['system']} since {since}")
    for each in told["acts"]:
        print(f"{each['time']}  its system changed {each['kind']} {each['id']}")
    if told["could_read"]:
        print(f"it could read the feeds {' '.join(told['could_read'])}")
    if told["reads"]:
        table(told["reads"], ACCESS_COLUMNS)
    return DONE


@app.command(name="list")
def list_(
    *,
    expiring: Annotated[bool, Parameter(negative="")] = False,
    unused: Annotated[bool, Parameter(negative="")] = False,
    options: Options = DEFAULTS,
) -> int:
    """All keys, with their last use.

    Parameters
    ----------
    expiring
        Only those that end within 30 days.
    unused
        Only live ones that nobody used for a while (`auth.key_unused_seconds`).
    """
    chosen = {name: "yes" for name, wanted in (("expiring", expiring), ("unused", unused)) if wanted}
    return view("key.list", chosen, options, listing(KEY_COLUMNS))
