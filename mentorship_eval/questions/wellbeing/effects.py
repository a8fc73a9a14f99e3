"""Being mentored by the wave, against not yet, on every scale; and the programme being active in one's department, on department means.

Default: a mixed model over all waves, a level of the person and of the department, waves as they come, mentored as it changes; before the first
match the arms share their mean, so that a person's own first answer is what change is measured from (constrained longitudinal analysis, Liang &
Zeger 2000), and people without a first answer count with what they gave. Change scores are not the default: whoever begins high falls by itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.cohort.study.models import Plan
from mentorship_eval.did import linear_imputation
from mentorship_eval.errors import EstimationError
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.questions.allocation import own_rollout
from mentorship_eval.questions.answer import Exhibit, Result, Statement
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.families import planned_families
from mentorship_eval.questions.section import Section
from mentorship_eval.questions.wellbeing.asked import Scale, SurveyStudy
from mentorship_eval.surveys import families, favourable, important_difference, mixed_model

__all__ = ["HEADLINE", "by_scale", "counts_of", "on_departments", "primary_scale"]

HEADLINE = ("MBI-HSS", "EE")  # burnout leads where it was asked
GROUP = "Mentored by the wave, against not yet"
ASKED = "staff asked and not mentored before their first wave"
# more than any profile of disclosure withholds: fewer between two counts of people, and only one of the two is told
_FEW = 30
_UNCOUNTED = "The number of people is left out: a small number of people tells it from the number of scores of that wave."
_UNMEASURED = (
    "Who is mentored, and when, is taken not to depend on how people felt between two waves, given their own level, department, wave and the "
    "covariates of the plan; and who answers, on nothing but what was seen of them."
)


def primary_scale(study: SurveyStudy) -> Scale:
    """Emotional exhaustion if asked, else the scale with most answers; settled without looking at any difference."""
    for scale in study.scales:
        if scale.key is not None and (scale.key.name, scale.subscale) == HEADLINE:
            return scale
    return max(study.scales, key=lambda scale: int(study.rows[scale.column].notna().sum()))


def counts_of(rows: pd.DataFrame) -> tuple[float, ...]:
    """People and answers of either arm, behind every comparison."""
    arms = [rows[rows["mentored"] == arm] for arm in (1, 0)]
    return tuple(float(value) for part in arms for value in (part["person"].nunique(), len(part)))


def _told(estimate: Estimate, estimand: str, rows: pd.DataFrame) -> Estimate:
    return replace(estimate, estimand=estimand, n=int(rows["person"].nunique()), unit=estimate.unit or "points")


def by_scale(study: SurveyStudy) -> Section:
    """A difference for each scale, what it is worth beside the smallest that matters, shares beyond a cut-off, and p-values by family."""
    told, first = Section(cautions=list(study.cautions)), primary_scale(study)
    lines = []
    warned: dict[tuple[str, str], list[tuple[str, tuple[float, ...]]]] = {}  # the same caution on many scales is said once
    for scale in sorted(study.scales, key=lambda scale: scale is not first):
        rows = study.answers(scale)
        counts = counts_of(rows)
        if min(counts) < 1:
            told.lacks(f"{scale.name}: mentored against not", "Only one arm answered.", "Answers of mentored and of other staff.")
            continue
        try:
            fit = mixed_model(rows, outcome=scale.column, arm="mentored", wave="wave", person="person", cluster="dept", covariates=study.covariates,
                              jackknife=scale is first, icc_intervals=False)  # fmt: skip
        except EstimationError as error:
            told.lacks(f"{scale.name}: mentored against not", error.problem, error.fix or "More answers.")
            continue
        estimand = f"{scale.name.lower()} ({scale.direction}): mentored by the wave minus not yet, mean over the waves with both"
        estimate = _told(fit.estimate, estimand, rows)
        role = "headline" if scale is first else "companion"
        told.results.append(Result(f"wellbeing.{scale.slug}", scale.slug, estimand, ASKED, estimate, scale.name, role, GROUP, rests_on=counts))
        if fit.jackknife:
            robust = _told(fit.jackknife[0], f"{estimand}; departments left out in turn", rows)
            told.results.append(
                Result(f"wellbeing.{scale.slug}.jackknife", scale.slug, robust.estimand, ASKED, robust, f"{scale.name}, departments left out",
                       "sensitivity", "Departments left out in turn", rests_on=counts)
            )  # fmt: skip
        for c in fit.warnings:
            warned.setdefault((c.code, c.text), []).append((scale.name, counts))
        spread = float(rows.loc[rows["wave"] == rows["wave"].min(), scale.column].std(ddof=1))
        worth = important_difference(estimate, sd=spread, key=None if scale.key is None else scale.key.name,
                                     subscale=scale.subscale if scale.key is not None and scale.key.subscales else None,
                                     higher_is_better=scale.higher_is_better)  # fmt: skip
        lines.append({"scale": scale.name, "reading": scale.direction, "n": estimate.n, "difference": estimate.interval(2).replace("95 % CI ", ""),
                      "standardised": estimate.value / spread if spread > 0 else np.nan, "mid": worth.mid,
                      "place": "no size to hold it against" if np.isnan(worth.mid) else _AGAINST[worth.place],
                      "source": worth.source,
                      "id": f"wellbeing.{scale.slug}"})  # fmt: skip
        told.results += _beyond(study, scale, rows, counts)
        if role == "headline":
            told.lead.append(Statement(estimate.statement(), rests_on=counts, results=(f"wellbeing.{scale.slug}",), see=("wellbeing.scales",)))
    for (code, text), scales in warned.items():
        named = ", ".join(name if place == 0 else name[:1].lower() + name[1:] for place, (name, _) in enumerate(scales))
        told.cautions.append(Caution(code, f"{named}: {text}", {"rests_on": tuple(count for _, counts in scales for count in counts)}))
    if lines:
        told.cautions.append(Caution("unmeasured_wellbeing", _UNMEASURED))
        told.exhibits += [_table(lines), *_forest(told.results), *_families(told.results, study.cohort.study.plan)]
        told.methods.append(
            "Scales over waves: linear mixed models by restricted maximum likelihood, intercepts of department and person, wave, mentored at the "
            f"wave, covariates: {', '.join(study.covariates) or 'none'}; Kenward and Roger's standard errors and degrees of freedom; of the first "
            "scale departments are left out in turn as a check. Who was mentored before the first wave is left out."
        )
    return told


# places of `important_difference` as a table has room for them
_AGAINST = {
    "benefit": "benefit that matters", "harm": "harm that matters", "too small": "smaller than matters", "some benefit": "benefit, of unsettled size",
    "some harm": "harm, of unsettled size", "higher": "higher by what matters", "lower": "lower by what matters",
    "some higher": "higher, of unsettled size", "some lower": "lower, of unsettled size", "unclear": "not settled", "unknown": "no interval",
}  # fmt: skip


def _table(lines: list[dict[str, object]]) -> Exhibit:
    frame = pd.DataFrame(lines)
    of = frame.groupby("source", sort=False)["scale"].agg(list)
    sources = "; ".join(f"{', '.join(scales) if len(of) > 1 else 'all scales'}: {source}" for source, scales in of.items())
    return table_exhibit(
        "wellbeing.scales", "Mentored by the wave against not yet, in points of each scale", frame.drop(columns="source"), counts=("n",),
        derived=("difference", "standardised", "mid", "place"), results={"id": ""},
        labels={"scale": "Scale", "reading": "Reading", "n": "People", "difference": "Difference (95 % CI)", "standardised": "In SD",
                "mid": "Smallest that matters", "place": "The interval against it"},
        formats={"n": "count", "standardised": "number", "mid": "number"},
        note=f"In SD of the first wave at which the scale was asked. Smallest difference that matters, by scale: {sources}. Smaller than matters: "
        "the whole interval is, in either direction. Not settled: it holds both no difference and one that matters. Benefit and harm are told of "
        "scales whose direction is known, higher and lower of the others.",
    )  # fmt: skip


def _forest(results: list[Result]) -> list[Exhibit]:
    """Differences in SD would need each one's error: the forest shows the risk differences, which share a scale."""
    shares = [r for r in results if r.id.endswith(".beyond")]
    if not shares:
        return []
    return [
        forest_exhibit("wellbeing.shares", "Share beyond the cut-off, mentored against not, at the last wave", shares,
                       value_label="Percentage points", log=False, sides=("fewer", "more"),
                       note=_UNCOUNTED if any(r.estimate.n is None for r in shares) else "")
    ]  # fmt: skip


def _beyond(study: SurveyStudy, scale: Scale, rows: pd.DataFrame, counts: tuple[float, ...]) -> list[Result]:
    """Difference in the share beyond the published cut-off at the last wave; nothing where there is none."""
    if scale.cutoff is None:
        return []
    at_least, at_most, means = scale.cutoff
    last = rows[rows["wave"] == study.last]
    score = last[scale.column]
    inside = (score >= at_least) if at_least is not None else (score <= at_most)
    cells = tuple(float(v) for v in pd.crosstab(last["mentored"], inside).to_numpy().ravel())
    try:
        fit = favourable(last, favourable=scale.column, arm="mentored", covariates=study.covariates, cluster="dept", at_least=at_least,
                         at_most=at_most)  # fmt: skip
    except EstimationError:
        return []
    estimand = f"share with {scale.name.lower()} {means} at the last wave: mentored by then minus not"
    e = fit.estimate
    estimate = replace(e, value=100 * e.value, se=100 * e.se, ci_low=100 * e.ci_low, ci_high=100 * e.ci_high, unit="percentage points",
                       estimand=estimand)  # fmt: skip
    everyone = study.all_answers(scale)
    if 0 < int((everyone["wave"] == study.last).sum()) - len(last) < _FEW:
        estimate = replace(estimate, n=None).warn(Caution("counts_rounded", _UNCOUNTED))
    return [
        Result(f"wellbeing.{scale.slug}.beyond", f"{scale.slug}_{means.replace(' ', '_')}", estimand, "staff who answered at the last wave", estimate,
               f"{scale.name}: {means}", "companion", "Beyond the cut-off", rests_on=(*counts, *cells))
    ]  # fmt: skip


def _families(results: list[Result], plan: Plan) -> list[Exhibit]:
    """p-values adjusted within the families of the plan; scales that it does not name are one."""
    compared = {r.id: r.estimate for r in results if r.role in ("headline", "companion") and not r.id.endswith(".beyond")}
    compared = {name: estimate for name, estimate in compared.items() if np.isfinite(estimate.p_value)}
    if len(compared) < 2:
        return []
    names = {r.id: r.label for r in results}
    family = dict(zip(compared, planned_families(plan.families, list(compared), "all scales"), strict=True))
    frame = families(compared, family=family)
    several = len(set(family.values())) > 1
    shown = ["scale", *(["family"] if several else []), "p_value", "holm", "benjamini_hochberg", "id"]
    frame = frame.assign(scale=frame["id"].map(names))[shown]
    return [
        table_exhibit(
            "wellbeing.adjusted", "p-values for the number of scales", frame, derived=("p_value", "holm", "benjamini_hochberg"), results={"id": ""},
            labels={"scale": "Scale", **({"family": "Family"} if several else {}), "p_value": "p", "holm": "Holm",
                    "benjamini_hochberg": "Benjamini-Hochberg"},
            formats=dict.fromkeys(("p_value", "holm", "benjamini_hochberg"), "p"),
            note="Adjusted within each family of the plan, as far as it stands in this table: what it has elsewhere is not counted." if several else
            "All scales are one family: adjusted within this table.",
        )
    ]


# -- the programme in one's department --------------------------------------------------------------------------------------------


def on_departments(study: SurveyStudy) -> Section:
    """Department means over waves, by linear imputation on departments where the programme is not active yet; of the primary scale."""
    told, scale = Section(), primary_scale(study)
    question = f"{scale.name} where the programme is active"
    if not study.cohort.has("rollout"):
        return told.lacks(question, "When departments took up the programme is not in these data.", "rollout (dept_id, active_from)")
    live = pd.to_datetime(own_rollout(study.cohort).set_index("dept_id")["active_from"])
    rows = study.all_answers(scale)  # whoever works there: also those who were mentored before their first wave
    days = study.everyone.groupby("wave")["day"].median()
    panel = rows.groupby(["dept", "wave"])[scale.column].agg(["mean", "size"]).reset_index()
    # a department counts as live at a wave when it went live on its day or before
    waves = np.sort(study.everyone["wave"].unique())
    when = days.reindex(waves).to_numpy()
    adopted = {}
    for dept, day in live.items():
        after = np.flatnonzero(when >= np.datetime64(day)) if pd.notna(day) else np.array([], int)
        adopted[dept] = float(waves[after[0]]) if len(after) else np.nan
    panel["adopted"] = panel["dept"].map(adopted)
    try:
        fit = linear_imputation(panel, outcome="mean", unit="dept", time="wave", adopted="adopted", weights="size", permutations=0)
    except EstimationError as error:
        return told.lacks(question, error.problem, "Waves before and after departments went live.")
    estimand = f"mean {scale.name.lower()} of departments where the programme is active, minus what it would have been"
    estimate = replace(fit.estimate, estimand=estimand, unit="points")
    cells = (float(panel["size"].min()),)
    told.results.append(
        Result(f"wellbeing.{scale.slug}.programme", scale.slug, estimand, "departments asked at two waves or more", estimate,
               f"{scale.name}, programme active", "companion", "Programme active in the department", rests_on=cells)
    )  # fmt: skip
    told.cautions += [Caution(c.code, f"Programme active in the department: {c.text}", {"rests_on": cells}) for c in fit.warnings]
    told.methods.append(
        "Programme active in the department: linear imputation (Borusyak, Jaravel & Spiess 2024) on department means weighted by answers; other "
        "people answer at each wave, and staff who join or leave, or were mentored before their first wave, are part of it."
    )
    return told
