"""`customs-hub document-key`: the keys under which what lies at rest is encrypted."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from hub.cli import DONE, FAILED
from hub.cli.desk import DEFAULTS, Options, settings_of
from hub.cli.show import failure, print_json
from hub.core.errors import HubError

app = App(name="document-key", help="The keys under which documents are encrypted at rest.")


@app.command
def rotate(*, options: Options = DEFAULTS) -> int:
    """Encrypt under a new key what is put from now on; a running hub takes it up at once. The others stay.

    To erase what an older one wrapped, in every copy and backup, remove its file `keys/wrapping-<number>.key` from the
    data directory and from its backups: nothing brings it back.
    """
    from hub.assembly.grounds import open_keys
    from hub.drivers.system.clock import SystemClock

    try:
        directory = Path(settings_of(options).log.directory)
        if not directory.is_dir():
            raise HubError(f"there is no data directory {directory}: name it with --data or --config")
        number = open_keys(directory, now=SystemClock().now_us() // 1_000_000).rotate_wrapping_key()
    except HubError as error:
        failure(error, as_json=options.json)
        return FAILED
    print_json({"number": number}) if options.json else print(f"key {number} is in use")
    return DONE
