"""Enrolment over several workers, and what each of them notes of systems that try."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.enrolment import enrolment_proof
from connectors.keys import generate
from hub.core.codes import INVITATION, digest_of, make_code
from hub.core.enrolment import Enrolment
from hub.core.errors import Refusal
from hub.core.proposal import Authority
from hub.core.settings import AuthSettings
from hub.operate.enrol import Enrolled, EnrolmentDesk
from hub.operate.progress import Progress
from tests.unit.operate.conftest import START, Desk, Silent
from tests.unit.operate.office import key_pair

CODE = make_code(INVITATION, bytes(range(17)))
HUB = "https://hub.example"


class Worker:
    """A process of the hub on the desk's registry, with a snapshot of its own."""

    def __init__(self, desk: Desk) -> None:
        own = Desk(desk.registry)
        self.clock, self.live, self.registrar = own.clock, own.live, own.registrar
        common: dict[str, Any] = {"snapshot": lambda: self.live.snapshot, "clock": own.clock, "observer": Silent()}
        self.desk = EnrolmentDesk(self.registrar, secret=bytes(32), url=HUB, settings=AuthSettings(), **common)
        self.progress = Progress(self.registrar, clock_skew_seconds=10, **common)

    async def enrol(self, key: Any, *, by: Worker | None = None, **changes: Any) -> Enrolled | Refusal:
        """With a nonce that another worker may have given out."""
        challenge = (by or self).desk.challenge(digest_of(CODE), "192.0.2.1")
        assert not isinstance(challenge, Refusal)
        claims = {"hub": HUB, "code": CODE, "nonce": challenge.nonce, "time": challenge.time} | changes
        return await self.desk.enrol(enrolment_proof(key, **claims), "192.0.2.1")

    def steps(self) -> Enrolment:
        enrolment = self.live.snapshot.enrolments.get("zephyr.erp")
        assert enrolment is not None
        return enrolment


@pytest.fixture
async def workers(desk: Desk) -> tuple[Worker, Worker]:
    await desk.enrol()
    asked = {"partner": "zephyr", "system": "erp", "scopes": ["events:write"]}
    await desk.do("invitation.make", id=digest_of(CODE), **asked)
    both = Worker(desk), Worker(desk)
    for worker in both:
        await worker.live.refresh()
    return both


async def test_a_code_is_used_up_once_over_two_workers(workers: tuple[Worker, Worker]) -> None:
    tries = [workers[number % 2].enrol(generate("ES256"), by=workers[1 - number % 2]) for number in range(10)]

    outcomes = await asyncio.gather(*tries)

    assert [isinstance(each, Enrolled) for each in outcomes].count(True) == 1
    assert {each.code for each in outcomes if isinstance(each, Refusal)} == {"ENROLMENT_REFUSED"}


async def test_a_company_that_lost_the_answer_gets_it_from_the_other_worker(workers: tuple[Worker, Worker]) -> None:
    key = generate("ES256")

    first, again = await workers[0].enrol(key), await workers[1].enrol(key)

    assert isinstance(first, Enrolled)
    assert again == first


async def test_a_nonce_is_good_for_five_minutes(workers: tuple[Worker, Worker]) -> None:
    worker, key = workers[0], generate("ES256")
    challenge = worker.desk.challenge(digest_of(CODE), "192.0.2.1")
    assert not isinstance(challenge, Refusal)
    worker.clock.seconds = 300

    late = await worker.enrol(key, nonce=challenge.nonce, time=START + 300)
    worker.clock.seconds = 299
    in_time = await worker.enrol(key, nonce=challenge.nonce, time=START + 299)

    assert isinstance(late, Refusal)
    assert isinstance(in_time, Enrolled)


async def test_one_address_may_not_try_for_ever_and_another_is_not_kept_waiting(
    workers: tuple[Worker, Worker],
) -> None:
    desk = workers[0].desk

    answers = [desk.challenge(digest_of(str(number)), "192.0.2.1") for number in range(40)]

    assert [isinstance(each, Refusal) for each in answers].count(True) == 10
    assert not isinstance(desk.challenge(digest_of("x"), "192.0.2.2"), Refusal)


@pytest.mark.parametrize(("offset", "noted"), [(10, True), (-10, True), (11, False), (-11, False)])
async def test_a_clock_is_noted_once_it_is_within_limits(
    workers: tuple[Worker, Worker], offset: int, noted: bool
) -> None:
    worker = workers[0]
    await worker.enrol(generate("ES256"))

    worker.progress.clock("zephyr.erp", offset)
    await worker.progress.settle("zephyr.erp")

    assert (worker.steps().clock is not None) == noted
    assert worker.steps().clock_offset_seconds == (offset if noted else 0)


async def test_what_two_workers_see_at_once_is_written_once(desk: Desk, workers: tuple[Worker, Worker]) -> None:
    await workers[0].enrol(generate("ES256"))
    await workers[1].live.refresh()
    for worker in workers:
        worker.progress.event("zephyr.erp")

    await asyncio.gather(*(worker.progress.settle("zephyr.erp") for worker in workers))
    revision = await desk.registry.head()
    workers[1].progress.event("zephyr.erp")
    await workers[1].progress.settle("zephyr.erp")

    assert await desk.registry.head() == revision
    assert workers[1].steps().event == START


async def test_another_invitation_begins_the_checklist_anew(desk: Desk, workers: tuple[Worker, Worker]) -> None:
    await workers[0].enrol(generate("ES256"))
    await workers[0].progress.receipt("zephyr.erp")
    await desk.live.refresh()
    await desk.do("invitation.make", id=digest_of("second"), partner="zephyr", system="erp", scopes=["events:write"])
    request = {"invitation": digest_of("second"), "jwk": key_pair().jwk, "revocation": "", "clock_offset_seconds": 0}

    await desk.registrar.perform("enrolment.key", request, actor="zephyr.erp", authority=Authority.PARTNER)

    assert desk.live.snapshot.enrolments.get("zephyr.erp").receipt is None  # type: ignore[union-attr]


async def test_a_system_that_was_never_invited_costs_nothing(desk: Desk, workers: tuple[Worker, Worker]) -> None:
    before = await desk.registry.head()

    workers[0].progress.event("zephyr.other")
    workers[0].progress.clock("zephyr.other", 0)
    await workers[0].progress.settle("zephyr.other")

    assert await desk.registry.head() == before
