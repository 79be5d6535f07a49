"""The words of the Core Business Vocabulary 2.0 (§7) as EPCIS documents write them.

A word stands alone (`inspecting`), as a CURIE (`cbv:BizStep-inspecting`), or as a URI, of the web or of CBV 1
(`urn:epcglobal:cbv:bizstep:inspecting`). A URI of somebody else is private vocabulary, which the standard allows.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

from schemas.faults import Fault, fault
from schemas.place import Place, pointer_of
from schemas.translate.epcis.namespaces import Namespaces
from schemas.vocabularies import words

_CBV = "https://ref.gs1.org/cbv/"
_URN = "urn:epcglobal:cbv:"
_VOC = "https://gs1.org/voc/"
_COMPACT = r"[A-Za-z][A-Za-z0-9_.-]*:[!-~]+"
"""A compact URI whose prefix is not declared. What a sensor measures does not decide what the event means, and its list
is kept outside the CBV and grows: there, other words and prefixes are only warned of."""


class Vocabulary(NamedTuple):
    """One list of words."""

    expected: str
    """What a value of it is, for the sender of a wrong one."""
    words: frozenset[str]
    web: str
    """What the words begin with as URIs; beside it `urn`, where CBV 1 had the list."""
    urn: str = ""
    warned: str = ""
    """What other values look like that are only warned of, as a pattern; empty: none are."""

    def word(self, value: str, names: Namespaces) -> str | None:
        """The word of the list that a value is; empty for private vocabulary; None for what is neither."""
        if value in self.words:
            return value
        uri = names.expanded(value)
        for namespace in filter(None, (self.web, self.urn)):
            if uri.startswith(namespace):
                tail = uri[len(namespace) :]
                return tail if tail in self.words else None
        return "" if names.names(value) else None


def look_up(vocabulary: Vocabulary, value: object, place: Place, names: Namespaces, faults: list[Fault]) -> None:
    """A fault for a value that is no word of the list and no URI of private vocabulary."""
    if not isinstance(value, str):
        faults.append(fault("TYPE_WRONG", pointer_of(place), value, "string"))
    elif (word := vocabulary.word(value, names)) is None:
        guess = _guess(vocabulary.words, value.rpartition("-")[2]) if len(faults) < _GUESSES_MAX else ""
        expected = f"{vocabulary.expected}: perhaps {guess}" if guess else vocabulary.expected
        warned = vocabulary.warned and re.fullmatch(vocabulary.warned, value)
        faults.append(fault("CODE_UNASSIGNED" if warned else "VALUE_NOT_ALLOWED", pointer_of(place), value, expected))
    elif not word and names.expanded(value).startswith((_CBV, _URN)):
        faults.append(fault("CODE_UNASSIGNED", pointer_of(place), value, vocabulary.expected))


_GUESSES_MAX = 3
"""Guessing is slow: in each event for the first few faults only."""


def _guess(known: frozenset[str], value: str) -> str:
    """The word that was perhaps meant, or nothing."""
    near = [each for each in known if each[:1].lower() == value[:1].lower() and abs(len(each) - len(value)) <= 3]
    return next(iter(get_close_matches(value, near, n=1)), "") if near else ""


def _listed(name: str) -> frozenset[str]:
    return frozenset(words(name))


def _several(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUSINESS_STEP = Vocabulary(
    "a business step of CBV 2.0, or a full URI",
    _listed("cbv_business_steps"), _CBV + "BizStep-", _URN + "bizstep:",
)  # fmt: skip
DISPOSITION = Vocabulary(
    "a disposition of CBV 2.0, or a full URI",
    _listed("cbv_dispositions"), _CBV + "Disp-", _URN + "disp:",
)  # fmt: skip
TRANSACTION_TYPE = Vocabulary(
    "a business transaction type of CBV 2.0, or a full URI",
    _listed("cbv_business_transactions"), _CBV + "BTT-", _URN + "btt:",
)  # fmt: skip
PARTY_TYPE = Vocabulary(
    "owning_party, possessing_party or location, or a full URI",
    _listed("cbv_source_destination_types"), _CBV + "SDT-", _URN + "sdt:",
)  # fmt: skip
ERROR_REASON = Vocabulary(
    "did_not_occur or incorrect_data, or a full URI",
    _listed("cbv_error_reasons"), _CBV + "ER-", _URN + "er:",
)  # fmt: skip
COMPONENT = Vocabulary(
    "a component of CBV 2.0 such as x or latitude, or a full URI",
    _several("""
        x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing latitude
        longitude altitude
    """), _CBV + "Comp-", warned=_COMPACT,
)  # fmt: skip
ALERT = Vocabulary(
    "ALARM_CONDITION or ERROR_CONDITION, or a full URI",
    frozenset({"ALARM_CONDITION", "ERROR_CONDITION"}), _VOC,
)  # fmt: skip
MEASUREMENT = Vocabulary(
    "a measurement type of the GS1 Web Vocabulary such as Temperature, or a full URI",
    _several("""
        AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude AmountOfSubstance
        AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area
        Capacitance Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate
        DynamicViscosity ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy
        Exposure Force Frequency Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum
        Luminance LuminousFlux LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass
        MassConcentration MassFlowRate MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass
        MolarVolume Power Pressure RadiantFlux RadiantIntensity RelativeHumidity Resistance Resistivity
        SolidAngle SpecificVolume Speed SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume
        VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber
    """), _VOC, warned=f"[A-Z][A-Za-z_]+|{_COMPACT}",
)  # fmt: skip
