"""Seals (SEL), and what a message says that happened to them.

The segment "specifies the seal number": it names a seal that is on the container, who put it on (9303) and its
condition (4517), not that it was put on just now. So the seals of a move are members of its event (`data.seals`), and
one that was found damaged, missing or broken makes a `seal.broken` beside it. `seal.applied` and `seal.changed` need a
status (STS) or document name (BGM) that means it: the lists here have none, so the partner's profile says which does.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.translate.edifact.codes import FINDINGS, ISSUERS, NO_SEAL, SEALING_PARTIES
from schemas.translate.edifact.draft import Data, Draft, like, party_of, words
from schemas.translate.edifact.report import Report, Segment, Unit, first

_SEALS_MAX = 20


def add_seals(group: list[Segment], draft: Draft) -> None:
    """The seals on the container, in an event that is not about a seal itself."""
    if "seals" not in draft.members:
        return
    seals: list[Data] = []
    named = _named(group)[:_SEALS_MAX]
    for sel in named:
        draft.origins[f"/data/seals/{len(seals)}"] = sel.place()
        draft.origins[f"/data/seals/{len(seals)}/number"] = sel.place("1")
        seals.append(_seal(sel))
    if named:
        draft.put("seals", seals, named[0].place())


def add_subject_seal(report: Report, unit: Unit, draft: Draft) -> None:
    """What an event that is about a seal says of it."""
    named = _named(unit.segments)
    hurt, whole = [each for each in named if finding_of(each)], [each for each in named if not finding_of(each)]
    if draft.kind == "seal.broken":
        for sel in (hurt or whole)[:1]:
            _broken(sel, report, draft)
    elif draft.kind == "seal.applied":
        for sel in whole[:1]:
            _applied(sel, report, unit, draft)
    elif draft.kind == "seal.changed" and hurt and whole:
        # Of two seals in the same condition nothing says which was there before.
        _put(hurt[0], "seal_before", draft)
        _put(whole[0], "seal_after", draft)
        _put_party(whole[0], report, unit, draft)


def beside(report: Report, unit: Unit, main: Draft) -> Iterator[tuple[str, Draft]]:
    """The events of the seals that the main event does not tell of, each with the suffix of its number."""
    own = main.origins.get("/data/seal", "")
    found = [each for each in unit.segments if each.tag == "SEL" and finding_of(each)]
    for number, sel in enumerate(found if main.kind != "seal.changed" else (), start=1):
        if sel.place() != own and _named([sel]):
            draft = like(main, "seal.broken")
            _broken(sel, report, draft)
            yield f"seal{number}", draft
    whole = [each for each in _named(unit.segments) if not finding_of(each)]
    for number, sel in enumerate(whole if main.kind == "seal.applied" else (), start=1):
        if sel.place() != own:
            draft = like(main, "seal.applied")
            _applied(sel, report, unit, draft)
            yield f"applied{number}", draft


def finding_of(sel: Segment) -> str:
    """In which state a seal was found (4517), where that is worth an event."""
    return FINDINGS.get(sel.at(3), "")


def _named(segments: list[Segment]) -> list[Segment]:
    """The SEL segments that name a seal, and do not say that there is none."""
    return [each for each in segments if each.tag == "SEL" and each.at(1) and each.at(1).upper() not in NO_SEAL]


def _seal(sel: Segment) -> Data:
    source = ISSUERS.get(sel.at(2))
    return {"number": sel.at(1), "source": source} if source else {"number": sel.at(1)}


def _put(sel: Segment, name: str, draft: Draft) -> None:
    draft.put(name, _seal(sel), sel.place())
    draft.origins[f"/data/{name}/number"] = sel.place("1")


def _broken(sel: Segment, report: Report, draft: Draft) -> None:
    _put(sel, "seal", draft)
    draft.put("finding", finding_of(sel), sel.place("3"))
    sender = first(report.head, "NAD", "MS", "TR", "CF")
    finder = party_of(sender) if sender is not None else {"name": words(report.message.interchange.sender)}
    draft.put("found_by", finder, sender.place() if sender is not None else sel.place())


def _applied(sel: Segment, report: Report, unit: Unit, draft: Draft) -> None:
    _put(sel, "seal", draft)
    _put_party(sel, report, unit, draft)


def _put_party(sel: Segment, report: Report, unit: Unit, draft: Draft) -> None:
    """The sealing party: by its name (9302), else the party of the message that its code (9303) means."""
    if label := sel.at(2, 4):
        draft.put("applied_by", {"name": words(label)}, sel.place("2.4"))
    elif (nad := first([*unit.segments, *report.head], "NAD", *SEALING_PARTIES.get(sel.at(2), ()))) is not None:
        draft.put("applied_by", party_of(nad), nad.place())
