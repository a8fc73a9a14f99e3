"""Target-trial emulation by a sequence of trials, for an exposure that begins at any time of follow-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.estimate import Caution, Estimate
from mentorship_eval.inference.intervals import ratio_estimate
from mentorship_eval.inference.shown import Shown
from mentorship_eval.survival.columns import event_flags, interval_times, labels_of, read_groups, require_columns
from mentorship_eval.survival.design import build_design
from mentorship_eval.survival.hazards.cox_regression import cox
from mentorship_eval.survival.hazards.cox_result import CoxResult
from mentorship_eval.survival.histories.trial_rows import MADE, TrialGrid, build_trials, censoring_weights, read_onset, trial_grid
from mentorship_eval.survival.weighting.arms import read_clip
from mentorship_eval.survival.weighting.reweighted import refit_without_clusters

__all__ = ["SequentialTrials", "sequential_trials"]

PROTOCOLS = ("per protocol", "intention to treat")
JACKKNIFE_BELOW = 30
LATE = 0.1  # share of initiators in no trial beyond which it is said


@dataclass(frozen=True, kw_only=True)
class SequentialTrials(Shown):
    """table: trial, time, eligible, initiators, controls, events_initiators, events_controls, crossovers, used (both arms there);
    rows: a row a person and trial (more with censoring weights): the given columns, row (position in the data), trial, trial_time,
    trial_start, trial_stop (since the trial's begin), trial_event, treated, trial_weight;
    cox: the stratified model of them; initiators, missed: persons who begin exposure under observation and are, or are not, in a
    trial as such.
    """

    table: pd.DataFrame
    rows: pd.DataFrame = field(repr=False)
    cox: CoxResult
    estimate: Estimate
    protocol: str
    n_persons: int
    initiators: int
    missed: int
    method: str
    warnings: tuple[Caution, ...]

    def statement(self) -> str:
        """The hazard ratio with its interval, and what it rests on."""
        used = self.table[self.table["used"]]
        return (f"{self.estimate.statement()[:-1]}, from {len(used):,} trials with {int(used['initiators'].sum()):,} initiators and "
                f"{int(used['controls'].sum()):,} control places of {self.n_persons:,} persons ({self.protocol}).")


def sequential_trials(
    data: pd.DataFrame, *, person: str, stop: str, event: str, exposed_from: str, every: float, start: str | None = None,
    covariates: Sequence[str] | Mapping[str, object] = (), strata: str | Sequence[str] | None = None, cluster: str | None = None,
    protocol: str = "per protocol", censoring: Sequence[str] = (), clip: tuple[float, float] | None = (0.01, 0.99), first: float | None = None,
    last: float | None = None, ties: str = "efron", variance: str = "auto", ci_level: float = 0.95, reference: Mapping[str, object] | None = None,
) -> SequentialTrials:
    """Hazard ratio of beginning exposure about now against not yet, over trials that begin every so often.

    Parameters
    ----------
    data : one row a person: under observation over (start, stop], 0/1 event at stop, ``exposed_from`` the time at which
        exposure begins (missing: never; it stays), covariates as they stood before. Times since one origin, such as hire.
    every : time between trials and width of the windows in which exposure counts as begun for a trial (see `trial_rows`). A
        person is in every trial at whose begin the window finds them unexposed before; those exposed at an earlier time are in none.
    protocol : "per protocol" censors controls when their own exposure begins; "intention to treat" does not, and so compares with people
        some of whom are exposed later.
    censoring : covariates, fixed, of a pooled logistic model that weights controls for staying unexposed; needed when what drives
        exposure also drives the event and is not among ``covariates``. clip : percentiles of these weights.
    first, last : begin of the first (0) and the last trial.
    strata, ties, variance, reference : as in `cox`, whose strata are these within trials. cluster : independent units; persons when None, for
        a person is in many trials. With ``censoring`` and a jackknife the weights are refitted without each cluster.

    Raises
    ------
    UsageError, EstimationError : absent columns, missing or impossible values, two rows of a person, no trial with both arms, no events.

    Source: Hernan et al. (2008), Epidemiology 19:766-779; Danaei et al. (2013), Stat Methods Med Res 22:70-96; windows that look back as
    in landmark analysis (Anderson, Cain & Gelber 1983, J Clin Oncol 1:710-719).
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"There is no protocol {protocol!r}.", fix=f"Use one of {listing(PROTOCOLS)}.")
    if censoring and protocol != "per protocol":
        raise UsageError("Nobody is censored for beginning exposure under intention to treat.", fix="Leave censoring out, or use 'per protocol'.")
    if variance not in ("auto", "cluster", "jackknife", "robust", "model"):
        raise UsageError(f"There is no variance {variance!r}.", fix="Use auto, cluster, jackknife, robust or model.")
    percentiles = read_clip(clip)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    layers = [strata] if isinstance(strata, str) else list(strata or ())
    by = cluster or person
    columns = [name for name in (person, start, stop, event, cluster, *layers, *names, *censoring) if name is not None]
    clash = [name for name in [*columns, exposed_from] if name in (*MADE, "row")]
    if clash:
        raise UsageError(f"The column name {listing(map(repr, clash))} is made here.", fix="Rename the column.")
    require_columns(data, columns)
    if exposed_from not in data.columns:
        raise UsageError(f"No column {exposed_from!r} in the data.", fix=f"The columns are {listing(data.columns, 12)}.")
    twice = data[person].duplicated(keep=False).to_numpy()
    if twice.any():
        rows = labels_of(data, twice)
        raise EstimationError(f"{person!r} is not unique in {len(rows):,} rows ({listing(rows)}).", fix="Give one row a person.", rows=rows)
    begin, end = interval_times(data, start, stop)
    onset = read_onset(data, exposed_from)
    happened = event_flags(data, event)
    grid = trial_grid(begin, end, onset, every, first, last)
    references = _references(data, covariates, reference)

    def analyse(part: pd.DataFrame, where: np.ndarray, kind: str) -> tuple[CoxResult, pd.DataFrame, pd.DataFrame]:
        rows, table = build_trials(part, begin[where], end[where], happened[where], onset[where], grid, stays=protocol == "per protocol",
                                   keep=columns)
        rows = _weighted(part, rows, begin[where], end[where], onset[where], grid, censoring, layers, percentiles, reference)
        return cox(rows, start="trial_start", stop="trial_stop", event="trial_event", covariates=["treated", *names], strata=["trial", *layers],
                   cluster=by, weights="trial_weight" if censoring else None, ties=ties, variance=kind, ci_level=ci_level,
                   reference=references), rows, table

    everybody = np.arange(len(data))
    fit, rows, table = analyse(data, everybody, "cluster" if censoring and variance in ("auto", "jackknife") else variance)
    informative = fit.n_clusters or 0
    refit = bool(censoring) and (variance == "jackknife" or (variance == "auto" and informative < JACKKNIFE_BELOW))
    base = fit.estimate
    said = base.method
    cautions = list(fit.warnings)
    se, df = base.se, base.df
    if refit:
        at = pd.Series(everybody, index=data.index)

        def again(part: pd.DataFrame) -> float:
            return float(analyse(part, part["_position"].to_numpy(), "model")[0].table["coef"].iloc[0])

        refits = refit_without_clusters(data.assign(_position=at.to_numpy()), cluster=by, statistic=again, full=float(np.log(base.value)))
        se, df = float(refits.jackknife.se[0]), float(informative - 1)
        said = f"{said.split('; cluster-robust')[0]}; leave-one-cluster-out jackknife by {by} with the censoring weights refitted"
        if refits.reasons:
            se = np.nan
            text = f"Without {by} {listing(refits.reasons)} there is no estimate ({next(iter(refits.reasons.values()))}), so no interval."
            cautions.append(Caution("jackknife_failed", text, {"clusters": tuple(refits.reasons)}))
    begun = (onset > begin) & (onset < end)
    enrolled = np.unique(rows.loc[rows["treated"] == 1, "row"])
    missed = int(begun.sum() - np.isin(np.flatnonzero(begun), enrolled).sum())
    if begun.any() and missed > LATE * begun.sum():
        text = f"{missed:,} of {int(begun.sum()):,} persons who begin exposure are in no trial as exposed: they leave before the next trial begins, "
        text += "or it lies outside the trials. Shorten the time between trials."
        cautions.append(Caution("missed_initiators", text, {"missed": missed, "initiators": int(begun.sum())}))
    weights = ", weighted for staying unexposed" if censoring else ""
    method = f"sequence of trials every {every:g}, {protocol}{weights}; {said}"
    estimate = ratio_estimate(
        float(np.log(base.value)), se, scale="hazard ratio", df=df, ci_level=ci_level, n=int(rows["row"].nunique()),
        n_events=int(np.unique(rows.loc[rows["trial_event"] == 1, "row"]).size), n_clusters=fit.n_clusters, method=method,
        estimand="hazard after beginning exposure against not yet having begun" if protocol == "per protocol"
        else "hazard after beginning exposure against not having begun by then, whatever follows", warnings=tuple(cautions),
    )
    return SequentialTrials(table=table, rows=rows, cox=fit, estimate=estimate, protocol=protocol, n_persons=int(rows["row"].nunique()),
                            initiators=len(enrolled), missed=missed, method=method, warnings=tuple(cautions))


def _references(
    data: pd.DataFrame, covariates: Sequence[str] | Mapping[str, object], reference: Mapping[str, object] | None,
) -> dict[str, object]:
    """Levels that categories are compared with, chosen by the persons rather than by their places in trials."""
    if not len(covariates):
        return {}
    return dict(build_design(data, covariates, reference).references)


def _weighted(
    part: pd.DataFrame, rows: pd.DataFrame, begin: np.ndarray, end: np.ndarray, onset: np.ndarray, grid: TrialGrid, censoring: Sequence[str],
    layers: list[str], clip: tuple[float, float] | None, reference: Mapping[str, object] | None,
) -> pd.DataFrame:
    if not censoring:
        return rows.assign(trial_weight=1.0)
    design = build_design(part, list(censoring), {k: v for k, v in (reference or {}).items() if k in censoring})
    return censoring_weights(rows, begin, end, onset, grid, design.matrix, read_groups(part, layers or None).codes, clip)
