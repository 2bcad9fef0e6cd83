"""The picture of ``docs/validation/counting.md``, from the rows of `counting`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MARKS = {"vesicles": "o", "broad": "s", "two sizes": "^"}
TICKS = (0.5, 0.7, 1, 1.5, 2, 3)
COLOURS = {"nanosight": "#00608f", "zetaview": "#c05a00"}


def draw(films: pd.DataFrame, path: Path) -> None:
    """Draw what was found against what each film held, shares and concentrations.

    Parameters
    ----------
    films : DataFrame
        Rows of `counting.row`, kind ``classes``.
    path : Path
        SVG to write.
    """
    import matplotlib as mpl  # noqa: PLC0415 - only for those who draw

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "counting"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    for (regime, population), part in films.groupby(["regime", "population"]):
        style = {"color": COLOURS[str(regime)], "marker": MARKS[str(population)], "ls": "none"}
        label = f"{population}, {regime}"
        shares, counts = (
            [part[f"{name}{end}"].to_numpy(float) for end in ("", "_low", "_high", "_film")]
            for name in ("exosome", "concentration")
        )
        found, low, high, true = (100 * values for values in shares)
        left.errorbar(true, found, _bars(found, low, high), label=label, lw=0.8, ms=5, **style)
        found, low, high = (values / counts[3] for values in counts[:3])
        right.errorbar(counts[3], found, _bars(found, low, high), lw=0.8, ms=5, **style)
    ends = left.get_xlim()
    left.plot(ends, ends, color="0.5", lw=1, zorder=0)
    left.set(xlabel="in the film: 40 to 160 nm, %", ylabel="found: 40 to 160 nm, %")
    right.axhline(1, color="0.5", lw=1, zorder=0)
    right.set(xscale="log", yscale="log", yticks=TICKS, yticklabels=[f"{t:g}" for t in TICKS])
    right.minorticks_off()
    right.set(xlabel="in the film: particles per mL", ylabel="found over that in the film")
    left.legend(fontsize=7, loc="lower right")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _bars(found: Floats, low: Floats, high: Floats) -> Floats:
    return np.maximum([found - low, high - found], 0)
