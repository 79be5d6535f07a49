"""`customs-hub seal-key`: the keys under which receipts verify."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from hub.cli import DONE, FAILED
from hub.cli.desk import DEFAULTS, Options, settings_of
from hub.cli.show import Plain, failure, print_json, table
from hub.core.errors import HubError

if TYPE_CHECKING:
    from hub.drivers.system.key_ring import FileKeyRing

app = App(name="seal-key", help="The keys under which receipts verify, past and present.")

COLUMNS = {"key": lambda row: row["key"], "from": lambda row: row["from"], "to": lambda row: row["to"]}


@app.command
def rotate(*, options: Options = DEFAULTS) -> int:
    """Sign with a new key from now on; a running hub takes it up with its next seal. Old receipts go on verifying."""
    return _with_keys(options, rotates=True)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """The key history, newest first, as `/.well-known/customs-hub-keys.json` publishes it."""
    return _with_keys(options, rotates=False)


def _with_keys(options: Options, *, rotates: bool) -> int:
    try:
        keys, now = _open(options)
        if rotates:
            keys.rotate_seal_key(now)
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    items = [_row(key.id, key.valid_from, key.valid_to) for key in keys.seal_keys()]
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


def _row(key: str, valid_from: int, valid_to: int | None) -> Plain:
    return {"key": key, "from": _utc(valid_from), "to": "in use" if valid_to is None else _utc(valid_to)}


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
