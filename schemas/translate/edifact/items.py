"""From the groups of a message to items: identity, envelope of the event, cancellation and replacement."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct

from schemas.faults import Fault, fault
from schemas.translate.edifact import cargo, schedule
from schemas.translate.edifact.codes import CANCELLED, GRAMMARS, KNOWN, REPLACED, TOTALS, Meaning
from schemas.translate.edifact.draft import Draft, container_number, number_of
from schemas.translate.edifact.envelope import message_place
from schemas.translate.edifact.events import beside, document_meaning, drafted, names_container, status_meaning
from schemas.translate.edifact.profile import DOCUMENT
from schemas.translate.edifact.report import Report, Segment, Unit
from schemas.translate.edifact.shape import surplus
from schemas.translate.edifact.syntax import Marks
from schemas.translate.edifact.when import made_at
from schemas.translate.item import Event, Item

SOURCE = "edifact"


class Opened(Struct):
    """A message of which the events are being made."""

    report: Report
    source: str
    bgm: Segment
    meaning: Meaning
    made: str | None
    made_place: str
    faults: list[Fault]
    """Of the message: they are those of each of its events."""


def items_of(report: Report, source: str) -> Iterator[Item]:
    """The items of one message, without their index; at least one."""
    message = report.message
    grammar = GRAMMARS.get(message.kind)
    if grammar is None or not message.kind:
        yield Item(index=0, place=report.place, faults=tuple(_unread(report)), id=_base(report, None))
        return
    units = report.units(grammar)
    unit = next(units, None)
    opened = _opened(report, source)
    if isinstance(opened, Item):
        yield opened
        return
    if unit is None:
        missing = fault("SEGMENT_MISSING", report.place, "nothing", f"at least one {grammar.unit}")
        yield Item(index=0, place=report.place, faults=(*opened.faults, missing), id=_base(report, opened.bgm))
        return
    empty = True
    while unit is not None:
        for item in _items(opened, unit):
            empty = False
            yield item
        unit = next(units, None)
    if empty:
        missing = fault("SEGMENT_MISSING", report.place, "nothing", "a DTM with the time of a call")
        yield Item(index=0, place=report.place, faults=(*opened.faults, missing), id=_base(report, opened.bgm))


def _unread(report: Report) -> list[Fault]:
    kind = report.message.kind
    if not kind:
        return report.faults
    found = report.header
    name = kind if kind in KNOWN else f"{kind[:20]} (unknown)"
    taken = ", ".join(GRAMMARS)
    return [*report.faults, fault("UNSUPPORTED_MESSAGE", found.place("2.1"), name, f"one of {taken}")]


def _opened(report: Report, source: str) -> Opened | Item:
    """The head of a message; or an item with what is wrong with it, if nothing can be made of it."""
    bgm = next((each for each in report.head if each.tag == "BGM"), None)
    if bgm is None:
        missing = fault("SEGMENT_MISSING", report.place, "nothing", "BGM after UNH")
        return Item(index=0, place=report.place, faults=(*report.faults, missing), id=_base(report, None))
    made, place, faults = made_at(report)
    meaning, doubt = document_meaning(report, bgm) if report.message.kind in _BY_DOCUMENT else (_EACH, None)
    faults = [*report.faults, *_totals(report), *surplus(report.head), *faults, *([doubt] if doubt else [])]
    function = bgm.at(3)
    if report.profile.identity != DOCUMENT and function in REPLACED:
        expected = "9 (original); what it replaces stays, for nothing says which events that are"
        faults.append(fault("REPLACED_NOT_NAMED", bgm.place("3"), function, expected))
    return Opened(report, source, bgm, meaning, made, place, faults)


def _totals(report: Report) -> Iterator[Fault]:
    """Control totals that say other than what is in the message."""
    message = report.message
    for segment, counted, said in message.totals:
        if counted == TOTALS.get(message.kind) and number_of(said) != message.unit_count:
            place = message_place(message.number, segment, "CNT", "1.2")
            expected = f"{message.unit_count}, the number of {GRAMMARS[message.kind].unit} in the message"
            yield fault("TOTAL_WRONG", place, said or "nothing", expected)


_BY_DOCUMENT = frozenset({"CODECO", "COARRI", "COPARN"})
_EACH = Meaning("goods.observed")
"""Where each group says itself what it means."""


def _items(opened: Opened, unit: Unit) -> Iterator[Item]:
    for suffix, draft, meaning, doubt in _drafts(opened, unit):
        yield _item(opened, unit, suffix, draft, meaning, doubt)


def _drafts(opened: Opened, unit: Unit) -> Iterator[tuple[str, Draft, Meaning, Fault | None]]:
    report, kind = opened.report, opened.report.message.kind
    if kind == "IFTSAI":
        for suffix, draft, meaning in schedule.drafts(report, unit):
            yield suffix, draft, meaning, None
        return
    if kind == "CUSCAR":
        yield "", cargo.drafted(report, unit, opened.bgm), cargo.MEANING, None
        return
    meaning, doubt = status_meaning(report, unit.first) if kind == "IFTSTA" else (opened.meaning, None)
    if kind == "COPARN" and opened.bgm.at(3) in CANCELLED:
        yield "", cargo.cancelled(report, unit, opened.bgm), cargo.CANCELLED_BOOKING, None
        return
    if kind in ("COPARN", "IFTSTA") and meaning.type.startswith("container.") and not names_container(report, unit):
        meaning = Meaning("goods.observed", meaning.time_kind)  # Of a container without a number yet, or of a parcel.
    main = drafted(report, unit, meaning)
    yield "", main, meaning, doubt
    for suffix, draft in beside(report, unit, main):
        yield suffix, draft, Meaning(draft.kind), None


def _item(opened: Opened, unit: Unit, suffix: str, draft: Draft, meaning: Meaning, doubt: Fault | None) -> Item:
    report, data = opened.report, draft.data
    kept, cut = report.kept(unit)
    faults = [*opened.faults, *([doubt] if doubt else []), *_equipment(unit, report.message.kind), *draft.faults]
    faults += surplus((*unit.over, *unit.segments))
    if cut:
        faults.append(fault("ENTRIES_LEFT_OUT", unit.first.place(), "more segments", "some 50 to an event"))
    id_ = f"{_base(report, opened.bgm)}:{_key(opened, unit)}{'.' if suffix else ''}{suffix}"
    data["extensions"] = {"edifact": _extension(report, kept)}
    event: Event = {"specversion": "1.0", "id": id_, "source": opened.source, "type": f"customs.{meaning.type}"}
    origins = draft.origins
    origins["/id"] = report.header.place("1")
    happened = origins.get("/data/occurred_at", report.place)
    origins["/time"] = happened if opened.made is None and "occurred_at" in data else opened.made_place or happened
    if (time := opened.made or data.get("occurred_at")) is not None:
        event["time"] = time
    event["data"] = data
    function = opened.bgm.at(3)
    if report.message.kind != "COPARN" or function in REPLACED:
        _version(opened, event, function, faults)
    place = unit.first.place()
    return Item(
        index=0, place=place, event=event, faults=tuple(faults), origins=origins, id=id_, unmeant=meaning.unmeant
    )


def _equipment(unit: Unit, kind: str) -> Iterator[Fault]:
    """What is wrong with the equipment of a group that is about one."""
    first = unit.first
    if first.tag != "EQD" or kind not in _BY_DOCUMENT:
        return
    if first.at(1) not in ("CN", "SW"):
        yield fault("VALUE_NOT_ALLOWED", first.place("1"), first.at(1), "CN, a container, or SW, a swap body")
    elif not first.at(2, 1) and kind != "COPARN":
        yield fault("ELEMENT_MISSING", first.place("2.1"), "nothing", "the container number")


def _version(opened: Opened, event: Event, function: str, faults: list[Fault]) -> None:
    """A cancellation is a later version that retracts, a replacement a later version; where numbers of documents name
    the events. Elsewhere a cancellation names none of them, and must not be taken for the event that it takes back."""
    report, bgm, data = opened.report, opened.bgm, event["data"]
    if function not in CANCELLED and function not in REPLACED:
        return
    if report.profile.identity != DOCUMENT:
        if function in CANCELLED:
            expected = "events taken back by their ids, or a mapping profile with identity document"
            faults.append(fault("CANCELLED_NOT_NAMED", bgm.place("3"), function, expected))
        return
    if opened.made is None:
        faults.append(fault("SEGMENT_MISSING", report.place, "nothing", "DTM 137, the time of the new version"))
        return
    data["updated_at"] = opened.made
    if function in CANCELLED:
        source, id_ = event["source"], event["id"]
        event["type"] = "customs.event.retracted"
        event["data"] = {
            "occurred_at": opened.made,
            "updated_at": opened.made,
            "time_kind": "ACTUAL",
            "subjects": [{"scheme": "event", "value": f"{source} {id_}"}],
            "retracts": {"source": source, "id": id_},
            "reason": {"code": function, "code_list": "EDIFACT-1225"},
            "extensions": data["extensions"],
        }


def _base(report: Report, bgm: Segment | None) -> str:
    """What the ids of a message begin with: the sender, and its references; where no interchange names them, the
    SHA-256 of the message."""
    message = report.message
    interchange = message.interchange
    by_document = report.profile.identity == DOCUMENT and interchange.sender
    if by_document and bgm is not None and bgm.at(2, 1):
        return f"{_part(interchange.sender)}:{message.kind}:{_part(bgm.at(2, 1))}"
    if not interchange.sender or not interchange.reference:
        return f"sha256:{sha256(report.text.encode(errors='replace')).hexdigest()[:32]}"
    group = f"{_part(message.group)}/" if message.group else ""
    return f"{_part(interchange.sender)}:{_part(interchange.reference)}:{group}{_part(message.reference)}"


def _part(text: str) -> str:
    """A part of an id, in which no colon is a mark of ours: two references never make one id."""
    return text.replace("%", "%25").replace(":", "%3A").replace("/", "%2F")


def _key(opened: Opened, unit: Unit) -> str:
    if opened.report.profile.identity == DOCUMENT and unit.first.tag == "EQD" and unit.first.at(2, 1):
        return _part(container_number(unit.first.at(2, 1)))
    return str(unit.number)


def _extension(report: Report, kept: list[str]) -> dict[str, object]:
    interchange, message = report.message.interchange, report.message
    extension: dict[str, object] = {
        "message": ":".join(message.identifier).rstrip(":"),
        "reference": message.reference,
    }
    if interchange.header:
        extension["interchange"] = {
            "sender": interchange.sender, "recipient": interchange.recipient, "reference": interchange.reference,
        }  # fmt: skip
    if report.marks._replace(repetition="") != Marks():
        extension["separators"] = "".join(report.marks)
    return {**extension, "segments": kept}
