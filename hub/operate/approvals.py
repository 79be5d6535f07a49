"""What waits for people: proposals for a second signature, and acts of one person for a second look."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from hub.core.approval import PendingProposal, ProposalState, Review
from hub.core.operator import ANYONE, REVIEWERS, Effect
from hub.operate.acts import Act, Basis, Changes, Request
from hub.operate.checks import Checks
from hub.operate.views import All, Plain, View, plain


class OfProposal(Request, frozen=True, kw_only=True):
    id: str


class DoneReview(Request, frozen=True, kw_only=True):
    id: str
    note: str


class Proposals(Struct, frozen=True, forbid_unknown_fields=True):
    """`yes`: only those that can still be signed."""

    open: str = ""


class ShowProposal(Struct, frozen=True, forbid_unknown_fields=True):
    id: str


def refuse_proposal(request: OfProposal, basis: Basis, checks: Checks) -> Changes:
    """Whoever might have signed it says no, for all."""
    return _settled(request, basis, checks, ProposalState.REFUSED)


def withdraw_proposal(request: OfProposal, basis: Basis, checks: Checks) -> Changes:
    """Its author takes it back."""
    proposal = checks.named("/id", request.id, basis.snapshot.proposals)
    if proposal is not None and proposal.author != basis.actor:
        checks.invalid("/id", f"a proposal of {proposal.author}", "a proposal of your own")
    return _settled(request, basis, checks, ProposalState.WITHDRAWN)


def _settled(request: OfProposal, basis: Basis, checks: Checks, state: ProposalState) -> Changes:
    proposal = checks.named("/id", request.id, basis.snapshot.proposals)
    if proposal is None or proposal.state is state:
        return ()
    if not proposal.is_open(basis.now):
        checks.invalid("/id", f"a proposal that is {told_state(proposal, basis.now)}", "one that is open")
    return (replace(proposal, state=state),)


def done_review(request: DoneReview, basis: Basis, checks: Checks) -> Changes:
    """Looked at, by another person than did it."""
    review = checks.known("/id", request.id, basis.snapshot.reviews)
    checks.text("/note", request.note)
    if review is None or review.done:
        return ()
    if basis.actor in review.actors:
        checks.invalid("/id", f"an act of {basis.actor}", "an act of another person")
    looks = basis.snapshot.operators.get(basis.actor)
    if looks is not None and looks.mentor:
        checks.invalid("/id", "a liaison visitor", "an operator who is no visitor, to look at it as the second")
    return (replace(review, done_by=basis.actor, note=request.note),)


def list_proposals(request: Proposals, basis: Basis, _: Checks) -> Plain:
    """The newest first."""
    found = [each for each in basis.snapshot.proposals if not request.open or each.is_open(basis.now)]
    return {"items": [_proposal(each, basis.now) for each in reversed(found)]}


def show_proposal(request: ShowProposal, basis: Basis, checks: Checks) -> Plain:
    """With the statement that a second signature is over, for those who may know what it asks for."""
    proposal = checks.named("/id", request.id, basis.snapshot.proposals)
    if proposal is None:
        return {}
    statement = {"statement": proposal.statement} if basis.may_know(proposal.act) else {}
    return {**_proposal(proposal, basis.now), **statement}


def _shows_statement(request: ShowProposal, basis: Basis) -> bool:
    return "statement" in show_proposal(request, basis, Checks())


def list_reviews(_: All, basis: Basis, __: Checks) -> Plain:
    """Those that wait first."""
    reviews = sorted(basis.snapshot.reviews, key=lambda review: (review.done, review.due))
    return {"items": [_review(each, basis) for each in reviews]}


def _review(review: Review, basis: Basis) -> Plain:
    """With its reason and note for those who may know them."""
    hidden = {} if basis.may_know(review.act) else {"reason": "", "note": ""}
    return {**plain(review), **hidden, "overdue": review.overdue(basis.now)}


def _shows_reasons(request: All, basis: Basis) -> bool:
    return any(each["reason"] or each["note"] for each in list_reviews(request, basis, Checks())["items"])


def told_state(proposal: PendingProposal, now: int) -> str:
    """`expired` is what an open one becomes by itself."""
    is_late = proposal.state is ProposalState.OPEN and not proposal.is_open(now)
    return "expired" if is_late else proposal.state.value


def _proposal(proposal: PendingProposal, now: int) -> Plain:
    signers = [each.operator for each in proposal.signatures]
    return {
        "id": proposal.id,
        "act": proposal.act,
        "state": told_state(proposal, now),
        "signed_by": signers,
        "expires": proposal.expires,
    }


ACTS = {
    "proposal.refuse": Act(OfProposal, refuse_proposal, Effect.KEEPS, ANYONE),
    "proposal.withdraw": Act(OfProposal, withdraw_proposal, Effect.KEEPS, ANYONE),
    "review.done": Act(DoneReview, done_review, Effect.KEEPS, REVIEWERS),
}
VIEWS = {
    "proposal.list": View(Proposals, list_proposals),
    "proposal.show": View(ShowProposal, show_proposal, discloses=_shows_statement),
    "review.list": View(All, list_reviews, discloses=_shows_reasons),
}
