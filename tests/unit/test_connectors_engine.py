"""The reference engine: what an officer is told, when it is withdrawn, and that nothing is told twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.risk import Alert, Engine, Group, Settings
from schemas.identity import instant_us

BOX = {"scheme": "iso6346", "value": "MSKU1234565"}
HOUR_US = 3_600_000_000
NOON_US = instant_us("2026-11-22T12:00:00Z") or 0
RTM = {"unlocode": "NLRTM", "name": "Delta terminal"}


class Desk:
    """An engine, and a clock that a test moves."""

    def __init__(self, path: Path | str = ":memory:", **settings: Any) -> None:
        self.engine = Engine(path, Settings(**settings))
        self.now_us = NOON_US

    def take(self, *records: dict[str, Any], token: str = "t") -> list[Alert]:
        since = self.engine.checkpoint.load("risk-a")
        return self.engine.take("risk-a", Group(records, token, since=since), now_us=self.now_us)

    def later(self, hours: float) -> list[Alert]:
        self.now_us += int(hours * HOUR_US)
        return self.engine.tick(now_us=self.now_us)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(grace_seconds=3600, known_consignors=frozenset({"eori:NL1"}))
    yield desk
    desk.engine.close()


def record(type_: str, id_: str, at: str = "11:00", **data: Any) -> dict[str, Any]:
    when = f"2026-11-22T{at}:00Z"
    body = {"occurred_at": when, "time_kind": "ACTUAL", "subjects": [BOX]} | data
    envelope = {"specversion": "1.0", "publisher": "acme", "source": "urn:acme", "id": id_, "type": f"customs.{type_}"}
    return envelope | {"time": when, "receivedtime": when, "data": body}


def gate_in(at: str = "12:00", **data: Any) -> dict[str, Any]:
    return record("container.gate_in", "gate", at, **{"place": RTM, "empty": False} | data)


def filing(at: str = "11:00", id_: str = "filing", mass: float = 20_000, **data: Any) -> dict[str, Any]:
    goods = [{"description": "engine parts", "gross_mass_kg": mass}]
    consignor = {"name": "Acme", "identifiers": [{"scheme": "eori", "value": "NL1"}]}
    reference = {"country": "NL", "kind": "ENS", "reference": "ENS-1"}
    return record("filing.pre_loading", id_, at, **{"filing": reference, "goods": goods, "consignor": consignor} | data)


def seal_broken(at: str = "12:00", **data: Any) -> dict[str, Any]:
    return record("seal.broken", "seal", at, **{"seal": {"number": "NL001"}, "place": RTM} | data)


def rules(alerts: list[Alert]) -> list[str]:
    return [f"{alert.state} {alert.rule}" for alert in alerts]


def test_a_broken_seal_is_told_with_where_it_was_last_whole(desk: Desk) -> None:
    desk.take(filing(), gate_in("11:30", seals=[{"number": "NL001"}]))

    [alert] = desk.take(seal_broken())

    assert alert.object == "container:MSKU1234565"
    assert alert.sentence == (
        "Seal NL001 of container MSKU1234565 was found broken at Delta terminal (NLRTM) on 2026-11-22 12:00 UTC; "
        "last seen whole at Delta terminal (NLRTM) on 2026-11-22 11:30 UTC."
    )
    assert alert.check.startswith("Hold the container")
    assert alert.evidence == ("acme urn:acme gate", "acme urn:acme seal")
    assert alert.line().startswith("ALERT container:MSKU1234565: Seal NL001")


def test_a_seal_broken_after_the_container_was_stripped_is_no_risk(desk: Desk) -> None:
    desk.take(filing(), gate_in("11:00"), record("container.stripped", "strip", "11:30"))

    assert desk.take(seal_broken()) == []


def test_a_gate_in_waits_its_grace_before_the_missing_filing_is_told(desk: Desk) -> None:
    assert desk.take(gate_in()) == []
    assert desk.later(0.9) == []

    assert rules(desk.later(0.1)) == ["RAISED gate_in_without_filing"]
    assert desk.later(1) == []


def test_a_filing_within_the_grace_means_no_alert(desk: Desk) -> None:
    desk.take(gate_in())
    desk.take(filing("12:30"))

    assert desk.later(24) == []


def test_an_alert_is_withdrawn_when_the_filing_arrives_late_and_says_why(desk: Desk) -> None:
    desk.take(gate_in())
    desk.later(2)

    [alert] = desk.take(filing("13:30"))

    assert rules([alert]) == ["WITHDRAWN gate_in_without_filing"]
    assert alert.sentence == "No longer so: the filing arrived on 2026-11-22 13:30 UTC (acme urn:acme filing)."
    assert rules(desk.engine.alerts()) == ["WITHDRAWN gate_in_without_filing"]


def test_events_that_say_the_same_of_a_container_raise_one_alert_while_it_stands(desk: Desk) -> None:
    again = [record("seal.broken", f"seal{i}", "12:00", seal={"number": "NL001"}, place=RTM) for i in range(3)]

    assert rules(desk.take(*again[:2])) == ["RAISED seal_broken_in_transit"]
    assert desk.take(again[2]) == []
    planned = again[0] | {"data": again[0]["data"] | {"time_kind": "PLANNED", "updated_at": "2026-11-22T12:05:00Z"}}
    assert desk.take(planned) == []
    assert rules(desk.take(record("container.stripped", "strip", "11:30"))) == ["WITHDRAWN seal_broken_in_transit"]


def test_a_second_broken_seal_of_the_same_container_is_told(desk: Desk) -> None:
    desk.take(seal_broken())

    other = record("seal.broken", "other", "12:30", seal={"number": "NL002"}, place=RTM)

    assert rules(desk.take(other)) == ["RAISED seal_broken_in_transit"]


def test_a_withdrawal_names_the_filing_though_other_events_came_after_it(desk: Desk) -> None:
    desk.take(gate_in())
    desk.later(2)

    [alert] = desk.take(filing("13:30"), record("container.loaded", "load", "13:40", transport={}))

    assert "the filing arrived on 2026-11-22 13:30 UTC" in alert.sentence


@pytest.mark.parametrize("data", [{"empty": True}, {"time_kind": "PLANNED"}])
def test_an_empty_or_a_planned_gate_in_needs_no_filing(desk: Desk, data: dict[str, Any]) -> None:
    desk.take(gate_in(**data))

    assert desk.later(24) == []


def test_a_filing_of_an_earlier_journey_does_not_count(desk: Desk) -> None:
    old = filing()
    old["data"]["occurred_at"] = "2026-10-01T00:00:00Z"
    desk.take(old, gate_in())

    assert rules(desk.later(2)) == ["RAISED gate_in_without_filing"]


@pytest.mark.parametrize("weighed", [22_500, 23_200])
def test_goods_and_container_together_weigh_what_was_declared(desk: Desk, weighed: float) -> None:
    assert desk.take(filing(), gate_in(weighed_mass_kg=weighed, size_type="22G1")) == []


@pytest.mark.parametrize(
    ("weighed", "words"),
    [
        (27_000, "container of at most 3,200 kg make 23,200 kg: that is 3,800 kg too much, beyond the tolerance of"),
        (15_000, "container of at least 1,800 kg make 21,800 kg: that is 6,800 kg too little, beyond the tolerance of"),
    ],
)
def test_a_weighed_mass_beyond_tolerance_is_told(desk: Desk, weighed: float, words: str) -> None:
    [alert] = desk.take(filing(), gate_in(weighed_mass_kg=weighed, size_type="22G1"))

    assert alert.rule == "mass_differs"
    assert f"weighed at {weighed:,} kg at Delta terminal (NLRTM); 20,000 kg of goods declared and" in alert.sentence
    assert words in alert.sentence
    assert alert.evidence == ("acme urn:acme filing", "acme urn:acme gate")


def test_a_second_weighing_that_fits_withdraws_the_alert(desk: Desk) -> None:
    desk.take(filing(), gate_in(weighed_mass_kg=27_000, size_type="22G1"))

    loaded = record("container.loaded", "load", "13:00", weighed_mass_kg=23_000, size_type="22G1", transport={})

    assert rules(desk.take(loaded)) == ["WITHDRAWN mass_differs"]


def test_a_filing_for_two_containers_is_not_compared_with_the_mass_of_one(desk: Desk) -> None:
    both = filing(subjects=[BOX, {"scheme": "iso6346", "value": "CSQU3054383"}])

    assert desk.take(both, gate_in(weighed_mass_kg=9_000)) == []


def departed(at: str, **transport: Any) -> dict[str, Any]:
    means = {"mode": "MARITIME", "means": {"scheme": "imo", "value": "9074729"}, "voyage": "432E", "name": "Blue"}
    subjects = [{"scheme": "imo", "value": "9074729"}]
    return record("transport.departed", "dep", at, transport=means | transport, place=RTM, subjects=subjects)


def test_a_departure_before_the_cut_off_is_told(desk: Desk) -> None:
    [alert] = desk.take(departed("12:00", loading_cut_off_at="2026-11-22T15:00:00+01:00"))

    assert alert.rule == "departed_before_cut_off"
    assert alert.object == "call:9074729 432E"
    assert alert.sentence.startswith("Blue 9074729, voyage 432E left Delta terminal (NLRTM) on 2026-11-22 12:00 UTC")


def test_a_cut_off_is_also_taken_from_what_was_loaded_for_the_same_call(desk: Desk) -> None:
    call = departed("10:00", loading_cut_off_at="2026-11-22T14:00:00Z")["data"]["transport"]
    desk.take(filing(), record("container.loaded", "load", "10:00", transport=call))

    assert rules(desk.take(departed("12:00"))) == ["RAISED departed_before_cut_off"]


@pytest.mark.parametrize("cut_off", ["2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z"])
def test_a_departure_at_or_after_the_cut_off_is_as_it_should_be(desk: Desk, cut_off: str) -> None:
    assert desk.take(departed("12:00", loading_cut_off_at=cut_off)) == []


@pytest.mark.parametrize("identifiers", [[], [{"scheme": "eori", "value": "XX9"}]])
def test_a_consignor_that_is_not_known_is_told(desk: Desk, identifiers: list[Any]) -> None:
    [alert] = desk.take(filing(consignor={"name": "Nobody Ltd", "identifiers": identifiers}))

    assert alert.rule == "unknown_consignor"
    assert "Nobody Ltd" in alert.sentence


def test_a_consignor_that_the_agreement_does_not_share_is_not_unknown(desk: Desk) -> None:
    shared = filing()
    del shared["data"]["consignor"]

    assert desk.take(shared) == []


def test_the_same_events_in_another_order_and_twice_end_in_the_same_alerts() -> None:
    events = [filing(mass=9_000), gate_in(weighed_mass_kg=27_000), seal_broken(), departed("12:00")]
    forward, backward = Desk(), Desk()

    forward.take(*events, *events)
    for event in reversed(events):
        backward.take(event)

    assert sorted(rules(forward.engine.alerts())) == sorted(rules(backward.engine.alerts()))
    assert sorted(rules(forward.engine.alerts())) == ["RAISED mass_differs", "RAISED seal_broken_in_transit"]
    forward.engine.close()
    backward.engine.close()


def test_a_newer_version_of_an_event_replaces_the_older_in_whichever_order_they_come(desk: Desk) -> None:
    old = gate_in(weighed_mass_kg=27_000, size_type="22G1", updated_at="2026-11-22T12:00:00Z")
    new = gate_in(weighed_mass_kg=23_000, size_type="22G1", updated_at="2026-11-22T12:05:00Z")

    assert rules(desk.take(filing(), old)) == ["RAISED mass_differs"]
    assert rules(desk.take(new)) == ["WITHDRAWN mass_differs"]
    assert desk.take(old) == []


def test_an_engine_that_is_opened_again_goes_on_where_its_own_work_ended(tmp_path: Path) -> None:
    before = Desk(tmp_path / "engine.db", grace_seconds=3600)
    before.take(gate_in(), token="c5")
    before.engine.close()

    after = Desk(tmp_path / "engine.db", grace_seconds=3600)

    assert after.engine.checkpoint.load("risk-a") == "c5"
    assert after.engine.checkpoint.load("risk-b") is None
    assert rules(after.later(1)) == ["RAISED gate_in_without_filing"]
    after.engine.close()


def test_a_group_that_fails_leaves_neither_work_nor_checkpoint(desk: Desk) -> None:
    with pytest.raises(KeyError):
        desk.take(gate_in(), {"type": "broken"}, token="c6")

    assert desk.engine.checkpoint.load("risk-a") is None
    assert desk.later(2) == []


def test_what_is_too_old_is_forgotten_and_its_alert_is_not_taken_back(desk: Desk) -> None:
    desk.take(gate_in())
    desk.later(2)
    desk.later(24 * 89)
    assert rules(desk.engine.alerts()) == ["RAISED gate_in_without_filing"]

    assert desk.later(24 * 2) == []
    assert desk.engine.alerts() == []


def notice(code: str, *ids: str) -> dict[str, Any]:
    events = [{"publisher": "acme", "source": "urn:acme", "id": name} for name in ids]
    return {"code": code, "notice": "n", "time": "2026-11-22T12:00:00Z", "feed": "risk-a", "events": events}


def heard(desk: Desk, code: str, *ids: str) -> list[Alert]:
    return desk.engine.hear("/notices", [notice(code, *ids)], "n1", now_us=desk.now_us)


def test_an_alert_that_rests_on_an_event_under_suspicion_is_marked_and_counts_for_nothing(desk: Desk) -> None:
    desk.take(seal_broken())
    before = desk.engine.score("container:MSKU1234565")

    [alert] = heard(desk, "TRUST_WITHDRAWN", "seal", "another")

    assert (before.points, before.line()) == (70, "SCORE container:MSKU1234565: 70 = 70 seal_broken_in_transit")
    assert (alert.state, alert.suspect, alert.line()[:21]) == ("RAISED", True, "ALERT under suspicion")
    after = desk.engine.score("container:MSKU1234565")
    assert (after.points, after.reasons[0].why.startswith("Not counted")) == (0, True)
    assert desk.engine.checkpoint.load("/notices") == "n1"


def test_suspicion_that_is_taken_back_leaves_the_alert_as_it_was(desk: Desk) -> None:
    desk.take(seal_broken())
    heard(desk, "TRUST_WITHDRAWN", "seal")

    [alert] = heard(desk, "TRUST_RETRACTED", "seal")

    assert (alert.suspect, desk.engine.score("container:MSKU1234565").points) == (False, 70)


def test_an_alert_on_an_event_that_was_forged_is_withdrawn_with_the_reason(desk: Desk) -> None:
    desk.take(seal_broken())

    [alert] = heard(desk, "TRUST_CONFIRMED", "seal")

    assert (alert.state, alert.sentence) == ("WITHDRAWN", "No longer so: acme urn:acme seal was forged.")
    assert desk.engine.score("container:MSKU1234565").reasons == ()


def test_a_filing_that_was_forged_is_missing_again(desk: Desk) -> None:
    desk.take(gate_in(), filing())
    desk.later(2)

    assert rules(heard(desk, "TRUST_CONFIRMED", "filing")) == ["RAISED gate_in_without_filing"]


def test_a_watch_list_tells_of_what_came_before_it_and_comes_after(desk: Desk) -> None:
    desk.take(gate_in())

    raised = desk.engine.watch(["iso6346:MSKU1234565", "eori:NL1"], now_us=desk.now_us)
    later = desk.take(filing())
    withdrawn = desk.engine.watch(["eori:NL1"], now_us=desk.now_us)

    assert [(alert.object, alert.rule) for alert in raised] == [("listed:iso6346:MSKU1234565", "on_a_watch_list")]
    assert [alert.object for alert in later] == ["listed:eori:NL1"]
    assert [alert.sentence for alert in withdrawn] == ["No longer so: it was taken off the watch list."]


def test_a_score_is_the_sum_of_its_reasons_the_heaviest_first(desk: Desk) -> None:
    desk.take(gate_in("11:00"), seal_broken("11:30"))
    desk.later(2)

    score = desk.engine.score("container:MSKU1234565")

    assert [(reason.points, reason.rule) for reason in score.reasons] == [
        (70, "seal_broken_in_transit"),
        (30, "gate_in_without_filing"),
    ]
    assert score.points == 100


def test_the_past_is_judged_all_at_once_in_whatever_order_it_is_read(desk: Desk) -> None:
    desk.engine.study([gate_in("10:00"), seal_broken("11:00")])
    desk.engine.study([filing("09:00")])

    assert rules(desk.later(24)) == ["RAISED seal_broken_in_transit"]
