"""Fine-Gray regression: subdistribution hazard ratios of one cause among competing events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mentorship_eval.errors import EstimationError, UsageError, listing
from mentorship_eval.inference.intervals import critical_value
from mentorship_eval.survival.causes import position_of, read_causes
from mentorship_eval.survival.columns import Groups, case_weights, interval_times, labels_of, read_groups, require_columns
from mentorship_eval.survival.competing.observation_weights import ObservationWeights
from mentorship_eval.survival.competing.subdistribution_fit import Runaway, SortedRows, SubdistributionFit, fit_subdistribution, prepare
from mentorship_eval.survival.competing.subdistribution_likelihood import SubdistributionLikelihood
from mentorship_eval.survival.competing.subdistribution_result import FineGray
from mentorship_eval.survival.competing.subdistribution_risk_sets import COMPETING, OF_INTEREST, weighted_risk_sets
from mentorship_eval.survival.competing.subdistribution_summary import summarise
from mentorship_eval.survival.design import Design, build_design, refuse_collinear

__all__ = ["fine_gray"]

VARIANCES = ("auto", "model", "robust", "fine-gray", "cluster", "jackknife")
CENSORINGS = ("after_events", "with_events")


def fine_gray(
    data: pd.DataFrame, *, stop: str, cause: str, of: object, covariates: Sequence[str] | Mapping[str, object] | str,
    start: str | None = None, cluster: str | None = None, weights: str | None = None, id: str | None = None, ties: str = "efron",
    variance: str = "auto", censoring: str = "after_events", ci_level: float = 0.95, reference: Mapping[str, object] | None = None,
) -> FineGray:
    """Model the subdistribution hazard of the cause ``of``: who had another event stays in its risk sets.

    Its hazard ratios order the cumulative incidences, but are not rates among those still at risk:
    for causes use `cox` on each cause, and this beside it. The data are not expanded; time and
    memory grow with the number of rows.

    Parameters
    ----------
    stop, start, weights, covariates, reference, ties : as in `cox`. ``start`` is delayed entry, and
        then the weights also hold the distribution of entry times (Geskus 2011). Covariates are of the
        start, or from a landmark; a time-varying exposure has no value after a competing event.
    cause : column of causes; 0, False, "" and missing mean censored. of : the cause of interest.
    cluster : column of independent units, of which a person lies in one.
    id : column of persons, when a person has several rows, which must follow each other without a gap.
    variance : "fine-gray" (sandwich by row or person with the contribution of the estimated
        censoring and entry distributions, z); "robust" (sandwich with these taken as known, as R's
        coxph gives on finegray data; by ``cluster`` when there is one, z); "model" (inverse information, z:
        it ignores the weighting and is there for comparison); "cluster" ("fine-gray" summed by
        cluster, t on G-1); "jackknife" (leave one cluster out, weights estimated anew, t on G-1).
        "auto" takes "fine-gray" without cluster, and with it "cluster" from 30 informative clusters on
        and "jackknife" below.
    censoring : "after_events": one censored at t was at risk of the events at t, and those who had one
        were no longer at risk of censoring (R's finegray). "with_events": both were at risk of both
        (cmprsk's crr, which ``ties="breslow"`` then equals).

    Raises
    ------
    UsageError, EstimationError : as `cox`; nobody has the cause ``of``; a person's rows overlap, leave a gap,
        or go on after an event; entry so late that the weights cannot be followed.

    Source: Fine & Gray (1999), JASA 94:496-509; Geskus (2011), Biometrics 67:39-49; clusters: Zhou,
    Fine, Latouche & Labopin (2012), Biostatistics 13:371-383.
    """
    _check_options(ties, variance, censoring, cluster)
    critical_value(ci_level)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise UsageError("No covariates are named.", fix="Name at least one column, or use aalen_johansen.")
    require_columns(data, [column for column in (stop, start, cluster, weights, id, *names) if column is not None])
    begins, ends = interval_times(data, start, stop)
    codes, causes = read_causes(data, cause)
    wanted = position_of(of, causes, cause)
    weight = case_weights(data, weights)
    kind = np.where(codes < 0, 0, np.where(codes == wanted, OF_INTEREST, COMPETING))
    if not (weight[kind == OF_INTEREST] > 0).any():
        raise EstimationError(f"All rows with the event {of!r} have weight 0.", fix="Check how the weights were made.")
    persons = None if id is None else read_groups(data, id)
    is_first, is_last = _ends_of_persons(data, begins, ends, kind, persons, id)
    groups = None if cluster is None else read_groups(data, cluster)
    if persons is not None and groups is not None:
        _require_nested(data, persons, groups, str(id), str(cluster))
    design = build_design(data, covariates, reference)

    order = np.lexsort((kind, ends))
    order = order[weight[order] > 0]
    x, scale = _standardise(design.matrix, order)
    rows = SortedRows(begins[order], ends[order], kind[order], weight[order], is_first[order], is_last[order], x, order)
    events_first = censoring == "after_events"
    observed = prepare(rows, events_first)
    fit, null = _fit(rows, observed, design, ties, events_first, of)
    return summarise(
        fit, null, design, scale, groups=groups, persons=persons, cluster=cluster, variance=variance, ties=ties, ci_level=ci_level, of=of,
        causes=causes, weighted=weights is not None, delayed=start is not None, n=len(data),
    )


def _check_options(ties: str, variance: str, censoring: str, cluster: str | None) -> None:
    if ties not in ("efron", "breslow"):
        raise UsageError(f"There is no way {ties!r} to handle ties.", fix="Use 'efron' or 'breslow'.")
    if variance not in VARIANCES:
        raise UsageError(f"There is no variance {variance!r}.", fix=f"Use one of {', '.join(VARIANCES)}.")
    if variance in ("cluster", "jackknife") and cluster is None:
        raise UsageError(f"variance={variance!r} needs cluster=.", fix="Name the column of clusters, or use variance='fine-gray'.")
    if censoring not in CENSORINGS:
        raise UsageError(f"There is no censoring {censoring!r}.", fix=f"Use one of {', '.join(CENSORINGS)}.")


def _ends_of_persons(
    data: pd.DataFrame, start: np.ndarray, stop: np.ndarray, kind: np.ndarray, persons: Groups | None, id: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) whether a row is the first, and the last, of its person."""
    if persons is None:
        return np.ones(len(stop), dtype=bool), np.ones(len(stop), dtype=bool)
    order = np.lexsort((stop, persons.codes))
    codes = persons.codes[order]
    follows = codes[1:] == codes[:-1]
    wrong = np.zeros(len(stop), dtype=bool)
    wrong[order[1:]] = follows & (start[order[1:]] != stop[order[:-1]])
    if wrong.any():
        labels = labels_of(data, wrong)
        raise EstimationError(
            f"Rows of one {id!r} overlap or leave a gap before {len(labels):,} rows ({listing(labels)}).",
            fix="Each row of a person must begin where the one before ends (and start= must be given).", rows=labels,
        )
    wrong[order[:-1]] = follows & (kind[order[:-1]] != 0)
    if wrong.any():
        labels = labels_of(data, wrong)
        raise EstimationError(
            f"A person has rows after an event in {len(labels):,} rows ({listing(labels)}).", fix="An event ends a person's last row.",
            rows=labels,
        )
    is_first, is_last = np.ones(len(stop), dtype=bool), np.ones(len(stop), dtype=bool)
    is_first[order[1:]], is_last[order[:-1]] = ~follows, ~follows
    return is_first, is_last


def _require_nested(data: pd.DataFrame, persons: Groups, groups: Groups, id: str, cluster: str) -> None:
    first = np.zeros(len(persons), dtype=np.intp)
    first[persons.codes] = groups.codes
    strays = first[persons.codes] != groups.codes
    if strays.any():
        labels = labels_of(data, strays)
        raise EstimationError(
            f"Some {id!r} have rows in more than one {cluster!r} ({listing(labels)}).",
            fix="Give every person one cluster, for instance that of the entry.", rows=labels,
        )


def _standardise(matrix: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p, n) centred and scaled covariates in sorted order, and the (p,) scales; neither changes the likelihood, but both spare digits."""
    x = matrix[:, order]
    overall = np.abs(x).max(axis=1)
    x -= x.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("pn,pn->p", x, x) / x.shape[1])
    scale = np.where(spread > 1e-11 * overall, spread, np.where(overall > 0, overall, 1.0))
    x /= scale[:, np.newaxis]
    return x, scale


def _fit(
    rows: SortedRows, observed: ObservationWeights, design: Design, ties: str, events_first: bool, of: object
) -> tuple[SubdistributionFit, SubdistributionLikelihood]:
    sets = weighted_risk_sets(rows.start, rows.stop, rows.kind, rows.weight, observed.log_before, ties)
    null = SubdistributionLikelihood.at(sets, rows.x, np.zeros(len(rows.x)))
    refuse_collinear(null.information(), int((rows.kind == OF_INTEREST).sum()), design)
    try:
        return fit_subdistribution(rows, observed, np.zeros(len(rows.x)), ties, events_first), null
    except Runaway as found:
        raise EstimationError(
            f"The subdistribution hazard ratio of {design.terms[found.position]!r} has no finite estimate: the likelihood rises without end "
            f"(separation), typically because one of the groups compared never had {of!r}.",
            fix="Report the cumulative incidences; merge categories, or leave this covariate out.",
        ) from None
    except np.linalg.LinAlgError:
        raise EstimationError(
            "The information matrix became singular while fitting.", fix="Use fewer covariates or merge rare categories."
        ) from None
