"""What the processes of a benchmark say to each other: one JSON document a line."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LOAD_MAX = 0.8
"""The share of a core above which the load process measures itself."""

ANSWER_SECONDS_MAX = 15.0
"""The hub answers everything within 10 s."""


class LoadJob(Struct, frozen=True, kw_only=True):
    """Post events over keep-alive connections, each sending its next request when its last one is answered."""

    url: str
    """Host and port on this machine, as `http://127.0.0.1:<port>`."""
    path: str
    token: str = ""
    batch: int = 1
    """Events a request; 1 is a single structured event."""
    connections: int = 64
    seconds: float
    events_max: int
    first: int
    """The number of the first event: ids are never used twice in one benchmark."""
    proof_key: str = ""
    """PEM of the key that the token is bound to: each request brings a proof by it. Empty: the token is not bound."""
    events_per_second: float = 0.0
    """Above 0: requests leave when they are due, and their time counts from then; answers are noted one by one."""


class LoadResult(Struct, frozen=True, kw_only=True):
    sent: int
    """Events."""
    accepted: int
    """Events answered ACCEPTED; at the bare server, answered at all."""
    statuses: dict[str, int]
    """Requests by HTTP status; 0: the connection was closed instead."""
    seconds: float
    """From the first request to the last answer."""
    begun: float
    """When the first request left (CLOCK_MONOTONIC, as all moments here: one clock for all processes)."""
    load: float
    """CPU time of the load process for each second."""
    p50_ms: float
    p99_ms: float
    answered: list[tuple[int, float]] = []
    """Event number and when its answer had arrived."""


class PullJob(Struct, frozen=True, kw_only=True):
    """Read a feed page after page, and go on until as many events have come as a second line says."""

    url: str
    feed: str
    token: str
    cursor: str | None
    seconds_max: float
    first: int
    """Events with lower numbers belong to an earlier job, whose sender was told that they are unknown."""
    note_times: bool = False


class ArrivalJob(Struct, frozen=True, kw_only=True):
    """Wait for events on a way that is open, until as many have come as a second line says; note when each came."""

    way: str
    """`SSE`, `webhook` or `Kafka`."""
    url: str = ""
    feed: str = ""
    token: str = ""
    bootstrap: str = ""
    topic: str = ""
    seconds_max: float
    first: int
    """Events with lower numbers belong to an earlier job."""


class PullResult(Struct, frozen=True, kw_only=True):
    pulled: int
    distinct: int
    """Different ids among them."""
    last: float
    """When the last record had arrived."""
    cursor: str
    load: float
    arrived: list[tuple[int, float]] = []
    """Event number and when its record had arrived, if `note_times`."""


Way = Literal["rows", "log", "producer"]


class CeilingJob(Struct, frozen=True, kw_only=True):
    """Write records to the ground as fast as it goes, without a hub."""

    way: Way
    """`rows`: SQLite as written by hand; `log`: the hub's own log driver; `producer`: aiokafka's batches."""
    directory: str
    """An empty directory of this job's own."""
    bootstrap: str = ""
    """Kafka; empty: SQLite."""
    topic_prefix: str = ""
    records: int
    """Records a commit, an append or a batch."""
    seconds: float
    records_max: int


class CeilingResult(Struct, frozen=True, kw_only=True):
    records: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float
    """Of one commit, append or batch."""
