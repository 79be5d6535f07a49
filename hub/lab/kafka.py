"""A real Apache Kafka on this machine, without Docker: `customs-hub kafka up|status|down`, the demo, and the tests.

Everything lies in one directory: `cluster.json` (which brokers, on which ports, running as which processes), their
properties, their data (`node-<id>`) and their logs. Brokers outlive the command that starts them. A process is stopped
only if pid and start time are those that were written down.
"""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from msgspec import Struct
from msgspec.structs import replace

from hub.lab.kafka_install import KafkaLabError, format_storage, jars, java
from hub.lab.kafka_settings import LOG4J2, Node, command, properties
from hub.lab.kafka_tls import AUTHORITY, issue
from hub.lab.process import Process, spawn

START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 20.0


class _State(Struct):
    """What `cluster.json` holds."""

    cluster_id: str
    nodes: list[Node]
    processes: dict[int, Process] = {}
    format: int = 1


class KafkaCluster:
    """The brokers of one data directory."""

    def __init__(self, data: Path) -> None:
        self._directory = data.absolute()
        self._file = self._directory / "cluster.json"
        self._state = msgspec.json.decode(self._file.read_bytes(), type=_State) if self._file.exists() else None

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{node.port}" for node in self._known().nodes)

    @property
    def recipients(self) -> dict[Literal["scram", "mtls"], str]:
        """Where recipients reach the brokers, by how they prove themselves; empty: nowhere."""
        nodes = [node for node in self._known().nodes if node.scram_port]
        return (
            {
                "scram": ",".join(f"127.0.0.1:{node.scram_port}" for node in nodes),
                "mtls": ",".join(f"127.0.0.1:{node.mtls_port}" for node in nodes),
            }
            if nodes
            else {}
        )

    @property
    def authority(self) -> Path:
        """The certificate that readers of those listeners trust."""
        return self._directory / AUTHORITY

    @property
    def logs(self) -> Path:
        return self._directory / "logs"

    def running(self) -> dict[int, bool]:
        """Which brokers run, by broker id; empty if none was ever started here."""
        if self._state is None:
            return {}
        processes = self._state.processes
        return {node.id: node.id in processes and processes[node.id].alive() for node in self._state.nodes}

    def up(self, brokers: int, port: int = 0, *, recipients: bool = False) -> None:
        """Start what does not run yet and wait until all brokers answer; start nothing that does.

        `port` is that of the first broker, the others follow; 0: free ones, and the same again next time.
        `recipients`: with listeners for recipients, on the ports that follow those (first all for passwords, then all
        for certificates), and rules about who may what; so it stays from then on.
        Raises `KafkaLabError`, and then leaves running what was running before and nothing else.
        """
        classpath = f"{jars()}/*"
        if self._state is None:
            self._state = _State(_cluster_id(), _nodes(brokers, port))
        if len(self._state.nodes) != brokers:
            raise KafkaLabError(
                f"{self._directory} holds a cluster of {len(self._state.nodes)} broker(s), not {brokers}: "
                "name another directory with --data, or remove this one"
            )
        started = [node.id for node in self._state.nodes if not self.running()[node.id]]
        if recipients:
            self._open_to_recipients(started, port)
        for node in self._state.nodes:
            if node.id in started:
                _refuse_taken(node)
        self._write_settings()
        try:
            for node_id in started:
                self._format(classpath, node_id)
            for node_id in started:
                self.start(node_id)
            self._wait()
        except BaseException:
            for node_id in started:
                self.kill(node_id)
            raise

    def start(self, node_id: int) -> None:
        """Start one broker; does not wait for it."""
        state = self._known()
        node = next(node for node in state.nodes if node.id == node_id)
        output = self.logs / f"broker-{node_id}.out"
        state.processes[node_id] = spawn(command(java(), f"{jars()}/*", node, self._directory), output=output)
        self._save()

    def process(self, node_id: int) -> Process:
        """The broker's process. Raises `KeyError` if it was not started."""
        return self._known().processes[node_id]

    def kill(self, node_id: int) -> None:
        """End one broker as a power cut would."""
        if process := self._known().processes.pop(node_id, None):
            process.kill()
        self._save()

    def down(self) -> list[int]:
        """Stop the brokers that were started here; return their ids."""
        if self._state is None:
            return []
        stopped = [node_id for node_id, runs in self.running().items() if runs]
        # The last controller can only end quickly while the others still answer: each is asked, then all are awaited.
        for process in self._state.processes.values():
            process.ask_to_stop()
        for process in self._state.processes.values():
            process.stop(STOP_SECONDS_MAX)
        self._state.processes.clear()
        self._save()
        return stopped

    def _known(self) -> _State:
        if self._state is None:
            raise KafkaLabError(f"there is no Kafka in {self._directory}; start one: customs-hub kafka up")
        return self._state

    def _save(self) -> None:
        scratch = self._file.with_suffix(".new")
        scratch.write_bytes(msgspec.json.format(msgspec.json.encode(self._known())))
        scratch.replace(self._file)

    def _open_to_recipients(self, started: list[int], port: int) -> None:
        nodes = self._known().nodes
        without = [node for node in nodes if not node.scram_port]
        if {node.id for node in without} - set(started):
            raise KafkaLabError("brokers run without listeners for recipients: stop them first, customs-hub kafka down")
        count = len(without)
        ports = range(port + count, port + 3 * count) if port else free_ports(2 * count)
        opened = {
            node.id: replace(node, scram_port=ports[each], mtls_port=ports[count + each])
            for each, node in enumerate(without)
        }
        self._known().nodes = [opened.get(node.id, node) for node in nodes]
        _make_private(self._directory)
        for node in without:
            issue(self._directory, f"CN=broker-{node.id}", f"broker-{node.id}", is_broker=True)

    def _write_settings(self) -> None:
        nodes = self._known().nodes
        _make_private(self.logs)
        (self._directory / "log4j2.properties").write_text(LOG4J2)
        for node in nodes:
            (self._directory / f"node-{node.id}.properties").write_text(properties(node, nodes, self._directory))
        self._save()

    def _format(self, classpath: str, node_id: int) -> None:
        if not (self._directory / f"node-{node_id}" / "meta.properties").exists():
            format_storage(classpath, self._directory / f"node-{node_id}.properties", self._known().cluster_id)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            dead = [node_id for node_id, runs in self.running().items() if not runs]
            if dead:
                raise KafkaLabError(f"broker {dead[0]} ended while starting:\n{self._last_words(dead[0])}")
            if time.monotonic() > deadline:
                raise KafkaLabError(f"Kafka did not answer within {START_SECONDS_MAX:.0f} s; its logs: {self.logs}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        """Whether every broker takes connections and knows of all the others."""
        nodes = self._known().nodes
        if not all(_listens(node.port) for node in nodes):
            return False
        return asyncio.run(_brokers(self.bootstrap)) == {node.id for node in nodes}

    def _last_words(self, node_id: int) -> str:
        files = [self.logs / f"broker-{node_id}.{kind}" for kind in ("out", "log")]
        lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
        reasons = [line for line in lines if " ERROR " in line or "Exception: " in line]
        return "\n".join(reasons[-5:] or lines[-15:])


@contextmanager
def running_kafka(data: Path, brokers: int = 1, *, recipients: bool = False) -> Iterator[KafkaCluster]:
    """A Kafka for the length of a block; `cluster.bootstrap` is what clients need. Blocks: not for an event loop."""
    cluster = KafkaCluster(data)
    cluster.up(brokers, recipients=recipients)
    try:
        yield cluster
    finally:
        cluster.down()


def _make_private(directory: Path) -> None:
    """Make a directory and those above it that are missing, for this user alone: a hub may come to keep its data in one
    of them, and refuses what is open to others."""
    for missing in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        missing.mkdir(mode=0o700)


def _cluster_id() -> str:
    """Kafka's form of a UUID: 22 characters of base64url. The first byte keeps it from looking like an option."""
    return base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


def _nodes(count: int, port: int) -> list[Node]:
    free = free_ports(2 * count)
    ports = range(port, port + count) if port else free[:count]
    return [Node(each + 1, ports[each], free[count + each]) for each in range(count)]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below those that Linux gives to outgoing connections.

    A port given by the system could be anybody's before a broker, seconds later, comes to take it.
    """
    free: list[int] = []
    while len(free) < count:
        port = random.randrange(16_384, 32_768)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            free.append(port)
    return free


def _refuse_taken(node: Node) -> None:
    """Another program on the port, perhaps another Kafka, would be taken for the broker."""
    for port in filter(None, (node.port, node.controller_port, node.scram_port, node.mtls_port)):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except (OSError, OverflowError) as error:
            raise KafkaLabError(f"port {port} cannot be used ({error}): choose others with --port") from error


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _brokers(bootstrap: str) -> set[int]:
    """The ids of the brokers that the cluster itself counts as alive."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3_000)
    try:
        await admin.start()
        description = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return set()
    finally:
        await admin.close()
    return {broker["node_id"] for broker in description["brokers"]}
