"""`KafkaFeedAccess`: readers' users and access rules, through librdkafka's admin client.

aiokafka knows no ACLs and no SCRAM, so that this one thing is asked through confluent-kafka. Its admin client blocks:
it runs in a few threads of its own, and each call gives up after the deadline of Kafka's other requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Set
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from cryptography import x509

from hub.core.errors import StorageUnavailable
from hub.core.feed import FEED_PREFIX
from hub.core.finding import Finding
from hub.core.settings import KafkaSettings
from hub.drivers.kafka.checks import check_readers
from hub.drivers.kafka.topics import Topics
from hub.ports.feed_access import GROUPS_MAX, Committed, Right
from hub.ports.system import Clock

THREADS_MAX = 2
"""So that a question about offsets does not hold up that somebody loses access."""
SCRAM_ITERATIONS = 8_192
"""Twice the least that Kafka takes; passwords are 130 bits of chance."""
_MECHANISMS = (ScramMechanism.SCRAM_SHA_512, ScramMechanism.SCRAM_SHA_256)
"""The hub gives the first; by hand a user may have got the other."""
_EVERY_HOST = "*"
_OF_USERS = "User:"
_QUIET = 0
"""librdkafka would write what goes wrong to standard error, beside telling it to the caller."""
_GIVEN = (AclOperation.READ, AclOperation.DESCRIBE)
_TELLING = (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
"""Who has them reads no event."""

T = TypeVar("T")


class KafkaFeedAccess:
    """A `FeedAccess` of the brokers that the hub writes to; a context manager. Connects when it is first asked.

    The hub's own user needs the rights to alter the cluster's ACLs and SCRAM credentials, and to describe groups.
    """

    def __init__(self, settings: KafkaSettings, *, clock: Clock, event_bytes_max: int) -> None:
        self._settings = settings
        self._clock = clock
        self._topics = Topics(settings, clock=clock, event_bytes_max=event_bytes_max)
        self._seconds_max = settings.append_ms_max / 1_000
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="kafka-admin")
        self._admin: AdminClient | None = None
        self._own = f"{_OF_USERS}{settings.sasl_username or _subject(settings.certificate_file)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._admin = None

    async def rights(self) -> Set[Right]:
        return {right for rule in await self._rules() if (right := self._right(rule)) is not None}

    async def allow(self, rights: Collection[Right]) -> None:
        bindings = [AclBinding(*self._rule(right)) for right in rights]
        if bindings:
            await self._call(lambda admin: _all_done(admin.create_acls(bindings, **self._bound()).values()))

    async def refuse(self, rights: Collection[Right]) -> None:
        filters = [AclBindingFilter(*self._rule(right)) for right in rights]
        if filters:
            await self._call(lambda admin: _all_done(admin.delete_acls(filters, **self._bound()).values()))

    async def users(self) -> Set[str]:
        known = await self._call(lambda admin: admin.describe_user_scram_credentials(**self._bound()).result())
        return frozenset(known)

    async def enrol(self, user: str, password: str) -> None:
        how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        await self._alter([UserScramCredentialUpsertion(user, how, password.encode())])

    async def dismiss(self, users: Collection[str]) -> None:
        """By each mechanism, without looking first: a broker that is asked who is there may not know yet what its
        controller did a moment ago."""
        if users:
            for mechanism in _MECHANISMS:
                await self._alter([UserScramCredentialDeletion(user, mechanism) for user in users])

    async def committed(self, prefix: str) -> Committed:
        listed = await self._call(lambda admin: admin.list_consumer_groups(**self._bound()).result())
        names = sorted(group.group_id for group in listed.valid if group.group_id.startswith(prefix))
        return {name: await self._call(partial(self._offsets, name)) for name in names[:GROUPS_MAX]}

    async def examine(self) -> list[Finding]:
        findings = check_readers(await self._topics.broker_settings(), self._settings)
        try:
            rules = await self._rules()
            await self.users()
            findings.append(self._wide(rules))
        except StorageUnavailable as error:
            fix = "give the hub's own user the right to ALTER the cluster, or make it one of `super.users`"
            findings.append(Finding("fail", "readers' rights", str(error), "rules and users that can be changed", fix))
        return findings

    async def _rules(self) -> list[AclBinding]:
        """Every rule that there is."""
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        return list(await self._call(lambda admin: admin.describe_acls(every, **self._bound()).result()))

    def _wide(self, rules: Iterable[AclBinding]) -> Finding:
        """Rules that were made by hand. Those about more than a feed's topic the hub leaves alone; the others it takes
        away where readers use the brokers, and nobody does where they do not."""
        wide = [
            f"{rule.principal} on {rule.name}"
            for rule in rules
            if rule.restype is ResourceType.TOPIC
            and rule.permission_type is AclPermissionType.ALLOW
            and rule.principal != self._own
            and (self._is_wide(rule) or self._is_by_hand(rule))
        ]
        fix = "remove them with kafka-acls.sh --remove: whoever they name reads feeds without an agreement"
        what, found = "rules by hand over feeds' topics", ", ".join(sorted(set(wide))) or "none"
        return Finding("warn" if wide else "ok", what, found, "none but the hub's own", fix if wide else "")

    def _is_wide(self, rule: AclBinding) -> bool:
        feeds = self._topics.name(FEED_PREFIX)
        prefixed = rule.resource_pattern_type is ResourcePatternType.PREFIXED
        over = rule.name == "*" or (prefixed and (feeds.startswith(rule.name) or rule.name.startswith(feeds)))
        return over and rule.operation not in _TELLING

    def _is_by_hand(self, rule: AclBinding) -> bool:
        """On a feed's own topic, and nothing that the hub gives."""
        given = rule.operation in _GIVEN and rule.host == _EVERY_HOST and rule.principal.startswith(_OF_USERS)
        literal = rule.resource_pattern_type is ResourcePatternType.LITERAL
        return literal and self._stream(rule.name) is not None and not given

    def _offsets(self, group: str, admin: AdminClient) -> dict[tuple[str, int], int]:
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], **self._bound())
        places = asked[group].result().topic_partitions
        return {
            (stream, place.partition): place.offset
            for place in places
            if place.error is None and place.offset >= 0 and (stream := self._stream(place.topic)) is not None
        }

    async def _alter(self, alterations: list[Any]) -> None:
        def alter(admin: AdminClient) -> None:
            _all_done(
                admin.alter_user_scram_credentials(alterations, **self._bound()).values(), KafkaError.RESOURCE_NOT_FOUND
            )

        await self._call(alter)

    async def _call(self, work: Callable[[AdminClient], T]) -> T:
        """In a thread. It ends by itself soon after its caller stopped waiting: each request has a bound of its own."""
        try:
            async with self._clock.deadline(self._seconds_max):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)
        except (KafkaException, TimeoutError) as error:
            raise StorageUnavailable(f"Kafka does not do what is asked of it: {_words(error)}") from error

    def _work(self, work: Callable[[AdminClient], T]) -> T:
        if self._admin is None:
            self._admin = AdminClient(_options(self._settings))
        return work(self._admin)

    def _bound(self) -> dict[str, float]:
        return {"request_timeout": self._settings.request_ms_max / 1_000}

    def _stream(self, topic: str) -> str | None:
        """The feed's stream that a topic is; None: it is none."""
        stream = topic.removeprefix(self._settings.topic_prefix)
        return stream if topic == self._topics.name(stream) and stream.startswith(FEED_PREFIX) else None

    def _right(self, binding: AclBinding) -> Right | None:
        """As the port knows it; None for what is not about readers, or is the hub's own."""
        if binding.permission_type is not AclPermissionType.ALLOW or binding.operation is AclOperation.UNKNOWN:
            return None
        if not binding.principal.startswith(_OF_USERS) or binding.principal == self._own:
            return None
        principal, how = binding.principal.removeprefix(_OF_USERS), (binding.operation.name.lower(), binding.host)
        match binding.restype, binding.resource_pattern_type:
            case ResourceType.TOPIC, ResourcePatternType.LITERAL if (stream := self._stream(binding.name)) is not None:
                return Right(principal, "stream", stream, *how)
            case ResourceType.GROUP, ResourcePatternType.PREFIXED:
                return Right(principal, "groups", binding.name, *how)
        return None

    def _rule(self, right: Right) -> tuple[Any, ...]:
        """As the brokers know it: resource, pattern, principal, host, operation, permission."""
        resource = (
            (ResourceType.GROUP, right.name, ResourcePatternType.PREFIXED)
            if right.on == "groups"
            else (ResourceType.TOPIC, self._topics.name(right.name), ResourcePatternType.LITERAL)
        )
        operation = AclOperation[right.may.upper()]
        return *resource, f"{_OF_USERS}{right.principal}", right.host, operation, AclPermissionType.ALLOW


def _all_done(futures: Iterable[Future[Any]], *harmless: int) -> None:
    """Raises what one of them failed with, unless it is harmless."""
    for future in futures:
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() not in harmless:
                raise


def _subject(certificate_file: str) -> str:
    """As brokers that know the hub by its certificate call it, where they map no names; empty without one."""
    try:
        return x509.load_pem_x509_certificate(Path(certificate_file).read_bytes()).subject.rfc4514_string()
    except (OSError, ValueError):
        return ""  # Whoever connects with it is told.


def _words(error: KafkaException | TimeoutError) -> str:
    found = error.args[0] if error.args else "no answer in time"
    return found.str() if isinstance(found, KafkaError) else str(found)


def _options(settings: KafkaSettings) -> dict[str, Any]:
    """The hub's own way to the brokers, as librdkafka calls it. Raises `StorageUnavailable` without the password."""
    password = ""
    if settings.sasl_password_file:
        try:
            password = Path(settings.sasl_password_file).read_text().strip()
        except OSError as error:
            raise StorageUnavailable(f"cannot read `kafka.sasl_password_file`: {error.strerror}") from error
    named = {
        "bootstrap.servers": settings.bootstrap,
        "client.id": "customs-hub",
        "security.protocol": settings.security_protocol,
        "ssl.ca.location": settings.ca_file,
        "ssl.certificate.location": settings.certificate_file,
        "ssl.key.location": settings.key_file or settings.certificate_file,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": password,
    }
    return {"log_level": _QUIET, "socket.timeout.ms": settings.request_ms_max} | {
        name: value for name, value in named.items() if value
    }
