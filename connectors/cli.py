"""`customs-connect`: what a partner's or a reader's machine runs. One file per verb, imported when it is called."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from contextvars import copy_context
from importlib import import_module

from connectors.errors import ConnectorError

VERBS = {
    "enrol": "Register this machine's key with the code that the administration gave.",
    "checklist": "How far this system has come since it enrolled.",
    "keygen": "Make a system's signing key.",
    "rotate": "Put a new key in the place of a system's key.",
    "revoke": "End a key with the code that was kept offline.",
    "push": "Send events to a hub; keep and verify their receipts.",
    "watch": "Send what is dropped into a folder; lay the results beside it.",
    "document": "Hand digital copies of documents in, and withdraw them.",
    "outbox": "What waits on this machine, and what the hub refused and why.",
    "receipts": "The receipts that were kept.",
    "validate": "What a hub would say of a file, without a hub.",
    "verify": "Check a receipt offline, and say what it proves.",
    "disclose": "Show one member of an event to whom it was withheld.",
    "verify-disclosure": "Check a disclosed member offline, and say what it proves.",
    "verify-request": "Check a signed request offline, and say who signed what.",
    "mandate": "Let another partner report for you, and end that; two people sign.",
    "agreement": "The agreements that cover you: read them, and sign what is proposed.",
    "notices": "What customs tells you of events, goods and credentials; acknowledge it.",
    "read": "Read a feed: for programs, with acknowledgements and proof.",
    "subscribe": "Watch a feed go by: filtered, paused, in lines or whole; acknowledges nothing.",
    "listen": "Bring a feed to a receiver of webhooks on this machine, signed as a hub signs.",
    "replay": "Read the past of a feed again.",
    "engine": "Run the reference risk engine on feeds.",
}
"""Each verb is the module `connectors.commands.<verb>` (`_` for `-`) with a cyclopts `app`."""

DONE, FAILED, MISUSED = 0, 1, 2
"""Exit codes: as asked; refused, unanswered or failed; the command itself was wrong."""


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    match arguments:
        case [] | ["--help" | "-h" | "help", *_]:
            print(_overview())
            return DONE
        case [verb, *rest] if verb in VERBS:
            return _run_verb(verb, rest)
    print(
        f"customs-connect: there is no `{arguments[0]}`; `customs-connect --help` lists what there is", file=sys.stderr
    )
    return MISUSED


def _run_verb(verb: str, arguments: Sequence[str]) -> int:
    from cyclopts import CycloptsError

    app = import_module(f"connectors.commands.{verb.replace('-', '_')}").app
    try:
        # What an option chooses for all that this command says ends with it.
        outcome = copy_context().run(app, arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:  # Printed by cyclopts.
        return MISUSED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # Whoever read our output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ConnectorError, OSError, sqlite3.Error) as e:
        words = f"{e.filename}: {e.strerror}" if isinstance(e, OSError) and e.filename else str(e)
        print(f"customs-connect {verb}: {words}", file=sys.stderr)
        return FAILED
    return outcome if isinstance(outcome, int) else DONE


def _overview() -> str:
    lines = [f"  {verb:<20}{about}" for verb, about in VERBS.items()]
    return "\n".join(
        [
            "Usage: customs-connect VERB …",
            "",
            *lines,
            "",
            "`customs-connect VERB --help` says more; `--json` prints JSON.",
        ]
    )
