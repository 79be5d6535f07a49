"""One exposition of several workers' metrics: every sample says whose it is."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from hub.core.exposition import merged
from hub.drivers.system.observer import SystemObserver


def counted(amount: int) -> str:
    observer = SystemObserver()
    observer.count("http_requests", amount, route='post"{} events', status="201")
    observer.gauge("registry_revision", amount)
    observer.observe("append_seconds", 0.002, stream="hub.events")
    return observer.exposition().decode()


def test_each_family_stands_once_and_each_sample_names_its_worker() -> None:
    both = merged({0: counted(3), 1: counted(4)})

    families = list(text_string_to_metric_families(both))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert {sample.labels["worker"] for sample in family.samples} <= {"0", "1"}
    requests = next(family for family in families if family.name == "customs_hub_http_requests")
    totals = {sample.labels["worker"]: sample.value for sample in requests.samples if sample.name.endswith("_total")}
    assert totals == {"0": 3, "1": 4}
    assert {sample.labels["route"] for sample in requests.samples} == {'post"{} events'}


def test_a_worker_that_did_not_answer_is_missing_and_takes_nothing_from_the_others() -> None:
    alone = list(text_string_to_metric_families(merged({1: counted(4)})))

    assert {sample.labels["worker"] for family in alone for sample in family.samples} == {"1"}
