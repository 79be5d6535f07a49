"""`customs-hub agreement`: who gives what to whom, for which purpose, which fields, until when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from hub.cli import DONE
from hub.cli.desk import DEFAULTS, Options, Reason, act, judged, view
from hub.cli.show import Columns, Plain, lines, listing, moment, print_json
from hub.cli.why import read_json, say_coverage

app = App(name="agreement", help="Agreements: nothing is taken from a partner or given to an authority without one.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an agreement says, whoever makes it."""

    type: Annotated[
        list[str],
        Parameter(
            negative="",
            consume_multiple=True,
            help="Event types: customs.seal.broken, a family `customs.seal.*`, or `*`; one or more. Neither of these "
            "two covers customs.goods.observed or customs.aeo.status_changed, which are shared only where they are "
            "named. Without `customs.event.*` the recipient is not told of retractions and corrections.",
        ),
    ]
    recipient: Annotated[str, Parameter(help="The partner that receives; it must have the role authority.")]
    purpose: Annotated[
        str,
        Parameter(
            help="security-risk-assessment, admissibility, duty-risk, trade-facilitation, statistics or "
            "incident-response."
        ),
    ]
    field: Annotated[
        list[str],
        Parameter(
            negative="",
            consume_multiple=True,
            help="JSON Pointers of what the recipient may see, such as /data/seal, and groups: @identity, @place, "
            "@goods, @parties, @transport, @equipment, @seals, @documents, @controls, @measurements; `*` for all of "
            "the event; one or more.",
        ),
    ]
    partner: Annotated[
        str | None, Parameter(help="The provider; or name a class of providers by tier, role, country and AEO type.")
    ] = None
    tier: str | None = None
    role: str | None = None
    country: str | None = None
    aeo: Annotated[str | None, Parameter(help="C, S or F: of the AEO authorisation that the hub recognises.")] = None
    everyone: Annotated[bool, Parameter(negative="", help="Every partner provides.")] = False
    place: Annotated[
        list[str] | None, Parameter(negative="", consume_multiple=True, help="Only events of these places: NLRTM, NL.")
    ] = None
    chapter: Annotated[
        list[str] | None, Parameter(negative="", consume_multiple=True, help="Only goods of these HS chapters: 93.")
    ] = None
    mode: Annotated[
        list[str] | None, Parameter(negative="", consume_multiple=True, help="Only these modes of transport: AIR.")
    ] = None
    legal_basis: Annotated[str, Parameter(help="On which law or decision it rests.")] = ""
    retention_days: Annotated[int | None, Parameter(help="How long the recipient may keep what it is given.")] = None
    onward: Annotated[
        list[str] | None, Parameter(negative="", consume_multiple=True, help="To whom it may pass it on; else nobody.")
    ] = None
    archive_days: Annotated[int, Parameter(help="For how many days the hub keeps it for replay, in all.")] = 0
    direct: Annotated[bool, Parameter(negative="", help="It may be read from Kafka itself.")] = False
    notice: Annotated[
        list[str] | None, Parameter(negative="", consume_multiple=True, help="Kinds of notices it may send back.")
    ] = None
    valid_from: Annotated[
        str | None, Parameter(help="A date or an RFC 3339 time; also says how far back a feed may start. Default: now.")
    ] = None
    valid_to: Annotated[
        str | None, Parameter(help="The first moment at which it no longer holds. Default: until it is ended.")
    ] = None

    def request(self, agreement: str) -> dict[str, Any]:
        """As the registrar takes it."""
        facts = {name: getattr(self, name) for name in ("partner", "tier", "role", "country", "aeo")}
        conditions = {"places": self.place or (), "chapters": self.chapter or (), "modes": self.mode or ()}
        same = ("recipient", "purpose", "legal_basis", "retention_days", "archive_days", "direct")
        return {
            "id": agreement,
            "provider": {**facts, "all": self.everyone},
            "types": self.type,
            "fields": self.field,
            "conditions": conditions,
            "onward": self.onward or (),
            "notices": self.notice or (),
            "valid_from": self.valid_from,
            "valid_to": self.valid_to,
            **{name: getattr(self, name) for name in same},
        }


@app.command
def add(agreement: str, /, *, terms: Terms, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Let a partner, or a class of partners, give events to an authority: the administration's own act, in force now.

    Parameters
    ----------
    agreement
        Its name, never used again.
    """
    return act("agreement.add", {**terms.request(agreement), "reason": reason}, options)


@app.command
def propose(agreement: str, /, *, terms: Terms, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Propose an agreement: in force once the recipient, and the provider if it is one partner, have signed it.

    Both do so with `customs-connect agreement sign`, within 90 days.

    Parameters
    ----------
    agreement
        Its name, never used again.
    """
    return act("agreement.propose", {**terms.request(agreement), "reason": reason}, options)


@app.command
def draft(agreement: str, /, *, terms: Terms) -> int:
    """Print the terms as a file for `preview`; nothing is asked of the hub.

    Parameters
    ----------
    agreement
        Its name.
    """
    print_json(terms.request(agreement))
    return DONE


@app.command
def preview(
    agreement: str,
    event: Path,
    /,
    *,
    sender: Annotated[str | None, Parameter(name="--from")] = None,
    options: Options = DEFAULTS,
) -> int:
    """Show what the recipient would see of an event under one agreement alone, and why; nothing is written.

    Parameters
    ----------
    agreement
        A file of terms, as `draft` prints them; or the name of a registered agreement.
    event
        A file with one event (CloudEvents JSON).
    sender
        The partner who would send it. Default: the provider, where the agreement names one.
    """
    terms = {"draft": read_json(Path(agreement))} if Path(agreement).is_file() else {"id": agreement}
    return judged("agreement.preview", {**terms, "event": read_json(event), "partner": sender}, options, say_coverage)


@app.command
def suspend(agreement: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Stop it for now; what comes meanwhile is shown to nobody, also afterwards.

    What its feeds held before comes no more either, read or not, once it is resumed; a replay gives it again.
    """
    return act("agreement.suspend", {"id": agreement, "reason": reason}, options)


@app.command
def resume(agreement: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """Let a suspended one go on: with what comes from now on. What was accepted before it stopped, a replay gives."""
    return act("agreement.resume", {"id": agreement, "reason": reason}, options)


@app.command
def end(agreement: str, /, *, reason: Reason = "", options: Options = DEFAULTS) -> int:
    """End it now: nothing more is taken or given under it, in force within a second.

    The feeds for which no other agreement stands end with it, and answer 410.
    """
    return act("agreement.end", {"id": agreement, "reason": reason}, options)


@app.command
def show(agreement: str, /, *, options: Options = DEFAULTS) -> int:
    """An agreement with all its terms, its signatures, and what its recipient holds once it has ended."""
    return view("agreement.show", {"id": agreement}, options, _say)


@app.command(name="list")
def list_(*, options: Options = DEFAULTS) -> int:
    """All agreements, also those that have ended."""
    columns: Columns = {
        "AGREEMENT": "id",
        "PROVIDER": _provider,
        "TYPES": "types",
        "RECIPIENT": "recipient",
        "PURPOSE": "purpose",
        "FIELDS": "fields",
        "FROM": lambda a: moment(a["valid_from"]),
        "TO": lambda a: moment(a["valid_to"]),
        "STATE": "state",
        "IN FORCE": "in_force",
    }
    return view("agreement.list", {}, options, listing(columns))


def _provider(agreement: dict[str, Any]) -> str:
    named = [f"{fact}={value}" for fact, value in agreement["provider"].items() if value is not None]
    return " ".join(named) or "everyone"


def _say(agreement: Plain) -> None:
    conditions = [f"{kind} {', '.join(values)}" for kind, values in agreement["conditions"].items() if values]
    retention = agreement["retention_days"]
    lines(
        {
            "agreement": agreement["id"],
            "state": agreement["stale"] or agreement["state"],
            "since": _since(agreement["became"]),
            "provider": _provider(agreement),
            "recipient": agreement["recipient"],
            "purpose": agreement["purpose"],
            "types": agreement["types"],
            "fields": agreement["fields"],
            "groups": agreement["groups"],
            "conditions": conditions,
            "legal basis": agreement["legal_basis"],
            "kept by the recipient": f"{retention} days" if retention is not None else "nothing is agreed",
            "passed on to": agreement["onward"] or "nobody",
            "kept for replay": f"{agreement['archive_days']} days" if agreement["archive_days"] else "",
            "read from Kafka itself": "yes" if agreement["direct"] else "no",
            "notices": agreement["notices"],
            "from": moment(agreement["valid_from"]),
            "until": moment(agreement["valid_to"]),
            "signed by": agreement["signed_by"] or ("" if agreement["text"] else "the administration's own act"),
            "waits for": agreement["waits_for"],
            "text": agreement["text"],
            "feeds": agreement["feeds"],
            "copies": [_copies(each) for each in agreement["copies"] or ()],
        }
    )


def _since(became: Plain) -> str:
    by = f" by {became['by']}" if became.get("by") else ""
    return f"{moment(became['at'])}{by}{': ' if became.get('why') else ''}{became.get('why', '')}"


def _copies(held: Plain) -> str:
    until = f", the last of {moment(held['until'])}" if held["until"] else ""
    most = "at most " if held["at_most"] else ""
    read, given = f"{most}{held['acknowledged']} events acknowledged", f"{most}{held['published']} published"
    return f"{held['feed']}: {read} of {given}{until}"
