"""What an act left, in words: of each object that it changed, what is so now, by the object's own state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from hub.cli.show import PROPOSAL_CHARACTERS, Plain, moment

STATE_OF: Mapping[str, Callable[[Plain], str]] = {
    "feed": lambda feed: "ended" if feed["ended"] else "",
    "restriction": lambda restriction: "lifted" if restriction["lifted"] else "",
    "settlement": lambda settlement: "stopped" if settlement["stopped"] else settlement["outcome"],
    "leak": lambda leak: str(leak["trust"]),
    "issuer_key": lambda key: "removed" if key["removed"] else "",
    "authorisation": lambda authorisation: str(authorisation["status"]),
    "arrangement": lambda arrangement: "ended" if arrangement["ended"] else "",
    "status_feed": lambda feed: "" if feed["keys"] else "ended",
    "copy_decision": lambda decision: str(decision["outcome"]),
    "review": lambda review: "done" if review["done_by"] else "",
    "allowance": lambda allowance: "catching up" if allowance["catch_up_until"] else "",
}
"""Where it is not the member `state`; what has neither is there, and that is all."""

# fmt: off
WORDS: Mapping[tuple[str, str], str] = {
    ("agreement", "proposed"): "proposed; waits for the signatures of {waits_for:and}",
    ("agreement", "active"): "active from {valid_from:time}{valid_to:until}",
    ("agreement", "suspended"): "suspended; nothing is given under it, and what comes meanwhile is shown to nobody",
    ("agreement", "ended"): "ended; nothing more is taken or given under it",
    ("feed", ""): "version {version} in force",
    ("feed", "ended"): "ended; whoever reads it is answered 410",
    ("endpoint", "unverified"): "asked now whether it has the secret; nothing else is sent before it answers",
    ("endpoint", "active"): "active; it is sent what its feed brings",
    ("endpoint", "failing"): "failing; it goes on being tried",
    ("endpoint", "paused"): "paused; nothing is sent, and its place is kept",
    ("endpoint", "disabled"): "disabled; nothing is sent until it is resumed",
    ("endpoint", "gone"): "gone; it said so itself, and nothing more is sent",
    ("endpoint", "ended"): "ended; nothing more is sent",
    ("kafka_access", "active"): "open to {system}",
    ("kafka_access", "revoked"): "revoked; its readers see nothing more",
    ("restriction", ""): "binds from {begins:time}{ends:until}; to be reviewed by {review:time}",
    ("restriction", "lifted"): "lifted; what it kept is told from now on",
    ("settlement", "release"): "release decided; it is carried out now: customs-hub quarantine list",
    ("settlement", "repair"): "repair decided; it is carried out now: customs-hub quarantine show {letters:and}",
    ("settlement", "discard"): "discard decided; the content goes now",
    ("settlement", "stopped"): "stopped after the letter that it tries; what is left waits",
    ("partner", "applied"): "applied; nothing is taken from it before it is vetted and approved",
    ("partner", "vetted"): "vetted; what it sends counts as of the tier sandbox",
    ("partner", "active"): "takes part, tier {tier}",
    ("partner", "suspended"): "suspended; nothing is taken from it or given to it",
    ("partner", "left"): "left for good; nothing is taken from it or given to it",
    ("edi_profile", ""): "in force",
    ("system", ""): "may use {scopes:and}",
    ("key", "requested"): "waits for an operator's approval",
    ("key", "active"): "proves {system}{not_before:from}{not_after:until}",
    ("key", "grace"): "replaced; accepted{not_after:until}",
    ("key", "revoked"): "revoked for ever",
    ("certificate", "active"): "proves {system}{not_after:until}",
    ("certificate", "revoked"): "revoked for ever",
    ("api_key", "active"): "good for {scopes:and}{not_after:until}",
    ("api_key", "revoked"): "revoked for ever",
    ("leak", "withdrawn"): "reported; what came under it since {since:time} is not to be trusted",
    ("leak", "confirmed"): "confirmed; what came under it since {since:time} is forged",
    ("leak", "retracted"): "taken back; what came under it is the company's own",
    ("issuer_key", ""): "believed{valid_from:from}{valid_until:until}",
    ("issuer_key", "removed"): "removed; nothing that it signed is believed",
    ("authorisation", "valid"): "valid",
    ("authorisation", "suspended"): "suspended",
    ("authorisation", "revoked"): "revoked",
    ("arrangement", ""): "in force from {valid_from}",
    ("arrangement", "ended"): "ended; nothing is recognised by it",
    ("status_feed", ""): "believed, up to message {sequence}",
    ("status_feed", "ended"): "ended; nothing under its keys is believed",
    ("copy_decision", "released"): "released",
    ("copy_decision", "refused"): "refused",
    ("allowance", ""): "set: customs-hub partner quota",
    ("allowance", "catching up"): "set; may send faster{catch_up_until:until}",
    ("mandate", "signed"): "signed by {principal}; waits for an officer's signature",
    ("mandate", "granted"): "lets {agent} report from {valid_from:time}{valid_to:until}",
    ("mandate", "withdrawn"): "withdrawn; {agent} reports nothing under it",
    ("invitation", "open"): "open{ends:until}",
    ("invitation", "used"): "used",
    ("invitation", "ended"): "ended; nobody can use it",
    ("enrolment", ""): "begun; its key waits for approval",
    ("operator", "active"): "may act as {roles:and}{until:until}",
    ("operator", "suspended"): "suspended; may do nothing",
    ("operator", "removed"): "removed for good",
    ("proposal", "open"): "waits for a second signature{expires:until}",
    ("proposal", "performed"): "performed",
    ("proposal", "refused"): "refused; it can no longer be signed",
    ("proposal", "withdrawn"): "withdrawn; it can no longer be signed",
    ("proposal", "stale"): "stale; what it was about has changed",
    ("review", ""): "by another person{due:until}: customs-hub review done {id}",
    ("review", "done"): "seen by {done_by}",
    ("retired_key", ""): "out of use; another key takes its place",
}
# fmt: on
"""By kind and state, filled in with the object's members and what the hub told beside it."""


def changes(done: Plain) -> None:
    """What an act changed, or that it waits for a second signature."""
    if "proposal" in done:
        short, until = done["proposal"][:PROPOSAL_CHARACTERS], moment(done["expires"])
        print(f"proposal {short}  waits until {until} for a second signature: customs-hub proposal approve {short}")
        return
    if not done["changed"]:
        print(f"nothing to change, it is so already (revision {done['revision']})")
    for change in done["changed"]:
        print(f"{said(change)} (revision {done['revision']})")


def said(change: Plain) -> str:
    kind, held = change["kind"], change["object"]
    state = STATE_OF[kind](held) if kind in STATE_OF else held.get("state", "")
    name = change["id"][:PROPOSAL_CHARACTERS] if kind == "proposal" else change["id"]
    return f"{kind} {name}  {_WORDING.format(WORDS[kind, state], **{**held, **change})}"


class _Wording(Formatter):
    """With `time` for seconds since 1970, `from` and `until` for those that may be left out, `and` for several."""

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "time":
                return moment(value)
            case "from" | "until":
                return "" if value is None else f" {format_spec} {moment(value)}"
            case "and":
                return " and ".join(value) or "nobody"
        return str(value)


_WORDING = _Wording()
