"""Did the rate of reports step when the reporting system changed? A test at the date, by department-months (W112).

The months around each switch in departments without the programme: a Poisson regression with an effect of each department, a linear trend and a
step at the month of the switch, standard errors clustered by department. A step says that counts before and after are not alike; none says
that these months could not show one. It is a diagnostic: nothing is corrected by it.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate, format_number, format_p
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.incidents.calendar_events import Switch, switches
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["step_at", "system_steps"]

AROUND, FEWEST_MONTHS, FEWEST_DEPARTMENTS = 12, 3, 6  # months on either side, the least of them, and departments
LEVEL = 0.05


def system_steps(study: Prepared) -> Section:
    """A result for each headline outcome and switch (role diagnostic), a caution where there is a step, a gap where there can be no test."""
    told = Section()
    if study.made is None:
        return told
    for number, switch in enumerate(switches(study), 1):
        for kind in study.kinds:
            if kind.role == "headline":
                _tell(study, kind, switch, number, told)
    if told.results:
        told.methods.append(
            f"Step at a change of the reporting system: departments without the programme, up to {AROUND} months on either side, Poisson regression "
            "with an effect of each department, a linear trend and a step; cluster-robust by department, t on departments less 1."
        )
    return told


def _tell(study: Prepared, kind: Kind, switch: Switch, number: int, told: Section) -> None:
    try:
        estimate = step_at(study, kind, switch)
    except EstimationError as error:
        told.lacks(f"{kind.short}: a step at {switch.label} ({switch.month})", error.problem, "More departments or months without the programme.")
        return
    label = f"Step at {switch.label} ({switch.month})"
    where, group = "departments without the programme", f"{kind.short}: change of the reporting system"
    name = f"incidents.{kind.column}.step_{number}"
    told.results.append(Result(name, kind.outcome, estimate.estimand, where, estimate, label, "diagnostic", group))
    if estimate.p_value < LEVEL:
        text = (
            f"{kind.short}: where the programme was not active the rate stepped by the factor {format_number(estimate.value)} at {switch.label} "
            f"({switch.month}; {format_p(estimate.p_value)}). Counts before and after are not alike; see the analysis without the months around it."
        )
        told.cautions.append(Caution("system_step", text, {"ratio": estimate.value, "p": estimate.p_value}))


def step_at(study: Prepared, kind: Kind, switch: Switch) -> Estimate:
    """The rate after the switch over the rate before, beyond a linear trend.

    Raises `EstimationError` with fewer than three months on a side, fewer than six departments, or no events on a side.
    """
    import statsmodels.api as sm

    rows = study.rows[~(study.rows["period"] >= study.rows[study.adopted])]
    since = (rows["month"].dt.to_period("M") - switch.month).map(lambda gap: gap.n).to_numpy()
    near = np.abs(since + 0.5) < AROUND  # as many months before as from the switch on
    rows, since = rows[near], since[near]
    after = since >= 0
    both = rows.groupby("dept_id")["period"].transform("nunique").to_numpy() > 0
    # a department without an event in these months has no level, and says nothing of a step
    both &= rows.groupby("dept_id")[kind.column].transform("sum").to_numpy() > 0
    rows, since, after = rows[both], since[both], after[both]
    if min(len(set(since[after])), len(set(since[~after]))) < FEWEST_MONTHS:
        raise EstimationError(f"Fewer than {FEWEST_MONTHS} months without the programme lie on one side of it.")
    clusters = rows["dept_id"].nunique()
    if clusters < FEWEST_DEPARTMENTS:
        raise EstimationError(f"Fewer than {FEWEST_DEPARTMENTS} departments without the programme have events around it.")
    counts = rows[kind.column].to_numpy(float)
    if not counts[after].sum() or not counts[~after].sum():
        raise EstimationError("There are no events on one side of it.")
    codes, names = pd.factorize(rows["dept_id"])
    design = np.column_stack([after.astype(float), since - since.mean(), np.eye(len(names))[codes]])
    model = sm.GLM(counts, design, family=sm.families.Poisson(), offset=np.log(rows[study.exposure].to_numpy(float)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": codes}, maxiter=200)
    coef, se = float(fit.params[0]), float(np.sqrt(fit.cov_params()[0, 0]))
    if not (math.isfinite(coef) and math.isfinite(se) and se > 0):
        raise EstimationError("The regression has no finite answer.")
    estimand = f"rate of {kind.label.lower()} from {switch.month} on over the rate before, beyond a linear trend, at {switch.label}"
    return ratio_estimate(
        coef, se, df=float(clusters - 1), n_clusters=clusters, scale="rate ratio", n=len(rows), n_events=float(counts.sum()), estimand=estimand,
        method="Poisson regression with department effects, trend and step; cluster-robust by department",
    )  # fmt: skip
