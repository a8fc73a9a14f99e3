"""The repair log as it may be published: every kind of repair with how often it was made, but no row of a person.

A line of the full log has a row of a file, what stood there and often a date; a run under disclosure control must not tell it.
`mentorship-eval check COHORT --repair-log FILE` writes the full log for those who hold the data.
"""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.disclosure import Rule
from mentorship_eval.questions.cohort_records import alike
from mentorship_eval.report.manifest import without_place

__all__ = ["full_log", "published_log"]

_KIND = ["code", "table", "column", "reason"]


def _files(names: pd.Series) -> str:
    """The file, or how many there are: a month's list alone may hold few."""
    distinct = names.unique()
    return str(distinct[0]) if len(distinct) == 1 else f"{len(distinct)} files"


def full_log(cohort: Cohort) -> pd.DataFrame:
    """Every repair: code, table, file, row, column, before, after, reason, count; files without the folder they stand in."""
    log = cohort.repair_log.copy()
    if "file" in log:
        log["file"] = [without_place(str(name)) for name in log["file"]]
    return log


def published_log(cohort: Cohort, rule: Rule) -> pd.DataFrame:
    """The full log without disclosure control; else one line for each code, table, column and reason.

    Its count is the sum, or the mark of the rule where that is small; where a single count of a code in a table would be marked, the
    next smallest is marked with it, since their sum stands among the findings. Row, before and after are blank, and so are numbers
    within a reason, which may be rows, days or dates of one person.
    """
    log = full_log(cohort)
    if not rule.active or log.empty:
        return log
    kinds = log.assign(reason=[alike(str(reason)) for reason in log["reason"]])
    summed = kinds.groupby(_KIND, sort=False, as_index=False).agg(count=("count", "sum"), file=("file", _files))
    hidden = summed["count"].map(rule.small).to_numpy()
    for _, places in summed.groupby(["code", "table"]).indices.items():
        if hidden[places].sum() == 1 and len(places) > 1:
            others = places[~hidden[places]]
            hidden[others[summed["count"].to_numpy()[others].argmin()]] = True
    rounded = pd.Series(rule.rounded(summed["count"].to_numpy(float)), index=summed.index).astype(int)
    summed["count"] = rounded.astype(object).mask(hidden, rule.mark)
    return summed.assign(row="", before="", after="")[list(log.columns)]
