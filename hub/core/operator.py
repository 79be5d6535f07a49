"""Operators: the people who run the hub, what each of them may do, and which acts take two of them.

Stopping takes one person, starting takes two: whoever sees harm ends it alone and is looked at afterwards; what opens a
door is signed by a second person over the same words (four eyes).
"""

from __future__ import annotations

from enum import StrEnum


class OperatorRole(StrEnum):
    """What an operator is for. A person may have several."""

    VIEWER = "viewer"
    """Sees everything except confidential reasons."""
    PARTNER_OFFICER = "partner-officer"
    """Companies: enrolment, tiers, quotas, AEO status, mandates, profiles."""
    AGREEMENT_OFFICER = "agreement-officer"
    """Agreements and feeds."""
    SECURITY_OFFICER = "security-officer"
    """Credentials, full stops, trust anchors, the hub's own keys, other operators."""
    AUDITOR = "auditor"
    """Sees everything, the audit trail and confidential reasons included, and changes nothing."""


class Effect(StrEnum):
    """What an act does to somebody's access; it says how many people it takes."""

    STOPS = "stops"
    """One person, at once; a second one looks at it within a day."""
    STARTS = "starts"
    """Two people, over the same canonical request."""
    KEEPS = "keeps"
    """One person: nobody can do more or less than before."""


PARTNERS = frozenset({OperatorRole.PARTNER_OFFICER})
AGREEMENTS = frozenset({OperatorRole.AGREEMENT_OFFICER})
SECURITY = frozenset({OperatorRole.SECURITY_OFFICER})
ANYONE = frozenset(OperatorRole) - {OperatorRole.VIEWER, OperatorRole.AUDITOR}
"""Whoever may change anything at all may stop: harm does not wait for the right person."""
