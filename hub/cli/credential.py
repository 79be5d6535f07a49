"""What the commands share that register credentials of partners' systems."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hub.cli import FAILED, Misused
from hub.cli.desk import Options, Several, act
from hub.cli.partner_file import text_of
from hub.cli.show import Plain
from hub.cli.signing import Signer

SystemName = Annotated[str, Parameter(help="The system's own name: its client id is PARTNER.SYSTEM.")]
Scopes = Annotated[
    list[str] | None,
    Several,
    Parameter(
        help="events:write, feeds:read, receipts:read; one or more. May be left out if the system has its scopes "
        "already."
    ),
]


def act_with(file: Path, member: str, name: str, request: Plain, options: Options, *seconds: Signer) -> int:
    """Do an act whose request holds, in `member`, the text of a file; return the exit code."""
    try:
        text = text_of(file)
    except Misused as error:
        print(error, file=sys.stderr)
        return FAILED
    return act(name, {**request, member: text}, options, *seconds)
