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

    leaver_rate: float = Field(gt=0, lt=1, description="leavers a year over the mean head-count, 0.12 for 12 %")
    source: str = Field(description="who published it, as the report is to name it")
    includes_suspended: bool = Field(default=True, description="whether it counts people who go on maternity leave or a career break as leavers")


class Rules(Strict):
    """How messy records are read; every use is in the repair log. The codes are those of docs/checks.md."""

    primary: Literal["largest_wte", "longest", "declared"] = Field(
        default="largest_wte", description="which of two concurrent posts counts: the larger, the longer, or that with `is_primary` (R102)"
    )
    wte_cap: float = Field(default=1.0, gt=0, le=3, description="the most whole-time equivalents of one person (R102)")
    rehire_gap_days: float = Field(default=30, ge=0, description="a return within so many days continues the employment (R103)")
    same_day_days: float = Field(default=0.5, gt=0, lt=1, description="what a spell counts that ends on the day on which it began (R105)")
    suspended: Literal["keep", "remove"] = Field(
        default="keep", description="whether maternity leave, career breaks and secondments stay in the time at risk (R107)"
    )
    retire_return: Literal["leave", "stay"] = Field(
        default="leave", description="whether a retirement with a return is a leave, or the employment goes on (W108)"
    )
    retire_return_days: Days = Field(default=365, description="within how many days a return makes it so (W108)")
    bank: Literal["stay", "leave"] = Field(
        default="stay",
        description="a bank contract after a substantive post: still employment, or left out, so that the post ends as recorded (W108)",
    )
    mass_ends: Literal["as_recorded", "administrative"] | list[date] = Field(
        default="as_recorded",
        description="how a day counts on which unusually many of a department left; a list of days: those alone are administrative (W108)",
    )
    mass_end_share: float = Field(default=0.05, gt=0, le=1, description="share of a department from which a day is unusual (W108)")
    lineage: Literal["apply", "ignore"] = Field(
        default="apply", description="whether departments that merged, split or changed their name are told as stable units of `dept_lineage` (R110)"
    )
    missing_exposure: Literal["stop", "exclude"] = Field(
        default="stop", description="department-months with incidents and without patient-days: stop, or leave them out (E111, R111)"
    )
    exposure_jump: float = Field(default=3, gt=1, description="factor between months from which patient-days are called odd (W111)")
    reporting_lag: Literal["flag", "drop"] = Field(
        default="flag", description="months whose reports are still coming in: say so, or leave them out (W114, R114)"
    )
    reported_share: float = Field(
        default=0.95, gt=0, lt=1, description="share of a month's reports that must have come in by the day of the extract (W114)"
    )
    stray_sessions: Share = Field(
        default=0.05,
        description="sessions outside match and employment are left out up to this share of all, and stop the work above it (E116, R116)",
    )
    match_start: Literal["first_session", "missing"] = Field(
        default="first_session", description="a match without a start begins with its first held session, or exposes nobody (W117)"
    )
    response_share: Share = Field(default=0.5, description="share of those asked below which answers to a survey are called few (W119)")
    response_difference: Share = Field(default=0.1, description="difference of that share between the arms above which it is said (W119)")
    mature_share: Share = Field(
        default=0.25, description="share of people whom the window must let be followed to a time for it to be told without a caution (W124)"
    )
    min_controls: int = Field(default=2, ge=1, description="the fewest departments without the programme from which a month has a comparison")
    benchmark: Benchmark | None = Field(default=None, description="a published leaver rate to set beside this cohort's")
    profession_destinations: Annotated[dict[str, Literal["left", "stayed", "unknown"]], BeforeValidator(text_map)] = Field(
        default_factory=dict,
        description="what each destination on leaving means under `plan.leaving: profession`: `{Agency: left, Another hospital: stayed}`",
    )
