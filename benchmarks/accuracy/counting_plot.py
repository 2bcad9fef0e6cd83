"""The picture of ``docs/validation/counting.md``, from the rows of `counting`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

MARKS = {"vesicles": "o", "broad": "s", "two sizes": "^"}
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
        for axes, name, scale in ((left, "exosome", 100.0), (right, "concentration", 1e-8)):
            found, low, high, true = (
                part[f"{name}{end}"].to_numpy(float) * scale
                for end in ("", "_low", "_high", "_film")
            )
            bars = np.maximum([found - low, high - found], 0)
            axes.errorbar(true, found, bars, label=label, lw=0.8, ms=5, **style)
    right.set(xscale="log", yscale="log")
    for axes, name in ((left, "40 to 160 nm, %"), (right, "particles per mL, 1e8")):
        ends = axes.get_xlim()
        axes.plot(ends, ends, color="0.5", lw=1, zorder=0)
        axes.set(xlabel=f"in the film: {name}", ylabel=f"found: {name}")
    left.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
