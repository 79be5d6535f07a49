"""`customs-hub seal-key`: the keys under which receipts verify."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from hub.cli import DONE, FAILED
from hub.cli.desk import DEFAULTS, Options, Reason, act, settings_of
from hub.cli.show import Plain, failure, print_json, table
from hub.core.errors import HubError

if TYPE_CHECKING:
    from hub.drivers.system.key_ring import FileKeyRing
    from hub.ports.key_ring import SealKey

app = App(name="seal-key", help="The keys under which receipts verify, past and present.")

COLUMNS = {
    "key": lambda row: row["key"],
    "from": lambda row: row["from"],
    "to": lambda row: row["to"],
    "compromised since": lambda row: row.get("compromised since", ""),
}


@app.command
def rotate(*, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Sign with a new key from now on; a running hub takes it up with its next seal. Old receipts go on verifying."""
    return act("seal-key.rotate", {"reason": reason}, options)


@app.command
def leaked(*, since: str, reason: Reason, options: Options = DEFAULTS) -> int:
    """Somebody else may have it: sign with a new key, and publish from when on seals under the old one are doubtful.

    Receipts from then on verify with a warning; what to do next is in hub/README.md, "When a key leaked".

    Parameters
    ----------
    since
        The first moment at which somebody else may have had it: a date, or an RFC 3339 time with offset.
    """
    return act("seal-key.leaked", {"since": since, "reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """The key history, newest first, as `/.well-known/customs-hub-keys.json` publishes it."""
    try:
        items = [_row(key) for key in _open(options).seal_keys()]
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    print_json({"items": items}) if options.json else table(items, COLUMNS)
    return DONE


def _open(options: Options) -> FileKeyRing:
    from hub.assembly.grounds import open_keys
    from hub.drivers.system.clock import SystemClock

    now = SystemClock().now_us() // 1_000_000
    directory = Path(settings_of(options).log.directory)
    if not directory.is_dir():
        raise HubError(f"there is no data directory {directory}: name it with --data or --config")
    return open_keys(directory, now=now)


def _row(key: SealKey) -> Plain:
    to = "in use" if key.valid_to is None else _utc(key.valid_to)
    row = {"key": key.id, "from": _utc(key.valid_from), "to": to}
    return row if key.compromised_since is None else row | {"compromised since": _utc(key.compromised_since)}


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
