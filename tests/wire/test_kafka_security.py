"""An administration's own Kafka: the hub proves itself by certificate and password, and trusts only the broker's CA."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

import hub.lab.kafka
from hub.core.errors import StorageUnavailable
from hub.core.record import LogRecord, Stream
from hub.core.settings import KafkaSettings
from hub.drivers.kafka.event_log import KafkaEventLog
from hub.drivers.system.clock import SystemClock
from hub.lab.kafka_settings import properties

pytestmark = pytest.mark.kafka

SECRET = "correct horse"  # Only this test's broker knows it.
SECURE_LISTENER = """\
listeners=PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port},SECURE://127.0.0.1:{port}
advertised.listeners=PLAINTEXT://127.0.0.1:{node.port},SECURE://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={broker_pem}
listener.name.secure.ssl.truststore.type=PEM
listener.name.secure.ssl.truststore.location={hub_pem}
listener.name.secure.ssl.client.auth=required
listener.name.secure.sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_hub="{secret}";
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """The settings of a Kafka that asks for a certificate and a password."""
    directory = tmp_path_factory.mktemp("security")
    identity(directory, "broker")
    identity(directory, "hub")
    (directory / "password").write_text(f"{SECRET}\n")
    (port,) = hub.lab.kafka.free_ports(1)
    pems = {"broker_pem": directory / "broker.pem", "hub_pem": directory / "hub.crt"}

    def with_secure_listener(node, nodes, data):  # type: ignore[no-untyped-def]
        return properties(node, nodes, data) + SECURE_LISTENER.format(node=node, port=port, secret=SECRET, **pems)

    cluster = hub.lab.kafka.KafkaCluster(tmp_path_factory.mktemp("kafka"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub.lab.kafka, "properties", with_secure_listener)
        cluster.up(1)
    yield KafkaSettings(
        bootstrap=f"127.0.0.1:{port}",
        security_protocol="SASL_SSL",
        ca_file=str(directory / "broker.crt"),
        certificate_file=str(directory / "hub.pem"),
        sasl_mechanism="PLAIN",
        sasl_username="hub",
        sasl_password_file=str(directory / "password"),
        request_ms_max=2_000,
        append_ms_max=4_000,
    )
    cluster.down()


def identity(directory: Path, name: str) -> None:
    """`name.crt`: a certificate that signs itself; `name.pem`: its key and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(here, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / f"{name}.crt").write_bytes(certificate)
    (directory / f"{name}.pem").touch(0o600)
    (directory / f"{name}.pem").write_bytes(key.private_bytes(*form) + certificate)


@asynccontextmanager
async def opened(settings: KafkaSettings) -> AsyncIterator[KafkaEventLog]:
    async with KafkaEventLog(settings, clock=SystemClock(), event_bytes_max=262_144, group_records_max=2_000) as log:
        yield log
    # aiokafka does not wait until TLS has said goodbye, and a loop that ends before that leaves open sockets behind.
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]
    while any(transport._sock is not None for transport in transports.values()):
        await asyncio.sleep(0.01)


async def test_the_log_works_through_tls_with_certificate_and_password(secured: KafkaSettings) -> None:
    async with opened(secured) as log:
        await log.declare(Stream("s", 1))
        first = await log.append("s", 0, [LogRecord(b"k", b"h", b"v")])
        async with log.reader("s") as reader:
            (record,) = await reader.read(0, 0, records_max=1, bytes_max=100)

    assert first == 0
    assert record.value == b"v"


async def test_a_wrong_password_is_unavailable_and_stands_in_no_message(
    secured: KafkaSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "password").write_text("wrong pony")

    async with opened(replace(secured, sasl_password_file=str(tmp_path / "password"))) as log:
        with pytest.raises(StorageUnavailable) as refused:
            await log.declare(Stream("s", 1))

    assert "wrong pony" not in f"{refused.value} {refused.value.__cause__!r} {caplog.text}"


@pytest.mark.parametrize("without", ["ca_file", "certificate_file"])
async def test_without_the_brokers_ca_or_an_own_certificate_there_is_no_connection(
    secured: KafkaSettings, without: str
) -> None:
    async with opened(replace(secured, **{without: ""})) as log:
        with pytest.raises(StorageUnavailable):
            await log.declare(Stream("s", 1))
