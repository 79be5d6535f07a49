"""`customs-hub token-key`: the keys under which access tokens verify."""

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

app = App(name="token-key", help="The keys that access tokens are signed with: they overlap, so that none is refused.")

COLUMNS = {
    "KEY": lambda row: row["key"],
    "SIGNS FROM": lambda row: row["signs_from"],
    "PUBLISHED UNTIL": lambda row: row["until"],
}


@app.command
def rotate(*, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Make a new key. It is published at once and signs a minute later; the one before stays until its tokens ended."""
    return act("token-key.rotate", {"reason": reason}, options)


@app.command
def leaked(*, reason: Reason, options: Options = DEFAULTS) -> int:
    """Somebody else may have it: sign with a new key at once, and refuse every token of before within a second.

    Systems ask for new tokens by themselves; nothing else of them has to change.
    """
    return act("token-key.leaked", {"reason": reason}, options)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """The keys that are published now, newest first."""
    from hub.ports.key_ring import published

    try:
        keys, now = _open(options)
        items = [_row(key.id, key.signs_from, key.valid_to) for key in published(keys.token_keys(), now)]
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
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


def _row(key: str, signs_from: int, valid_to: int | None) -> Plain:
    return {"key": key, "signs_from": _utc(signs_from), "until": "in use" if valid_to is None else _utc(valid_to)}


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
