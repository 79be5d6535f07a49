"""How the commands look at the hub's own keys: in their files, beside a hub that may run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli import DONE, FAILED
from hub.cli.desk import Options, settings_of
from hub.cli.show import Columns, Plain, failure, print_json, table
from hub.core.errors import HubError

if TYPE_CHECKING:
    from hub.drivers.system.key_ring import FileKeyRing


def list_keys(rows: Callable[[FileKeyRing, int], Iterable[Plain]], columns: Columns, options: Options) -> int:
    """Print the rows that the ring has now (seconds since 1970); return the exit code."""
    from hub.assembly.grounds import open_keys
    from hub.drivers.system.clock import SystemClock

    now = SystemClock().now_us() // 1_000_000
    try:
        directory = Path(settings_of(options).log.directory)
        if not directory.is_dir():
            raise HubError(f"there is no data directory {directory}: name it with --data or --config")
        items = list(rows(open_keys(directory, now=now), now))
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    print_json({"items": items}) if options.json else table(items, columns)
    return DONE
