"""Permutation distribution: the estimate under reassigned adoption dates, or other labels, and the one observed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.display.drawn import Drawn, redrawn
from mentorship_eval.display.frames import check_columns, numbers
from mentorship_eval.display.scales import ratio_label, ratio_ticks
from mentorship_eval.display.sheet import Key, Sheet
from mentorship_eval.display.style import BODY, INK, house_style, page_width, series_style
from mentorship_eval.display.words import count, lower_first, placebo_words, sentence
from mentorship_eval.errors import UsageError
from mentorship_eval.estimate import format_number

__all__ = ["placebo_distribution"]

_WHAT = "placebo_distribution(draws_hist)"


@redrawn
def placebo_distribution(
    draws_hist: pd.DataFrame,
    observed: float,
    p: float,
    *,
    value_label: str = "Rate ratio",
    draws: int | None = None,
    smallest_p: float = math.nan,
    random_timing: bool = False,
    ratio: bool = True,
    reassigned: str = "reassigned adoption dates",
    test: str = "",
    title: str | None = None,
    method: str = "",
    note: str = "",
    name: str = "placebo_distribution",
) -> Drawn:
    """Histogram of the log ratio under reassignment, read on the ratio scale; or of a difference.

    draws_hist: bin_low, bin_high (log ratio), count. observed: the log ratio estimated (NaN: not
        estimable, and said so); p: its permutation p-value. draws: how many reassignments, by default
        the sum of the counts; smallest_p: the smallest p-value that they could give.
    random_timing: adoption dates were drawn at random, so that the test is a randomisation test;
        otherwise it is called a placebo test; ``test`` names it otherwise.
    ratio: False where the bins and ``observed`` are differences. reassigned: what is handed out anew.
    """
    rows = check_columns(draws_hist, ("bin_low", "bin_high", "count"), _WHAT)
    low, high, counts = (numbers(rows, column, _WHAT) for column in ("bin_low", "bin_high", "count"))
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (high > low).all()) or (counts < 0).any():
        raise UsageError(
            f"{_WHAT}: bins need finite limits, low below high, and no negative count.", fix="Take numpy.histogram's edges and counts."
        )
    known = math.isfinite(observed)
    draws = int(np.nansum(counts)) if draws is None else draws
    test = test or ("randomisation test" if random_timing else "placebo test")

    def said(value: float) -> str:
        return format_number(math.exp(value)) if ratio else format_number(value, 1)

    with house_style():
        figure = _draw(
            low,
            high,
            counts,
            observed,
            f"observed {said(observed)}" if known else "observed: not estimable",
            p,
            value_label,
            test,
            title,
            ratio,
            "under reassigned dates" if reassigned == "reassigned adoption dates" else reassigned,
        )
    weights = np.nan_to_num(counts)
    middle = (low + high) / 2
    centre = float(np.average(middle, weights=weights)) if weights.sum() else math.nan
    result = f"Observed {lower_first(value_label)} {said(observed)}" if known else "The observed value is not estimable"
    tail = placebo_words(p, draws, smallest_p)
    caption = sentence(
        title,
        f"{value_label}: {reassigned} (bars), and as observed (line)" if not ratio else
        f"{value_label} under {reassigned} (bars) and as observed (line), logarithmic axis",
        f"{test}: {tail}",
        method,
        note,
    )
    alt = sentence(
        f"Histogram of {count(draws)} reassignments from {said(low.min())} to {said(high.max())}, "
        f"centred at {said(centre) if math.isfinite(centre) else format_number(centre)}",
        f"{result}; {tail}",
    )
    told = pd.DataFrame({"log_ratio" if ratio else "difference": [observed], "p": [p]})
    return Drawn(figure, caption, alt, {"histogram": rows, "observed": told}, name)


def _draw(
    low: np.ndarray,
    high: np.ndarray,
    counts: np.ndarray,
    observed: float,
    words: str,
    p: float,
    value_label: str,
    test: str,
    title: str | None,
    ratio: bool,
    reassigned: str,
) -> Any:
    sheet = Sheet()
    line = {"color": series_style(1)["color"], "linewidth": 2.0}
    p_words = "p not available" if math.isnan(p) else f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    keys = [
        Key(reassigned, "fill", {"facecolor": "#b9c7d1", "edgecolor": "#7f929f", "linewidth": 0.6}),
        Key(f"{words} ({test}, {p_words})", "line", line),
    ]
    left, width, height = 0.75, page_width() - 1.0, 2.3
    plan, legend = sheet.plan_legend(keys, width)
    title = sheet.wrap(title, page_width() - 0.3, BODY, "bold") if title else ""
    head = 0.08 + (sheet.block_height(title, BODY) + 0.04 if title else 0.0)
    top = head + legend + 0.1
    sheet.set_height(top + height + 0.6)
    if title:
        sheet.text(0.1, 0.08, title, size=BODY, va="top", weight="bold")
    sheet.draw_legend(plan, left, head)
    axes = sheet.axes(left, top, width, height)
    axes.bar(low, counts, width=high - low, align="edge", color="#b9c7d1", edgecolor="#7f929f", linewidth=0.6)
    first, last = min(low.min(), 0.0), max(high.max(), 0.0)
    if math.isfinite(observed):
        first, last = min(first, observed), max(last, observed)
        axes.axvline(observed, zorder=4, **line)
    margin = 0.04 * (last - first)
    axes.set_xlim(first - margin, last + margin)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (1.5, 1.5)))
    if ratio:
        ticks = ratio_ticks(math.exp(first - margin), math.exp(last + margin), 10)
        axes.set_xticks([math.log(tick) for tick in ticks], [ratio_label(tick) for tick in ticks])
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axes.set_ylabel("Reassignments")
    axes.yaxis.set_label_coords(-0.5 / width, 0.5)
    sheet.text(left + width / 2, top + height + 0.38, f"{value_label} (log scale)" if ratio else value_label, size=BODY, ha="center")
    return sheet.figure
