"""Recipients who read their feed from a real Kafka themselves, with clients that know nothing of the hub.

kcat stands for any client. The Java program is the one that is given to risk engines as an example; it is killed again
and again, over a feed that holds each record twice, as a crash of the hub may leave it.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from confluent_kafka import Consumer, KafkaError
from msgspec.structs import replace

from hub.core.errors import HubError, Refusal
from hub.core.feed import stream_of
from hub.core.record import LogRecord
from hub.lab.kafka import KafkaCluster
from hub.lab.kafka_install import program
from hub.lab.kafka_tls import issue
from hub.ports.feed_access import FeedAccess
from schemas.headers import FeedHeader, unpack
from tests.direct import PASSWORD, open_to_kafka, sealed_for
from tests.patience import patient
from tests.world import SOURCE, Caller, event, hub_world, settings_in

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

KILLS = 3
JAVA_EXAMPLE = Path(__file__).parents[2] / "connectors" / "examples" / "java"
BATCH = "application/cloudevents-batch+json"
SECONDS_MAX = 60.0


class Scene:
    """A company that sends, and an authority that may read its feed, named like itself, from Kafka."""

    def __init__(self, delta: Caller, recipient: Caller, kafka: KafkaCluster, prefix: str) -> None:
        self.world, self.delta, self.recipient, self.kafka, self.prefix = delta.world, delta, recipient, kafka, prefix

    @property
    def reader(self) -> str:
        return self.recipient.partner

    @property
    def access(self) -> FeedAccess:
        access = self.world.hub.ports.feed_access
        assert access is not None
        return access

    @property
    def topic(self) -> str:
        return self.prefix + stream_of(self.reader)

    async def send(self, count: int, *, source: str = SOURCE) -> list[str]:
        """Post so many events; return their ids in order."""
        ids = [f"{number:05}-{uuid4().hex}" for number in range(count)]
        for at in range(0, count, 500):
            answer = await self.delta.post([event(each, source=source) for each in ids[at : at + 500]], BATCH)
            assert answer.status == 200, answer
        return ids

    async def repeat(self) -> None:
        """Put into the feed again all that is in it, as a crash of the hub may."""
        log, stream = self.world.hub.ports.log, stream_of(self.reader)
        for partition in range(8):
            end = (await log.bounds(stream, partition)).end
            async with log.reader(stream) as reader:
                while records := await reader.read(partition, 0, records_max=end, bytes_max=1 << 20) if end else ():
                    again = [LogRecord(each.key, each.header, each.value) for each in records if each.offset < end]
                    await log.append(stream, partition, again)
                    break

    async def records(self) -> int:
        """How many are in the feed; none where it was not opened yet."""
        log, stream = self.world.hub.ports.log, stream_of(self.reader)
        with suppress(HubError):
            return sum([(await log.bounds(stream, each)).end for each in range(8)])
        return 0

    async def arrived(self, count: int) -> None:
        while await self.records() < count:
            await asyncio.sleep(0.05)

    async def link(self, event_id: str, step: str) -> dict[str, Any]:
        """How far the event came to its one recipient, once it came as far as this."""
        while True:
            links = (await self.delta.get("/v1/receipts/chain", source=SOURCE, id=event_id)).json["recipients"]
            if links and links[0][step]:
                return dict(links[0])
            await asyncio.sleep(0.05)

    async def stamp_of(self, event_id: str) -> FeedHeader:
        """As it stands in the feed."""
        log, stream = self.world.hub.ports.log, stream_of(self.reader)
        async with log.reader(stream) as reader:
            for partition in range(8):
                for record in await reader.read(partition, 0, records_max=9, bytes_max=1 << 20):
                    header = unpack(record.header)
                    if isinstance(header, FeedHeader) and orjson.loads(record.value)["id"] == event_id:
                        return header
        raise AssertionError(f"{event_id} is not in the feed")

    async def grant(self, name: str, **proof: str) -> str:
        """Let the reader in, and wait until the brokers do; return the user that it is."""
        told = await self.world.hub.registrar.looks.view("kafka-access.next", {"id": name, "feed": self.reader})
        assert not isinstance(told, Refusal)
        given = proof or sealed_for(told)
        done = await self.world.act("kafka-access.grant", id=name, feed=self.reader, system="sys", **given)
        (principal,) = (each["object"]["identities"][0]["principal"] for each in done.changed)
        while sum(right.principal == principal for right in await self.access.rights()) < 3:
            await asyncio.sleep(0.02)
        return str(principal)

    def by_password(self, user: str) -> dict[str, str]:
        """What a client of librdkafka is told. Debian's, before 2.6.1, mistakes the protocol of Kafka 4 for its own."""
        return {
            "bootstrap.servers": self.kafka.recipients["scram"],
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.kafka.authority),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": PASSWORD,
        }

    async def certified(self) -> tuple[dict[str, str], str]:
        """What a client of librdkafka is told that has a certificate, and the id of that."""
        folder = self.kafka.authority.parent
        certificate, key = issue(folder, f"CN={self.reader},O=Customs,C=NL", self.reader)
        request = {"partner": self.reader, "system": "sys", "certificate": certificate.read_text()}
        added = await self.world.act("certificate.add", **request)
        (name,) = (str(each["id"]) for each in added.changed if each["kind"] == "certificate")
        settings = {
            "bootstrap.servers": self.kafka.recipients["mtls"],
            "security.protocol": "SSL",
            "ssl.ca.location": str(self.kafka.authority),
            "ssl.certificate.location": str(certificate),
            "ssl.key.location": str(key),
        }
        return settings, name


@pytest.fixture
async def scene(kafka: KafkaCluster, tmp_path: Path) -> AsyncIterator[Scene]:
    prefix, reader = f"{uuid4().hex[:8]}.", f"w{uuid4().hex[:8]}"
    listeners = {f"recipients_{proof}": address for proof, address in kafka.recipients.items()}
    brokers = patient(kafka.bootstrap, topic_prefix=prefix, **listeners)
    async with hub_world(replace(settings_in(tmp_path / "hub", ground="kafka"), kafka=brokers)) as world:
        recipient = await world.reader(reader)
        await open_to_kafka(world.hub.live, reader)
        yield Scene(await world.company(), recipient, kafka, prefix)


@asynccontextmanager
async def kcat(settings: dict[str, str], *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    options = [word for name, value in settings.items() for word in ("-X", f"{name}={value}")]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(program("kcat", "kcat"), *options, *arguments, **pipes)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def asked(settings: dict[str, str], *arguments: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run kcat to its end: exit code, standard output and error."""
    async with kcat(settings, *arguments) as process, asyncio.timeout(SECONDS_MAX):
        out, error = await process.communicate(given)
        return process.returncode or 0, out, error


def ids_of(lines: bytes) -> list[str]:
    return [orjson.loads(line)["id"] for line in lines.splitlines()]


@pytest.fixture(scope="module")
def java_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built as its user builds it."""
    built = tmp_path_factory.mktemp("java") / "reader"
    shutil.copytree(JAVA_EXAMPLE, built, ignore=shutil.ignore_patterns("target"))
    command = [program("mvn", "maven"), "-q", "-B", "-f", str(built / "pom.xml"), "package"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return built / "target"


async def killed_again_and_again(command: Sequence[str | Path], work: Path, count: int) -> list[str]:
    """Run a reader, kill it whenever it has done another part of its work, until all is done; what it kept."""
    for kill in range(1, KILLS + 2):
        least = count * kill // (KILLS + 1)
        with (work.parent / "reader.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while len(kept := kept_in(work)) < least:
                    assert process.returncode is None, (work.parent / "reader.log").read_text()[-2_000:]
                    await asyncio.sleep(0.01)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    return kept


def kept_in(work: Path) -> list[str]:
    """The ids of the events in a reader's database, in order; none where it was not made yet."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{work}?mode=ro", uri=True)) as database:
        return [orjson.loads(body)["id"] for (body,) in database.execute("select body from event order by rowid")]
    return []


async def doubled(scene: Scene) -> list[list[str]]:
    """What is sent by three sources, each in order, and comes to lie in the feed twice."""
    sources = [await scene.send(200, source=f"urn:example:delta:{number}") for number in range(3)]
    await scene.arrived(600)
    await scene.repeat()
    assert await scene.records() == 1_200
    return sources


def in_order(kept: list[str], sources: list[list[str]]) -> bool:
    """Whether of each source everything was kept, once, in its order."""
    return len(kept) == len(set(kept)) and all([each for each in kept if each in set(sent)] == sent for sent in sources)


async def test_the_java_example_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    scene: Scene, java_reader: Path, tmp_path: Path
) -> None:
    sources = await doubled(scene)
    user, group = await scene.grant("live"), f"{scene.reader}.java"
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    settings = {
        "bootstrap.servers": scene.kafka.recipients["scram"],
        "security.protocol": "SASL_SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(scene.kafka.authority),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": f'{login} username="{user}" password="{PASSWORD}";',
        "group.id": group,
        "enable.auto.commit": "false",
        "auto.offset.reset": "earliest",
        "max.poll.records": "20",
        "topic": scene.topic,
        "work": f"jdbc:sqlite:{tmp_path}/work.db",
    }
    file = tmp_path / "reader.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    command = ["java", "-cp", f"{java_reader}/feed-reader.jar:{java_reader}/lib/*", "FeedReader", str(file)]

    kept = await killed_again_and_again(command, tmp_path / "work.db", 600)

    assert in_order(kept, sources)
    places = (await scene.access.committed(f"{scene.reader}."))[group]
    assert 0 < sum(places.values()) <= 1_200


@pytest.mark.parametrize("proof", ["scram", "mtls"])
async def test_the_kits_reader_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    scene: Scene, proof: str, tmp_path: Path
) -> None:
    sources = await doubled(scene)
    (tmp_path / "password").write_text(PASSWORD)
    if proof == "scram":
        who = ["--user", await scene.grant("live"), "--password-file", str(tmp_path / "password")]
    else:
        settings, certificate = await scene.certified()
        await scene.grant("live", certificate=certificate)
        who = ["--certificate", settings["ssl.certificate.location"], "--key", settings["ssl.key.location"]]
    group = f"{scene.reader}.kit"
    where = [scene.kafka.recipients[proof], str(scene.kafka.authority), scene.topic, group]  # type: ignore[index]
    command = [sys.executable, "-m", "tests.journeys.kafka_reader", str(tmp_path / "work.db"), *where, *who]

    kept = await killed_again_and_again(command, tmp_path / "work.db", 600)

    assert in_order(kept, sources)
    assert 0 < sum((await scene.access.committed(f"{scene.reader}."))[group].values()) <= 1_200


async def test_kcat_reads_the_feed_by_its_certificate_and_sees_nothing_else(scene: Scene) -> None:
    sent = await scene.send(100)
    await scene.arrived(100)
    me, certificate = await scene.certified()
    before = await asked(me, "-C", "-e", "-t", scene.topic, "-o", "beginning")

    await scene.grant("live", certificate=certificate)
    _, out, _ = await asked(me, "-C", "-q", "-e", "-t", scene.topic, "-o", "beginning")
    _, listed, _ = await asked(me, "-L", "-J")
    others = [await asked(me, "-C", "-e", "-t", f"{scene.prefix}{name}") for name in ("hub.events", "hub.quarantine")]
    _, _, wrote = await asked(me, "-P", "-t", scene.topic, "-X", "message.timeout.ms=5000", given=b"forged\n")

    assert before[1] == b""
    assert ids_of(out) == sent
    assert [each["topic"] for each in orjson.loads(listed)["topics"]] == [scene.topic]
    assert all(code != 0 and out == b"" for code, out, _ in others)
    assert b"authorization failed" in wrote.lower()
    assert await scene.records() == 100


async def test_kcat_in_a_group_of_its_own_tells_the_hub_how_far_it_is_and_joins_no_other(scene: Scene) -> None:
    await scene.send(50)
    await scene.arrived(50)
    me, certificate = await scene.certified()
    await scene.grant("live", certificate=certificate)
    group = f"{scene.reader}.engine"

    _, out, _ = await asked(me | {"auto.offset.reset": "earliest"}, "-q", "-e", "-c", "50", "-G", group, scene.topic)
    _, none, refused = await asked(me, "-e", "-G", "other.engine", scene.topic)

    assert len(ids_of(out)) == 50
    assert b"group authorization failed" in refused.lower()
    assert none == b""
    places = (await scene.access.committed(f"{scene.reader}."))[group]
    assert sum(places.values()) == 50
    assert {stream for stream, _ in places} == {stream_of(scene.reader)}


async def test_the_company_is_told_what_is_published_delivered_and_processed_as_it_comes_to_be(scene: Scene) -> None:
    [first, second] = await scene.send(2)
    await scene.arrived(2)
    me, certificate = await scene.certified()
    await scene.grant("live", certificate=certificate)
    group = ["-q", "-e", "-G", f"{scene.reader}.engine", scene.topic]

    published = await scene.link(first, "published")
    await asked(me | {"auto.offset.reset": "earliest"}, "-c", "2", *group)
    delivered = await scene.link(second, "delivered")
    header = await scene.stamp_of(second)
    marks = {"marks": [[header.generation, header.partition, header.offset]]}
    answer = await scene.recipient.ask("POST", f"/v1/feeds/{scene.reader}/ack", json=marks)
    processed = await scene.link(first, "processed")

    assert answer.status == 204
    assert (published["way"], published["delivered"], published["processed"]) == ("kafka", None, None)
    assert published["published"] <= delivered["delivered"] <= processed["processed"]
    assert {processed["recipient"], delivered["processed"]} == {scene.reader, None}


async def test_kcat_that_is_connected_is_stopped_when_its_certificate_is_revoked(scene: Scene) -> None:
    await scene.send(10)
    await scene.arrived(10)
    me, certificate = await scene.certified()
    await scene.grant("live", certificate=certificate)
    async with kcat(me, "-C", "-u", "-t", scene.topic, "-o", "beginning") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(10):
            await process.stdout.readline()

        await scene.world.act("certificate.revoke", certificate=certificate)

        async with asyncio.timeout(SECONDS_MAX):
            while b"authorization failed" not in (said := (await process.stderr.readline()).lower()):
                assert said, "kcat ended without a word about its rights"


async def test_a_connected_user_reads_nothing_more_once_it_is_revoked_and_cannot_come_back(scene: Scene) -> None:
    before = await scene.send(10)
    await scene.arrived(10)
    user = await scene.grant("live")
    settings = scene.by_password(user) | {"group.id": f"{scene.reader}.x", "auto.offset.reset": "earliest"}
    with reading(settings, scene.topic) as consumer:
        first = [await next_of(consumer) for _ in range(10)]

        await scene.world.act("kafka-access.revoke", id="live")
        await until_refused(consumer, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
        await scene.send(5)
        while user in await scene.access.users():
            await asyncio.sleep(0.02)
        later = await asyncio.to_thread(consumer.poll, 1.0)

    assert sorted(orjson.loads(each)["id"] for each in first) == before
    assert later is None or later.error() is not None
    told: list[KafkaError] = []
    with reading(settings | {"error_cb": told.append}, scene.topic) as consumer:
        while KafkaError._AUTHENTICATION not in {each.code() for each in told}:
            assert (message := await asyncio.to_thread(consumer.poll, 0.1)) is None or message.error()


@contextmanager
def reading(settings: dict[str, Any], topic: str) -> Iterator[Consumer]:
    consumer = Consumer({"log_level": 0, **settings})
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        consumer.close()


async def next_of(consumer: Consumer) -> bytes:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            message = await asyncio.to_thread(consumer.poll, 0.5)
            if message is not None and message.error() is None:
                return bytes(message.value())


async def until_refused(consumer: Consumer, *codes: int) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            message = await asyncio.to_thread(consumer.poll, 0.5)
            if message is not None and message.error() is not None and message.error().code() in codes:
                return
