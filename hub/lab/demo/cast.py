"""Who takes part: three companies, two authorities, and what they agreed on."""

from __future__ import annotations

from hub.core.agreement import Purpose
from hub.lab.world import AEO, Company, Engine, Sharing

EXPORTER = Company(
    id="tulp-export", name="Tulp Export", roles=("exporter",), tier="aeo", aeo=AEO("NLAEOF0000412")
)  # fmt: skip
TERMINAL = Company(id="delta-terminal", name="Delta Terminal", roles=("terminal",))
CARRIER = Company(id="noordzee-lines", name="Noordzee Lines", roles=("carrier",))
COMPANIES = (EXPORTER, TERMINAL, CARRIER)

KNOWN_CONSIGNORS = ("eori:NL820471616", "eori:NL853740193", "eori:NL004495445")
"""What the risk centre's register of economic operators holds."""

PORT_RISK = Engine(
    id="port-risk",
    name="Port Risk Centre",
    purpose=Purpose.SECURITY_RISK,
    sharings=(
        Sharing(partner=EXPORTER.id, types=("customs.filing.*", "customs.document.*")),
        Sharing(partner=TERMINAL.id, types=("customs.container.*", "customs.seal.*")),
        Sharing(partner=CARRIER.id, types=("customs.container.*", "customs.transport.*", "customs.seal.*")),
    ),
)
"""Sees every field. No agreement covers a departure that the terminal reports: it is refused."""

DUTY_RISK = Engine(
    id="duty-risk",
    name="Revenue Service",
    purpose=Purpose.DUTY_RISK,
    sharings=(
        Sharing(
            role="exporter",
            types=("customs.filing.pre_loading", "customs.document.submitted"),
            fields=("/data/subjects", "/data/filing", "/data/goods", "/data/document/kind", "/data/document/reference"),
        ),
        Sharing(
            role="terminal",
            types=("customs.container.gate_in",),
            fields=("/data/subjects", "/data/empty", "/data/size_type", "/data/weighed_mass_kg"),
        ),
    ),
)
"""Sees goods and masses: no names, no places, no seals; publisher, id and source are pseudonyms."""

ENGINES = (PORT_RISK, DUTY_RISK)

GRACE_SECONDS = {PORT_RISK.id: 2.0, DUTY_RISK.id: 3_600.0}
"""How long a gate-in may wait for its filing: a day passes in seconds here; to duty it does not matter."""


def shows(engine: Engine) -> str:
    """How much of an event an engine sees, in words."""
    whole = all(sharing.fields == ("*",) for sharing in engine.sharings)
    return "all fields" if whole else f"{len({f for s in engine.sharings for f in s.fields})} fields"
