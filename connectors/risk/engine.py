"""A small reference risk engine: events in, alerts out, in one SQLite file.

Theory of operation. `event` holds the newest version of each event, `about` which objects it is about. When events
arrive, the rules (`rules.py`) look at the whole history of every object that they touch; what they find is compared
with the alerts that stand: new findings are raised, findings that are no more are withdrawn. A finding about absence
waits in `due` until its grace has passed. All of it, and the reader's checkpoint, is one transaction a group, so a
crash repeats the group and ends in the same state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from connectors.risk.checkpoint import SQLiteCheckpoint
from connectors.risk.group import Group
from connectors.risk.rules import RULES, Event, Finding, Settings, arrival, event_key, explanation, objects_of
from connectors.risk.score import Score, scored

MEMORY_DAYS = 90
"""Events and alerts that are older are forgotten."""

_SCHEMA = """
create table if not exists event (
    key text primary key, version text not null, received_us integer not null, occurred_us integer not null,
    type text not null, body blob not null) without rowid;
create table if not exists about (object text, key text, primary key (object, key)) without rowid;
create index if not exists about_key on about (key);
create index if not exists event_received on event (received_us);
create table if not exists due (object text primary key, from_us integer not null) without rowid;
create table if not exists asked (id text primary key) without rowid;
create table if not exists suspect (key text primary key) without rowid;
create table if not exists alert (
    rule text, object text, anchor text, state text not null, raised_us integer not null, withdrawn_us integer,
    finding blob not null, primary key (rule, object, anchor)) without rowid;
pragma user_version = 1;
"""


class Alert(Struct, frozen=True):
    """What an officer reads. `state` is RAISED or WITHDRAWN."""

    state: str
    rule: str
    object: str
    sentence: str
    check: str
    evidence: tuple[str, ...]
    """Events: publisher, source, id."""
    at: str
    """When it was raised or withdrawn, UTC."""
    suspect: bool = False
    """It rests on events that came under a credential that had leaked: they may be forged."""

    def line(self) -> str:
        mark = "WITHDRAWN" if self.state != "RAISED" else "ALERT under suspicion" if self.suspect else "ALERT"
        return f"{mark} {self.object}: {self.sentence} [{self.rule}] To do: {self.check}"


class Question(Struct, frozen=True):
    """What a company is asked about one of its containers; it tells nothing of rules, lists and scores."""

    id: str
    container: str
    publisher: str
    """As the feed's records name it."""
    text: str


def question_of(alert: Alert) -> Question:
    """Of an alert about a filing that is missing."""
    container = alert.object.partition(":")[2]
    publisher = alert.evidence[0].partition(" ")[0]
    id_ = sha256(f"{alert.object} {alert.evidence[0]}".encode()).hexdigest()[:32]
    return Question(
        id_, container, publisher, f"Nothing was filed for container {container}: give the filing's reference."
    )


class Engine:
    """The engine in the file `path` (`:memory:` for a while). Times come in as µs since 1970."""

    def __init__(self, path: Path | str, settings: Settings | None = None) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.executescript(_SCHEMA)
        self._settings = settings or Settings()
        self.checkpoint = SQLiteCheckpoint(self._database)

    def close(self) -> None:
        self._database.close()

    def take(self, feed: str, group: Group, *, now_us: int) -> list[Alert]:
        """Work off a group and store its token with it; return the alerts that it raised or withdrew.

        Raises `Overtaken` where another engine works on the same file.
        """
        with self.checkpoint.work(replace(group, place=feed)) as records:
            return self._look_at(self._remember_all(records), now_us)

    def study(self, records: Iterable[dict[str, Any]]) -> None:
        """Remember records of the past; what is to be found in them, `tick` tells as of its moment."""
        with self._database as transaction:
            transaction.execute("begin immediate")
            due = [(object_,) for object_ in self._remember_all(records)]
            transaction.executemany("insert or replace into due values (?, 0)", due)

    def tick(self, *, now_us: int) -> list[Alert]:
        """Let time pass: findings whose grace is over are raised, and what is too old is forgotten."""
        with self._database as transaction:
            transaction.execute("begin immediate")
            due = [row[0] for row in transaction.execute("select object from due where from_us <= ?", (now_us,))]
            alerts = self._look_at(due, now_us)
            self._forget(now_us - MEMORY_DAYS * 86_400_000_000)
        return alerts

    def watch(self, identifiers: Iterable[str], *, now_us: int) -> list[Alert]:
        """Put a new watch list in the place of the old one; return the alerts that it raised or withdrew."""
        self._settings = replace(self._settings, watched=frozenset(identifiers))
        with self._database as transaction:
            transaction.execute("begin immediate")
            listed = [row[0] for row in transaction.execute("select object from alert where rule = 'on_a_watch_list'")]
            named = [f"listed:{identifier}" for identifier in sorted(self._settings.watched)]
            return self._look_at(dict.fromkeys([*listed, *named]), now_us)

    def hear(self, place: str, notices: Iterable[dict[str, Any]], token: str, *, now_us: int) -> list[Alert]:
        """Heed what the hub tells of trust (`schemas/formats/notice.md`), and store the place with it: alerts that rest
        on events under suspicion are marked, those on events that were forged withdrawn. Returns those that changed."""
        with self._database as transaction:
            transaction.execute("begin immediate")
            changed: list[Alert] = []
            for notice in notices:
                keys = [event_key(event) for event in notice.get("events", ())]
                match notice.get("code"):
                    case "TRUST_WITHDRAWN":
                        changed += self._mark("insert or ignore into suspect values (?)", keys, now_us)
                    case "TRUST_RETRACTED":
                        changed += self._mark("delete from suspect where key = ?", keys, now_us)
                    case "TRUST_CONFIRMED":
                        changed += self._disown(keys, now_us)
            self.checkpoint.save(place, token)
        return changed

    def alerts(self) -> list[Alert]:
        """All alerts that stand or were withdrawn, oldest first."""
        rows = self._database.execute(
            "select state, object, coalesce(withdrawn_us, raised_us), finding from alert order by raised_us, object"
        )
        return [self._alert(state, object_, orjson.loads(finding), at_us) for state, object_, at_us, finding in rows]

    def score(self, object_: str) -> Score:
        """What the alerts that stand on an object come to, with the reason for each point."""
        alerts = [self._alert("RAISED", object_, finding, 0) for finding in self._standing(object_)]
        return scored(object_, [(alert.rule, alert.sentence, alert.suspect) for alert in alerts])

    def questions(self) -> list[Question]:
        """What is to be asked of companies and was not: of each container that stands without a filing."""
        rows = self._database.execute(
            "select object, finding from alert where state = 'RAISED' and rule = 'gate_in_without_filing'"
        )
        alerts = [self._alert("RAISED", object_, orjson.loads(finding), 0) for object_, finding in rows.fetchall()]
        questions = [question_of(alert) for alert in alerts if not alert.suspect]
        known = {row[0] for row in self._database.execute("select id from asked")}
        return [each for each in questions if each.id not in known]

    def asked(self, question: Question) -> None:
        """It was sent; until this is stored it is sent again, which the hub knows by its id."""
        self._database.execute("insert or ignore into asked values (?)", (question.id,))

    def _mark(self, statement: str, keys: list[str], now_us: int) -> list[Alert]:
        self._database.executemany(statement, [(key,) for key in keys])
        return [self._alert("RAISED", object_, finding, now_us) for object_, finding in self._resting_on(keys)]

    def _disown(self, keys: list[str], now_us: int) -> list[Alert]:
        """Forget events that were forged; what other events show is found again."""
        changed = []
        for object_, finding in self._resting_on(keys):
            forged = [key for key in finding["evidence"] if key in keys]
            words = {"sentence": f"No longer so: {forged[0]} was forged.", "check": finding["check"]}
            changed.append(self._end(object_, finding | words, now_us))
        marks = [(key,) for key in keys]
        query = "select object from about where key = ?"
        touched = dict.fromkeys(row[0] for mark in marks for row in self._database.execute(query, mark))
        self._database.executemany("delete from about where key = ?", marks)
        self._database.executemany("delete from event where key = ?", marks)
        self._database.executemany("insert or ignore into suspect values (?)", marks)  # If it is read once more.
        return changed + self._look_at(touched, now_us)

    def _resting_on(self, keys: list[str]) -> list[tuple[str, dict[str, Any]]]:
        """Object and finding of each alert that stands and names one of the events."""
        rows = self._database.execute("select object, finding from alert where state = 'RAISED'")
        found = [(object_, orjson.loads(finding)) for object_, finding in rows]
        return [(object_, finding) for object_, finding in found if not set(keys).isdisjoint(finding["evidence"])]

    def _alert(self, state: str, object_: str, finding: dict[str, Any], at_us: int) -> Alert:
        known = "select 1 from suspect where key in (select value from json_each(?))"
        suspect = self._database.execute(known, (orjson.dumps(finding["evidence"]).decode(),)).fetchone() is not None
        at = f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
        words = finding["sentence"], finding["check"], tuple(finding["evidence"])
        return Alert(state, finding["rule"], object_, *words, at, suspect)

    def _remember_all(self, records: Iterable[dict[str, Any]]) -> dict[str, None]:
        """The objects that they touch."""
        return {object_: None for record in records for object_ in self._remember(Event.of(record))}

    def _remember(self, event: Event) -> list[str]:
        """Store the event unless a newer version is known; return the objects that it touches, or touched before."""
        newer = self._database.execute(
            "insert into event values (?, ?, ?, ?, ?, ?) on conflict (key) do update set version = excluded.version, "
            "received_us = excluded.received_us, occurred_us = excluded.occurred_us, body = excluded.body "
            "where (excluded.version, excluded.received_us) > (version, received_us)",
            (event.key, event.version, event.received_us, event.occurred_us, event.type, orjson.dumps(event.body)),
        )
        if newer.rowcount == 0:
            return []
        before = [row[0] for row in self._database.execute("select object from about where key = ?", (event.key,))]
        self._database.execute("delete from about where key = ?", (event.key,))
        objects = objects_of(event)
        self._database.executemany("insert into about values (?, ?)", [(object_, event.key) for object_ in objects])
        return [*before, *objects]

    def _look_at(self, objects: Iterable[str], now_us: int) -> list[Alert]:
        alerts: list[Alert] = []
        for object_ in objects:
            kind, _, value = object_.partition(":")
            if kind == "listed" and value not in self._settings.watched and not self._standing(object_):
                continue
            history = self._history(object_)
            findings = [found for rule in RULES[kind] for found in rule(value, history, self._settings)]
            counting = [found for found in findings if found.from_us <= now_us]
            alerts += self._raise(object_, counting, now_us)
            alerts += self._withdraw(object_, findings, history, now_us)
            self._wait(object_, [found.from_us for found in findings if found.from_us > now_us])
        return alerts

    def _history(self, object_: str) -> list[Event]:
        rows = self._database.execute(
            "select key, type, occurred_us, received_us, version, body from about join event using (key) "
            "where object = ? order by occurred_us, received_us, key",
            (object_,),
        )
        return [
            Event(key, type_, at, received, version, orjson.loads(body))
            for key, type_, at, received, version, body in rows
        ]

    def _raise(self, object_: str, findings: Iterable[Finding], now_us: int) -> list[Alert]:
        raised = []
        standing = {_same(finding) for finding in self._standing(object_)}
        for found in findings:
            kept = to_builtins(found)
            if _same(kept) in standing:
                continue
            standing.add(_same(kept))
            new = self._database.execute(
                "insert into alert values (?, ?, ?, 'RAISED', ?, null, ?) on conflict do update set "
                "state = 'RAISED', raised_us = excluded.raised_us, withdrawn_us = null, finding = excluded.finding "
                "where state = 'WITHDRAWN'",
                (found.rule, object_, found.anchor, now_us, orjson.dumps(kept)),
            )
            if new.rowcount:
                raised.append(self._alert("RAISED", object_, kept, now_us))
        return raised

    def _withdraw(self, object_: str, findings: Iterable[Finding], history: list[Event], now_us: int) -> list[Alert]:
        """Withdraw alerts that are not found any more. One whose anchor was forgotten is settled and left alone."""
        found = {(each.rule, each.anchor) for each in findings}
        same = {(each.rule, each.sentence) for each in findings}
        remembered = {event.key for event in history}
        withdrawn = []
        for finding in self._standing(object_):
            rule, anchor = finding["rule"], finding["anchor"]
            if (rule, anchor) not in found and _same(finding) not in same and anchor in remembered:
                withdrawn.append(self._end(object_, _explained(finding, explanation(rule, history)), now_us))
        return withdrawn

    def _end(self, object_: str, finding: dict[str, Any], now_us: int) -> Alert:
        self._database.execute(
            "update alert set state = 'WITHDRAWN', withdrawn_us = ?, finding = ? "
            "where (rule, object, anchor) = (?, ?, ?)",
            (now_us, orjson.dumps(finding), finding["rule"], object_, finding["anchor"]),
        )
        return self._alert("WITHDRAWN", object_, finding, now_us)

    def _standing(self, object_: str) -> list[dict[str, Any]]:
        rows = self._database.execute(
            "select finding from alert where object = ? and state = 'RAISED' order by anchor", (object_,)
        )
        return [orjson.loads(finding) for (finding,) in rows]

    def _wait(self, object_: str, moments_us: list[int]) -> None:
        self._database.execute("delete from due where object = ?", (object_,))
        if moments_us:
            self._database.execute("insert into due values (?, ?)", (object_, min(moments_us)))

    def _forget(self, before_us: int) -> None:
        self._database.execute(
            "delete from about where key in (select key from event where received_us < ?)", (before_us,)
        )
        self._database.execute("delete from event where received_us < ?", (before_us,))
        self._database.execute("delete from alert where raised_us < ?", (before_us,))


def _same(finding: dict[str, Any]) -> tuple[str, str]:
    """Findings of an object that differ in their events alone are one alert: it would tell an officer nothing new."""
    return finding["rule"], finding["sentence"]


def _explained(finding: dict[str, Any], by: Event) -> dict[str, Any]:
    if finding["rule"] == "on_a_watch_list":
        return finding | {"sentence": "No longer so: it was taken off the watch list.", "check": "Nothing."}
    return finding | {
        "sentence": f"No longer so: {arrival(by)}.",
        "check": "Nothing, unless it was acted on already.",
        "evidence": [*finding["evidence"], by.key],
    }
