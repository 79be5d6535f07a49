"""The registry's file read by another process than the hub: nothing is locked, written or checkpointed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from hub.core.registry import Version
from hub.core.stored import read_stored
from hub.drivers.sqlite.database import port_error

_VERSIONS = "SELECT revision, kind, body, actor, reason, time_us FROM versions ORDER BY revision, position"


def versions_in(path: Path) -> Sequence[Version]:
    """All that was ever registered, in order of revision; nothing where there is no registry.

    Raises `StorageUnavailable`.
    """
    if not path.is_file():
        return ()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return [
                Version(revision, item, actor, reason, time_us)
                for revision, kind, body, actor, reason, time_us in connection.execute(_VERSIONS)
                for item in read_stored(kind, body)
            ]
    except sqlite3.Error as error:
        raise port_error(error) from error
