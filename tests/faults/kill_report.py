"""What a run of the kill harness did and found."""

from __future__ import annotations

from msgspec import Struct

from tests.faults.history import Finding, Kind


class Report(Struct):
    """What a run did and found."""

    ground: str
    seed: int
    kills: int = 0
    at_points: int = 0
    frozen: int = 0
    acts: int = 0
    """Of the operator: feeds begun, changed and ended, agreements paused, resumed and ended."""
    given: int = 0
    """Records of which companies had to be told, by recipient and way."""
    events: int = 0
    attempts: int = 0
    shown: int = 0
    reader_restarts: int = 0
    codes: dict[str, int] = {}
    rss_mib_max: float = 0.0
    seconds: float = 0.0
    findings: list[Finding] = []
    told: str = ""
    drained: bool = False
    """Every reader came to hold the last event of every worker."""
    stop_code: int = 0
    """How the hub ended when it was asked to, once, under load."""

    def count(self, kind: Kind) -> int:
        return sum(finding.kind is kind for finding in self.findings)

    @property
    def whole(self) -> bool:
        return self.drained and not self.findings and self.stop_code == 0

    def __str__(self) -> str:
        found = ", ".join(f"{self.count(kind)} {kind}" for kind in Kind)
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.codes.items()))
        lines = [
            f"{self.ground}: {self.kills} kills ({self.at_points} at named points), {self.frozen} times frozen, "
            f"{self.acts} acts of an operator; {self.events} events in {self.attempts} attempts, {self.shown} shown in "
            f"each feed, {self.given} times given, {self.reader_restarts} restarts of readers",
            f"{found}; hub memory at most {self.rss_mib_max:.0f} MiB; {self.seconds:.0f} s",
            f"answers: {codes}",
        ]
        if not self.whole:
            again = f"--ground {self.ground} --kills {self.kills} --seed {self.seed}"
            lines.append(f"readers drained: {self.drained}; exit code when asked to stop: {self.stop_code}")
            lines += [self.told, f"again: python -m tests.faults.kill_harness {again}"]
        return "\n".join(lines)
