"""Ends a run of pytest with a search of all that it left in its folder: a secret found there fails the run.

Where the run is shared out among processes, the one that shares it out searches: the folders of all lie in its own.
"""

from __future__ import annotations

import pytest

from tests.secrets_left import Hit, search

TOLD_MAX = 50
_HITS = pytest.StashKey[list[Hit]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput"):
        return
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
    config.stash[_HITS] = search(factory.getbasetemp())
    if config.stash[_HITS] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if hits := config.stash.get(_HITS, []):
        terminalreporter.section("secrets in what the run left", red=True)
        for hit in hits[:TOLD_MAX]:
            terminalreporter.write_line(str(hit))
        terminalreporter.write_line(f"{len(hits)} in all")
