"""What can be set, room by room: every bound with its unit in its name. `hub/config.py` alone reads them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.core.documents import DocumentPolicy
from hub.core.quota import QuotaSettings

Count = Annotated[int, Meta(ge=1)]
CountOrZero = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]
SecondsOrZero = Annotated[float, Meta(ge=0, le=31_536_000)]
WholeSeconds = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
ClockSkew = Annotated[int, Meta(ge=10, le=30)]
"""Assertions up to 10 s ahead must be accepted, beyond 30 s they must be refused; between is the hub's choice."""
CopyBytes = Annotated[int, Meta(ge=1, le=10_485_760)]
"""What `customs.document.submitted` 1.0 has room for."""
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9 ._-]*$")]
Partitions = Annotated[int, Meta(ge=0, le=128)]
"""0: as the ground does by default. A cursor names a place in each, and travels in a URL."""
Port = Annotated[int, Meta(ge=0, le=65_535)]


class HTTPSettings(Struct, frozen=True, kw_only=True):
    """The edge: what is taken from the wire before any stage looks at it."""

    host: str = "127.0.0.1"
    port: Port = 8480
    """0 binds a free port; the one bound is in the log and in `status`."""
    operations_port: Port = 8481
    """Where monitoring asks on the same host: `/metrics`, `/health/live`, `/health/ready`. 0 binds a free port."""
    admin: bool = False
    """Whether operators may ask over the network too, with tokens; the admin socket is there in any case."""
    admin_host: str = "127.0.0.1"
    admin_port: Port = 8482
    """Where operators ask. 0 binds a free port."""
    admin_url: str = ""
    """By which operators know that port; empty: `http://<admin_host>:<admin_port>`, or `https` as `[tls]` says."""
    public_url: str = ""
    """The issuer and audience that partners use; empty: `http://<host>:<port>`."""
    trusted_proxies: str = ""
    """Addresses, separated by commas, that end TLS for the hub: a client certificate that they name in `Client-Cert`
    (RFC 9440) is believed. From anybody else the header is passed over."""
    header_bytes_max: Count = 16_384
    body_bytes_max: Count = 4_194_304
    body_seconds_max: Seconds = 8.0
    requests_in_flight_max: Count = 512
    bytes_in_flight_max: Count = 33_554_432
    """Declared body bytes of all requests under way: the memory that intake may hold."""
    shutdown_seconds_max: Seconds = 10.0


def addresses_of(text: str) -> tuple[str, ...]:
    """Addresses that are separated by commas."""
    return tuple(address.strip() for address in text.split(",") if address.strip())


class TLSSettings(Struct, frozen=True, kw_only=True):
    """TLS 1.2 and 1.3 by the hub itself, towards partners; without it, a proxy or the loopback stands in front."""

    certificate_file: str = ""
    """PEM, with its chain; empty: no TLS. Replaced files are taken up while connections stay open."""
    key_file: str = ""
    client_certificates: Literal["off", "optional"] = "off"
    """`optional`: registered ones (`customs-hub certificate`) prove systems and bind their tokens (RFC 8705)."""
    client_ca_file: str = ""
    """PEM: authorities whose client certificates may open a connection; what each may do, the registry says."""


class IntakeSettings(Struct, frozen=True, kw_only=True):
    event_bytes_max: Count = 262_144
    batch_events_max: Count = 1_000
    sources_per_publisher_max: Count = 64
    check_digits: Literal["warn", "reject"] = "warn"
    """What a wrong check digit does: it is a warning, or refuses the event. A partner can be set apart."""
    group_records_max: Count = 1_000
    """The most events that share one append; what comes meanwhile waits for the next."""
    waiting_records_max: Count = 20_000
    """Beyond this many events waiting for an append a request is refused with 503 at once."""
    append_seconds_max: Seconds = 7.5
    """Above `kafka.append_ms_max`, so that it is Kafka's answer that decides."""
    recent_ids_max: Count = 20_000
    """The worker's cache of acknowledged identities: it covers what the judge has not reached yet."""
    registry_seconds_max: Seconds = 1.0
    """A registry confirmation older than this decides nothing. At most 1: what is revoked is refused by then."""


class DocumentsSettings(Struct, frozen=True, kw_only=True):
    """Documents that are judged after their sender was answered: captures, tables, EDIFACT; and digital copies."""

    body_bytes_max: CopyBytes = 10_485_760
    """The largest digital copy (`POST /v1/documents`)."""

    table_bytes_max: Count = 10_485_760
    table_rows_max: Count = 100_000
    capture_events_max: Count = 10_000
    """Of a capture of EPCIS that is to proceed; one that is rolled back is one batch (`intake.batch_events_max`)."""
    interchange_bytes_max: Count = 10_485_760
    """Of EDIFACT that is judged as a job (`POST /v1/interchanges`)."""
    interchange_events_max: Annotated[int, Meta(ge=1, le=50_000)] = 50_000
    """No more than the messages that a document of EDIFACT may have."""
    upload_seconds_max: Seconds = 60.0
    """How long a table or EDIFACT may take to arrive: it is written to disk as it comes."""
    answer_wait_seconds: Seconds = 8.0
    """What of these is judged sooner is answered with its results, else with where they will be."""
    jobs_running_max: Count = 2
    jobs_per_partner_max: Count = 16
    """Unfinished ones; beyond, a partner is answered 429. One of them is worked on at a time."""
    jobs_kept_max: Count = 1_000
    """Finished ones of a partner, with their results."""
    job_faults_bytes_max: Count = 8_388_608
    """Faults kept of one job, as stored; the items behind keep their verdicts and codes alone."""
    jobs_retention_seconds: WholeSeconds = 7 * 86_400


class ChecksSettings(Struct, frozen=True, kw_only=True):
    """How digital copies of documents are examined; what is done with what was found is `[document_policy]`."""

    pdfs_at_once_max: Count = 2
    """Each takes a process of some 30 MiB, and a core while it examines. Workers share them out, at least one each."""
    pdf_seconds_max: Seconds = 1.0
    """Of processor time, and of time; beyond, the document is called a bomb."""
    pdf_memory_bytes_max: Annotated[int, Meta(ge=50_331_648)] = 67_108_864
    """Of address space, the parser's own 36 MiB included."""
    virus_scanner: str = ""
    """The socket of clamd, `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`; empty: documents are not scanned."""
    virus_seconds_max: Seconds = 10.0


class AuthSettings(Struct, frozen=True, kw_only=True):
    token_seconds: WholeSeconds = 600
    assertion_seconds_max: WholeSeconds = 300
    clock_skew_seconds: ClockSkew = 10
    """`iat` and `nbf` up to this far ahead are accepted."""
    token_bytes_max: Count = 8_192
    tokens_cached_max: Count = 10_000
    sender_constrained: Literal["required", "offered"] = "required"
    """Tokens are bound to a key (DPoP, RFC 9449) or a client certificate (RFC 8705); partners of the tier `sandbox` may
    go without, and with `offered` everybody may. A bound token is refused without its proof in any case."""
    proof_bytes_max: Count = 4_096
    proof_seconds_max: WholeSeconds = 60
    """How old a DPoP proof may be by its own clock; its nonce says it by the hub's."""
    nonce_seconds: Seconds = 60.0
    """So long one DPoP nonce is given out; it is accepted as long again."""
    proofs_per_nonce_max: Count = 100_000
    """Beyond, the next nonce begins at once: what a worker remembers of proofs stays bounded, none is good twice."""
    key_grace_seconds: CountOrZero = 86_400
    """How long a rotated-out key is still accepted."""
    key_validity_seconds: WholeSeconds = 400 * 86_400
    """How long a key counts from its approval on: a year, and time to rotate it."""
    key_unused_seconds: WholeSeconds = 90 * 86_400
    """A key that nobody used for so long is flagged."""
    last_use_retention_seconds: WholeSeconds = 180 * 86_400
    """How long it is kept from which address and by which agent a key was used last."""


class MandateSettings(Struct, frozen=True, kw_only=True):
    """How much of the registry, which forgets nothing, the mandates of one principal may take."""

    waiting_max: Count = 64
    """Signed by one system of it, for an officer to countersign."""
    in_force_max: Count = 1_024
    """Granted, and not withdrawn or ended."""
    acts_per_hour_max: Count = 120
    """What a partner may bring of mandates, withdrawals and signatures, in each worker; as many at once."""


class AuditSettings(Struct, frozen=True, kw_only=True):
    """The audit trail: it is kept for ever; here is where else it goes."""

    syslog: str = ""
    """A collector, `tls:log.example.org:6514`, `tcp:log.example.org:601`, `udp:log.example.org:514` or `unix:/dev/log`;
    empty: none."""
    syslog_ca_file: str = ""
    """The authorities that a collector's certificate may be from, over TLS; empty: those that the machine trusts."""


class LogSettings(Struct, frozen=True, kw_only=True):
    ground: Literal["memory", "sqlite", "kafka"] = "sqlite"
    directory: str = "var"
    """Everything that is kept on this machine: event log, index, registry, keys, admin socket."""
    events_partitions: Partitions = 0
    """0: 1 on embedded storage, 8 on Kafka."""
    events_retention_seconds: WholeSeconds = 30 * 86_400
    feed_retention_seconds: WholeSeconds = 30 * 86_400
    """Less where agreements say so. On Kafka the hub makes `retention.ms` of its topics what these say; what is more by
    hand stays, but for feeds."""
    notices_retention_seconds: WholeSeconds = 90 * 86_400
    quarantine_retention_seconds: WholeSeconds = 365 * 86_400
    """How long an operator has to settle what was set aside."""
    index_slice_seconds: WholeSeconds = 16 * 86_400
    purge_interval_seconds: Seconds = 3_600.0


BATCH_OVERHEAD_BYTES = 61
"""The header of a record batch (Kafka protocol, message format v2)."""
RECORD_OVERHEAD_BYTES_MAX = 40
"""Lengths, deltas and the header's name around one record: at most 33 bytes in batches of up to 128 MiB."""


class KafkaSettings(Struct, frozen=True, kw_only=True):
    bootstrap: str = "127.0.0.1:9092"
    topic_prefix: str = ""
    create_topics: bool = True
    """False: the hub has no right to create topics, they must be there as `doctor` describes them."""
    replication: CountOrZero = 0
    """0: 3 where there are three brokers or more, else 1."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password_file: str = ""
    """The secret is read from a file, so that it is in no environment, process list or settings dump."""
    request_ms_max: Count = 3_000
    """After this long without an answer a broker is asked again, or the one that has taken over."""
    append_ms_max: Count = 7_000
    """Long enough for two requests, so that an append outlives the loss of one broker."""
    batch_bytes_max: Count = 1_048_576
    """Room for twice `intake.event_bytes_max` beside the batch's own overhead: an event comes with its seal."""
    recipients_scram: str = ""
    """Bootstrap servers of a SASL_SSL listener where recipients read their feeds with a password (SCRAM-SHA-512);
    empty: it is not offered. The hub then changes users and access rules: its own user has to be allowed that."""
    recipients_mtls: str = ""
    """The same of an SSL listener that asks recipients for certificates."""


class PostgresSettings(Struct, frozen=True, kw_only=True):
    """Where workers on any number of machines keep what they share beside a log on Kafka: registry, leases, the index
    of first occurrences, used assertions, jobs, and what is known of events."""

    url: str = ""
    """Such as `postgresql://hub@db.example.org/hub?sslmode=verify-full`; empty: in the data directory, for one process.
    The hub makes its tables there."""
    password_file: str = ""
    """The secret is read from a file, so that it is in no environment, process list or settings dump."""
    connections_max: Count = 4
    """Of one process, for what is decided; as many answer questions, and two follow the registry."""
    statement_seconds_max: Seconds = 5.0
    """What takes longer is given up, by the server first."""


class S3Settings(Struct, frozen=True, kw_only=True):
    """Where blobs are kept if not in the data directory: a bucket. What lies there is encrypted; its keys are here."""

    bucket: str = ""
    """Empty: blobs are files in the data directory."""
    endpoint: str = ""
    """Such as `https://s3.example.org`; empty: Amazon's own in `region`."""
    region: str = "us-east-1"
    prefix: Annotated[str, Meta(pattern="^([a-z0-9-]+/)*$")] = ""
    """Of all keys, such as `hub/`."""
    access_key_id: str = ""
    secret_key_file: str = ""
    """Empty: the credentials of the machine's role."""
    part_bytes: Annotated[int, Meta(ge=5_242_880, le=104_857_600)] = 5_242_880
    """Of an upload; S3 takes no smaller ones."""
    request_seconds_max: Seconds = 30.0
    retry_count_max: CountOrZero = 2


class FanoutSettings(Struct, frozen=True, kw_only=True):
    batch_records_max: Count = 1_000
    batch_bytes_max: Count = 4_194_304
    lease_seconds: Seconds = 10.0
    wait_seconds: Seconds = 1.0
    pace_seconds: Seconds = 0.005
    """The least time between two small batches: events that come one by one share the cost of a batch."""


class DeliverySettings(Struct, frozen=True, kw_only=True):
    page_records_max: Count = 1_000
    page_bytes_max: Count = 4_194_304
    wait_seconds_max: Seconds = 30.0
    cursor_seconds: WholeSeconds = 30 * 86_400
    streams_per_reader_max: Count = 8
    stream_unsent_bytes_max: Count = 1_048_576
    """A stream whose reader leaves this much unread is cut; the last `id:` is the cursor to resume from."""
    stream_heartbeat_seconds: Seconds = 15.0
    counts_per_hour_max: Count = 20
    """How often one recipient may have counted what a filter would let through: more would find out single events."""
    count_seconds_max: Seconds = 4.5
    """How long one count may take: who waits for another has an answer within ten seconds too."""
    published_seconds_max: SecondsOrZero = 60.0
    """How long an event may wait to be put into a feed before that is an alarm; 0: it never is."""
    processed_seconds_max: SecondsOrZero = 0.0
    """How long what is in a feed may wait to be acknowledged before that is an alarm; 0: it never is."""
    notices_sent_hour_max: Count = 5_000
    """How many notices to companies one risk engine may send in an hour."""
    access_days: Annotated[int, Meta(ge=30, le=3_660)] = 1_826
    """How long it is kept who was given what: five years."""


class ReplaySettings(Struct, frozen=True, kw_only=True):
    """The past of feeds, read again beside what comes in."""

    sessions_max: Count = 8
    """Open ones of one recipient."""
    session_seconds: WholeSeconds = 7 * 86_400
    bytes_per_second_max: Count = 4_194_304
    """Read of log and segments for all replays of one worker together: live delivery has the rest."""
    page_records_max: Count = 1_000
    page_bytes_max: Count = 4_194_304


class WebhookSettings(Struct, frozen=True, kw_only=True):
    """Records brought to addresses that their recipients name (`customs-hub delivery endpoint`)."""

    networks: str = ""
    """Networks, separated by commas, such as `10.20.0.0/16`, to which the hub may connect besides public addresses,
    without TLS too."""
    ca_file: str = ""
    """PEM: authorities of receivers' certificates, besides the machine's."""
    certificate_file: str = ""
    """PEM, with its chain: what the hub shows to receivers that ask for a client certificate; empty: none."""
    key_file: str = ""
    answer_seconds_max: Seconds = 20.0
    messages_max: Count = 256
    """Of one endpoint, waiting for an answer or the next attempt; beyond, it looks no further in its feed."""


class QuarantineSettings(Struct, frozen=True, kw_only=True):
    """Dead letters: what no feed, or an endpoint, was given, until an operator settles it."""

    letters_per_partner_max: Count = 10_000
    """Beyond, those that were settled longest ago go first; those that wait never go, that is an alarm, and what comes
    more is kept without its content, which the log has for its time."""
    waiting_seconds_max: WholeSeconds = 86_400
    """What waits longer is an alarm."""
    settled_retention_seconds: WholeSeconds = 90 * 86_400
    """How long it is kept what became of one, with its content where it was not discarded."""


class ViewsSettings(Struct, frozen=True, kw_only=True):
    """What is known of events: how it follows the log, and how much one question may ask."""

    batch_records_max: Count = 2_000
    batch_bytes_max: Count = 4_194_304
    busy_share_max: Share = 0.3
    """While events come in, it works for at most this share of its time: it lags rather than slow down the others."""
    pace_seconds: Seconds = 0.05
    """The least time between two batches: events that come one by one share the cost of a batch."""
    wait_seconds: Seconds = 1.0
    page_events_max: Count = 100
    page_bytes_max: Count = 4_194_304
    looked_at_max: Count = 5_000
    """Events looked at for one page: where few are for the caller, it ends early and says where to go on."""
    object_events_max: Count = 500
    """The newest events about an object that its answer is made of; beyond, it says that there are more."""
    tied_objects_max: Count = 50
    """Consignments of a container, or containers of a consignment, whose own events are looked at for it."""
    versions_max: Count = 20
    """The newest versions of an event, and what takes it back, that its state is told from."""
    concerned_parties: Literal["none", "consignor"] = "none"
    """`consignor`: whom an event of another company names as consignor, by an identifier in the registry, is told as
    well who was given it (`GET /v1/accesses?concerning=yes`). Of events that come in from then on."""


class Settings(Struct, frozen=True, kw_only=True):
    """All rooms. `hub_name` is in every statement and seal: it names the administration's hub to the world."""

    hub_name: Name = "customs-hub"
    hub_partner: Annotated[str, Meta(max_length=32, pattern="^[a-z0-9-]*$")] = ""
    """The partner, an authority, that stands for the administration itself: changes of AEO status become its events;
    empty: they become none."""
    http: HTTPSettings = HTTPSettings()
    tls: TLSSettings = TLSSettings()
    intake: IntakeSettings = IntakeSettings()
    documents: DocumentsSettings = DocumentsSettings()
    checks: ChecksSettings = ChecksSettings()
    document_policy: DocumentPolicy = DocumentPolicy()
    auth: AuthSettings = AuthSettings()
    quotas: QuotaSettings = QuotaSettings()
    mandates: MandateSettings = MandateSettings()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()
    kafka: KafkaSettings = KafkaSettings()
    postgres: PostgresSettings = PostgresSettings()
    s3: S3Settings = S3Settings()
    fanout: FanoutSettings = FanoutSettings()
    delivery: DeliverySettings = DeliverySettings()
    webhooks: WebhookSettings = WebhookSettings()
    replay: ReplaySettings = ReplaySettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    views: ViewsSettings = ViewsSettings()
