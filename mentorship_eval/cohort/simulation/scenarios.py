"""The named scenarios: what each changes, and what it is there to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NO_EFFECT", "SCENARIOS", "Scenario"]


@dataclass(frozen=True)
class Scenario:
    """about: one line for --help; changes: parameters that differ from the defaults."""

    about: str
    changes: Mapping[str, Any] = field(default_factory=dict)


# nothing works and nothing is reported more
NO_EFFECT: Mapping[str, Any] = {
    "hazard_ratio": 1.0, "hazard_ratio_after": 1.0, "harm_irr": 1.0, "reporting": 1.0, "exhaustion_change": 0.0, "environment_change": 0.0,
    "project_ratio": 1.0, "promotion_mentored": 0.05, "resilience": (30.0, 6.0, 0.0), "engagement": (4.0, 1.1, 0.0),
    "wellbeing": (56.0, 19.0, 0.0), "training_in_time": (0.78, 0.78), "ties_across_ratio": 1.0, "audit_odds_ratio": 1.0,
    "self_efficacy": (31.0, 4.5, 0.0), "openness": (62.0, 20.0, 0.0), "safety_culture": (64.0, 18.0, 0.0), "across_units": (58.0, 18.0, 0.0),
    "work_family": (4.2, 1.2, 0.0), "belonging": (3.6, 0.7, 0.0), "satisfaction": (4.9, 1.0, 0.0),
    "leadership": (0.02, 0.02), "certification": (0.10, 0.10), "senior": (0.36, 0.36), "uptake_gaps": (0.0, 0.0),
    "remote_waits": 0.0, "slip_days": 0.0, "events": (0.8, 1.0), "reverse_gain": 0.0, "mentor_gain": 0.0,
    "lab_ratio": (1.0, 1.0), "adoption_ratio": 1.0, "outcome_ratio": 1.0,
    "score_ratio": 1.0, "suited": 0.0, "mentor_sd": 0.0, "instrument_shift": 0.0,
}

SCENARIOS: Mapping[str, Scenario] = {
    "default": Scenario("mentoring keeps staff, lowers harm slowly, raises reporting at once"),
    "null": Scenario("no effect of any kind: for false positives", NO_EFFECT),
    "confounded": Scenario("committed people stay anyway and take up mentoring: what no measured covariate explains",
                           {"commitment_hr": 0.81, "commitment_uptake": 0.7}),
    "immortal": Scenario("no effect, and a year's wait for a mentor: whoever was ever mentored had to stay for it",
                         {**NO_EFFECT, "uptake_delay": 12.0}),
    "reporting_culture": Scenario("less harm, much more reporting: all incidents together rise", {"reporting": 1.6}),
    "regression_to_mean": Scenario("no effect, wards chosen for a bad half-year: they improve by themselves",
                                   {**NO_EFFECT, "waves": (18,), "selection_months": 6}),
    "few_departments": Scenario("eight departments", {"departments": 8, "staff": 800}),
    "one_pilot_ward": Scenario("one department of nine has the programme",
                               {"departments": 9, "staff": 900, "treated_departments": 1, "waves": (12,)}),
    "tiny_programme": Scenario("one department of six, 150 staff", {"departments": 6, "staff": 150, "treated_departments": 1, "waves": (12,)}),
    "late_effect": Scenario("nothing for nine months of mentoring or programme, then a strong effect",
                            {"hazard_ratio": 0.5, "hazard_ratio_after": 0.5, "hazard_delay": 9.0, "match_months": (15.0, 21.0), "early_end": 0.0,
                             "harm_irr": 0.6, "harm_delay": 9, "ramp_months": 1, "reporting": 1.0, "waves": (6, 10, 14)}),
    "competing_exits": Scenario("rotations, fixed terms and retirements are most of the leaving",
                                {"contracts": (0.55, 0.10, 0.35), "limited_share": 0.35, "share_voluntary": 0.30, "share_retirement": 0.20,
                                 "share_end_of_contract": 0.60, "post_details": True}),
    "informative_missing": Scenario("the exhausted do not answer surveys, unless they have a mentor who reminds them",
                                    {"outcomes": True, "response_per_sd": -1.2, "response_mentored": 0.8, "exhaustion_change": -2.5}),
    "system_switch": Scenario("a new reporting system mid-window records far more and names categories anew",
                              {"systems": ("Datix", "LFPSE"), "switch_recording": 1.6, "switch_month": 18}),
    "messy": Scenario("a smaller default cohort as the raw extracts that evaluators get, with faults.json",
                      {"departments": 12, "staff": 900, "months": 24, "post_details": True, "outcomes": True}),
}
