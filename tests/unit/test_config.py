"""Settings from TOML and the environment: everything that is wrong is named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from hub.config import ConfigFaults, describe, example, load
from hub.core.settings import Settings


def written(directory: Path, text: str) -> Path:
    file = directory / "hub.toml"
    file.write_text(text)
    return file


def faults_of(path: Path | None, environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigFaults) as caught:
        load(path, environ)
    return {fault.place: fault.fault for fault in caught.value.faults}


def test_without_a_file_and_environment_all_is_as_built_in() -> None:
    assert load(None, {"PATH": "/bin"}) == Settings()


def test_a_table_is_a_room_and_the_environment_wins_over_it(tmp_path: Path) -> None:
    file = written(tmp_path, 'hub_name = "north"\n[http]\nport = 9000\nbody_seconds_max = 5\n')

    settings = load(file, {"CUSTOMS_HUB_HTTP_PORT": "9001", "CUSTOMS_HUB_CONFIG": str(file)})

    assert (settings.hub_name, settings.http.port, settings.http.body_seconds_max) == ("north", 9001, 5.0)


def test_truth_and_choices_are_read_from_the_environment() -> None:
    settings = load(None, {"CUSTOMS_HUB_KAFKA_CREATE_TOPICS": "false", "CUSTOMS_HUB_LOG_GROUND": "kafka"})

    assert (settings.kafka.create_topics, settings.log.ground) == (False, "kafka")


def test_all_faults_of_file_and_environment_are_named_at_once(tmp_path: Path) -> None:
    file = written(
        tmp_path, '[http]\nport = "many"\nbody_byte_max = 1\n[log]\nground = "paper"\n[fanout]\nwait_seconds = inf\n'
    )

    faults = faults_of(file, {"CUSTOMS_HUB_HTTP_PORT": "70000", "CUSTOMS_HUB_AUTH_CLOCK_SKEW_SECONDS": "31"})

    assert faults == {
        "http.port": "takes a whole number from 0 to 65535",
        "http.body_byte_max": "there is no such setting; http.body_bytes_max?",
        "log.ground": 'takes one of "memory", "sqlite", "kafka"',
        "fanout.wait_seconds": "takes a number above 0 to 31536000",
        "CUSTOMS_HUB_HTTP_PORT": "takes a whole number from 0 to 65535",
        "CUSTOMS_HUB_AUTH_CLOCK_SKEW_SECONDS": "takes a whole number from 10 to 30",
    }


def test_settings_that_cannot_stand_together_are_named_at_once_beside_other_faults(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '[log]\nground = "kafka"\n[intake]\nevent_bytes_max = 600_000\nappend_seconds_max = 7\n[http]\nport = "many"\n',
    )

    assert faults_of(file, {}) == {
        "http.port": "takes a whole number from 0 to 65535",
        "kafka.batch_bytes_max": "must be at least 1240061: twice `intake.event_bytes_max` and the overhead of "
        "1000 records",
        "intake.append_seconds_max": "must be above 7: `kafka.append_ms_max` in seconds",
    }


def test_settings_that_only_kafka_puts_at_odds_stand_on_embedded_storage(tmp_path: Path) -> None:
    file = written(tmp_path, "[intake]\nevent_bytes_max = 600_000\nappend_seconds_max = 7\n")

    assert load(file, {}).intake.event_bytes_max == 600_000


def test_no_configuration_lets_what_is_revoked_be_let_in_for_longer_than_a_second() -> None:
    faults = faults_of(None, {"CUSTOMS_HUB_INTAKE_REGISTRY_SECONDS_MAX": "1.5"})

    assert faults == {
        "intake.registry_seconds_max": "takes at most 1: a key that is revoked would be let in for longer"
    }
    assert load(None, {"CUSTOMS_HUB_INTAKE_REGISTRY_SECONDS_MAX": "1"}).intake.registry_seconds_max == 1


def test_authorities_of_a_collector_go_with_tls(tmp_path: Path) -> None:
    text = '[audit]\nsyslog = "tls:log.example:6514"\nsyslog_ca_file = "ca.pem"\n'

    assert load(written(tmp_path, text), {}).audit.syslog_ca_file == "ca.pem"
    assert list(faults_of(written(tmp_path, text.replace("tls:", "tcp:")), {})) == ["audit.syslog_ca_file"]


def test_state_in_postgres_goes_with_a_log_that_others_can_read(tmp_path: Path) -> None:
    file = written(tmp_path, '[postgres]\nurl = "postgresql://hub:hunter2@db/hub"\npassword_file = "p"\n')

    faults = faults_of(file, {"CUSTOMS_HUB_LOG_GROUND": "sqlite"})

    assert list(faults) == ["postgres.url"]
    assert 'goes with `log.ground = "kafka"`' in faults["postgres.url"]
    assert load(file, {"CUSTOMS_HUB_LOG_GROUND": "kafka"}).postgres.password_file == "p"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('url = "mysql://hub:hunter2@db/hub"', "postgres.url"),
        ('url = "hunter2"', "postgres.url"),
        ('password_file = "hunter2"', "postgres.password_file"),
    ],
)
def test_an_address_that_is_none_of_postgres_is_refused_and_not_echoed(tmp_path: Path, text: str, place: str) -> None:
    faults = faults_of(written(tmp_path, f'[log]\nground = "kafka"\n[postgres]\n{text}\n'), {})

    assert list(faults) == [place]
    assert "hunter2" not in str(faults)


@pytest.mark.parametrize(
    ("text", "place"),
    [("[hppt]\nport = 1", "hppt.port"), ("http = 1", "http"), ("[http.port]\na = 1", "http.port"), ("a = 1", "a")],
)
def test_a_table_or_name_that_does_not_exist_is_a_fault(tmp_path: Path, text: str, place: str) -> None:
    assert place in faults_of(written(tmp_path, text), {})


def test_a_misspelt_variable_is_a_fault_with_a_guess() -> None:
    assert faults_of(None, {"CUSTOMS_HUB_HTTP_PROT": "1"}) == {
        "CUSTOMS_HUB_HTTP_PROT": "there is no such setting; CUSTOMS_HUB_HTTP_PORT?"
    }


def test_the_value_of_a_refused_setting_is_never_echoed(tmp_path: Path) -> None:
    faults = faults_of(written(tmp_path, '[kafka]\nsasl_password = "hunter2"\nsasl_mechanism = "hunter3"'), {})

    assert len(faults) == 2
    assert "hunter" not in str(faults)


@pytest.mark.parametrize("text", ["[http", "\xff"])
def test_a_file_that_is_not_toml_is_a_fault(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hub.toml"
    file.write_bytes(text.encode("latin-1"))

    assert "is not TOML" in faults_of(file, {})[str(file)]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "cannot be read" in faults_of(tmp_path / "none.toml", {})[str(tmp_path / "none.toml")]


def leaves(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def test_a_table_within_a_room_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = written(tmp_path, "[quotas.small]\nevents_per_second = 7\n")

    quotas = load(file, {"CUSTOMS_HUB_QUOTAS_SMALL_STREAMS_MAX": "3"}).quotas

    built_in = Settings().quotas
    assert quotas == replace(built_in, small=replace(built_in.small, events_per_second=7, streams_max=3))


def test_the_reference_names_every_setting_with_its_default() -> None:
    described = {setting.path: setting.default for setting in describe()}
    built_in = msgspec.to_builtins(Settings())

    assert described == dict(leaves(built_in))
    assert all(setting.takes for setting in describe())


def test_the_example_is_toml_and_its_settings_are_the_defaults(tmp_path: Path) -> None:
    text = example()
    live = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())

    assert not dict(leaves(tomllib.loads(text)))
    assert load(written(tmp_path, live), {}) == Settings()
