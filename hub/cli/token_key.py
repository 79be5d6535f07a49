"""`customs-hub token-key`: the keys under which access tokens verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, act
from hub.cli.key_files import list_keys
from hub.cli.show import Columns, Plain, moment

if TYPE_CHECKING:
    from hub.drivers.system.key_ring import FileKeyRing

app = App(name="token-key", help="The keys that access tokens are signed with: they overlap, so that none is refused.")

COLUMNS: Columns = {
    "KEY": "key",
    "SIGNS FROM": "signs_from",
    "PUBLISHED UNTIL": "until",
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

    def rows(ring: FileKeyRing, now: int) -> list[Plain]:
        return [_row(key.id, key.signs_from, key.valid_to) for key in published(ring.token_keys(), now)]

    return list_keys(rows, COLUMNS, options)


def _row(key: str, signs_from: int, valid_to: int | None) -> Plain:
    return {"key": key, "signs_from": moment(signs_from), "until": "in use" if valid_to is None else moment(valid_to)}
