"""`customs-hub delivery endpoint`: addresses to which recipients have their feeds brought (webhooks)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act, asked, view
from hub.cli.show import Columns, lines, listing, moment, print_json

app = App(
    name="endpoint", help="Addresses to which a feed is brought (Standard Webhooks), each asked before it is used."
)

COLUMNS: Columns = {
    "ENDPOINT": "id",
    "FEED": lambda each: f"{each['feed']}/{each['lane']}" if each["lane"] else each["feed"],
    "URL": "url",
    "MODE": lambda each: f"{each['mode']}, {'ordered' if each['ordered'] else 'parallel'}",
    "KEYS": lambda each: [key["public"] for key in each["keys"]],
    "STATE": lambda each: "the feed has ended" if each["feed_ended"] else each["state"],
    "SINCE": lambda each: moment(each["since"]),
}


@app.command
def add(
    endpoint: str,
    feed: str,
    url: str,
    /,
    *,
    mode: str = "batch",
    lane: str = "",
    parallel: Annotated[bool, Parameter(negative=())] = False,
    concurrency: int = 4,
    batch_records: int = 100,
    batch_bytes: int = 1_048_576,
    batch_ms: int = 100,
    mtls: Annotated[bool, Parameter(negative=())] = False,
    token_url: str = "",
    client_id: str = "",
    client_secret_file: Path | None = None,
    token_scope: str = "",
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Have a feed brought to an address; make the secret that signs what comes and show it, once.

    The hub keeps it sealed. The receiver needs the secret to answer the verification; what comes it may verify by the
    public key shown beside it. With --json both are a second line.

    Parameters
    ----------
    endpoint
        Its name, never used again.
    feed
        A feed with `webhook` among its ways.
    url
        Where the hub posts to: https, and a public address (or in `webhooks.networks`).
    mode
        batch, single, or thin: only that there is something, with a cursor to pull from.
    lane
        urgent: the feed's priority lane.
    parallel
        In no order; without, what fails holds back its source alone.
    batch_ms
        How long records may wait for others to fill a batch.
    mtls
        Show the hub's own client certificate (`webhooks.certificate_file`).
    token_url
        Of an OAuth server that gives the hub tokens for the receiver (client credentials).
    client_secret_file
        The file with the client's secret; it is sealed before it leaves this machine.
    """
    told = asked("endpoint.next", {"id": endpoint}, options)
    if told is None:
        return FAILED
    request = {
        "id": endpoint,
        "feed": feed,
        "url": url,
        "mode": mode,
        "lane": lane,
        "ordered": not parallel,
        "concurrency": concurrency,
        "batch_records": batch_records,
        "batch_bytes": batch_bytes,
        "batch_ms": batch_ms,
        "mtls": mtls,
        "token_url": token_url,
        "client_id": client_id,
        "client_secret": _sealed_from(client_secret_file, told) if client_secret_file is not None else "",
        "token_scope": token_scope,
        "reason": reason,
    }
    return _give("endpoint.add", request, told, options)


@app.command
def rotate(
    endpoint: str,
    /,
    *,
    at_once: Annotated[bool, Parameter(negative=())] = False,
    reason: Reason = "",
    options: Options = DEFAULTS,
) -> int:
    """Sign with new keys; those before sign beside them for the time of grace (`auth.key_grace_seconds`).

    Parameters
    ----------
    at_once
        End those before now.
    """
    told = asked("endpoint.next", {"id": endpoint}, options)
    if told is None:
        return FAILED
    return _give("endpoint.rotate", {"id": endpoint, "at_once": at_once, "reason": reason}, told, options)


@app.command
def verify(endpoint: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Ask it now whether it has the secret; nothing else is sent before it answers."""
    return act("endpoint.verify", {"id": endpoint, "reason": reason}, options)


@app.command
def pause(endpoint: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Send nothing until it is resumed; its place is kept."""
    return act("endpoint.pause", {"id": endpoint, "reason": reason}, options)


@app.command
def resume(endpoint: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Verify it again and go on where it stood; also where the hub disabled it."""
    return act("endpoint.resume", {"id": endpoint, "reason": reason}, options)


@app.command
def end(endpoint: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End it for ever."""
    return act("endpoint.end", {"id": endpoint, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All endpoints with their public keys; how far behind each is, `customs-hub status` tells."""
    return view("endpoint.list", {}, options, listing(COLUMNS))


def _give(name: str, request: dict[str, Any], told: Mapping[str, Any], options: Options) -> int:
    from hub.drivers.system.entropy import SystemEntropy
    from hub.trust.sealed_password import seal_password
    from hub.trust.webhook import SECRET_BYTES, secret_text

    given = {"secret": secret_text(SystemEntropy().bytes(SECRET_BYTES)), "public": str(told["public"])}
    request |= {"sealed": seal_password(given["secret"], told["name"], told["key"])}
    outcome = act(name, request, options)
    if outcome == DONE:
        print_json(given) if options.json else lines(given)
    return outcome


def _sealed_from(file: Path, told: Mapping[str, Any]) -> str:
    from hub.trust.sealed_password import seal_password

    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file}: {error}") from error
    return seal_password(secret, told["client_secret_name"], told["key"])
