"""`customs-hub seal-key`: the keys under which receipts verify."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from hub.cli import DONE, FAILED, Misused
from hub.cli.desk import DEFAULTS, Options, settings_of
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
def rotate(*, options: Options = DEFAULTS) -> int:
    """Sign with a new key from now on; a running hub takes it up with its next seal. Old receipts go on verifying."""
    return _with_keys(options, rotates=True)


@app.command
def leaked(*, since: str, options: Options = DEFAULTS) -> int:
    """Somebody else may have it: sign with a new key, and publish from when on seals under the old one are doubtful.

    Receipts from then on verify with a warning; what to do next is in hub/README.md, "When a key leaked".

    Parameters
    ----------
    since
        The first moment at which somebody else may have had it: a date, or an RFC 3339 time with offset.
    """
    from hub.operate.checks import Checks

    checks = Checks()
    moment = checks.instant("/since", since)
    if checks.faults:
        raise Misused("--since takes a date, or an RFC 3339 time with offset, such as 2026-01-31T12:00:00Z")
    return _with_keys(options, rotates=True, compromised_since=moment)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """The key history, newest first, as `/.well-known/customs-hub-keys.json` publishes it."""
    return _with_keys(options, rotates=False)


def _with_keys(options: Options, *, rotates: bool, compromised_since: int | None = None) -> int:
    try:
        keys, now = _open(options)
        if rotates:
            if compromised_since is not None and compromised_since > now:
                raise Misused("--since is yet to come")
            keys.rotate_seal_key(now, compromised_since=compromised_since)
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    items = [_row(key) for key in keys.seal_keys()]
    print_json({"items": items}) if options.json else table(items, COLUMNS)
    return DONE


def _open(options: Options) -> tuple[FileKeyRing, int]:
    from hub.assembly.grounds import open_keys
    from hub.drivers.system.clock import SystemClock

    now = SystemClock().now_us() // 1_000_000
    directory = Path(settings_of(options).log.directory)
    if not directory.is_dir():
        raise HubError(f"there is no data directory {directory}: name it with --data or --config")
    return open_keys(directory, now=now), now


def _row(key: SealKey) -> Plain:
    to = "in use" if key.valid_to is None else _utc(key.valid_to)
    row = {"key": key.id, "from": _utc(key.valid_from), "to": to}
    return row if key.compromised_since is None else row | {"compromised since": _utc(key.compromised_since)}


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
