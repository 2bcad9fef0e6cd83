"""The paragraph for a methods section: what was done, in words and numbers of the result."""

from __future__ import annotations

from evsize.report import words
from evsize.results import Report, Value

TO_ADD = (
    "source of the sample and how vesicles were separated and stored (MISEV2023, EV-TRACK)",
    "instrument, laser wavelength, camera type, camera level and software of the recording",
    "dilution of each sample, the diluent, and its particle count in a blank recording",
    "number of recordings a sample, their length, and how replicates were made",
    "a bead standard measured with the same settings, its size and what was found",
    "amount of starting material, volume and protein, where particles are compared with them",
)
"""What reporting guidelines ask of a tracking measurement and a recording cannot tell."""


def methods_text(report: Report) -> str:
    """Write the methods paragraph; what was not measured is said not to be."""
    sentences = [_recorded(report), _conditions(report), _tracked(report), *_sized(report)]
    sentences.append(_verdict(report))
    return " ".join(sentence for sentence in sentences if sentence)


def _recorded(report: Report) -> str:
    about = report.recording
    rate = _value(report.acquisition, "frame_rate_hz")
    pixel = _value(report.acquisition, "pixel_size_um")
    duration = f" ({words.figure(about.duration_s)} s)" if about.duration_s else ""
    if not _detected(report):
        return (
            f"Given trajectories over {about.frames} frames{duration} at {rate} were sized with "
            f"evsize {report.provenance.evsize}."
        )
    return (
        f"A recording of {about.frames} frames{duration} of {about.width_px} x {about.height_px} "
        f"pixels at {rate} and {pixel} a pixel was analysed with evsize "
        f"{report.provenance.evsize}."
    )


def _conditions(report: Report) -> str:
    known = report.acquisition
    exposure = known.get("exposure_ms")
    if exposure is None or exposure.source.startswith("assumed"):
        blur = "The exposure was not known; half the frame interval was assumed."
    else:
        blur = f"The exposure was {_rounded(exposure)} a frame."
    medium = f" in {known['medium'].value}" if "medium" in known else ""
    diluted = (
        f" The sample was diluted {known['dilution'].value:g}-fold."
        if "dilution" in known and known["dilution"].value != 1
        else ""
    )
    return (
        f"{blur} Diameters are hydrodynamic, from the Stokes-Einstein equation at "
        f"{_value(known, 'temperature_c')}{medium}, viscosity {_value(known, 'viscosity_mpas')}."
        f"{diluted}"
    )


def _tracked(report: Report) -> str:
    tracks, settings = report.tracks, report.settings
    least = settings.get("diffusion.min_positions")
    enough = f" with at least {least.value} positions" if least else ""
    used = f"{tracks.n_used} of {tracks.n} tracks{enough} were used."
    if not _detected(report):
        return used
    threshold = _value(settings, "detection.threshold_snr")
    radius = _value(settings, "tracking.search_radius_um")
    false = tracks.false_detections_per_frame
    by_chance = (
        f", {words.figure(false, 2)} false detections a frame expected from the negated image"
        if false is not None
        else ""
    )
    return (
        f"Spots above a signal-to-noise ratio of {threshold} were found and linked from frame to "
        f"frame within {radius}: {words.figure(tracks.particles_per_frame)} particles a frame"
        f"{by_chance}; {used}"
    )


def _detected(report: Report) -> bool:
    """Whether spots were found in images, not given as trajectories."""
    return "detection.threshold_snr" in report.settings


def _sized(report: Report) -> list[str]:
    found = report.distribution
    if found.d50_nm.value is None:
        return ["No particle was sized."]
    drift = report.drift_um_s
    removed = report.settings.get("tracking.remove_flow")
    fitted = drift.x is not None and (removed is None or removed.value is not False)
    flow = "A smooth flow was fitted and removed. " if fitted else ""
    units = report.settings.get("sizing.independent_units")
    resampled = f" {units.value} independent" if units else " independent"
    common = report.settings.get("sizing.common_error")
    shared = ""
    if common is not None and common.value:
        shared = f" and an error of {_rounded(common)} that all sizes share"
    systematic = (
        f" A systematic uncertainty of {words.figure(found.systematic_percent, 2)} % (temperature, "
        "viscosity, pixel size, frame rate, exposure) comes on top."
        if found.systematic_percent is not None
        else ""
    )
    return [
        f"{flow}The likelihood of the diffusion coefficient of each track accounts for motion "
        "blur and localisation error (Berglund 2010); the size distribution is the penalised "
        "maximum-likelihood mixture of all tracks (after Walker 2012), with 95 % intervals from "
        f"resampling{resampled} units{shared}.{systematic}",
        f"The median diameter was {words.estimate(found.d50_nm, 'nm')}, D10 to D90 "
        f"{words.figure(found.d10_nm.value)} to {words.figure(found.d90_nm.value)} nm; "
        f"{words.share(report.misev.small_fraction)} of the particles were below 200 nm "
        f"(weighting: {found.weighting}).",
        *_counted(report),
        "Size alone does not show where a particle came from or that it is a vesicle.",
    ]


def _counted(report: Report) -> list[str]:
    """What is known of particles that were missed, and of their number."""
    concentration, limit = report.concentration_per_ml, report.detection_limit_nm
    particles = report.settings.get("completeness.particles")
    bias = report.diagnostics.get("self_check_bias_percent")
    sentences = []
    if particles is not None:
        sentences.append(
            f"{particles.value} simulated particles of known size were laid on the recording's own "
            "frames and searched, linked and sized in the same way, to find out how many of each "
            "size are missed."
        )
        if bias is not None:
            sentences.append(f"Their diameters read {bias:+.2g} %.")
    if limit is not None and limit.value is not None:
        sentences.append(f"The detection limit was {words.estimate(limit, 'nm')}.")
    else:
        because = f": {report.no_limit_note}" if report.no_limit_note else ""
        sentences.append(f"The detection limit was not determined{because}.")
    if concentration is not None and concentration.value is not None:
        basis = f" ({report.concentration_note})" if report.concentration_note else ""
        found = words.estimate(concentration, "per mL")
        sentences.append(f"The concentration was {found}{basis}.")
    else:
        sentences.append("No concentration was determined.")
    return sentences


def _verdict(report: Report) -> str:
    told = ("fail", "warn", "no_data", "waived")
    bad = [item for item in report.qc.findings if item.status in told]
    listed = "; ".join(f"{words.plain(item.rule)}: {words.plain(item.status)}" for item in bad)
    text = f"Quality verdict, profile '{report.qc.profile}': {report.qc.verdict}"
    return f"{text} ({listed})." if listed else f"{text}."


def _value(values: dict[str, Value], name: str) -> str:
    return _rounded(values[name]) if name in values else f"{words.plain(name)} not known"


def _rounded(value: Value) -> str:
    """Write a setting with at most four digits."""
    if not isinstance(value.value, float):
        return words.setting(value)
    return f"{value.value:.4g} {value.unit}".strip()
