"""What several verbs share: how to reach a hub, and how to print."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

JSON = Annotated[bool, Parameter(negative=())]
"""Print one JSON object a line, for machines."""


@Parameter(name="*")
@dataclass(frozen=True)
class HubOptions:
    """How to reach the hub, and as whom."""

    hub: str
    "The hub's URL, such as https://hub.example."

    client: str
    "The client id of this system, as the hub's operator registered it."

    key: Path
    "The private key of this system (PEM or JWK)."


def print_json(value: object) -> None:
    """One JSON line, at once, in UTF-8 whatever the terminal speaks."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()
