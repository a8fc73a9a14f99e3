"""How messy records are read: the key ``rules`` of study.yaml. docs/checks.md tells what each rule does, and what turns it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mentorship_eval.cohort.study.types import Days, Strict, text_map

__all__ = ["Benchmark", "Rules"]

Share = Annotated[float, Field(ge=0, le=1)]


class Benchmark(Strict):
    """A published leaver rate to set beside this cohort's."""

    leaver_rate: float = Field(gt=0, lt=1)
    source: str
    includes_suspended: bool = True


class Rules(Strict):
    """How messy records are read; every use is in the repair log. Each key belongs to the code of its comment."""

    # R102: which of two concurrent posts is the primary one, and the most whole-time equivalents of one person
    primary: Literal["largest_wte", "longest", "declared"] = "largest_wte"
    wte_cap: float = Field(default=1.0, gt=0, le=3)
    # R103, R105, R107
    rehire_gap_days: float = Field(default=30, ge=0)
    same_day_days: float = Field(default=0.5, gt=0, lt=1)
    suspended: Literal["keep", "remove"] = "keep"
    # W108: ends that may be administrative
    retire_return: Literal["leave", "stay"] = "leave"
    retire_return_days: Days = 365
    bank: Literal["stay", "leave"] = "stay"
    mass_ends: Literal["as_recorded", "administrative"] | list[date] = "as_recorded"
    mass_end_share: float = Field(default=0.05, gt=0, le=1)
    # R110, E111, W111
    lineage: Literal["apply", "ignore"] = "apply"
    missing_exposure: Literal["stop", "exclude"] = "stop"
    exposure_jump: float = Field(default=3, gt=1)
    # W114: months whose reports are still coming in, and the share of a month's reports that must have come
    reporting_lag: Literal["flag", "drop"] = "flag"
    reported_share: float = Field(default=0.95, gt=0, lt=1)
    # E116: the share of sessions outside match and employment from which the work stops; W117
    stray_sessions: Share = 0.05
    match_start: Literal["first_session", "missing"] = "first_session"
    # W119, W124
    response_share: Share = 0.5
    response_difference: Share = 0.1
    mature_share: Share = 0.25
    # not about records
    min_controls: int = Field(default=2, ge=1)
    benchmark: Benchmark | None = None
    profession_destinations: Annotated[dict[str, Literal["left", "stayed", "unknown"]], BeforeValidator(text_map)] = Field(default_factory=dict)
