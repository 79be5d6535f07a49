"""`customs-hub feed kafka-access`: recipients who read their feed from Kafka itself, with an identity of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli import FAILED
from hub.cli.desk import DEFAULTS, Options, Reason, act, act_and_give, asked, view
from hub.cli.show import Columns, listing, moment
from hub.core.codes import CHANCE_BYTES, KAFKA_PASSWORD, make_code

app = App(
    name="kafka-access",
    help="Reading a feed from Kafka itself: an own user or certificate, its topics alone, nothing to write.",
)

Certificate = Annotated[
    str, Parameter(help="The id of a client certificate of the system, in place of a user with a password.")
]
Days = Annotated[int, Parameter(help="How long it is good.")]
COLUMNS: Columns = {
    "ACCESS": "id",
    "FEED": "feed",
    "SYSTEM": "system",
    "BY": "proof",
    "IDENTITIES": lambda each: [held["principal"] for held in each["identities"]],
    "UNTIL": lambda each: moment(max((held["until"] for held in each["identities"]), default=None)),
    "STATE": lambda each: f"closed: {each['closed_by']}" if each["closed_by"] else "open",
}


@app.command
def grant(
    access: str,
    feed: str,
    system: str,
    /,
    *,
    certificate: Certificate = "",
    days: Days = 365,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Let a system of the feed's recipient read it; without --certificate, make a password and show it, once.

    The hub keeps the password sealed. With --json what the reader needs is a second line.

    Parameters
    ----------
    access
        Its name, never used again.
    system
        The system's own name: RECIPIENT.SYSTEM is registered already.
    """
    told = asked("kafka-access.next", {"id": access, "feed": feed}, options)
    if told is None:
        return FAILED
    request = {"id": access, "feed": feed, "system": system, "days": days, "reason": reason}
    return _give("kafka-access.grant", request, certificate, told, options)


@app.command
def rotate(
    access: str,
    /,
    *,
    certificate: Certificate = "",
    days: Days = 365,
    at_once: Annotated[bool, Parameter(negative=())] = False,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Give it another identity; the one before is good for the time of grace (`auth.key_grace_seconds`).

    Parameters
    ----------
    at_once
        End the one before now.
    """
    told = asked("kafka-access.next", {"id": access}, options)
    if told is None:
        return FAILED
    request = {"id": access, "days": days, "at_once": at_once, "reason": reason}
    return _give("kafka-access.rotate", request, certificate, told, options)


@app.command
def revoke(access: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End it for ever; within a second its readers see nothing more."""
    return act("kafka-access.revoke", {"id": access, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All of them, with the identities that are live, and why one is closed."""
    return view("kafka-access.list", {}, options, listing(COLUMNS))


def _give(name: str, request: dict[str, Any], certificate: str, told: Mapping[str, Any], options: Options) -> int:
    from hub.drivers.system.entropy import SystemEntropy
    from hub.trust.sealed_password import seal_password

    given: dict[str, Any] = {}
    if certificate:
        request |= {"certificate": certificate}
    else:
        given = {"user": told["user"], "password": make_code(KAFKA_PASSWORD, SystemEntropy().bytes(CHANCE_BYTES))}
        request |= {"user": told["user"], "sealed": seal_password(given["password"], given["user"], told["key"])}
    address = told["addresses"]["mtls" if certificate else "scram"]
    given |= {"bootstrap": address, "topics": told["topics"], "groups": f"{told['groups']}*"}
    return act_and_give(name, request, given, options)
