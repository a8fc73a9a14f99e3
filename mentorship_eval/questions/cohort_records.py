"""What happened to the records while they were read: findings by kind, repairs in sums, rows in and out, evaluations before this one."""

from __future__ import annotations

import re

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.reading.findings import CODES
from mentorship_eval.errors import listing
from mentorship_eval.questions.answer import Counted, Exhibit
from mentorship_eval.questions.exhibits import table_exhibit

__all__ = ["alike", "findings_table", "flow_exhibits", "looks_table", "repairs_table"]

_FLOW = {"read": "Rows in", "removed": "Removed", "added": "Added", "kept": "Kept"}
_SEVERITY = {"E": "stops", "R": "repaired", "W": "to be known"}


def alike(text: str, column: str = "") -> str:
    """A message without the column and the numbers in it, so that messages of one kind are equal."""
    return re.sub(r"\d[\d.,:-]*", "…", text.replace(column, "…") if column else text)


def _few(text: str, smallest: int) -> str:
    """A message whose numbers below the disclosure threshold are not told: no ledger sees what stands within a sentence."""
    return re.sub(r"(?<![\w.,:/'#-])[1-9]\d*(?![\w:/'-]|[.,]\d)", lambda number: f"<{smallest}" if int(number[0]) < smallest else number[0], text)


def flow_exhibits(cohort: Cohort) -> list[Exhibit]:
    """Rows read, removed and kept: as a diagram and as the table behind it."""
    flow = cohort.flow
    frame = pd.DataFrame(
        {
            "table": flow["table"],
            "reason": flow["reason"].replace("", "read"),
            "read": flow["rows_in"],
            "removed": flow["removed"].clip(lower=0),
            "added": (-flow["removed"]).clip(lower=0),
            "kept": flow["kept"],
        }
    )
    if not frame["added"].any():
        frame = frame.drop(columns="added")
    numbers = tuple(name for name in ("read", "removed", "added", "kept") if name in frame)
    counted = Counted(numbers, adds_up=True, populations=("read", "kept"))
    diagram = Exhibit("cohort.flow", "flow_diagram", "Rows read, removed and kept", {"flow": frame}, {"flow": counted}, {"unit": "rows"})
    table = table_exhibit(
        "cohort.flow_rows",
        "Rows in, removed and kept, step by step",
        frame.copy(),
        counts=numbers,
        adds_up=True,
        populations=("read", "kept"),
        formats=dict.fromkeys(numbers, "count"),
        labels={"table": "Table", "reason": "Step", **{name: _FLOW[name] for name in numbers}},
        note="Rows in less rows removed are the rows kept, and every step begins with what the one before it kept."
        + (" Rows are added where one becomes several: an assignment split around a larger one, an answer scored on several scales."
           if "added" in frame else ""),
    )
    return [diagram, table]


def findings_table(cohort: Cohort) -> Exhibit | None:
    """Findings of one kind in one line: repairs first, then what is to be known; None where nothing was found."""
    items = list(cohort.findings)
    if not items:
        return None
    smallest = cohort.study.disclosure.threshold
    groups: dict[tuple[str, ...], list] = {}
    for item in sorted(items, key=lambda one: ("ERW".index(one.severity), one.code[1:], one.table)):
        groups.setdefault((item.code, item.table, item.file, alike(item.message, item.column), alike(item.fix, item.column)), []).append(item)
    rows = [
        {
            "kind": _SEVERITY[code[0]],
            "what": f"{code} {CODES[code]}",
            "file": file or table,
            "column": listing(dict.fromkeys(item.column for item in found if item.column), 6),
            "count": sum(item.count for item in found),
            "message": _few(found[0].message, smallest),
            "fix": _few(found[0].fix, smallest),
        }
        for (code, table, file, *_), found in groups.items()
    ]
    frame = pd.DataFrame(rows)
    frame = frame.drop(columns=[name for name in ("column", "fix") if (frame[name] == "").all()])
    labels = {
        "kind": "Kind",
        "what": "Code",
        "file": "File",
        "column": "Column",
        "count": "Rows",
        "message": "Finding",
        "fix": "What to do",
    }
    return table_exhibit(
        "cohort.findings",
        "Findings by kind",
        frame,
        counts=("count",),
        labels={name: label for name, label in labels.items() if name in frame},
        formats={"count": "count"},
        note="Findings of one kind stand in one line, with the words of the first; mentorship-eval check lists each with its rows. "
        "Nothing was changed without a line in repair_log.csv.",
    )


def repairs_table(cohort: Cohort) -> Exhibit | None:
    """The repair log in sums: how many cells or rows of which column were changed, and why; None where nothing was repaired."""
    log = cohort.repair_log
    if log.empty:
        return None
    told = pd.DataFrame(
        {
            "what": [f"{code} {CODES.get(code, '')}" for code in log["code"]],
            "table": log["table"],
            "column": log["column"],
            "reason": [alike(str(reason)) for reason in log["reason"]],
            "count": log["count"],
        }
    )
    summed = told.groupby(["what", "table", "column", "reason"], sort=True, as_index=False)["count"].sum()
    return table_exhibit(
        "cohort.repairs",
        "Repairs in sums",
        summed,
        counts=("count",),
        formats={"count": "count"},
        labels={"what": "Code", "table": "Table", "column": "Column", "reason": "Why", "count": "Cells or rows"},
        note="Numbers within a reason are left out here (…). Who holds the data gets each repair, with its row and what stood there before, by "
        "mentorship-eval check --repair-log.",
    )


def looks_table(cohort: Cohort) -> Exhibit | None:
    """The evaluations of the programme on record, this one last; None at the first."""
    look = cohort.look
    if look.number == 1:
        return None
    study = cohort.study.study
    rows = [(past.name, past.start, past.end, past.plan or "not known") for past in look.earlier]
    rows.append((cohort.name, study.start, study.end, look.plan))
    frame = pd.DataFrame([(n, *row) for n, row in enumerate(rows, start=1)], columns=["look", "name", "start", "end", "plan"])
    frame[["start", "end"]] = frame[["start", "end"]].map(lambda day: "" if day is None else str(day))
    return table_exhibit(
        "cohort.looks",
        "Evaluations of this programme on record",
        frame,
        formats={"look": "text"},
        labels={"look": "Look", "name": "Study", "start": "From", "end": "To", "plan": "Plan (hash)"},
        note="From study.earlier in study.yaml and looks.csv beside it. Each look is another chance of a false positive; intervals and p-values "
        "are not adjusted for that. A different hash is a different plan.",
    )
