"""From a landmark, weighted: mentored and not mentored staff of the same departments made alike in what is known of them.

The weights are inverse probabilities of being mentored by the landmark, given the baseline covariates and the department. They
are estimated again in every leave-one-department-out refit, so that the interval knows that they were estimated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.covariates import varying
from mentorship_eval.questions.exhibits import DAYS_PER_MONTH, table_exhibit
from mentorship_eval.questions.retention.being_mentored import MENTORED
from mentorship_eval.questions.retention.from_landmark.landmark import ARMS, AtLandmark, arm_curves, capital
from mentorship_eval.questions.retention.model_rows import OUTCOME, persons_not_rows
from mentorship_eval.questions.retention.prepared import Prepared
from mentorship_eval.questions.retention.support import on_both_arms
from mentorship_eval.questions.section import Section
from mentorship_eval.survival import balance, iptw_cox, largest_tau, overlap, propensity_weights, rmst
from mentorship_eval.survival.weighting.propensity import PropensityWeights

__all__ = ["weighted_from_landmark"]

POPULATION = "still employed at the landmark, in departments with both mentored and not mentored staff"
SHORTEST = 3  # months that a restricted mean should at least span
MONTHS = 24  # the horizon of the restricted mean, where follow-up allows it
_QUESTION = "Time employed after the landmark, weighted"
_MANY = 1000  # people in an arm from which a percentile of their weights is told
MAIN_CLIP = (0.01, 0.99)
KINDS = {
    "ate": "the inverse probability of their own arm, clipped at the 1st and 99th percentile",
    "overlap": "the probability of the other arm (overlap weights)",
}
CLIPS: dict[str, tuple[float, float] | None] = {
    "weights clipped at 1 and 99 %": MAIN_CLIP,
    "weights not clipped": None,
    "weights clipped at 0.1 and 99.9 %": (0.001, 0.999),
}


@on_both_arms
def weighted_from_landmark(study: Prepared, at: AtLandmark) -> Section:
    """Balance, overlap and weights; weighted curves; restricted mean time employed; the weighted hazard ratio and other clippings."""
    rows = at.comparable
    told = Section()
    if rows["mentored"].nunique() < 2:
        return told.lacks(_QUESTION, "No department has both mentored and not mentored staff at the landmark.", "A later or earlier landmark.")
    covariates = varying(rows, list(at.covariates))
    if not covariates:
        return told.lacks(_QUESTION, "No baseline covariate varies, so there is nothing to weight by.", "plan.covariates in study.yaml")
    estimand = "ate"
    try:
        made = _weigh(rows, covariates, MAIN_CLIP)
    except EstimationError:
        try:
            made, estimand = _weigh(rows, covariates, None, "overlap"), "overlap"
        except EstimationError as error:
            return told.lacks(_QUESTION, error.problem, "Broader categories of the covariates, or more staff at the landmark.")
        # the refusal counts and lists people
        text = "From the landmark: by the covariates of the plan some people could only be in one arm, so that nobody can be compared with them. "
        text += "Overlap weights are used: the comparison is among those who might be in either arm."
        told.cautions.append(Caution("overlap_weights", text))
    rows = rows.assign(weight=made.weights)
    left_out = len(at.rows) - len(rows)
    told.cautions += [Caution(c.code, f"From the landmark: {c.text}", c.data) for c in made.warnings]
    if left_out:
        text = f"{left_out / len(at.rows):.0%} of the people at the landmark work in departments where everybody, or nobody, was mentored by "
        text += "then; the weighted comparison goes without them."
        told.cautions.append(Caution("no_counterpart", text, {"share": left_out / len(at.rows), "persons": left_out, "complement": len(rows)}))
    told.exhibits += [_love(rows, covariates, made), _overlap(rows, made), _weights(rows, made)]
    told.exhibits.append(
        arm_curves(
            study, at, rows, "retention.landmark.curves", f"{capital(study.words.still)}, weighted, from {at.months:.0f} months after hire",
            weights="weight", method="Kaplan-Meier weighted by inverse probability of mentorship, intervals clustered by department",
            note="Weights make the two groups alike in the covariates of the plan and in their departments; in what is not known they may differ.",
        )
    )
    _restricted_mean(told, study, at, rows, made)
    _hazard_ratios(told, study, at, rows, covariates, estimand)
    told.methods.append(
        f"From the landmark, people of departments with both arms are weighted by {KINDS[estimand]} (logistic regression of having been mentored by "
        f"then on {', '.join(covariates)}, an intercept for each department); intervals by leave-one-department-out jackknife with the weights "
        "refitted."
    )
    return told


def _weigh(rows: pd.DataFrame, covariates: list[str], clip: tuple[float, float] | None, estimand: str = "ate") -> PropensityWeights:
    # marginal shares in the numerator: the arms of the weighted population then also have the same mix of departments
    return propensity_weights(
        rows, treatment="mentored", covariates=covariates, strata="dept_id", stabilised="overall", clip=clip, estimand=estimand
    )


def _months(estimate: Estimate) -> Estimate:
    """A time in days told in months."""
    parts = {name: getattr(estimate, name) / DAYS_PER_MONTH for name in ("value", "se", "ci_low", "ci_high")}
    return replace(estimate, **parts, unit="months")


def _restricted_mean(told: Section, study: Prepared, at: AtLandmark, rows: pd.DataFrame, made: PropensityWeights) -> None:
    try:
        tau = min(float(largest_tau(rows, stop="stop", by="arm", at_risk=10)), MONTHS * DAYS_PER_MONTH)
        if tau < SHORTEST * DAYS_PER_MONTH:
            reason = f"Ten people in each arm are followed for no more than {tau / DAYS_PER_MONTH:.1f} months after the landmark."
            told.lacks(_QUESTION, reason, "More follow-up after the landmark.")
            return
        fit = rmst(rows, stop="stop", event="exit", by="arm", tau=tau, cluster="dept_at_entry", reweight=made.refit, reference=ARMS[0])
        plain = rmst(rows, stop="stop", event="exit", by="arm", tau=tau, cluster="dept_at_entry", reference=ARMS[0])
    except EstimationError as error:
        told.lacks(_QUESTION, error.problem, "More follow-up after the landmark.")
        return
    if fit.difference is None or plain.difference is None:
        return
    span = f"{tau / DAYS_PER_MONTH:.1f} months".replace(".0 months", " months")
    estimand = f"difference in mean time {study.words.still} within {span} after the landmark, mentored by then minus not"
    for name, one, label, role in (
        ("retention.landmark.rmst", fit.difference, f"Months {study.words.still}, of {span} after the landmark: weighted difference", "companion"),
        ("retention.landmark.rmst.unweighted", plain.difference, "The same, not weighted", "sensitivity"),
    ):
        estimate = persons_not_rows(_months(one), len(rows), int(((rows["exit"] == 1) & (rows["stop"] <= tau)).sum()), estimand)
        told.results.append(Result(name, OUTCOME, estimand, POPULATION, estimate, label, role, "Time employed after the landmark"))
    told.cautions += [Caution(c.code, f"Time employed after the landmark: {c.text}", c.data) for c in fit.warnings]
    means = fit.table.assign(**{name: fit.table[name] / DAYS_PER_MONTH for name in ("rmst", "ci_low", "ci_high", "rmtl")})
    told.exhibits.append(
        table_exhibit(
            "retention.landmark.means", f"Mean time {study.words.still} within {span} after the landmark, weighted",
            means[["by", "n", "n_event", "rmst", "ci_low", "ci_high", "rmtl"]], counts=("n", "n_event"),
            derived=("rmst", "ci_low", "ci_high", "rmtl"),
            labels={"by": "Arm", "n": "Persons", "n_event": "Left by then", "rmst": "Months employed", "ci_low": "CI low", "ci_high": "CI high",
                    "rmtl": "Months lost"},
            formats={"n": "count", "n_event": "count"},
        )
    )


def _hazard_ratios(told: Section, study: Prepared, at: AtLandmark, rows: pd.DataFrame, covariates: list[str], weighting: str) -> None:
    within = f"mentored within {at.months:.0f} months of hire against not, among those still there then, weighted"
    for name, clip in (CLIPS if weighting == "ate" else {"overlap weights": None}).items():
        try:
            fit = iptw_cox(
                rows, stop="stop", event="event", treatment="mentored", covariates=covariates, propensity_strata="dept_id",
                stabilised="overall", strata="dept_id", cluster="dept_at_entry", clip=clip, estimand=weighting,
                # refitting every weight without each department is for the main clipping; the others show where the estimate goes
                variance="jackknife" if clip == MAIN_CLIP or weighting == "overlap" else "cluster",
            )
        except EstimationError as error:
            told.lacks(f"The weighted hazard ratio, {name}", error.problem, "Broader categories of the covariates.")
            continue
        estimand = f"hazard of {study.words.leaving}, {within} ({name})"
        estimate = persons_not_rows(fit.estimate, len(rows), int(rows["event"].sum()), estimand)
        code = name.replace(" ", "_").replace("%", "percent").replace(".", "_")
        label = f"From the landmark, {name}"
        told.results.append(Result(f"retention.landmark.{code}", OUTCOME, estimand, POPULATION, estimate, label, "sensitivity", MENTORED))


def _love(rows: pd.DataFrame, covariates: list[str], made: PropensityWeights) -> Exhibit:
    table = balance(rows, treatment="mentored", covariates=covariates, weights=made.weights).table
    level = np.where(table["level"] == "", table["covariate"], table["level"])
    # how many people a level has: a difference in shares of a small level would give them away
    levels = zip(table["covariate"], table["level"], strict=True)
    sizes = [len(rows) if lev == "" else int((rows[cov].astype(str) == lev).sum()) for cov, lev in levels]
    levels = zip(table["covariate"], table["level"], strict=True)
    fewest = [_smallest_cell(rows, cov, lev) for cov, lev in levels]
    frame = pd.DataFrame({
        "group": [str(name).replace("_", " ").capitalize() for name in np.where(table["level"] == "", "", table["covariate"])],
        "label": [str(name).replace("_", " ") for name in level], "before": table["smd_before"], "after": table["smd_after"], "n": sizes,
        "fewest": fewest,
    })
    return Exhibit(
        "retention.landmark.balance", "love_plot", "How alike mentored and not mentored staff are, before and after weighting",
        {"rows": frame}, {"rows": Counted(("n",), ("before", "after"), behind=("fewest",))}, {"n": len(rows)},
    )


def _smallest_cell(rows: pd.DataFrame, covariate: str, level: str) -> float:
    """The smallest number of people, if any, who have or do not have a level, in either arm: a difference of shares tells of each."""
    here = pd.Series(True, index=rows.index) if level == "" else rows[covariate].astype(str) == level
    cells = [int((part & (rows["mentored"] == arm)).sum()) for part in (here, ~here) for arm in (0, 1)]
    return float(min((count for count in cells if count), default=0))


def _overlap(rows: pd.DataFrame, made: PropensityWeights) -> Exhibit:
    bins = overlap(rows, treatment="mentored", propensity=made.propensity).table.rename(columns={"n_treated": ARMS[1], "n_control": ARMS[0]})
    long = bins.melt(["bin_low", "bin_high"], list(ARMS.values()), var_name="arm", value_name="count")
    return Exhibit(
        "retention.landmark.overlap", "overlap", "Probability of having been mentored by the landmark", {"rows": long},
        {"rows": Counted(("count",), within="arm")}, {"n": len(rows), "x_label": "Probability of having been mentored"},
        "Given the covariates of the plan and the department.",
    )


def _weights(rows: pd.DataFrame, made: PropensityWeights) -> Exhibit:
    w, arm = made.weights.to_numpy(), rows["arm"].to_numpy()
    edges = np.linspace(0, np.ceil(w.max() * 5 + 1e-9) / 5, 21)
    bins, summary = [], []
    for name in ARMS.values():
        mine = w[arm == name]
        bins.append(pd.DataFrame({"arm": name, "bin_low": edges[:-1], "bin_high": edges[1:], "count": np.histogram(mine, edges)[0]}))
        # the largest weight is one person's: the 99th percentile stands for it, where ten people lie above it
        size = mine.sum() ** 2 / (mine**2).sum()
        high = np.quantile(mine, 0.99) if len(mine) >= _MANY else np.nan
        row = {"arm": name, "n": len(mine), "mean": mine.mean(), "sd": mine.std(ddof=1), "p99": high, "n_effective": size}
        summary.append(row)
    return Exhibit(
        "retention.landmark.weights", "weights", "Weights that make the arms alike",
        {"rows": pd.concat(bins, ignore_index=True), "summary": pd.DataFrame(summary)},
        {"rows": Counted(("count",), within="arm"), "summary": Counted(("n",), ("mean", "sd", "p99", "n_effective"), within="*")},
        {"n": len(rows), "clip": None if made.limits is None else tuple(round(limit, 2) for limit in made.limits), "method": made.method},
    )
