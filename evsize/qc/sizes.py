"""The quality rules about what sizes rest on: temperature, smallest size, checks, instrument."""

from __future__ import annotations

from evsize.qc.evidence import Evidence
from evsize.qc.judging import Judgement, Limits, above, at_most, no_data, not_applicable

NOT_COUNTED = "Missed particles were not looked for (completeness is off)."
EXOSOME_NM = (40.0, 160.0)


def temperature(evidence: Evidence, limits: Limits) -> Judgement:
    """Is the temperature given, and one at which samples are measured?

    Read the temperature of the cell during the recording and give --temperature.
    """
    found = evidence.temperature_c
    if found is None:
        return no_data("The temperature is not known.", "Give --temperature, in degC.")
    low, high = limits["low"], limits["high"]
    source = f" ({evidence.temperature_source})" if evidence.temperature_source else ""
    return Judgement(
        "pass" if low <= found <= high else "warn",
        measured=found,
        limit=f"{low:g} to {high:g}",
        unit="degC",
        message=f"Sizes hold for {found:g} degC{source}; 1 K changes them by about 2 %.",
    )


def detection_limit(evidence: Evidence, limits: Limits) -> Judgement:
    """Are small vesicles seen?

    Raise the camera level or the exposure, or use a stronger laser; smaller particles are
    under-counted.
    """
    found = evidence.detection_limit_nm
    if found is None:
        if not evidence.images:
            return not_applicable("Trajectories alone do not show what was missed.")
        if not evidence.counted:
            return not_applicable(NOT_COUNTED)
        return no_data(
            f"The smallest size that would be seen could not be found{_because(evidence)}.",
            "Film more particles, unsaturated and of several sizes, or use a calibrated "
            "instrument file. Where brightness does not grow with size, small particles are "
            "missed no more than large ones.",
        )
    low, high = EXOSOME_NM
    unseen = min(max((found - low) / (high - low), 0.0), 1.0)
    return Judgement(
        above(found, limits["warn_above"]),
        measured=found,
        limit=at_most(limits),
        unit="nm",
        message=f"Particles under {found:.3g} nm are mostly missed: {100 * unseen:.2g} % of the "
        "range of exosome sizes, 40 to 160 nm.",
    )


def self_check(evidence: Evidence, limits: Limits) -> Judgement:
    """Are simulated particles, put into this film, sized right?

    Dilute more, shorten the exposure or raise the brightness: in this film sizes are off by
    about as much.
    """
    bias = evidence.figures.get("self_check_bias_percent")
    error = evidence.figures.get("self_check_bias_percent_se")
    if bias is None or error is None:
        if not evidence.images:
            return not_applicable("There is no film to put particles into.")
        if not evidence.counted:
            return not_applicable(NOT_COUNTED)
        return no_data(
            f"No simulated particle could be put into the film and sized{_because(evidence)}."
        )
    certain = max(abs(bias) - 2 * error, 0.0)
    return Judgement(
        above(certain, limits["warn_above_percent"], limits["fail_above_percent"]),
        measured=bias,
        limit=f"within {limits['warn_above_percent']:g}, fail beyond "
        f"{limits['fail_above_percent']:g}, or chance",
        unit="%",
        message=f"Particles of known size put into this film read {bias:+.2g} % (standard error "
        f"{error:.2g} %).",
    )


def _because(evidence: Evidence) -> str:
    return f": {evidence.no_completeness}" if evidence.no_completeness else ""


def instrument_fits(evidence: Evidence, limits: Limits) -> Judgement:
    """Was the instrument calibrated as this recording was made?

    Calibrate with the settings of this recording: evsize calibrate.
    """
    found = evidence.calibration
    if found is None:
        return not_applicable("No instrument file was given.")
    misfits = [
        f"The {name.replace('_', ' ')} is {recorded:.3g} {unit}, at the calibration it was "
        f"{calibrated:.3g} {unit}."
        for name, (calibrated, recorded, unit) in found.pairs.items()
        if not abs(recorded / calibrated - 1) * 100 <= limits[f"{name}_percent"]
    ]
    if found.age_days is not None and found.valid_days is not None:
        late = found.age_days - found.valid_days
        if late > 0:
            misfits.append(
                f"The calibration is {found.age_days:.0f} days old; it was meant to hold for "
                f"{found.valid_days:.0f}."
            )
    known = ", ".join(name.replace("_", " ") for name in found.pairs) or "nothing"
    return Judgement(
        "warn" if misfits else "pass",
        measured=len(misfits),
        limit="0",
        unit="differences",
        message=" ".join(misfits) or f"The calibration fits the recording (compared: {known}).",
    )
