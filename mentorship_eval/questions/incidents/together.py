"""Mentorship beside another programme (an innovation lab): each alone, both together, and whether together is more than the product.

A factorial reading of staggered roll-outs: department-months with neither programme are the comparison for each of the three; those with one only
are never counted for both. The interaction is the ratio of the rate ratio of both to the product of the two alone, by a joint jackknife.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentorship_eval.cohort.panels import adoption
from mentorship_eval.did.counts.result import PoissonImputation
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.inference.jackknife import cluster_jackknife
from mentorship_eval.questions.allocation import other_programmes
from mentorship_eval.questions.answer import Result
from mentorship_eval.questions.incidents.forests import in_words, ratio_forest, ratio_rows
from mentorship_eval.questions.incidents.prepared import Kind, Prepared
from mentorship_eval.questions.section import Section

__all__ = ["beside_others", "together"]


def together(study: Prepared) -> Section:
    """Rate ratios of each programme alone and of both, for each headline outcome, with their interaction."""
    return Section() if study.made is None else beside_others(study, "incidents")


def beside_others(study: Prepared, chapter: str) -> Section:
    """The same for the counts of any chapter, whose name begins the ids."""
    told = Section()
    for other in other_programmes(study.cohort):
        name = _name(study, other)
        rows = _with_other(study, other)
        if rows["other"].isna().all():
            told.lacks(f"Mentorship together with {name}", f"{name} went live nowhere inside the window.", "a window that holds its go-live")
            continue
        told.cautions.append(_caution(rows, name))
        for kind in study.kinds:
            if kind.role == "headline":
                told = Section.join([told, _one_outcome(study, kind, rows, other, name, chapter)])
    return told


def _name(study: Prepared, programme: str) -> str:
    if study.cohort.has("programmes") and "name" in study.cohort.table("programmes"):
        table = study.cohort.table("programmes").drop_duplicates("programme_id").set_index("programme_id")["name"].dropna()
        if programme in table.index:
            return str(table[programme])
    return f"programme {programme}"


def _with_other(study: Prepared, other: str) -> pd.DataFrame:
    """The panel with ``other``: the first period with the other programme; months in which it went live part-way are left out."""
    rollout = study.cohort.table("rollout")
    start, end = study.cohort.window
    plan = adoption(rollout=rollout[rollout["programme_id"].astype(str) == other], start=start, end=end)
    rows = study.rows.assign(other=study.rows["dept_id"].map(plan["adopted"]))
    return rows[rows["period"] != rows["dept_id"].map(plan["partial"])]


def _caution(rows: pd.DataFrame, name: str) -> Caution:
    own, other = rows["period"] >= rows["adopted"], rows["period"] >= rows["other"]
    both = int((own & other).sum())
    text = (
        f"{name[:1].upper()}{name[1:]} ran in {rows.loc[rows['other'].notna(), 'dept_id'].nunique():,} departments, and in {both:,} of the "
        f"{int(own.sum()):,} department-months with mentorship. The default analysis does not look at it: its effect is in those rate ratios as "
        "far as it ran more with mentorship than without. The ratios of each programme alone, and of both, stand in a figure of their own."
    )
    return Caution("other_programme", text, {"both": both, "mentorship": int(own.sum())})


def _arms(rows: pd.DataFrame, own: str) -> dict[str, pd.DataFrame]:
    """For each arm the comparison cells and its own, with ``first``: the period from which the arm's cells are treated."""
    mine, other = rows["period"] >= rows[own], rows["period"] >= rows["other"]
    later = rows[[own, "other"]].max(axis=1, skipna=False)
    return {
        "alone": rows[~other].assign(first=rows[own]),
        "other": rows[~mine].assign(first=rows["other"]),
        "both": rows[(~mine & ~other) | (mine & other)].assign(first=later),
    }


def _one_outcome(study: Prepared, kind: Kind, rows: pd.DataFrame, other: str, name: str, chapter: str) -> Section:
    told, fits = Section(), {}
    labels = {"alone": "Mentorship alone", "other": f"{name[:1].upper()}{name[1:]} alone", "both": "Both together"}
    group = f"{kind.short} with {name}"
    for arm, part in _arms(rows, study.adopted).items():
        estimand = f"rate of {kind.label.lower()} with {labels[arm][:1].lower()}{labels[arm][1:]}, against the rate expected with neither programme"
        mine = part.drop(columns=study.adopted).rename(columns={"first": study.adopted})
        try:
            fit = study.fit(kind.column, kind.label, outcome=kind.outcome, rows=mine, brief=True).fit
        except EstimationError as error:
            what = f"{group}: {labels[arm][:1].lower()}{labels[arm][1:]}"
            told.lacks(what, in_words(error.problem), "More departments with one programme and not the other.")
            continue
        fits[arm] = fit
        result_id = f"{chapter}.together.{other}.{kind.column}.{arm}"
        others = _others(study, kind, fit, fits, arm)
        told.results.append(
            Result(result_id, kind.outcome, estimand, "department-periods of the arm", fit.irr, labels[arm], "companion", group, rests_on=others)
        )
    if len(fits) == 3:
        estimate = _interaction(fits)
        if estimate is not None:
            rests_on, arms = tuple(fit.observed for fit in fits.values()), "department-periods of the arms"
            result_id, label = f"{chapter}.together.{other}.{kind.column}.interaction", "Both, over the product of the two alone"
            told.results.append(Result(result_id, kind.outcome, estimate.estimand, arms, estimate, label, "companion", group, rests_on=rests_on))
    if told.results:
        note = "Compared with department-months with neither programme. The last row is 1 where the two together do what their product says."
        title = f"{kind.short}: mentorship and {name}"
        # with mentorship alone and with both add up to all with mentorship, which is shown elsewhere
        rates = study.fits.get(kind.column)
        wholes = {} if rates is None else {r.id: float(rates.fit.observed) for r in told.results if r.id.endswith((".alone", ".both"))}
        told.exhibits.append(ratio_forest(f"{chapter}.together.{other}.{kind.column}", title, ratio_rows(told.results, wholes), note))
    return told


def _others(study: Prepared, kind: Kind, fit: PoissonImputation, fits: dict[str, PoissonImputation], arm: str) -> tuple[float, ...]:
    """Events with mentorship that the arm does not hold, and those in neither arm, which the arms and their whole would tell."""
    rates = study.fits.get(kind.column)
    if rates is None or arm == "other":
        return ()
    left = [rates.fit.observed - fit.observed]
    if arm == "both" and "alone" in fits:
        left.append(left[0] - fits["alone"].observed)
    return tuple(float(count) for count in left if count > 0)


def _interaction(fits: dict[str, PoissonImputation]) -> Estimate | None:
    if not all(np.isfinite(fit.irr.value) and fit.irr.value > 0 for fit in fits.values()):
        return None
    tables = [fits[arm].leave_one_out.set_index("cluster") for arm in ("both", "alone", "other")]
    every = tables[0].index.union(tables[1].index).union(tables[2].index)
    whole = [float(np.log(fits[arm].irr.value)) for arm in ("both", "alone", "other")]
    # a department that has no cell in one of the fits leaves that ratio as it is; where there is no ratio without one, no interval is given
    without = [table["log_irr"].reindex(every).where(every.isin(table.index), value) for table, value in zip(tables, whole, strict=True)]
    informative = np.logical_or.reduce([table["informative"].astype("boolean").reindex(every).fillna(False).to_numpy(bool) for table in tables])
    value = whole[0] - whole[1] - whole[2]
    jackknife = cluster_jackknife(value, (without[0] - without[1] - without[2]).to_numpy()[informative])
    known = all(np.isfinite(fit.irr.ci_low) for fit in fits.values()) and not jackknife.failed
    return ratio_estimate(
        value, float(jackknife.se[0]) if known else np.nan, scale="rate ratio", df=jackknife.df, n=sum(fit.irr.n or 0 for fit in fits.values()),
        n_events=min(fit.irr.n_events or 0 for fit in fits.values()), n_clusters=jackknife.n_clusters,
        estimand="rate ratio of both programmes over the product of those of each alone",
        method="ratio of Poisson imputations; joint leave-one-department-out jackknife",
    )  # fmt: skip
