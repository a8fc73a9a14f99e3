"""Forests, table and figures of audited measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.did import BinomialImputation
from mentorship_eval.questions.answer import Counted, Exhibit, Result
from mentorship_eval.questions.exhibits import forest_exhibit, table_exhibit
from mentorship_eval.questions.incidents.prepared import Prepared

__all__ = ["DIRECTION", "Measure", "measure_figure", "measure_forests", "measure_table"]

DIRECTION = "Which direction of a measure is good is not in the data: neither a rise nor a fall is called better or worse."
SPARSE = 10


@dataclass(frozen=True)
class Measure:
    """One measure: its identifier, its name for readers, its fit, what its test is, and its name in the table (source).

    met, others: records of the target cells that met the criterion and that did not.
    """

    name: str
    label: str
    fit: BinomialImputation
    source: str

    @property
    def met(self) -> float:
        return self.fit.observed

    @property
    def others(self) -> float:
        return self.fit.denominator_total - self.fit.observed

    @property
    def p_value(self) -> float:
        """Of the t test; of the permutation test where there is none (few departments treated, or to compare with)."""
        p = self.fit.difference.p_value
        return p if np.isfinite(p) else self.fit.permutation_p

    @property
    def ids(self) -> tuple[str, str]:
        return f"incidents.audit.{self.name}", f"incidents.audit.{self.name}.ratio"


def measure_forests(results: list[Result]) -> list[Exhibit]:
    """Differences and ratios, each on its own axis."""
    note = f"The column n counts audited department-months with the programme, events the records in them that meet the criterion. {DIRECTION}"
    options = {"sides": ("lower share", "higher share"), "unit": "department-months", "note": note}
    main = [r for r in results if r.role == "companion"]
    differences = [r for r in main if not r.estimate.is_ratio and np.isfinite(r.estimate.value)]
    ratios = [r for r in main if r.estimate.is_ratio and np.isfinite(r.estimate.value) and r.estimate.value > 0]
    out = []
    if differences:
        out.append(forest_exhibit("incidents.audits.differences", "Audited measures: differences of shares", differences,
            value_label="Difference, percentage points", log=False, digits=1, **options))
    if ratios:
        out.append(forest_exhibit("incidents.audits.ratios", "Audited measures: ratios of shares", ratios, value_label="Ratio of shares", **options))
    return out


def measure_table(found: list[Measure], adjusted: np.ndarray) -> Exhibit:
    """Records, shares and p-values of the measures, adjusted for their number where there are several."""
    frame = pd.DataFrame([
        {
            "results": " ".join(one.ids), "measure": one.label, "met": one.met, "others": one.others, "observed": one.met / (one.met + one.others),
            "expected": one.fit.expected_total / one.fit.denominator_total, "difference": one.fit.difference.value, "p": one.p_value, "adjusted": q,
        }
        for one, q in zip(found, adjusted, strict=True)
    ])  # fmt: skip
    labels = {
        "measure": "Measure", "met": "Records that meet the criterion", "others": "that do not", "observed": "Observed share",
        "expected": "Expected share", "difference": "Difference, percentage points", "p": "p", "adjusted": "Adjusted p",
    }  # fmt: skip
    formats = {"met": "count", "others": "count", "observed": "percent", "expected": "percent", "difference": "number", "p": "p", "adjusted": "p"}
    derived = ("observed", "expected", "difference", "p", "adjusted")
    note = "Records of department-months with the programme. p of the difference"
    if any(not np.isfinite(one.fit.difference.p_value) and np.isfinite(one.p_value) for one in found):
        note += "; where there is no interval, of the permutation of go-live dates"
    if len(found) > 1:
        note += "; adjusted by Benjamini and Hochberg for the number of measures"
    else:
        frame, derived = frame.drop(columns="adjusted"), derived[:-1]
        labels, formats = ({k: v for k, v in part.items() if k != "adjusted"} for part in (labels, formats))
    return table_exhibit("incidents.audits.measures", "Audited measures", frame, counts=("met", "others"), derived=derived, results={"results": ""},
        labels=labels, formats=formats, note=f"{note}.")


def measure_figure(study: Prepared, one: Measure) -> Exhibit:
    """Observed and expected share by month, or by quarter where months hold few records of either kind."""
    cells = one.fit.expected.assign(others=lambda frame: frame["denominator"] - frame["observed"])
    monthly = cells.groupby("time")[["observed", "others"]].sum().to_numpy()
    sparse = bool(((monthly > 0) & (monthly < SPARSE)).any(axis=1).mean() > 0.1)
    first = cells["time"].min()
    cells["bin"] = (cells["time"] - first) // (3 if sparse else 1) * (3 if sparse else 1) + first
    by_time = cells.groupby("bin", as_index=False).agg(
        met=("observed", "sum"), others=("others", "sum"), expected=("expected", "sum"), denominator=("denominator", "sum"),
        n_units=("unit", "nunique"),
    )
    frame = pd.DataFrame({
        "period": [study.name_of(value) for value in by_time["bin"]], "observed": 100 * by_time["met"] / by_time["denominator"],
        "expected": 100 * by_time["expected"] / by_time["denominator"], "n_units": by_time["n_units"], "events": by_time["met"],
        "others": by_time["others"],
    })  # fmt: skip
    word = "quarter" if sparse else study.time_unit
    return Exhibit(
        f"incidents.audits.{one.name}.observed", "observed_expected", f"{one.label} where the programme was active: observed and expected",
        {"rows": frame}, {"rows": Counted(("events",), ("observed",), within="*", behind=("others",), ratios={"observed": "events"})},
        {"rate_label": f"{one.label} (% of records)", "period_label": word.capitalize()},
        f"Shares by {word}. Expected: what department and month effects of the untreated department-months predict for the treated ones.",
        rests_on=(one.met, one.others),
    )  # fmt: skip
