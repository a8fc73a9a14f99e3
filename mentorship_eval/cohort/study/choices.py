"""Which analyses stand around the default ones, and how the next pairs are chosen: keys of ``plan``, and ``matching``.

The descriptions are what docs/study.md says of a key (`python tools/study_keys.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mentorship_eval.cohort.schema.people import LEAVING_REASONS
from mentorship_eval.cohort.study.types import Days, Names, Strict, listed

__all__ = ["EconomicsChoice", "ExposureChoice", "ForecastChoice", "IncidentChoice", "MatchingChoice", "SensitivityChoice"]

Clusters = Literal["current_department", "person", "none"]
Months = Annotated[int, Field(ge=1)]


class ExposureChoice(Strict):
    """How being mentored is turned into exposed time."""

    definition: Literal["absorbing", "current"] = Field(
        default="absorbing", description="`absorbing`: once mentored, always mentored; `current`: only while the match lasts"
    )
    lag_days: float = Field(default=0, ge=0, description="days after the match from which somebody counts as mentored")
    grace_days: float = Field(default=0, ge=0, description="under `current`: days after the end of the match through which somebody still counts")


class SensitivityChoice(Strict):
    """Which other analyses stand around the default one of being mentored; an empty list or false leaves that one out.

    Every analysis changes one thing of the default one; those that would be the same in these data are named below the figure.
    """

    without_strata: bool = Field(default=True, description="without strata of the department")
    without_calendar: bool = Field(default=True, description="without calendar quarters")
    clusters: Annotated[tuple[Clusters, ...], BeforeValidator(listed)] = Field(
        default=("current_department", "person", "none"), description="standard errors by other clusters than the department at entry"
    )
    lags_days: list[Days] = Field(default_factory=lambda: [30.0, 90.0], description="mentored only from so many days after the match")
    other_definition: bool = Field(default=True, description="the other one of `plan.exposure.definition`")
    grace_days: list[Days] = Field(default_factory=lambda: [90.0], description="mentored until so many days after the match ends")
    exclude_prevalent: bool = Field(default=True, description="without those who were mentored before they were followed")
    hired_in_window: bool = Field(default=True, description="only those hired within the window")
    rehire_gaps_days: list[Days] = Field(
        default_factory=lambda: [0.0, 30.0, 90.0], description="other gaps up to which a return continues the employment (`rules.rehire_gap_days`)"
    )
    remove_suspended: bool = Field(default=True, description="without maternity leave, career breaks and secondments")
    exclude_planned_ends: bool = Field(default=True, description="without those who entered on a fixed-term or rotational contract")
    without_shocks: bool = Field(default=True, description="without the time of each named shock of `calendar`")
    rules: bool = Field(default=True, description="each rule for messy records that touched the cohort, turned ([checks.md](checks.md))")
    landmarks_days: list[Days] = Field(
        default_factory=lambda: [91.0, 183.0, 274.0, 365.0],
        description="mentored by so many days since hire against not, among those still there then",
    )
    negative_outcomes: Names = Field(
        default_factory=lambda: ["death", "end_of_contract"], description="reasons for leaving that mentorship should not move (negative controls)"
    )
    lead_days: float = Field(
        default=91,
        ge=0,
        description="days before a department's go-live that stand for a programme that is not there yet (negative control); 0 for none",
    )

    @field_validator("negative_outcomes")
    @classmethod
    def _reasons(cls, value: list[str]) -> list[str]:
        for reason in value:
            if reason not in LEAVING_REASONS or reason == "voluntary":
                others = [known for known in LEAVING_REASONS if known != "voluntary"]
                raise ValueError(f"{reason!r} is not a reason for leaving that could be a negative control; there are {', '.join(others)}")
        return value


class IncidentChoice(Strict):
    """Which other analyses stand around the default one of incident rates; an empty list or false leaves that one out.

    Every analysis changes one thing of the default one; those that would be the same in these data are named below the figure.
    """

    anticipation_months: list[Months] = Field(default_factory=lambda: [1, 3], description="months before go-live left out of the comparison")
    min_controls: list[Months] = Field(
        default_factory=lambda: [1, 3, 5], description="other smallest numbers of comparison departments (the default analysis: `rules.min_controls`)"
    )
    denominators: Names = Field(
        default_factory=lambda: ["staffed_wte", "items_dispensed", "admissions"],
        description="columns of `exposure` to divide by in place of patient-days, where they are filled",
    )
    categories: bool = Field(default=True, description="rate ratios by category of incident")
    severity: bool = Field(default=True, description="rate ratios by degree of harm")
    false_discovery_rate: float = Field(
        default=0.05, gt=0, lt=1, description="of the categories of one side (harm, no harm), and of audited measures"
    )
    without_months_after_end: bool = Field(default=True, description="without months after the end of a programme (`rollout.active_to`)")
    without_incomplete_months: bool = Field(
        default=True, description="without months marked incomplete, and without those whose reports may still come in"
    )
    prompt_days: float = Field(default=7, gt=0, description="days within which a report is prompt")
    switch_months: int = Field(default=1, ge=0, description="months on either side of a change of the reporting system that are left out; 0 for none")
    without_shocks: bool = Field(default=True, description="without the months and departments of each named shock of `calendar`")
    rules: bool = Field(default=True, description="each rule for messy records that touched the tables, turned ([checks.md](checks.md))")
    spillover: bool = Field(default=True, description="compared with untouched sites only; the site's share with the programme held fixed")
    companions: bool = Field(default=True, description="other estimators beside the default one, and the two-way audit")
    other_programmes: Names = Field(
        default_factory=list,
        description="`programme_id`s of `rollout` that are not the mentorship (an innovation lab), told beside it and together with it; "
        "left out: those under which nobody was matched, where `matches` names programmes",
    )
    charts: int = Field(default=12, ge=0, description="the most departments that get a control chart each; 0 for no charts")


class EconomicsChoice(Strict):
    """How costs are valued where the table costs does not say; amounts there always come first.

    leaver_cost is the value of one leaver avoided. The default is a benchmark of hospitals in the United States (NSI 2025) and has to be
    overridden elsewhere.
    """

    leaver_cost: float = Field(
        default=61110, gt=0, description="value of one leaver avoided. **The default is a benchmark of hospitals in the United States** "
        "(NSI 2025): give your own, with `currency` and `price_year`, or a row of `costs` with the unit leaver"
    )  # fmt: skip
    leaver_cost_low: float = Field(
        default=49500, gt=0, description="lowest plausible value; that of a `leaver_cost` of your own is the amount itself"
    )
    leaver_cost_high: float = Field(default=72700, gt=0, description="highest plausible value, likewise")
    currency: str = Field(default="USD", description="of `leaver_cost`; only with it")
    price_year: int = Field(default=2025, ge=1980, le=2100, description="of `leaver_cost`; only with it")
    source: str = Field(default="", description="where `leaver_cost` comes from, for the report; only with it")
    law: Literal["gamma", "triangular", "pert"] = Field(
        default="gamma", description="from which uncertain amounts are drawn ([methods.md](methods.md))"
    )
    discount_rate: float = Field(default=0.035, ge=0, lt=1, description="per year beyond the first, in the figures beside the main one")
    draws: int = Field(default=20000, ge=1000, le=1_000_000, description="draws of everything uncertain")

    @model_validator(mode="after")
    def _in_order(self) -> EconomicsChoice:
        given = "leaver_cost" in self.model_fields_set
        if given:
            # an amount of one's own has the range that is given with it, else none
            for name in ("leaver_cost_low", "leaver_cost_high"):
                if name not in self.model_fields_set:
                    object.__setattr__(self, name, self.leaver_cost)
            missing = {"currency", "price_year"} - self.model_fields_set
            if missing:
                raise ValueError(f"leaver_cost needs {' and '.join(sorted(missing))} beside it")
        elif {"leaver_cost_low", "leaver_cost_high", "currency", "price_year", "source"} & self.model_fields_set:
            raise ValueError("these describe leaver_cost, which is not given")
        if not self.leaver_cost_low <= self.leaver_cost <= self.leaver_cost_high:
            raise ValueError("leaver_cost does not lie between its low and high")
        return self

    @property
    def is_benchmark(self) -> bool:
        """Whether the value of a leaver is the built-in benchmark."""
        return "leaver_cost" not in self.model_fields_set


class ForecastChoice(Strict):
    """Forecasts of monthly totals of the organisation; off unless asked for. There is no forecast of people, and no key for one."""

    enabled: bool = Field(default=False, description="whether there are forecasts at all")
    months: int = Field(default=6, ge=1, le=24, description="how many months ahead")


Weight = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]


class MatchingWeights(Strict):
    """What counts how much in a pair's score; what is left out keeps its default (`mentorship_eval.matching.Weights`)."""

    goals: Weight = Field(default=None, description="domains sought that the mentor offers")
    field: Weight = Field(default=None, description="same profession and specialty")
    concordance: Weight = Field(default=None, description="what the mentee wishes to have in common with the mentor")
    preference: Weight = Field(default=None, description="a mentor whom the mentee named")
    unmatched: Weight = Field(default=None, description="what a mentee without a mentor costs, in units of the score")

    @model_validator(mode="after")
    def _some(self) -> MatchingWeights:
        if not any(value is None or value > 0 for value in (self.goals, self.field, self.concordance, self.preference)):
            raise ValueError("goals, field, concordance and preference are all 0; at least one has to count")
        return self

    @property
    def given(self) -> dict[str, float]:
        """Those that were written down."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class MatchingChoice(Strict):
    """What a programme keeps from wave to wave when it lets ``mentorship-eval match`` propose pairs."""

    weights: MatchingWeights = MatchingWeights()
    untrained: Literal["leave_out", "allow"] = Field(
        default="leave_out", description="whether mentors without a completed training on the day, or with one that has expired, get mentees"
    )
    scarce: Literal["total", "equal"] = Field(
        default="total",
        description="who comes first when places are fewer than mentees: `total`, the highest sum of scores; "
        "`equal`, everybody with the same claim, however easily suited",
    )
    capacity: int | None = Field(default=None, ge=0, description="mentees at a time of mentors whose capacity is blank; they get nobody without it")
    draws: int = Field(default=100, ge=2, le=100_000, description="rounds of random pairs to which the proposal is compared")
    seed: int = Field(default=0, ge=0, description="seed of random pairs and of lots")
