"""Every optional table of a cohort, put together, with the truth of each; drawn with ``outcomes=True``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.simulation import delivery, learning, wards
from mentorship_eval.cohort.simulation import outcomes as extra
from mentorship_eval.cohort.simulation.departments import Departments
from mentorship_eval.cohort.simulation.instruments import instrument_truth, with_more_instruments
from mentorship_eval.cohort.simulation.parameters import Parameters
from mentorship_eval.cohort.simulation.steps import graded, steps_table, steps_truth

__all__ = ["further_tables"]


def further_tables(parameters: Parameters, departments: Departments, tables: dict[str, pd.DataFrame],
                   rng: dict[str, np.random.Generator]) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The optional tables by name, in the order in which they are drawn, and what is true of them."""
    matches, dept_ids = tables["matches"], tables["departments"]["dept_id"].to_numpy(object)
    more = {
        "survey_invites": extra.survey_invites(parameters, tables),
        "surveys": extra.surveys(parameters, tables, rng["outcomes"]),
        "projects": extra.projects(parameters, tables, rng["outcomes"]),
        "career_events": steps_table(parameters, tables, rng),
        "staff": graded(parameters, tables["staff"], rng["steps"]),
    }
    more["surveys"] = with_more_instruments(parameters, tables | more, rng)
    more["goals"] = delivery.goal_table(parameters, matches, rng["goals"])
    more["feedback"] = delivery.feedback_table(parameters, matches, tables["staff"], rng["feedback"])
    more["programmes"] = delivery.programme_table(parameters)
    more["training"] = learning.training_table(parameters, tables, rng["training"])
    if parameters.sampled < 1:
        staff = tables["staff"]["staff_id"].to_numpy()
        known = set(staff[rng["sampled"].random(len(staff)) < parameters.sampled])
        for name in ("survey_invites", "surveys", "training"):
            more[name] = more[name][more[name]["staff_id"].isin(known)].reset_index(drop=True)
    more["collaboration"] = learning.collaboration_table(parameters, tables, rng["collaboration"])
    more["collaboration"] = learning.with_handoffs(parameters, tables, more["collaboration"], rng["handoffs"])
    more["audits"], audited = wards.audit_table(parameters, departments, dept_ids, rng["audits"])
    more["costs"] = wards.cost_table(parameters)
    more["calendar"] = wards.calendar_table(parameters)
    more["dept_lineage"] = wards.lineage_table(parameters, dept_ids)
    truth = {**extra.outcome_truth(parameters), **instrument_truth(parameters), **delivery.delivery_truth(parameters),
             **learning.learning_truth(parameters), **steps_truth(parameters), **audited}
    return more, truth
