"""Person-periods of a caller's frame as a sorted panel, checked for what the history of a person must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, listing
from mentorship_eval.survival.columns import event_flags, labels_of, read_groups
from mentorship_eval.survival.design import build_design
from mentorship_eval.survival.histories.period_basis import PeriodBasis, period_basis
from mentorship_eval.survival.histories.structural_fit import Panel
from mentorship_eval.survival.weighting.arms import flags, treated_rows
from mentorship_eval.survival.weighting.logistic import refuse_dependent

__all__ = ["LATE", "Setup", "read_panel"]

LATE = "late entry"


@dataclass(frozen=True)
class Setup:
    """panel: sorted; order: positions of its rows in the data; persons, clusters: labels; when_event: the function of time of the
    outcome model; gaps: rows that follow missing periods; prevalent: persons who come late and treated;
    time_names: terms of time in the treatment model."""

    panel: Panel
    order: np.ndarray
    persons: tuple[object, ...]
    clusters: tuple[object, ...]
    when_event: PeriodBasis
    outcome_terms: list[str]
    treatment_terms: list[str]
    gaps: int
    prevalent: int
    time_names: list[str]


def read_panel(
    data: pd.DataFrame, person: str, period: str, treatment: str, event: str, baseline: Sequence[str] | Mapping[str, object], varying: list[str],
    censored: str | None, strata: str | None, cluster: str | None, time: str, reference: Mapping[str, object] | None,
) -> Setup:
    """Columns as a sorted panel, checked for what the history of a person must be."""
    when = data[period].to_numpy()
    if when.dtype.kind not in "iuf" or (when != np.round(when)).any():
        raise EstimationError(f"Period {period!r} does not hold whole numbers.", fix="Number the periods, or let person_periods make them.")
    people = read_groups(data, person)
    order = np.lexsort((when, people.codes))
    who, when = people.codes[order], when[order].astype(int)
    first = np.r_[True, who[1:] != who[:-1]]
    happened, treated = event_flags(data, event)[order], treated_rows(data, treatment)[order]
    lost = None if censored is None else flags(data, censored, "Censoring")[order]

    def refuse(wrong: np.ndarray, what: str, fix: str) -> None:
        if wrong.any():
            mask = np.zeros(len(data), dtype=bool)
            mask[order[wrong]] = True
            rows = labels_of(data, mask)
            raise EstimationError(f"{len(rows):,} rows ({listing(rows)}) {what}.", fix=fix, rows=rows)

    follows = ~first
    previous = np.r_[0, np.arange(len(who) - 1)]
    refuse(follows & (when == when[previous]), f"repeat a {period!r} of the same {person!r}", "Keep one row a person and period.")
    refuse(follows & happened[previous], f"come after the event of the same {person!r}", "End a person's rows with the event.")
    refuse(follows & treated[previous] & ~treated, f"end {treatment!r} again",
           "Treatment that has begun stays: code it as ever begun (intention to treat), and say so.")
    if lost is not None:
        refuse(follows & lost[previous], f"come after {censored!r} of the same {person!r}", "End a person's rows where they are lost.")
        refuse(lost & happened, "are lost and have the event", "A row is one or the other.")
    groups = read_groups(data, cluster or person)
    refuse(follows & (groups.codes[order] != groups.codes[order][previous]), f"change {cluster!r} within a person", "Use the cluster at entry.")
    deciding = first | np.r_[False, ~treated[:-1]]
    fixed = build_design(data, baseline, reference) if len(list(baseline)) else None
    changing = build_design(data, varying, {k: v for k, v in (reference or {}).items() if k in varying})
    at_treatment = period_basis(time, when[deciding], when[deciding & treated])
    at_event = period_basis(time, when, when[happened])
    at_entry = first & (when > when.min())
    functions, time_names = at_treatment.columns(when), list(at_treatment.names)
    if at_entry.any() and 0 < treated[at_entry].sum() < at_entry.sum():
        # who comes late may have begun at any time before: a prevalence, with a level of its own, not the chance of one period
        functions, time_names = np.vstack([functions, at_entry[np.newaxis].astype(float)]), [*time_names, LATE]
    empty = np.zeros((0, len(data)))
    panel = Panel(
        person=who, first=first, period=when, treated=treated, event=happened, lost=lost, baseline=(fixed.matrix if fixed else empty)[:, order],
        varying=changing.matrix[:, order], when_treated=functions, when_event=at_event.columns(when),
        strata=read_groups(data, strata).codes[order], cluster=groups.codes[order],
    )
    names: list[str] = list(fixed.terms) if fixed else []
    owners = [design.covariates[owner] for design in (fixed, changing) if design for owner in design.owner]
    treatment_terms = [*names, *time_names, *changing.terms]
    owned = [*owners[: len(names)], *(period for _ in time_names), *owners[len(names):]]
    rows = panel.deciding
    decided = np.vstack([panel.baseline, panel.when_treated, panel.varying])[:, rows]
    refuse_dependent(decided, panel.strata[rows], int(panel.strata.max()) + 1, treatment_terms, owned, "treatment model")
    outcome_terms = [treatment, *names, *at_event.names]
    x = np.vstack([treated[np.newaxis].astype(float), panel.baseline, panel.when_event])
    owned = [treatment, *owners[: len(names)], *(period for _ in at_event.names)]
    refuse_dependent(x, panel.strata, int(panel.strata.max()) + 1, outcome_terms, owned, "outcome model")
    return Setup(panel, order, people.labels, groups.labels, at_event, outcome_terms, treatment_terms,
                  int(np.sum(follows & (when > when[previous] + 1))), int(np.sum(at_entry & treated)), time_names)
