"""The registry as the stages see it: a snapshot in memory that answers for any revision still kept.

Rows are never updated: every change is a version with the revision it begins at. `at(revision)` answers from those
versions, so that a record stamped with a revision is decided the same way after any crash.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct

from hub.core.aeo import Arrangement, Authorisation, StatusFeed
from hub.core.agreement import Agreement, AgreementState, Purpose
from hub.core.allowance import Allowance
from hub.core.api_key import ApiKey
from hub.core.approval import PendingProposal, Review
from hub.core.certificate import Certificate
from hub.core.copies import CopyDecision, decision_id
from hub.core.dead_letter import Settlement
from hub.core.endpoint import Endpoint
from hub.core.enrolment import Enrolment, Invitation
from hub.core.feed import Feed
from hub.core.issuer import IssuerKey
from hub.core.kafka_access import KafkaAccess
from hub.core.leak import Leak
from hub.core.mandate import Mandate, acting
from hub.core.operator import Operator, OperatorKey
from hub.core.partner import EDIProfile, Identifier, Partner, PartnerState, PublicKey, System
from hub.core.restriction import Restriction
from hub.core.retired_key import RetiredKey

Registered = (
    Partner
    | EDIProfile
    | System
    | PublicKey
    | Certificate
    | Leak
    | IssuerKey
    | Authorisation
    | Arrangement
    | StatusFeed
    | Agreement
    | Feed
    | CopyDecision
    | Allowance
    | Mandate
    | Invitation
    | Enrolment
    | ApiKey
    | Operator
    | PendingProposal
    | Review
    | RetiredKey
    | KafkaAccess
    | Restriction
    | Endpoint
    | Settlement
)
T = TypeVar("T", bound=Registered)


class Version(Struct, frozen=True):
    """One object as it is from `revision` on, until the next version of the same object."""

    revision: int
    object: Registered
    actor: str
    reason: str
    time_us: int


KINDS: dict[str, type[Registered]] = {
    "partner": Partner,
    "edi_profile": EDIProfile,
    "system": System,
    "key": PublicKey,
    "certificate": Certificate,
    "leak": Leak,
    "issuer_key": IssuerKey,
    "authorisation": Authorisation,
    "arrangement": Arrangement,
    "status_feed": StatusFeed,
    "agreement": Agreement,
    "feed": Feed,
    "copy_decision": CopyDecision,
    "allowance": Allowance,
    "mandate": Mandate,
    "invitation": Invitation,
    "enrolment": Enrolment,
    "api_key": ApiKey,
    "operator": Operator,
    "proposal": PendingProposal,
    "review": Review,
    "retired_key": RetiredKey,
    "kafka_access": KafkaAccess,
    "restriction": Restriction,
    "endpoint": Endpoint,
    "settlement": Settlement,
}
"""How each kind of object is called wherever it is stored, audited or shown."""

_KIND_OF = {shape: kind for kind, shape in KINDS.items()}


def object_id(item: Registered) -> str:
    match item:
        case Feed():
            return item.name
        case EDIProfile() | Allowance():
            return item.partner
        case StatusFeed():
            return item.issuer
    return item.id


def kind_of(item: Registered) -> str:
    return _KIND_OF[type(item)]


class History(Generic[T]):
    """All kept versions of the objects of one kind; `owners` name what each belongs to, which never changes.

    Threads may ask while another adds: an object's versions are replaced as a whole, and what leads to an object comes
    after it.
    """

    def __init__(self, *owners: Callable[[T], str]) -> None:
        self._kept: dict[str, tuple[tuple[int, ...], tuple[T, ...]]] = {}
        """By key: the revisions at which versions begin, and the versions."""
        self._owners = owners
        self._owned: dict[str, list[str]] = {}
        self._order: list[tuple[int, str]] = []

    def add(self, revision: int, item: T) -> None:
        key = object_id(item)
        is_new = key not in self._kept
        revisions, objects = self._kept.get(key, ((), ()))
        self._kept[key] = (*revisions, revision), (*objects, item)
        if is_new:
            for owner in {name(item) for name in self._owners}:
                self._owned.setdefault(owner, []).append(key)
        self._order.append((revision, key))

    def get(self, key: str) -> T | None:
        """The newest version."""
        kept = self._kept.get(key)
        return kept[1][-1] if kept else None

    def of(self, owner: str) -> Sequence[T]:
        """The newest versions of what belongs to `owner`, in order of first appearance: found, not looked for."""
        return [self._kept[key][1][-1] for key in self._owned.get(owner, ())]

    def at(self, key: str, revision: int) -> T | None:
        """The version in force at `revision`."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        revisions, objects = kept
        index = bisect_right(revisions, revision) - 1
        return objects[index] if index >= 0 else None

    def versions(self, key: str) -> Sequence[tuple[int, T]]:
        """All versions with the revision each begins at, oldest first."""
        return list(zip(*self._kept[key], strict=True))

    def changed_after(self, revision: int) -> Sequence[tuple[int, str]]:
        """Each later version, as its revision and its object's key, oldest first."""
        return self._order[bisect_right(self._order, revision, key=itemgetter(0)) :]

    def created(self, key: str) -> int:
        """The revision at which the object first appeared."""
        return self._kept[key][0][0]

    def since(self, key: str) -> int:
        """The revision at which the newest version began."""
        return self._kept[key][0][-1]

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[T]:
        """The newest version of each object as it is now, in order of first appearance; more may come on the way."""
        return iter([objects[-1] for _, objects in list(self._kept.values())])  # The list is made in one step.


OF_NOBODY = (
    EDIProfile,
    CopyDecision,
    Allowance,
    Invitation,
    Enrolment,
    IssuerKey,
    Operator,
    PendingProposal,
    Review,
    RetiredKey,
    KafkaAccess,
    Restriction,
    Endpoint,
    Settlement,
)
"""What changes nothing of what a partner may do. A kind that is not named, here or below, is taken to bind all."""


class Made(Struct, frozen=True):
    """Who made a revision, when, and why."""

    time_us: int
    actor: str
    reason: str


class Snapshot:
    """Everything registered up to `revision`; grows by `apply`, never forgets a version that a record may name."""

    def __init__(self) -> None:
        self.revision = 0
        self.made: dict[int, Made] = {}
        """By revision."""
        self._approved: set[str] = set()
        """The partners that were active once: two operators approved them."""
        self._identified: dict[Identifier, str] = {}
        self._edi_senders: dict[str, frozenset[str]] = {}
        """By what partners call themselves in UNB: the partners."""
        self._offers: dict[str | None, list[str]] = {}
        """Agreements by the partner that they name as provider; None: they name a class."""
        self.resumed: dict[str, int] = {}
        """The revision that last resumed an agreement, of those that were ever suspended."""
        self._touched: dict[str, int] = {}
        self._touched_all = 0
        self.partners: History[Partner] = History()
        self.edi_profiles: History[EDIProfile] = History()
        self.systems: History[System] = History(lambda system: system.partner)
        self.keys: History[PublicKey] = History(lambda key: key.system)
        self.certificates: History[Certificate] = History(lambda certificate: certificate.system)
        self.leaks: History[Leak] = History()
        self.revocations: dict[str, set[str]] = {}
        """The keys that an offline revocation code ends, by its digest."""
        self.issuer_keys: History[IssuerKey] = History(lambda key: key.issuer)
        self.authorisations: History[Authorisation] = History(lambda authorisation: authorisation.partner)
        self.arrangements: History[Arrangement] = History()
        self.status_feeds: History[StatusFeed] = History()
        self.agreements: History[Agreement] = History(lambda agreement: agreement.recipient)
        self.feeds: History[Feed] = History(lambda feed: feed.recipient)
        self.copy_decisions: History[CopyDecision] = History()
        self.allowances: History[Allowance] = History()
        self.mandates: History[Mandate] = History(
            lambda mandate: acting(mandate.agent, mandate.publisher),
            lambda mandate: mandate.principal,
            lambda mandate: mandate.publisher,
            lambda mandate: mandate.agent,
        )
        self.invitations: History[Invitation] = History(lambda invitation: invitation.partner)
        self.enrolments: History[Enrolment] = History(lambda enrolment: enrolment.partner)
        self.api_keys: History[ApiKey] = History(lambda key: key.system)
        self.operators: History[Operator] = History()
        self.proposals: History[PendingProposal] = History()
        self.reviews: History[Review] = History()
        self.retired_keys: History[RetiredKey] = History()
        self.kafka_accesses: History[KafkaAccess] = History(lambda access: access.system, lambda access: access.feed)
        self.restrictions: History[Restriction] = History()
        self.endpoints: History[Endpoint] = History(lambda endpoint: endpoint.brings)
        self.settlements: History[Settlement] = History()
        self._of_kind: dict[type[Registered], History[Any]] = {
            Partner: self.partners,
            EDIProfile: self.edi_profiles,
            System: self.systems,
            PublicKey: self.keys,
            Certificate: self.certificates,
            Leak: self.leaks,
            IssuerKey: self.issuer_keys,
            Authorisation: self.authorisations,
            Arrangement: self.arrangements,
            StatusFeed: self.status_feeds,
            Agreement: self.agreements,
            Feed: self.feeds,
            CopyDecision: self.copy_decisions,
            Allowance: self.allowances,
            Mandate: self.mandates,
            Invitation: self.invitations,
            Enrolment: self.enrolments,
            ApiKey: self.api_keys,
            Operator: self.operators,
            PendingProposal: self.proposals,
            Review: self.reviews,
            RetiredKey: self.retired_keys,
            KafkaAccess: self.kafka_accesses,
            Restriction: self.restrictions,
            Endpoint: self.endpoints,
            Settlement: self.settlements,
        }

    def apply(self, versions: Iterable[Version]) -> None:
        """Take in newer versions, in order of revision."""
        for version in versions:
            item = version.object
            if version.revision not in self.made:
                self.made[version.revision] = Made(version.time_us, version.actor, version.reason)
            if isinstance(item, Partner):
                self._identify(item)
            elif isinstance(item, Agreement):
                self._follow(item, version.revision)
            self._touch(item, version.revision)
            self._of_kind[type(version.object)].add(version.revision, version.object)
            if isinstance(version.object, PublicKey) and version.object.revocation:
                self.revocations.setdefault(version.object.revocation, set()).add(version.object.id)
            self.revision = max(self.revision, version.revision)

    def _follow(self, agreement: Agreement, revision: int) -> None:
        before = self.agreements.get(agreement.id)
        if before is None:
            self._offers.setdefault(agreement.provider.partner, []).append(agreement.id)
        elif before.state is AgreementState.SUSPENDED and agreement.holds:
            self.resumed[agreement.id] = revision

    def _touch(self, item: Registered, revision: int) -> None:
        match item:
            case Partner():
                self._touched[item.id] = revision
            case System() | Authorisation():
                self._touched[item.partner] = revision
            case Mandate():
                self._touched[item.publisher] = revision
            case PublicKey() | Certificate() | ApiKey():
                self._touched[item.system.partition(".")[0]] = revision
            case _ if not isinstance(item, OF_NOBODY):
                self._touched_all = revision

    def touched(self, partner: str) -> int:
        """The last revision that may have changed what this partner may do: its own objects, or what binds many."""
        return max(self._touched_all, self._touched.get(partner, 0))

    def _identify(self, partner: Partner) -> None:
        """Whoever was never approved has no identifier or sender that counts. Whoever left is found by its identifiers
        no more: they may come back under another name."""
        before = self.partners.get(partner.id)
        if partner.state is PartnerState.ACTIVE:
            self._approved.add(partner.id)
        counts = partner.state is not PartnerState.LEFT and partner.id in self._approved
        for sender in {*(before.edi_senders if before is not None else ()), *partner.edi_senders}:
            others = self._edi_senders.get(sender, frozenset()) - {partner.id}
            is_its = sender in partner.edi_senders and counts
            self._edi_senders[sender] = others | {partner.id} if is_its else others
        for identifier in before.identifiers if before is not None else ():
            if self._identified.get(identifier) == partner.id:
                del self._identified[identifier]
        if counts:
            self._identified |= dict.fromkeys(partner.identifiers, partner.id)

    def partner_of(self, identifier: Identifier) -> str | None:
        """The partner that has this identifier now; one that was never approved, by two, has none that counts."""
        return self._identified.get(identifier)

    def edi_sender_taken(self, sender: str, partner: str) -> bool:
        """Whether a sender of EDIFACT is agreed with another partner than this one now."""
        return not self._edi_senders.get(sender, frozenset()) <= {partner}

    def of_kind(self, kind: str) -> History[Any]:
        """All objects of one of `KINDS`."""
        return self._of_kind[KINDS[kind]]

    def keys_of(self, system: str) -> Sequence[PublicKey]:
        return self.keys.of(system)

    def operator_key(self, key_id: str) -> tuple[Operator, OperatorKey] | None:
        """The operator who has, or had, this key. There are few operators: they are looked through."""
        return next(((each, key) for each in self.operators for key in each.keys if key.id == key_id), None)

    def feeds_of(self, recipient: str) -> Sequence[Feed]:
        return self.feeds.of(recipient)

    def copy_decision(self, partner: str, sha256: str) -> CopyDecision | None:
        """What was last decided of a copy that was set apart."""
        return self.copy_decisions.get(decision_id(partner, sha256))

    def mandates_between(self, agent: str, publisher: str) -> Sequence[Mandate]:
        """Those by which `agent` reports for `publisher`, in force or not."""
        return self.mandates.of(acting(agent, publisher))

    def agreements_from(self, partner: str) -> Iterator[Agreement]:
        """The agreements whose provider is this partner, or a class that it may be of; in force or not."""
        for key in (*self._offers.get(partner, ()), *self._offers.get(None, ())):
            if (agreement := self.agreements.get(key)) is not None:
                yield agreement

    def agreements_for(self, recipient: str, purpose: Purpose) -> Sequence[Agreement]:
        """The agreements that a feed to `recipient` for `purpose` rests on, in force or not."""
        return [a for a in self.agreements.of(recipient) if a.purpose is purpose]
