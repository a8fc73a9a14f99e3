"""Charts of counts: u and u' for rates, p and p' for proportions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.spc.assemble import Lines, assemble, phase_by_phase
from mentorship_eval.spc.limits import Phase, sigma_of_ranges
from mentorship_eval.spc.result import ControlChart
from mentorship_eval.spc.rules import rules_of
from mentorship_eval.spc.series import Series, column, require_whole, series_of

__all__ = ["p_chart", "u_chart"]


def u_chart(
    data: pd.DataFrame,
    *,
    count: str,
    exposure: str,
    time: str,
    per: float = 1000.0,
    prime: bool = True,
    baseline: int | tuple[Any, Any] | None = None,
    go_live: Any = None,
    phases: Any = None,
    exclude: Sequence[Any] = (),
    rules: str | Sequence[str] = "anhoej",
    screened: bool = False,
) -> ControlChart:
    """Rates of events: u' chart after Laney (2002), or the plain u chart.

    data: one row a period. count: events; exposure: what they are counted over (patient-days); a period in which one of them is missing,
        or the exposure is zero, is a gap. time: numbers, months or dates, in any order, each once. per: the rate is events per so much exposure.
    prime: widen (or narrow) the limits of the u chart by sigma z, the standard deviation of the z-scores by their moving ranges,
        so that rates which vary more than Poisson counts do not signal all the time.
    baseline: which points set centre line and limits: a number of first points of each phase, or (first, last) periods, None for an open
        end; without it all points, or those before go_live where that is given, whose limits are then carried forward.
    go_live: the first period of the programme. phases: first periods of further phases (a system switch), each with limits of
        its own: a sequence, or a mapping from period to name. A phase without a point in the baseline takes all its own points.
    exclude: periods that are drawn and set no limits. screened: drop moving ranges beyond their own limit, once.
    rules: ``anhoej`` (with the three-sigma rule), ``shewhart``, ``western_electric``, ``nelson``, ``making_data_count``, or codes of
        single rules (`RULE_WORDS`).

    Fewer than six points set no limits; the phase then says so. Raises `EstimationError` for values that are no counts, events
    without exposure and repeated periods; `UsageError` for names and periods that do not exist.
    """
    if not per > 0:
        raise UsageError("per must be above 0.", fix="Give 1000 for a rate per 1,000.")
    ordered, series = series_of(data, time, baseline=baseline, phases=phases, go_live=go_live, exclude=exclude)
    events, at_risk = column(ordered, count, "events"), column(ordered, exposure, "the exposure")
    require_whole(events, count, series)
    wrong = (at_risk < 0) | ((events > 0) & (at_risk == 0))
    if wrong.any():
        rows = list(series.rows[wrong])
        raise EstimationError(
            f"{exposure!r} is negative, or zero where there are events, in rows {listing(rows)}.", fix="Events need an exposure above 0.", rows=rows
        )
    return _chart("u", series, events, at_risk, per, prime, screened, rules_of(rules), upper_end=np.inf)


def p_chart(
    data: pd.DataFrame,
    *,
    numerator: str,
    denominator: str,
    time: str,
    per: float = 1.0,
    prime: bool = True,
    baseline: int | tuple[Any, Any] | None = None,
    go_live: Any = None,
    phases: Any = None,
    exclude: Sequence[Any] = (),
    rules: str | Sequence[str] = "anhoej",
    screened: bool = False,
) -> ControlChart:
    """Proportions: p' chart after Laney (2002), or the plain p chart; 100 for ``per`` makes percentages.

    numerator, denominator: those of whom something is true, and all, in each period. The rest as in `u_chart`.
    """
    if not per > 0:
        raise UsageError("per must be above 0.", fix="Give 100 for percentages.")
    ordered, series = series_of(data, time, baseline=baseline, phases=phases, go_live=go_live, exclude=exclude)
    part, whole = column(ordered, numerator, "the numerator"), column(ordered, denominator, "the denominator")
    require_whole(part, numerator, series)
    require_whole(whole, denominator, series)
    wrong = part > whole
    if wrong.any():
        rows = list(series.rows[wrong])
        raise EstimationError(f"{numerator!r} exceeds {denominator!r} in rows {listing(rows)}.", fix="A part is at most the whole.", rows=rows)
    return _chart("p", series, part, whole, per, prime, screened, rules_of(rules), upper_end=per)


def _chart(
    letter: str, series: Series, events: np.ndarray, size: np.ndarray, per: float, prime: bool, screened: bool, rules: tuple[str, ...], *,
    upper_end: float,
) -> ControlChart:  # fmt: skip
    known = np.isfinite(events) & (size > 0)
    safe = np.where(size > 0, size, np.nan)
    rate = np.where(known, events / safe, np.nan)
    noun = "events" if letter == "u" else "numerator"
    over = "exposure" if letter == "u" else "denominator"
    reasons = np.where(known, "", np.where(np.isnan(events), f"no {noun} given", np.where(size == 0, f"{over} is zero", f"no {over} given")))

    def middle(rows: np.ndarray) -> float:
        return float(events[rows].sum() / size[rows].sum())

    def fit(rows: np.ndarray, used: np.ndarray) -> Phase:
        centre = middle(rows[used])
        variance = centre if letter == "u" else centre * (1 - centre)
        if not variance > 0:
            none = np.full(len(rows), np.nan)
            share = "no events" if centre == 0 else "nothing but events"
            return Phase(np.full(len(rows), centre), none, np.nan, int(used.sum()), f"the points that would set them hold {share}")
        sigma, spread = np.sqrt(variance / safe[rows]), np.nan
        if prime:
            z = (rate[rows] - centre) / sigma
            # a missing period breaks the pair of neighbours; one that is left out by choice does not
            z = np.where(series.baseline[rows], z, np.nan)[series.baseline[rows]]
            spread, _ = sigma_of_ranges(z, screened=screened)
            if not spread > 0:
                words = "neighbouring points that would set them do not differ" if spread == 0 else "too few neighbouring points would set them"
                return Phase(np.full(len(rows), centre), np.full(len(rows), np.nan), np.nan, int(used.sum()), words)
            sigma = sigma * spread
        return Phase(np.full(len(rows), centre), sigma, spread, int(used.sum()))

    centre, sigma, phases = phase_by_phase(series, rate, fit, middle)
    with np.errstate(invalid="ignore"):
        lower, upper = np.maximum(per * (centre - 3 * sigma), 0.0), np.minimum(per * (centre + 3 * sigma), upper_end)
        z = (rate - centre) / sigma
    lines = Lines(per * rate, per * centre, lower, upper, per * sigma, z, np.sign(np.round(z, 9)))
    return assemble(letter + ("'" if prime else ""), series, lines, phases, rules, reasons, floor=True)
