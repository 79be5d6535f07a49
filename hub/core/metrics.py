"""The closed list of what is counted and measured: name, kind, closed labels, what it tells an operator."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Metric(Struct, frozen=True):
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


_METRICS = (
    Metric("http_requests", "counter", ("route", "status"), "Requests answered, by route and status."),
    Metric("tokens", "counter", ("outcome",), "Token requests, by outcome."),
    Metric("authentications_refused", "counter", ("reason",), "Access tokens refused, by reason."),
    Metric("failures_not_logged", "counter", (), "Failed authentications and authorisations beyond the log's pace."),
    Metric("enrolments", "counter", ("outcome",), "Keys brought with a code, by outcome."),
    Metric("quota_refused", "counter", ("reason",), "Requests refused over a quota, by what there was too little of."),
    Metric("client_cert_headers_ignored", "counter", (), "Client-Cert headers of peers that are no trusted proxy."),
    Metric("intake_items", "counter", ("verdict", "type"), "Items judged at intake, by verdict and event type."),
    Metric("intake_refused", "counter", ("label",), "Items refused at intake, by the error table's label."),
    Metric("jobs", "counter", ("kind", "outcome"), "Documents judged after their sender was answered, by outcome."),
    Metric("job_seconds", "histogram", ("kind",), "Time from the start of work on such a document to its end."),
    Metric("documents", "counter", ("disposition", "media_type"), "Digital copies examined, by what became of them."),
    Metric("documents_handed_over", "counter", ("to",), "Digital copies handed to publishers and recipients."),
    Metric("append_seconds", "histogram", ("stream",), "Time from the start of an append to its acknowledgement."),
    Metric("append_records", "histogram", ("stream",), "Records that shared one append."),
    Metric("appends_unknown", "counter", ("stream",), "Appends whose outcome could not be told."),
    Metric("judged", "counter", ("verdict",), "Records judged: first, repeat, conflict."),
    Metric("judge_lag_records", "gauge", ("partition",), "Records of hub.events not yet judged."),
    Metric("feed_records", "counter", ("feed",), "Records appended to a feed."),
    Metric("feed_lag_records", "gauge", ("feed", "partition"), "Records of hub.events a feed has not looked at yet."),
    Metric("views_events", "counter", (), "Events that came to be known: what questions are answered from."),
    Metric("views_lag_records", "gauge", ("partition",), "Records of hub.events not yet known."),
    Metric("views_passed_over", "counter", (), "Records that the log let go of before they were known."),
    Metric("quarantined", "counter", ("cause",), "Records put into quarantine, by cause."),
    Metric("dead_letters_waiting", "gauge", ("cause",), "Dead letters that nobody settled yet, by cause."),
    Metric("dead_letters_oldest_seconds", "gauge", (), "How long the oldest of them waits."),
    Metric("dead_letters_without_content", "counter", (), "Dead letters beyond the bound, kept without their content."),
    Metric("dead_letters_settled", "counter", ("outcome",), "Dead letters settled, or tried (failed), by outcome."),
    Metric("delivered", "counter", ("feed", "way"), "Records handed to readers, by feed and way."),
    Metric("webhook_attempts", "counter", ("endpoint", "outcome"), "Messages posted to endpoints, by what came of it."),
    Metric("endpoint_lag_records", "gauge", ("endpoint",), "Records that an endpoint was not given yet."),
    Metric("endpoint_lag_seconds", "gauge", ("endpoint",), "Age of the oldest of them that waits in a message."),
    Metric("feed_behind_events", "gauge", ("feed", "stage"), "Events a feed (routing) or its reader (reading) lacks."),
    Metric("feed_behind_seconds", "gauge", ("feed", "stage"), "Age of the oldest of these."),
    Metric("replayed", "counter", ("feed",), "Records handed over in replays, by feed."),
    Metric("archived", "counter", (), "Events kept in segments beyond the log's time."),
    Metric("archive_purged", "counter", (), "Stretches of the archive that no agreement asks for any more."),
    Metric("feed_gaps", "counter", ("feed",), "Answers that told a reader of records purged before it read them."),
    Metric("published_seconds", "histogram", (), "Time from acceptance until an event is in a feed."),
    Metric("delivery_seconds", "histogram", ("way",), "Time from acceptance to a reader; on Kafka, to its commit."),
    Metric("processed_seconds", "histogram", ("way",), "Time from acceptance to the acknowledgement that reaches it."),
    Metric("kafka_access_behind_seconds", "gauge", (), "How long brokers have not agreed with the registry."),
    Metric("streams", "gauge", (), "Open streams."),
    Metric("streams_cut", "counter", ("reason",), "Streams that the hub ended, by reason."),
    Metric("registry_revision", "gauge", (), "The registry revision in force here."),
    Metric("registry_confirmed_seconds", "gauge", (), "Age of the last confirmation of the registry."),
    Metric("notices_written", "counter", ("cause",), "Notices about no single record, by cause."),
    Metric("notices_overdue", "counter", ("kind",), "Answers to companies whose deadline passed unacknowledged."),
    Metric("notices_acknowledged", "counter", ("kind",), "Answers to companies that these acknowledged."),
    Metric("reviews_open", "gauge", (), "Acts of one person that nobody else looked at yet."),
    Metric("reviews_overdue", "gauge", (), "Those that somebody should have looked at by now."),
    Metric("proposals_open", "gauge", (), "Acts that wait for a second signature."),
    Metric("audit_unsent", "gauge", (), "Audit events that syslog was not sent yet."),
    Metric("aeo_feeds_refused", "gauge", (), "Administrations of whose status feed the last message was refused."),
    Metric("aeo_feeds_silent", "gauge", (), "Administrations that are silent for longer than an arrangement allows."),
    Metric("aeo_statuses_published", "counter", ("verdict",), "Changes of AEO status sent as events, by verdict."),
    Metric("alarms", "counter", ("alarm",), "Conditions that need a person: see the alarm's page in hub/README.md."),
)

METRICS = {metric.name: metric for metric in _METRICS}
