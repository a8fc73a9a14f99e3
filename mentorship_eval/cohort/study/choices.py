"""Which analyses stand around the default ones, and how the next pairs are chosen: keys of ``plan``, and ``matching``."""

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

    definition: Literal["absorbing", "current"] = "absorbing"
    lag_days: float = Field(default=0, ge=0)
    grace_days: float = Field(default=0, ge=0)


class SensitivityChoice(Strict):
    """Which other analyses stand around the default one of being mentored; an empty list or false leaves that one out.

    Days of lags, grace periods (exposure that ends with the match, so many days later), landmarks since hire and rehire gaps;
    clusters other than the department at entry; named shocks of the calendar left out; every rule for messy records that touched the cohort turned
    (docs/checks.md); reasons for leaving that mentorship should not move; the days before a go-live
    that stand for a programme that is not there yet.
    """

    without_strata: bool = True
    without_calendar: bool = True
    clusters: Annotated[tuple[Clusters, ...], BeforeValidator(listed)] = ("current_department", "person", "none")
    lags_days: list[Days] = Field(default_factory=lambda: [30.0, 90.0])
    other_definition: bool = True
    grace_days: list[Days] = Field(default_factory=lambda: [90.0])
    exclude_prevalent: bool = True
    hired_in_window: bool = True
    rehire_gaps_days: list[Days] = Field(default_factory=lambda: [0.0, 30.0, 90.0])
    remove_suspended: bool = True
    exclude_planned_ends: bool = True
    without_shocks: bool = True
    rules: bool = True
    landmarks_days: list[Days] = Field(default_factory=lambda: [91.0, 183.0, 274.0, 365.0])
    negative_outcomes: Names = Field(default_factory=lambda: ["death", "end_of_contract"])
    lead_days: float = Field(default=91, ge=0)

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

    Months before a go-live that are left out (anticipation); smallest numbers of comparison departments; other denominators (columns
    of exposure); whether months after the end of a programme, months marked incomplete and the months in which reports still come
    in are left out; days within which a report counts as prompt; months around a change of the reporting system that are left
    out; every rule for messy records that touched the tables turned (docs/checks.md); comparison departments of a site where the programme
    runs (spillover); the false-discovery rate over categories;
    the companion estimators; programmes of rollout that are not the mentorship (an innovation lab), told beside it and together with it; the
    most departments that get a chart of their own.
    """

    anticipation_months: list[Months] = Field(default_factory=lambda: [1, 3])
    min_controls: list[Months] = Field(default_factory=lambda: [1, 3, 5])
    denominators: Names = Field(default_factory=lambda: ["staffed_wte", "items_dispensed", "admissions"])
    categories: bool = True
    severity: bool = True
    false_discovery_rate: float = Field(default=0.05, gt=0, lt=1)
    without_months_after_end: bool = True
    without_incomplete_months: bool = True
    prompt_days: float = Field(default=7, gt=0)
    switch_months: int = Field(default=1, ge=0)
    without_shocks: bool = True
    rules: bool = True
    spillover: bool = True
    companions: bool = True
    other_programmes: Names = Field(default_factory=list)
    charts: int = Field(default=12, ge=0)


class EconomicsChoice(Strict):
    """How costs are valued where the table costs does not say; amounts there always come first.

    leaver_cost with its range, currency, price year and source: the value of one leaver avoided. The default is a benchmark of hospitals in the
    United States (NSI 2025) and has to be overridden elsewhere. law: from which amounts are drawn; discount_rate: per year, beyond the first.
    """

    leaver_cost: float = Field(default=61110, gt=0)
    leaver_cost_low: float = Field(default=49500, gt=0)
    leaver_cost_high: float = Field(default=72700, gt=0)
    currency: str = "USD"
    price_year: int = Field(default=2025, ge=1980, le=2100)
    source: str = ""
    law: Literal["gamma", "triangular", "pert"] = "gamma"
    discount_rate: float = Field(default=0.035, ge=0, lt=1)
    draws: int = Field(default=20000, ge=1000, le=1_000_000)

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

    enabled: bool = False
    months: int = Field(default=6, ge=1, le=24)


Weight = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]


class MatchingWeights(Strict):
    """What counts how much in a pair's score; what is left out keeps its default (`mentorship_eval.matching.Weights`)."""

    goals: Weight = None
    field: Weight = None
    concordance: Weight = None
    preference: Weight = None
    unmatched: Weight = None

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
    """``matching``: what a programme keeps from wave to wave when it lets ``mentorship-eval match`` propose pairs.

    untrained: whether mentors get mentees who, where the table mentors tells it, have no completed training on the day, or one that has
    expired. scarce: who comes first when places are fewer than mentees: the highest total of scores, or everybody with the same claim,
    however easily suited (`mentorship_eval.matching.fairness`). capacity: of mentors for whom none is recorded (nobody unless given).
    seed: of random pairs and of lots; draws: random rounds to which the proposal is compared.
    """

    weights: MatchingWeights = MatchingWeights()
    untrained: Literal["leave_out", "allow"] = "leave_out"
    scarce: Literal["total", "equal"] = "total"
    capacity: int | None = Field(default=None, ge=0)
    draws: int = Field(default=100, ge=2, le=100_000)
    seed: int = Field(default=0, ge=0)
