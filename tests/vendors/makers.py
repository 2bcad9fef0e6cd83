"""Vendors' tables as their software writes them, with figures that are known."""

from __future__ import annotations

import numpy as np

BINS_NM = np.arange(1000) + 0.5


def bell(
    mode_nm: float, sd_nm: float, height: float, centre_nm: np.ndarray = BINS_NM
) -> np.ndarray:
    return height * np.exp(-((centre_nm - mode_nm) ** 2) / (2 * sd_nm**2))


def experiment_summary(
    version: str, *, separator: str = ",", adjusted: bool = True, dilution: str = "1.00e+02"
) -> str:
    """Two videos, 100 and 120 nm; ragged rows as of the version."""
    names = ["film_00", "film_01"]
    counts = [bell(100, 10, 1e6), bell(120, 12, 2e6)]
    note = " (concentrations adjusted for this factor)" if adjusted else ""
    rows = [
        ["NTA Experiment Summary File"],
        [f"Created with NTA {version} Build {version}.001"],
        [],
        ["[Experiment Details]"],
        ["Diluent", "PBS"],
        ["Remarks", '"two, films"'] if separator == "," else ["Remarks", "two films"],
        ["Filename:", *names],
        ["[Conditions]"],
        ["Temperature/C", "22.348", "22.5"],
        ["Viscosity/cP", "0.945113", "0.94"],
        ["Shutter/ms", "30.15", "17.4"],
        ["Frame rate/fps", "24.9825", "24.9825"],
        ["[Results]", "", "", "Average", "Standard Error"],
        [f"Dilution factor{note}", dilution, dilution],
        ["Concentration (Particles / ml)", "2.5e7", "6.0e7", "4e7", "1e6"],
        ["Completed tracks", "900", "1000"],
        ["[Information]"],
        ["Completed Tracks", "OK", "OK"],
        ["[Size Data]"],
        ["Filename", *names, "Average", "Standard Error"],
        ["Mean", "100.0", "120.0"],
        ["D10", *percentiles(counts, 0.1, version)],
        ["D50", *percentiles(counts, 0.5, version)],
        ["D90", *percentiles(counts, 0.9, version)],
        ["Graph Data"],
        ["Bin centre (nm)", " Concentration (particles / ml)", "Concentration (particles / ml)"],
        *(
            [f"{x:g}", f"{a:.6g}", f"{b:.6g}", "0"]
            for x, a, b in zip(BINS_NM, *counts, strict=True)
        ),
        ["Percentile", "Size (nm)", "Size (nm)"],
        ["1", "60", "70"],
    ]
    if separator == ";":
        rows = [[cell.replace(".", ",") for cell in row] for row in rows]
        rows[1] = [f"Created with NTA {version} Build {version}.001"]
    return "\r\n".join(separator.join(row) for row in rows) + "\r\n"


def percentiles(counts: list[np.ndarray], share: float, version: str) -> list[str]:
    """NTA 3.2 counts from the lower edge of the bins, 1.0 nm below."""
    at = BINS_NM + (-0.5 if version == "3.2" else 0.5)
    return [f"{np.interp(share, np.cumsum(c) / c.sum(), at):.1f}" for c in counts]


def particle_data() -> str:
    """Twenty particles of 101 to 120 nm; the last five are left out by the vendor."""
    head = (
        "Particle ID, Size/nm, Diffusion coefficient/nm^2 s^-1, Ln(Adjusted intensity)/AU, "
        "Start frame, Tracklength, Included in distribution?"
    )
    rows = [
        f"{n}, {101 + n}, {4.2e6}, 2.0, {3 * n}, {9 + n}, {'True' if n < 15 else 'False'}"
        for n in range(20)
    ]
    return "\n".join([head, *rows]) + "\n"


def all_tracks() -> str:
    """Two particles of three and four positions; the second is left out."""
    head = (
        "Particle ID, Size/nm, Diffusion coefficient/nm^2 s^-1, Frame, X/pixels, Y/pixels, "
        "Ln(Adjusted intensity)/AU, Included in distribution?"
    )
    rows = [f"0, 99.5, 4300000, {n}, {10 + n}, {20 - n}, 1.0, True" for n in range(3)]
    rows += [f"1, 310, 1400000, {n + 5}, {50 + n}, {60 + n}, 3.0, False" for n in range(4)]
    return "\n".join([head, *rows]) + "\n"


def old_tracks() -> str:
    """One particle of three steps and one of two, in px, with D in 1e-2 um^2/s."""
    head = "Particle ID,Track Step,X1,Y1,X2,Y2,Diffusion Co,Particle Size"
    rows = [f"7,{n},{10 + n},{5},{11 + n},{5},430,100" for n in range(3)]
    rows += [f"9,{n},{40},{30 + n},{40},{31 + n},215,200" for n in range(2)]
    return "\n".join([head, *rows]) + "\n"


def zetaview(comma: bool = False, dilution: str = "1000.000", drift: str = "2024-05-06") -> str:
    """A report with 5-nm bins around 110 nm, the row of -1, then logarithmic bins."""
    size = np.arange(2.5, 1000, 5)
    counts = np.rint(bell(110, 20, 400, size))
    head = [
        "Original File:\tC:\\films\\film.avi",
        "ZetaView S/N:\t21-001",
        "Temperature:\t23.52 \u00b0C sensed",
        "Viscosity:\t0.90128",
        f"Particle Drift Checked:\t{drift} 10:00:00",
        "Camera:\tFpSec 30 #Cycles 1 FRate 30.00",
        "Shutter:\t100",
        "Minimum Tracelength:\t15",
        "Tracking Radius2:\t100",
        "Micrometer per Pixel:\t0.713",
        f"Number of Traces:\t{counts.sum():.0f}",
        f"Dilution::\t{dilution}" if dilution else "",
        "",
        "Size / nm\tNumber\tConcentration / cm-3\tVolume / nm^3\tArea / nm^2",
    ]
    rows = [
        f"{x:.3E}\t{n:.3E}\t{n * 1e4:.3E}\t0.0E+0\t0.0E+0"
        for x, n in zip(size, counts, strict=True)
    ]
    rows.append("\t".join(["-1.000E+0"] * 5))
    rows += [f"{x:.3E}\t{5:.3E}\t{1e4:.3E}\t0.0E+0\t0.0E+0" for x in np.geomspace(10, 1000, 20)]
    text = "\r\n".join([*head, *rows]) + "\r\n"
    if comma:
        text = text.replace(".avi", "#avi").replace(".", ",").replace("#avi", ".avi")
    return text


def viewsizer_videos() -> str:
    rows = [
        "/Output Filename: Videos.dat",
        "/Number of videos analyzed: 2",
        "",
        "/Video#\t#particles\tAVG size[nm]\tSD size[nm]\t",
        "1\t3\t1.5e+02\t4.08e+01\t1.0e+02\t1.5e+02\t2.0e+02\t",
        "2\t2\t1.1e+02\t1.0e+01\t1.0e+02\t1.2e+02\t",
    ]
    return "\n".join(rows) + "\n"


def viewsizer_bins() -> str:
    head = (
        "/LowerBinDiameter_[nm]\t CenterBinDiameter_[nm]\t UpperBinDiameter_[nm]\t "
        "TotalParticlesCounted_WithinBin_AllVideosAnalyzed\t PSD_corrected_[counts/mL/nm]\t"
    )
    density = bell(150, 20, 1e5)
    rows = [
        f"{x - 0.5:.3f}\t {x:.3f}\t {x + 0.5:.3f}\t {d / 1e4:.3f}\t {d:.3f}\t"
        for x, d in zip(BINS_NM, density, strict=True)
    ]
    return "\n".join([head, *rows]) + "\n"
