"""`customs-hub seal-key`: the keys under which receipts verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, act
from hub.cli.key_files import list_keys
from hub.cli.show import Columns, Plain, moment

if TYPE_CHECKING:
    from hub.ports.key_ring import SealKey

app = App(name="seal-key", help="The keys under which receipts verify, past and present.")

COLUMNS: Columns = {
    "key": "key",
    "from": "from",
    "to": "to",
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
    return list_keys(lambda ring, _: map(_row, ring.seal_keys()), COLUMNS, options)


def _row(key: SealKey) -> Plain:
    to = "in use" if key.valid_to is None else moment(key.valid_to)
    row = {"key": key.id, "from": moment(key.valid_from), "to": to}
    return row if key.compromised_since is None else row | {"compromised since": moment(key.compromised_since)}
