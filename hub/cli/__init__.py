"""`customs-hub`: one file per noun, imported when it is called, so that a trivial command stays quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

NOUNS = {
    "serve": "Run the hub.",
    "status": "How the running hub is doing.",
    "doctor": "Check the machine, the keys and the storage before the hub relies on them.",
    "demo": "An administration, companies and risk engines on this machine, with live traffic.",
    "bench": "Measure accept, fan-out and delivery beside the machine's own ceilings.",
    "kafka": "A real Apache Kafka on this machine, without Docker: up, status, certificate, down.",
    "partner": "Partners: apply, vet, approve, add, import, set, show, list, tier, aeo, quota, catch-up, suspend, "
    "resume, leave, checklist.",
    "invite": "Codes by which companies enrol their systems: make, end, list.",
    "api-key": "API keys of small firms: issue, revoke, list.",
    "operator": "The people who run the hub: keygen, first, add, role, rotate, suspend, resume, remove, list.",
    "proposal": "Acts that wait for a second signature: list, show, approve, refuse, withdraw.",
    "review": "Acts of one person, to be looked at afterwards: list, done.",
    "audit": "Who changed what, when, on whose word: list, verify.",
    "key": "Keys of partners' systems: add, approve, refuse, rotate, revoke, break-glass, leaked, settle, used, list.",
    "certificate": "Client certificates of partners' systems: add, name, revoke, list.",
    "issuer-key": "Keys of issuers of credentials: add, remove, list.",
    "aeo": "AEO authorisations: tell, import, list, show; status feeds: feed add, end, list.",
    "arrangement": "Whose AEO authorisations count here: add, end, list.",
    "agreement": "Who gives what to whom, what for: draft, preview, propose, add, suspend, resume, end, show, list.",
    "mandate": "Who reports for whom: list, show, countersign, stop.",
    "feed": "What a recipient gets: preview, add, change, end, show, list; kafka-access grant, rotate, revoke, list.",
    "access": "Who was given what: list; lawful restrictions: restrict, lift, restrictions.",
    "delivery": "How feeds are brought to recipients: endpoint add, verify, rotate, pause, resume, end, show, list.",
    "notice": "What customs tells companies: send to a class of them, list.",
    "replay": "The past of feeds, read again by their recipients: list, start, end.",
    "seal-key": "The keys under which receipts verify: rotate, leaked, list.",
    "token-key": "The keys that access tokens are signed with: rotate, leaked, list.",
    "edi": "EDIFACT of partners, what their own codes mean: profile set, show, try.",
    "quarantine": "What no feed or endpoint was given: list, show, release, stop, repair, corrected, discard.",
    "document": "Copies of documents that were set apart: list, show, release, refuse.",
    "document-key": "The keys under which documents are encrypted at rest: rotate.",
    "schema": "Event types: list, show, diff; check and rehearse a new version.",
    "config": "Every setting with its default: example; check a configuration.",
    "id": "Check an identifier of the trade, its form, check digit and other forms; list the schemes.",
    "why": "Why a partner may report an event, and why a feed shows it, or not.",
    "explain": "What a code of an answer means and what to do about it.",
}
"""Each noun is the module `hub.cli.<noun>` with a cyclopts `app` of that name."""

DONE, FAILED, MISUSED = 0, 1, 2
"""Exit codes: as asked; refused or failed; the command itself was wrong."""


class Misused(Exception):
    """The command cannot be understood, or the settings it stands on are wrong; its words say how."""


def main() -> None:
    """The console script."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # Whoever reads has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    match arguments:
        case [] | ["--help" | "-h" | "help", *_]:
            print(_overview())
            return DONE
        case ["--version"]:
            from importlib.metadata import version

            print(version("customs-hub"))
            return DONE
        case [noun, *rest] if noun in NOUNS:
            return _run_noun(noun, rest)
    print(f"customs-hub: there is no `{arguments[0]}`; `customs-hub --help` lists what there is", file=sys.stderr)
    return MISUSED


def _run_noun(noun: str, arguments: Sequence[str]) -> int:
    from cyclopts import App, CycloptsError

    app = App(name="customs-hub", version_flags=())
    app.command(import_module(f"hub.cli.{noun.replace('-', '_')}").app)
    try:
        outcome = app([noun, *arguments], exit_on_error=False, result_action="return_value")
    except CycloptsError:  # Printed by cyclopts.
        return MISUSED
    except Misused as misused:
        print(misused, file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        return 130
    return outcome if isinstance(outcome, int) else DONE


def _overview() -> str:
    lines = [f"  {noun:<14}{about}" for noun, about in NOUNS.items()]
    return "\n".join(
        ["Usage: customs-hub NOUN …", "", *lines, "", "`customs-hub NOUN --help` says more; `--json` prints JSON."]
    )
