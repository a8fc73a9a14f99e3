"""Whether the default model of being mentored fits these data, and on how few of them it rests.

Proportional hazards by four transforms of time, the ratio over time, the estimate without each department, events for each parameter,
and the person-time behind it all.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, table_exhibit
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.robustness.warnings_on_data import data_warnings
from mentorship_eval.questions.retention.staying.follow_up import follow_up_table
from mentorship_eval.questions.retention.support import fewest_shown, on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.hazards.ph_test import TRANSFORMS

__all__ = ["diagnostics", "without_each_department"]

_PER_BIN, _MOST_BINS = 25, 40  # events behind one point of the figure at least (single residuals are people), and points


@on_both_arms
def diagnostics(study: Prepared) -> Section:
    """Exhibits retention.ph, retention.schoenfeld, retention.leave_one_out, retention.diagnostics, retention.follow_up, and warnings."""
    told = Section(exhibits=[follow_up_table(study)])
    if study.main is None:
        return told
    main, rule = study.main, study.cohort.study.disclosure
    told.exhibits.insert(0, _proportional_hazards(study, main))
    told.cautions += data_warnings(study, main)
    if not rule.off and main.n_events < rule.threshold:
        return told  # figures whose numbers rest on all leavers: the estimate itself is withheld
    curve = _over_time(study, main)
    if isinstance(curve, Exhibit):
        told.exhibits.insert(1, curve)
    else:
        told.lacks("How the ratio of being mentored changes with time since hire", curve, "More leavers among staff of departments with both.")
    effects, how = without_each_department(study, main)
    share = _largest_share(main, effects)
    if effects["estimate"].notna().any():
        told.exhibits.append(_left_out(main, effects, share, how))
    else:
        reason = "Without any one department there is no finite estimate."
        told.lacks("The estimate without each department", reason, "More departments with both arms.")
    told.exhibits.append(_rests_on(study, main, share))
    told.methods.append(
        f"Diagnostics: score tests of proportional hazards on four transforms of time; scaled Schoenfeld residuals; leave-one-department-out ({how})."
    )
    return told


def _proportional_hazards(study: Prepared, main: CoxResult) -> Exhibit:
    terms = ["mentored", *study.covariates, "period", "GLOBAL"]
    table: pd.DataFrame | None = None
    for transform in TRANSFORMS:
        try:
            test = main.ph_test(transform).table
        except UsageError:
            continue  # log of a time at 0
        test = test[test["term"].isin(terms)]
        if table is None:
            table = test[["term", "df"]].reset_index(drop=True)
        table[f"p_{transform}"] = test["p"].to_numpy()
        if transform == "km":
            table.insert(2, "chisq", test["chisq"].to_numpy())
    assert table is not None
    words = {"mentored": "Being mentored", "period": "Calendar quarter", "GLOBAL": "All terms"}
    table["term"] = table["term"].map(lambda term: words.get(term, str(term).replace("_", " ").capitalize()))
    labels = {
        "term": "Term", "df": "df", "chisq": "Chi-square", "p_km": "p, Kaplan-Meier scale", "p_rank": "p, rank", "p_identity": "p, days",
        "p_log": "p, log days",
    }
    return table_exhibit(
        "retention.ph", "Test of proportional hazards", table, labels={k: v for k, v in labels.items() if k in table},
        formats={"df": "count", "chisq": "number", **{column: "p" for column in table if str(column).startswith("p_")}},
        note="Score tests on four transforms of time since hire. A small p says that the ratio changes with tenure, so that one number is an "
        "average over tenure; a large p does not show that it is constant.",
    )


def _over_time(study: Prepared, main: CoxResult) -> Exhibit | str:
    """The log hazard ratio as a smooth function of time, with the residuals in bins of many events; or why there is none."""
    try:
        curve = main.schoenfeld_curve("mentored")
    except (EstimationError, UsageError, np.linalg.LinAlgError) as error:
        return str(error)
    smooth = curve.table.rename(columns={"smooth": "estimate"})[["time", "estimate", "ci_low", "ci_high"]]
    smooth = smooth.assign(time=smooth["time"] / DAYS_PER_MONTH, leavers=main.n_events).drop_duplicates("time")
    # the residuals begin and end with single leavers, and so would the line
    few, at = fewest_shown(study), np.sort(curve.points["time"].to_numpy(float)) / DAYS_PER_MONTH
    smooth = smooth[smooth["time"].between(at[few - 1], at[-few])] if len(at) >= 2 * few else smooth.iloc[:0]
    if smooth.empty:
        return f"Fewer than {2 * few} leavers inform it."
    points = curve.points.sort_values("time", kind="stable")
    bins = min(max(len(points) // _PER_BIN, 1), _MOST_BINS)
    place = np.minimum(np.arange(len(points)) * bins // max(len(points), 1), bins - 1)
    grouped = points.groupby(place)
    shown = pd.DataFrame({"time": grouped["time"].median() / DAYS_PER_MONTH, "mean": grouped["value"].mean(), "n": grouped.size()})
    test = main.ph_test().table.set_index("term")["p"]
    return Exhibit(
        "retention.schoenfeld", "schoenfeld", "The ratio of being mentored over time since hire",
        {"curve": smooth, "bins": shown.reset_index(drop=True)},
        {"curve": Counted(("leavers",), ("estimate", "ci_low", "ci_high")), "bins": Counted(("n",), ("mean",))},
        {"log_hr": curve.coef, "p_value": float(test["mentored"]), "term": "Being mentored", "test": "score test, Kaplan-Meier scale"},
        f"Each point is the mean scaled Schoenfeld residual of about {len(points) / bins:.0f} leavers in a row; only those from departments "
        "with contrast.",
    )


def without_each_department(study: Prepared, main: CoxResult) -> tuple[pd.DataFrame, str]:
    """label, estimate: the hazard ratio without each department at entry that carries information; and how it was computed.

    Exact refits where the jackknife is the variance, first-order (dfbeta) where there are many departments.
    """
    changes = main.residuals("dfbeta", collapse="cluster")["mentored"]
    largest = float(changes.abs().max())
    informs = changes[changes.abs() > 1e-9 * max(largest, 1e-300)]
    if main.variance != "jackknife":
        frame = pd.DataFrame({"label": informs.index.astype(str), "estimate": np.exp(math.log(main.estimate.value) - informs.to_numpy())})
        return frame.sort_values("estimate", ignore_index=True), "first-order approximation by dfbeta"
    lines = []
    for department in informs.index:
        rows = study.rows[study.rows["dept_at_entry"] != department]
        line: dict[str, object] = {"label": str(department), "estimate": math.nan, "reason": ""}
        try:
            if rows.empty:
                raise EstimationError("There is no other department.")
            usable = ["mentored", *varying(rows, list(study.model))]
            fit = cox(rows, start="start", stop="stop", event="event", covariates=usable, strata="dept_id", variance="model")
            line["estimate"] = fit.estimate.value
        except EstimationError:
            line["reason"] = "no finite estimate without it"
        lines.append(line)
    return pd.DataFrame(lines).sort_values("estimate", ignore_index=True), "exact refits"


def _largest_share(main: CoxResult, effects: pd.DataFrame) -> float:
    """Of the variance of the log ratio, the part of the department that contributes most."""
    if main.cluster_shares is not None and len(main.cluster_shares) and main.cluster_shares["mentored"].notna().any():
        return float(main.cluster_shares["mentored"].max())
    squares = np.log(effects["estimate"].dropna().to_numpy(float) / main.estimate.value) ** 2
    return float(squares.max() / squares.sum()) if len(squares) and squares.sum() > 0 else math.nan


def _left_out(main: CoxResult, effects: pd.DataFrame, share: float, how: str) -> Exhibit:
    estimate = main.estimate
    return Exhibit(
        "retention.leave_one_out", "leave_one_out", "Being mentored, without each department in turn",
        {"rows": effects.assign(leavers=main.n_events)}, {"rows": Counted(("leavers",), ("estimate",))},
        {"overall": estimate.value, "overall_low": estimate.ci_low, "overall_high": estimate.ci_high, "share_largest": share},
        f"Departments at entry that carry information about the ratio; {how}.",
    )


def _rests_on(study: Prepared, main: CoxResult, share: float) -> Exhibit:
    parameters = len(main.table)
    kinds = {"jackknife": "leave-one-department-out jackknife", "cluster": "cluster-robust sandwich"}
    lines = [
        ("Departments at entry", f"{study.rows['dept_at_entry'].nunique():,}", math.nan),
        ("of them with information about being mentored", f"{main.n_clusters or 0:,}", math.nan),
        ("Largest share of one department in the variance", "not known" if math.isnan(share) else f"{share:.0%}", math.nan),
        ("Parameters of the model", f"{parameters:,}", math.nan),
        ("Leavers for each parameter", f"{main.n_events / parameters:.1f}", float(main.n_events)),
        ("Variance", kinds.get(main.variance, main.variance), math.nan),
    ]
    return table_exhibit(
        "retention.diagnostics", "What the estimate of being mentored rests on", pd.DataFrame(lines, columns=["what", "value", "leavers"]),
        counts=("leavers",), derived=("value",), labels={"what": "", "value": "Value", "leavers": "Leavers"},
        formats={"what": "text", "value": "text", "leavers": "count"},
        note="A department carries information when mentored and not mentored staff of the same tenure are there as somebody leaves.",
    )
