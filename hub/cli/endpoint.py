"""`customs-hub delivery endpoint`: addresses to which recipients have feeds and notices brought (webhooks)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act, act_and_give, acted, asked, hub_runs, view
from hub.cli.show import Columns, Plain, failed, lines, listing, moment, print_json

app = App(
    name="endpoint",
    help="Addresses to which a feed or notices are brought (Standard Webhooks), each asked before it is used.",
)

ACTIVE, UNVERIFIED = "active", "unverified"
ANSWER_SECONDS_MAX = 30.0
"""For a verification: the hub waits 20 s for an answer, if its settings say nothing else."""
LOOK_SECONDS = 0.2
COLUMNS: Columns = {
    "ENDPOINT": "id",
    "FEED": lambda each: _feed(each),
    "URL": "url",
    "MODE": lambda each: _mode(each),
    "STATE": lambda each: _state(each),
    "SINCE": lambda each: moment(each["since"]),
    "LAST FAILURE": lambda each: _failure(each),
}


@app.command
def add(
    endpoint: str,
    feed: str,
    url: str,
    /,
    *,
    recipient: str = "",
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
    """Have a feed or notices brought to an address; make the secret that signs what comes and show it, once.

    The hub keeps it sealed. The receiver needs the secret to answer the verification; what comes it may verify by the
    public key shown beside it. With --json both are a second line.

    Parameters
    ----------
    endpoint
        Its name, never used again.
    feed
        A feed with `webhook` among its ways; or hub.notices: what customs tells a partner.
    url
        Where the hub posts to: https and a public address; in `webhooks.networks` others too, and http.
    recipient
        With hub.notices: the partner.
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
        "recipient": recipient,
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
    """Ask it now whether it has the secret, and wait for the answer; nothing else is sent before it is right.

    Exits with 1 where the answer was wrong, or did not come within 30 s.
    """
    done = acted("endpoint.verify", {"id": endpoint, "reason": reason}, options)
    if done is None:
        return FAILED
    if "changed" not in done or not hub_runs(options):
        return DONE  # It waits for a second signature, or for a hub that asks.
    return _wait(endpoint, done["changed"][0]["object"]["verification"], options)


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
    """All endpoints, and what went wrong last with each; how far behind each is, `customs-hub status` tells."""
    return view("endpoint.list", {}, options, listing(COLUMNS))


@app.command
def show(endpoint: str, /, *, options: Options = DEFAULTS) -> int:
    """An endpoint with its public keys, how it is sent to, and what went wrong last."""
    return view("endpoint.show", {"id": endpoint}, options, _say)


def _say(shown: Plain) -> None:
    oauth = shown["oauth"]
    lines(
        {
            "endpoint": shown["id"],
            "state": _state(shown),
            "since": moment(shown["since"]),
            "last failure": _failure(shown, whole=True),
            "feed": _feed(shown),
            "recipient": shown["recipient"],
            "url": shown["url"],
            "mode": _mode(shown),
            "at once": f"{shown['concurrency']} messages",
            "a message": f"{shown['batch_records']} records, {shown['batch_bytes']} bytes, {shown['batch_ms']} ms",
            "keys": [key["public"] for key in shown["keys"]],
            "client certificate": "shown" if shown["mtls"] else "",
            "tokens from": oauth and oauth["token_url"],
        }
    )


def _wait(endpoint: str, verification: int, options: Options) -> int:
    """For what comes of a verification."""
    from hub.drivers.system.clock import SystemClock

    clock, shown, is_over = SystemClock(), None, False
    until = clock.monotonic() + ANSWER_SECONDS_MAX
    while not is_over and clock.monotonic() < until:
        asyncio.run(clock.sleep(LOOK_SECONDS))
        shown = asked("endpoint.show", {"id": endpoint}, options)
        if shown is None:
            return FAILED
        seen = shown["last_failure"]
        has_failed = seen is not None and seen["verification"] == verification
        is_over = shown["state"] != UNVERIFIED or shown["feed_ended"] or has_failed
    outcome = {} if shown is None else {each: shown[each] for each in ("state", "feed_ended", "last_failure")}
    is_verified = outcome.get("state") == ACTIVE
    if options.json:
        print_json({"endpoint": endpoint, **outcome})
    elif is_verified:
        print(f"endpoint {endpoint}  verified")
    else:
        why = (
            failed(outcome.get("last_failure"), whole=True)
            if is_over
            else f"no answer within {ANSWER_SECONDS_MAX:.0f} s"
        )
        print(f"endpoint {endpoint}  not verified: {why or _state(shown or {})}")
    return DONE if is_verified else FAILED


def _failure(endpoint: Plain, *, whole: bool = False) -> str:
    """The last one; whether it is over is said with it, or it would look as if it went on."""
    failure = endpoint["last_failure"]
    return failed(failure, whole=whole) + ("; over: it takes what is sent" if failure and failure["over"] else "")


def _feed(endpoint: Plain) -> str:
    return f"{endpoint['feed']}/{endpoint['lane']}" if endpoint["lane"] else str(endpoint["feed"])


def _mode(endpoint: Plain) -> str:
    return f"{endpoint['mode']}, {'ordered' if endpoint['ordered'] else 'parallel'}"


def _state(endpoint: Plain) -> str:
    return "the feed has ended" if endpoint.get("feed_ended") else str(endpoint.get("state", ""))


def _give(name: str, request: dict[str, Any], told: Mapping[str, Any], options: Options) -> int:
    from hub.drivers.system.entropy import SystemEntropy
    from hub.trust.sealed_password import seal_password
    from hub.trust.webhook import SECRET_BYTES, secret_text

    given = {"secret": secret_text(SystemEntropy().bytes(SECRET_BYTES)), "public": str(told["public"])}
    request |= {"sealed": seal_password(given["secret"], told["name"], told["key"])}
    return act_and_give(name, request, given, options)


def _sealed_from(file: Path, told: Mapping[str, Any]) -> str:
    from hub.trust.sealed_password import seal_password

    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file}: {error}") from error
    return seal_password(secret, told["client_secret_name"], told["key"])
