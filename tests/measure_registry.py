"""What a large registry costs: `python -m tests.measure_registry` prints each figure beside its bound.

10,000 partners with 20,000 keys and 5,000 authorisations: the load at the start of a process, a change until it is in
force in another process, and an event at intake beside the same hub with 10 partners: each from another partner than
the one before.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import orjson
from msgspec.structs import replace

from hub.core.aeo import AEOType, Arrangement, Authorisation
from hub.core.agreement import Agreement, Provider, Purpose
from hub.core.credential import PublicKey
from hub.core.evidence import Admitted, Mode, Principal, ValidEvent
from hub.core.jwk import encode_base64url
from hub.core.partner import Identifier, Partner, Role, System, Tier
from hub.core.proposal import Proposal
from hub.core.registry import Registered, Snapshot, Version
from hub.core.settings import IntakeSettings
from hub.drivers.sqlite.registry import SQLiteRegistry
from hub.drivers.system.clock import SystemClock
from hub.intake.decode import decode
from hub.intake.judging import Judging
from hub.operate.follow import POLL_SECONDS, LiveRegistry
from schemas.catalogue import catalogue
from schemas.deprecation import deprecations
from tests.world import event

PARTNERS, KEYS, AUTHORISATIONS = 10_000, 20_000, 5_000
FEW = 10
LOAD_SECONDS_MAX, CHANGE_SECONDS_MAX, COST_RATIO_MAX = 2.0, 1.0, 1.2
BATCH = 1_000
"""Objects of one revision, as a file is taken in."""
EVENTS, ROUNDS = 10_000, 5


def objects(partners: int, keys: int, authorisations: int) -> Iterator[Registered]:
    """Everybody with one system; keys and authorisations spread over them."""
    yield Arrangement("own", ("NL",), "2020-01-01", stale_after_seconds=None)
    yield Agreement(
        "all", Provider(), ("*",), "watch", Purpose("security-risk-assessment"), ("*",), valid_from=0, valid_to=None
    )
    for number in range(partners):
        name = f"p{number:05}"
        identifiers = (Identifier("eori", f"NL{number:09}"), Identifier("national", f"NL:{number}"))
        yield Partner(name, f"Partner {number}", "NL", (Role.TERMINAL, Role.CARRIER), Tier.AEO, identifiers)
        yield System(f"{name}.erp", name, ("events:write", "receipts:read"))
    for number in range(keys):
        chance = sha256(str(number).encode()).digest()
        jwk = {"kty": "EC", "crv": "P-256", "x": encode_base64url(chance), "y": encode_base64url(chance[::-1])}
        yield PublicKey(encode_base64url(chance), f"p{number % partners:05}.erp", "ES256", jwk)
    for number in range(authorisations):
        yield Authorisation("NL", f"NLAEOF{number:06}", f"p{number % partners:05}", AEOType.F, "2020-01-01")


async def filled(registry: SQLiteRegistry, items: Sequence[Registered]) -> None:
    for begin in range(0, len(items), BATCH):
        proposal = Proposal(await registry.head(), tuple(items[begin : begin + BATCH]), "ada", "partner.import")
        await registry.write(proposal, time_us=1)


async def load_seconds(path: Path) -> tuple[float, LiveRegistry]:
    """Of a process that starts: the file is opened, read and taken in."""
    begun = perf_counter()
    async with SQLiteRegistry.open(path) as registry:
        live = LiveRegistry(registry, clock=SystemClock())
        await live.refresh()
    return perf_counter() - begun, live


async def change_seconds(path: Path) -> float:
    """The worst of some changes: written by one process, taken in by another, which asks as often as it does."""
    async with SQLiteRegistry.open(path) as registry:
        writer, reader = (LiveRegistry(registry, clock=SystemClock()) for _ in range(2))
        await writer.refresh()
        await reader.refresh()
        worst = 0.0
        for number in range(10):
            partner = writer.snapshot.partners.get(f"p{number:05}")
            assert partner is not None
            begun = perf_counter()
            proposal = Proposal(writer.snapshot.revision, (replace(partner, tier=Tier.TRUSTED),), "ada", "partner.tier")
            await writer.write(proposal)
            await reader.refresh()
            worst = max(worst, perf_counter() - begun)
        return worst + POLL_SECONDS


class Intake:
    """The judgement of one worker over one registry."""

    def __init__(self, snapshot: Snapshot, partners: int) -> None:
        self._bounds = IntakeSettings()
        self._bodies = [orjson.dumps(event(str(number))) for number in range(EVENTS)]
        self._admitted = [_admitted(snapshot, f"p{number % partners:05}") for number in range(EVENTS)]
        self._judging = Judging(
            catalogue=catalogue(),
            deprecations=deprecations(),
            snapshot=lambda: snapshot,
            partitions=8,
            bounds=self._bounds,
        )

    def seconds(self) -> float:
        """CPU time of one event, from decoding to what is appended."""
        gc.collect()
        begun = process_time()
        for each, body in zip(self._admitted, self._bodies, strict=True):
            [decoded] = decode(each, body, {}, bounds=self._bounds)
            assert isinstance(self._judging.native(each, 0, decoded), ValidEvent)
        return (process_time() - begun) / EVENTS


def changed_seconds(snapshot: Snapshot, intake: Intake) -> float:
    """Of one event of each partner, the first after a change of one of them."""
    partner = snapshot.partners.get("p00000")
    assert partner is not None
    snapshot.apply([Version(snapshot.revision + 1, partner, "ada", "", 1)])
    return intake.seconds()


def _admitted(snapshot: Snapshot, name: str) -> Admitted:
    partner, system = snapshot.partners.get(name), snapshot.systems.get(f"{name}.erp")
    assert partner is not None
    assert system is not None
    key = snapshot.keys_of(system.id)[0]
    principal = Principal(partner, system, key.id, frozenset(system.scopes), 2**40)
    return Admitted(principal, Mode.STRUCTURED, False, snapshot.revision, SystemClock().now_us())


def told(what: str, found: float, bound: float, unit: str) -> None:
    print(f"{what:<34} {found:8.3f} {unit:<3} bound {bound:g}  {'ok' if found <= bound else 'TOO MUCH'}")


async def main() -> None:
    with TemporaryDirectory() as directory:
        large, small = Path(directory) / "large.db", Path(directory) / "small.db"
        for path, sizes in ((large, (PARTNERS, KEYS, AUTHORISATIONS)), (small, (FEW, 2 * FEW, FEW // 2))):
            async with SQLiteRegistry.open(path) as registry:
                await filled(registry, list(objects(*sizes)))
        seconds, many = await load_seconds(large)
        _, few = await load_seconds(small)
        told("load at the start", seconds, LOAD_SECONDS_MAX, "s")
        told("a change in force elsewhere", await change_seconds(large), CHANGE_SECONDS_MAX, "s")
        intakes = Intake(many.snapshot, PARTNERS), Intake(few.snapshot, FEW)
        rounds = [[intake.seconds() for intake in intakes] for _ in range(ROUNDS)]
        costs = [min(column) for column in zip(*rounds, strict=True)]
        told("an event, against 10 partners", costs[0] / costs[1], COST_RATIO_MAX, "x")
        after = min(changed_seconds(many.snapshot, intakes[0]) for _ in range(ROUNDS))
        told("the same, right after a change", after / costs[1], COST_RATIO_MAX, "x")


if __name__ == "__main__":
    asyncio.run(main())
