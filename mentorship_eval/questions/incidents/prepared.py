"""What every analysis of incident rates starts from: the panel, what is counted in it, and the default fit of a count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.cohort.panels import Panel, department_months
from mentorship_eval.questions.allocation import BLOCK, allocations, own_rollout, with_blocks
from mentorship_eval.questions.rates import RateFit, fit_rates

__all__ = ["POPULATION", "Kind", "Prepared", "from_audits", "from_records"]

POPULATION = "department-periods with the programme"

_KINDS = (
    ("harm", "harm_incidents", "Incidents with harm", "headline"),
    ("no_harm", "no_harm_incidents", "Incidents without harm", "headline"),
    ("near_miss", "near_miss_incidents", "Near misses", "companion"),
    ("all_incidents", "all_incidents", "All incidents together (a mixture)", "audit"),
)


@dataclass(frozen=True)
class Kind:
    """What is counted: column of the panel, outcome as the plan calls it, label for readers, role of its result."""

    column: str
    outcome: str
    label: str
    role: str

    @property
    def short(self) -> str:
        return self.label.split(" (")[0]


@dataclass(frozen=True)
class Prepared:
    """A panel of counts, one row per department and period, and how it is spoken of.

    rows: dept_id, period (whole numbers), the exposure, a column per kind, and ``adopted`` (first period with the programme, missing for
    never); exposure_words as in "per 1,000 patient-days"; name_of: a period as readers know it; made: how the panel came from incident
    records, None when the counts came ready-made. fits: the default fit per column that could be fitted, filled by the first part.
    """

    cohort: Cohort
    rows: pd.DataFrame
    kinds: tuple[Kind, ...]
    exposure: str
    adopted: str
    exposure_words: str
    name_of: Callable[[float], Any]
    time_unit: str
    made: Panel | None = None
    fits: dict[str, RateFit] = field(default_factory=dict)

    @property
    def records(self) -> pd.DataFrame | None:
        """The incidents table, None when the counts came ready-made."""
        return None if self.made is None else self.cohort.table("incidents")

    @property
    def random_timing(self) -> bool:
        """Whether the dates were drawn by lot; they are permuted within the lottery (`with_blocks`), so that others do not matter."""
        return allocations(self.cohort) == {"random"}

    def kind(self, column: str) -> Kind | None:
        return next((kind for kind in self.kinds if kind.column == column), None)

    @property
    def places(self) -> int:
        return int(self.rows["dept_id"].nunique())

    def fit(
        self, column: str, label: str, *, outcome: str | None = None, rows: pd.DataFrame | None = None, exposure: str | None = None,
        words: str | None = None, permutations: int = 0, anticipation: int | None = None, min_controls: int | None = None, brief: bool = False,
        **options: Any,
    ) -> RateFit:  # fmt: skip
        """The default estimator for the counts of ``column``, with the choices of the plan where none are given.

        rows, exposure and words ("per 1,000 patient-days") replace those of the panel; brief spares the tables by time and wave.
        Raises `EstimationError`.
        """
        plan, rules = self.cohort.study.plan, self.cohort.study.rules
        if permutations and BLOCK in (self.rows if rows is None else rows):
            options = {"permute_within": BLOCK, **options}
        return fit_rates(
            self.rows if rows is None else rows, outcome=outcome or column, label=label, count=column, exposure=exposure or self.exposure,
            unit="dept_id", adopted=self.adopted, rate_label=f"{label.split(' (')[0]} {words or self.exposure_words}", per=1000,
            min_controls=rules.min_controls if min_controls is None else min_controls,
            anticipation=plan.anticipation if anticipation is None else anticipation, permutations=permutations, seed=plan.seed,
            month_of=self.name_of, time_unit=self.time_unit, tables=not brief, **options,
        )  # fmt: skip

    def panel(self, *, incidents: pd.DataFrame | None = None, by: str | None = None, denominator: str = "patient_days") -> Panel:
        """Department-months made anew: of some of the incidents only, split ``by`` a column of theirs, or by another denominator."""
        start, end = self.cohort.window
        chosen = self.cohort.table("incidents") if incidents is None else incidents
        return department_months(
            incidents=chosen, exposure=self.cohort.table("exposure"), rollout=own_rollout(self.cohort), start=start, end=end,
            by=by, denominator=denominator,
        )  # fmt: skip


def from_records(cohort: Cohort) -> Prepared:
    """Department-months of the incident records of a cohort, per patient-day."""
    start, end = cohort.window
    made = department_months(
        incidents=cohort.table("incidents"), exposure=cohort.table("exposure"), rollout=own_rollout(cohort), start=start, end=end
    )
    first = pd.Timestamp(start).to_period("M")
    seen = [Kind(*kind) for kind in _KINDS if made.rows[kind[0]].sum() > 0]
    if not {"harm", "no_harm"} <= {kind.column for kind in seen}:
        # half of a pair is no headline
        seen = [Kind(k.column, k.outcome, k.label, "companion" if k.role == "headline" else k.role) for k in seen]
    return Prepared(
        cohort, with_blocks(cohort, made.rows), tuple(seen), "patient_days", "adopted", "per 1,000 patient-days",
        lambda period: str(first + int(period) - 1), "month", made,
    )  # fmt: skip


def from_audits(cohort: Cohort) -> Prepared:
    """No incident is counted: what the audits of a cohort need besides their own table."""
    first = pd.Timestamp(cohort.window[0]).to_period("M")
    nothing = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in (("dept_id", object), ("period", int), ("adopted", float))})
    return Prepared(cohort, nothing, (), "", "adopted", "", lambda period: str(first + int(period) - 1), "month")
