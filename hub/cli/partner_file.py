"""`customs-hub partner import`: many organisations at once."""

from __future__ import annotations

from pathlib import Path

from hub.cli import Misused
from hub.cli.desk import DEFAULTS, Options, Reason, act

FORMATS = {".csv": "csv", ".ndjson": "ndjson"}


def import_(file: Path, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Enrol up to 10,000 organisations from a file, all of them or none.

    Parameters
    ----------
    file
        *.csv with the columns id, name, country, roles, and if there are any tier, identifiers, time_zone; several
        roles, or identifiers as scheme=value, are separated by a semicolon. *.ndjson: a JSON object a line.
    """
    if file.suffix not in FORMATS:
        raise Misused(f"{file} is called neither *.csv nor *.ndjson")
    return act("partner.import", {"format": FORMATS[file.suffix], "text": text_of(file), "reason": reason}, options)


def text_of(file: Path) -> str:
    """The text of a file that a command names. Raises `Misused`."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}") from error
