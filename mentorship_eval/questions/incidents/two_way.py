"""What a two-way fixed-effects regression would have said of an incident rate, and the comparisons that it averages; never an effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval import did
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.incidents.default_rates import estimand_of
from mentorship_eval.questions.incidents.prepared import POPULATION, Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["two_way"]

FORBIDDEN = 0.05  # share of the weight on comparisons with departments already treated from which it is cautioned about
GROUP = "What a common design would say"


def two_way(study: Prepared, kind: Kind, rows: pd.DataFrame) -> Section:
    """The two-way coefficient (role audit), its Goodman-Bacon decomposition, and a caution where it leans on treated departments.

    rows: the panel with ``rate``, the count per 1,000 of the exposure.
    """
    told, cell = Section(), {"unit": "dept_id", "time": "period", "adopted": study.adopted}
    try:
        fitted = did.twfe(rows, count=kind.column, exposure=study.exposure, variance="CR1", **cell)
    except EstimationError:
        return told  # nothing is lost with it
    estimand = f"{estimand_of(kind.label)}, as two-way fixed effects would have it"
    # it rests on the events with the programme, like the default
    default = study.fits[kind.column].fit.irr
    estimate = replace(fitted.estimate, n=default.n, n_events=default.n_events, warnings=())
    label = f"{kind.short}: two-way fixed effects"
    told.results.append(Result(f"incidents.{kind.column}.two_way", kind.outcome, estimand, POPULATION, estimate, label, "audit", GROUP))
    try:
        parts = did.goodman_bacon(rows, outcome="rate", **cell)
    except EstimationError as error:
        return told.lacks(f"{kind.label}: what two-way fixed effects compares", error, "a row for every department and month")
    share, negative = parts.forbidden_share, parts.negative_weight_share
    if share > FORBIDDEN:
        text = (
            f"{kind.short}: two-way fixed effects would put {share:.0%} of its weight on comparisons with departments that have the programme "
            f"already, and give {negative:.0%} of the treated department-months a negative weight; it is not used."
        )
        told.cautions.append(Caution("two_way_forbidden", text, {"share": share, "negative": negative}))
    frame = parts.table.assign(events=_events(study, kind, parts.table))
    for side in ("treated", "control"):
        frame[side] = [_named(study, value) for value in frame[side]]
    if len(frame) < 2:
        return told  # one comparison is the coefficient itself
    told.exhibits.append(
        Exhibit(
            f"incidents.{kind.column}.bacon", "bacon_plot", f"{kind.short}: what two-way fixed effects compares",
            {"comparisons": frame[["type", "treated", "control", "weight", "estimate", "forbidden", "events"]]},
            # the weighted mean is shown: a withheld comparison needs a second
            {"comparisons": Counted((), ("estimate",), behind=("events",), within="*")},
            {"estimate": parts.estimate.value, "ci_low": parts.estimate.ci_low, "ci_high": parts.estimate.ci_high,
                "value_label": f"Difference of rates {study.exposure_words}", "unit": "department-periods"},
            "On the rate, unweighted. The weighted mean of the comparisons is the two-way coefficient; it is no estimate of the effect.",
            (default.n_events,),
        )
    )
    return told


def _wave(value: object) -> float:
    """The first period of a wave; infinity for departments never treated, minus infinity for those always treated."""
    if isinstance(value, str):
        return -np.inf if "always" in value else np.inf
    return float(value)  # type: ignore[arg-type]


def _named(study: Prepared, value: object) -> str:
    return value if isinstance(value, str) else str(study.name_of(_wave(value)))


def _events(study: Prepared, kind: Kind, table: pd.DataFrame) -> list[float]:
    """Events of the smaller side of each comparison, for disclosure control."""
    totals = study.rows.groupby(study.rows[study.adopted].fillna(np.inf))[kind.column].sum()
    counts = {value: float(totals.get(_wave(value), np.nan)) for side in ("treated", "control") for value in table[side].unique()}
    return [min(counts[row.treated], counts[row.control]) for row in table.itertuples()]
