"""Do people with a mentor sit more between professions? Shares of ties across professions in the last year, of those mentored before it began.

Being mentored is settled on the first day of that year, so that nobody has to have stayed for it; those whose mentorship began later are left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError
from mentorship_eval.inference.mixing import share_difference
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.collaboration.indices import MOST_DRAWS
from mentorship_eval.questions.collaboration.ties import OUTCOME, TieStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["between_professions"]


def between_professions(study: TieStudy) -> Section:
    """Difference in the share of ties across professions, mentored minus not, within department and profession."""
    told, question, plan = Section(), "Ties across professions of mentored and of other people", study.cohort.study.plan
    end = (pd.Timestamp(study.cohort.window[1]) - pd.Timestamp("1970-01-01")).days
    begin = end - 365.0
    there = study.rows[(study.rows["start"] < begin) & (study.rows["stop"] >= begin)].drop_duplicates("staff_id").set_index("staff_id")
    later = study.rows[(study.rows["start"] >= begin) & (study.rows["mentored"] == 1)]["staff_id"].unique()
    people = there[~(there.index.isin(later) & (there["mentored"] == 0))]
    mine = study.ties[(study.ties["day"] > begin) & study.ties["from_id"].isin(people.index)]
    sums = mine.groupby("from_id")["across"].agg(["sum", "size"]).reindex(people.index, fill_value=0)
    dept = people["dept_id"].astype(str)
    marked = people["mentored"].to_numpy(int)
    counts = [(float(sums["sum"][marked == arm].sum()), float((sums["size"] - sums["sum"])[marked == arm].sum())) for arm in (1, 0)]
    size = [float((marked == arm).sum()) for arm in (1, 0)]
    if min(size) < 1 or min(sum(one) for one in counts) < 1:
        return told.lacks(question, "In the last year only one kind of people had ties.", "Matches that begin more than a year before the end.")
    estimand = "share of new ties across professions in the last year, mentored before it minus not, within department and profession"
    try:
        estimate, test = share_difference(
            sums["sum"].to_numpy(float), sums["size"].to_numpy(float), marked, (dept + " " + people["profession"]).to_numpy(str),
            dept.to_numpy(), draws=min(plan.permutations, MOST_DRAWS), seed=plan.seed, estimand=estimand,
        )  # fmt: skip
    except UsageError as error:
        return told.lacks(question, error.problem, "Departments with mentored and other people of one profession.")
    senders = [float(((sums["size"] > 0) & (marked == arm)).sum()) for arm in (1, 0)]
    behind = (*counts[0], *counts[1], *size, *senders)
    told.results.append(
        Result("collaboration.share_across", OUTCOME, estimand, "employed on the first day of the last year", estimate,
               "Share of ties across professions, mentored minus not", "companion", "Between professions", rests_on=behind)
    )  # fmt: skip
    if np.isfinite(test.p_value):
        kind = "all" if test.exact else f"{test.draws:,} random (seed {test.seed})"
        about = f"placebo test: {kind} permutations of mentorship within department and profession, people taken as independent"
        placebo = replace(estimate, se=np.nan, ci_low=np.nan, ci_high=np.nan, p_value=test.p_value, df=None, method=about)
        told.results.append(
            Result("collaboration.share_across.permutation", OUTCOME, f"{estimand}: placebo test", "employed on the first day of the last year",
                   placebo, "Share of ties across professions: placebo test", "diagnostic", "Between professions", rests_on=behind)
        )  # fmt: skip
    if np.isfinite(estimate.value):
        text = "In the last year, share of new ties that crossed professions, mentored people minus others of the same department and profession: "
        text += f"{estimate.interval(1)} percentage points."
        told.lead.append(Statement(text, rests_on=behind, results=("collaboration.share_across",), see=("collaboration.between",)))
    frame = pd.DataFrame([
        {"arm": word, "people": int(size[i]), "ties": int(sum(counts[i])), "across": int(counts[i][0]), "within": int(counts[i][1]),
         "share": counts[i][0] / sum(counts[i]), "index": 2 * counts[i][0] / sum(counts[i]) - 1, "senders": int(senders[i])}
        for i, word in enumerate(("Mentored before the year", "Not mentored"))
    ])  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "collaboration.between", "Ties of the last year, by mentorship on its first day", frame, counts=("people", "ties", "across", "within"),
            derived=("share", "index"), within="*", behind=("senders",), sums=(("ties", "across", "within"),), ratios={"share": ("across", "ties")},
            labels={"arm": "Mentorship", "people": "People", "ties": "Ties", "across": "Across", "within": "Within", "share": "Share across",
                    "index": "E-I index"},
            formats={"people": "count", "ties": "count", "across": "count", "within": "count", "share": "percent", "index": "number"},
            note="Not adjusted; the difference that is quoted compares people of the same department and profession.",
        )
    )  # fmt: skip
    told.methods.append(
        "Between professions: shares of the last twelve months among those employed on their first day, Mantel-Haenszel difference within department "
        "and profession (twice it is the difference of E-I indices), departments left out in turn; beside it a placebo test, which hands "
        "out mentorship anew within department and profession. Mentorship was not allotted so: the test asks whether such a difference would "
        "be odd, and no more."
    )
    return told
