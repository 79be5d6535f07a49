"""`customs-hub document-key`: the keys under which what lies at rest is encrypted."""

from __future__ import annotations

from cyclopts import App

from hub.cli.desk import DEFAULTS, Options, Reason, act

app = App(name="document-key", help="The keys under which documents are encrypted at rest.")


@app.command
def rotate(*, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Encrypt under a new key what is put from now on; a running hub takes it up at once. The others stay.

    To erase what an older one wrapped, in every copy and backup, remove its file `keys/wrapping-<number>.key` from the
    data directory and from its backups: nothing brings it back.
    """
    return act("document-key.rotate", {"reason": reason}, options)
