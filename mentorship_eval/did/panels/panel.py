"""A panel of units over periods, validated once and held as arrays (units x periods).

Every estimator of this engine starts here, so that a duplicate row, a unit that adopts twice or a
count without exposure is refused in the same words wherever it turns up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.did.panels.calendar import calendar_positions
from mentorship_eval.did.panels.covariates import covariate_array
from mentorship_eval.errors import EstimationError, UsageError, listing

__all__ = ["Panel", "build_panel", "build_score_panel"]


@dataclass(frozen=True)
class Panel:
    """Arrays over I units and T periods, both sorted.

    units (I,), times (T,): labels; position (T,): calendar step of each period, so that a missing
    month counts as a gap; adopted (I,): position of the first treated period, inf for never;
    adopted_label (I,): the same as the caller wrote it, None for never; outcome (I, T): counts or
    scores, 0 where absent; exposure (I, T): of counts, or the weights of scores; 0 where there is none; present (I, T): a row exists;
    cluster (I,): codes into cluster_labels; block (I,): codes of the permutation blocks;
    covariates (I, T, K): standardised, with their names; columns: what the caller's columns are called.
    """

    units: np.ndarray
    times: np.ndarray
    position: np.ndarray
    adopted: np.ndarray
    adopted_label: tuple[Any, ...]
    outcome: np.ndarray
    exposure: np.ndarray
    present: np.ndarray
    cluster: np.ndarray
    cluster_labels: np.ndarray
    block: np.ndarray
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    columns: dict[str, str]

    @property
    def shape(self) -> tuple[int, int]:
        return self.outcome.shape  # type: ignore[return-value]

    @property
    def has_cluster(self) -> bool:
        """Whether clusters are coarser than units."""
        return len(self.cluster_labels) < len(self.units)

    def keep_units(self, keep: np.ndarray) -> Panel:
        """The panel of the units where ``keep`` (I,) is true."""
        used, cluster = np.unique(self.cluster[keep], return_inverse=True)
        label = tuple(value for value, kept in zip(self.adopted_label, keep, strict=True) if kept)
        return replace(
            self, units=self.units[keep], adopted=self.adopted[keep], adopted_label=label, outcome=self.outcome[keep],
            exposure=self.exposure[keep], present=self.present[keep], cluster=cluster, cluster_labels=self.cluster_labels[used],
            block=self.block[keep], covariates=self.covariates[keep],
        )


def require_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise `UsageError` for a column that the frame does not have, with the nearest name."""
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"The panel is a {type(frame).__name__}, not a pandas DataFrame.", fix="Pass one row per unit and period.")
    for column in columns:
        if column not in frame.columns:
            near = get_close_matches(str(column), [str(name) for name in frame.columns], n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The columns are {listing(frame.columns, 12)}."
            raise UsageError(f"The panel has no column {column!r}.", fix=hint)


def _refuse(bad: pd.Series | np.ndarray, frame: pd.DataFrame, problem: str, fix: str) -> None:
    rows = frame.index[np.asarray(bad, dtype=bool)]
    if len(rows):
        raise EstimationError(f"{problem} (row{'s' if len(rows) > 1 else ''} {listing(rows)}).", fix=fix, rows=list(rows))


def _per_unit(frame: pd.DataFrame, unit: str, column: str, what: str) -> pd.Series:
    """The one value of ``column`` that each unit has; refused when it changes within a unit."""
    value, member = pd.factorize(frame[column], use_na_sentinel=True)[0], pd.factorize(frame[unit])[0]
    one = np.empty(member.max(initial=-1) + 1, dtype=value.dtype)
    one[member] = value  # any of a unit's values: all must be the same
    different = np.zeros(len(one), dtype=bool)
    different[member[value != one[member]]] = True
    changes = different[member]
    if changes.any():
        names = frame.loc[changes, unit].unique()
        raise EstimationError(
            f"{what} changes within unit {listing(names)} (rows {listing(frame.index[changes])}).",
            fix=f"Give each unit one value of {column!r} on all of its rows.", rows=list(frame.index[changes]),
        )
    return frame.groupby(unit, sort=True)[column].first()


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    try:
        return pd.to_numeric(frame[column]).to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError):
        bad = pd.to_numeric(frame[column], errors="coerce").isna() & frame[column].notna()
        _refuse(bad, frame, f"{column!r} holds values that are not numbers, such as {frame.loc[bad, column].iloc[0]!r}",
            "Give numbers only.")
        raise


def _check_counts(frame: pd.DataFrame, y: np.ndarray, e: np.ndarray, count: str, exposure: str) -> None:
    _refuse(np.isinf(y) | np.isinf(e), frame, "Infinite counts or exposure", "Give finite numbers.")
    _refuse(np.isnan(y), frame, f"{count!r} is missing", "Write 0 where nothing happened; leave the row out where nobody counted.")
    _refuse(y < 0, frame, f"{count!r} is negative", "Counts are 0 or more.")
    fraction = y != np.round(y)
    _refuse(fraction, frame, f"{count!r} is not a whole number",
        "Pass counts with their exposure, not rates; for scores use did.linear_imputation.")
    _refuse(e < 0, frame, f"{exposure!r} is negative", "Exposure is 0 or more.")
    without = ~(e > 0) & (y > 0)
    _refuse(without, frame, f"Events were counted where {exposure!r} is 0 or missing",
        "Find the exposure of these rows, or leave them out and say so.")


def _check_scores(frame: pd.DataFrame, y: np.ndarray, w: np.ndarray, outcome: str, weights: str) -> None:
    _refuse(np.isinf(y) | np.isinf(w), frame, f"Infinite {outcome!r} or {weights!r}", "Give finite numbers.")
    _refuse(np.isnan(y) & (w > 0), frame, f"{outcome!r} is missing", "Leave the row out where nothing was measured.")
    _refuse(np.isnan(w), frame, f"{weights!r} is missing", "Every row needs its weight; leave a row without one out.")
    _refuse(w < 0, frame, f"{weights!r} is negative", "Weights are 0 or more.")


def build_panel(
    frame: pd.DataFrame, *, unit: str, time: str, adopted: str, count: str, exposure: str,
    covariates: Sequence[str] | None = None, cluster: str | None = None, permute_within: str | None = None,
) -> Panel:
    """Validate ``frame`` (one row per unit and period) of counts with their exposure and return it as a `Panel`.

    Raises `UsageError` for unknown columns and `EstimationError`, naming rows, for duplicate
    unit-periods, an adoption that changes within a unit or is written as 0, counts that are
    missing, negative or fractional, and events without exposure.
    """
    _check_shape(frame, unit, time, [adopted, count, exposure, *_listed(covariates), *filter(None, (cluster, permute_within))])
    y, e = _numbers(frame, count), _numbers(frame, exposure)
    _check_counts(frame, y, e, count, exposure)
    return _assemble(frame, y, np.where(e > 0, e, 0.0), {"unit": unit, "time": time, "adopted": adopted, "count": count, "exposure": exposure},
        covariates, cluster, permute_within)


def build_score_panel(
    frame: pd.DataFrame, *, unit: str, time: str, adopted: str, outcome: str, weights: str | None = None,
    covariates: Sequence[str] | None = None, cluster: str | None = None, permute_within: str | None = None,
) -> Panel:
    """The same for an ``outcome`` on any scale, with ``weights`` (1 by default) in the place of the exposure.

    A row of weight 0 is not in the analysis. Raises as `build_panel`, and for scores that are missing or infinite.
    """
    _check_shape(frame, unit, time, [adopted, outcome, *filter(None, (weights, cluster, permute_within)), *_listed(covariates)])
    y, w = _numbers(frame, outcome), _numbers(frame, weights) if weights else np.ones(len(frame))
    _check_scores(frame, y, w, outcome, weights or "weights")
    columns = {"unit": unit, "time": time, "adopted": adopted, "outcome": outcome, **({"weights": weights} if weights else {})}
    return _assemble(frame, np.where(w > 0, y, 0.0), w, columns, covariates, cluster, permute_within)


def _listed(names: Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _check_shape(frame: pd.DataFrame, unit: str, time: str, others: Sequence[str]) -> None:
    require_columns(frame, [unit, time, *others])
    if frame.empty:
        raise EstimationError("The panel has no rows.", fix="Check the filter or the file that it was made from.")
    _refuse(frame[unit].isna() | frame[time].isna(), frame, f"{unit!r} or {time!r} is missing", "Every row needs its unit and period.")
    _refuse(frame.duplicated([unit, time], keep=False), frame, f"More than one row for the same {unit!r} and {time!r}",
        "Sum or remove the duplicates.")


def _assemble(
    frame: pd.DataFrame, y: np.ndarray, e: np.ndarray, columns: dict[str, str], covariates: Sequence[str] | None, cluster: str | None,
    permute_within: str | None,
) -> Panel:
    """The panel of checked values ``y`` and exposures or weights ``e``, both (rows,)."""
    unit, time, adopted = columns["unit"], columns["time"], columns["adopted"]
    first = _per_unit(frame, unit, adopted, f"Adoption ({adopted!r})")
    times, position, adopted_at = calendar_positions(frame[time], first, time=time, adopted=adopted)
    row, units = pd.factorize(frame[unit], sort=True)
    column = pd.Index(times).get_indexer(pd.Index(frame[time]))
    shape = (len(units), len(times))

    def spread(values: np.ndarray) -> np.ndarray:
        filled = np.zeros(shape + values.shape[1:])
        filled[row, column] = values
        return filled

    present = spread(np.ones(len(frame))).astype(bool)
    cluster_code, cluster_labels = np.arange(len(units)), np.asarray(units)
    if cluster:
        values = _per_unit(frame, unit, cluster, f"The cluster ({cluster!r})")
        _refuse(frame[cluster].isna(), frame, f"{cluster!r} is missing", "Every unit needs its cluster.")
        cluster_code, labels = pd.factorize(values, sort=True)
        cluster_labels = np.asarray(labels)
    block = np.zeros(len(units), dtype=int)
    if permute_within:
        _refuse(frame[permute_within].isna(), frame, f"{permute_within!r} is missing", "Every unit needs its permutation block.")
        block = pd.factorize(_per_unit(frame, unit, permute_within, f"The permutation block ({permute_within!r})"), sort=True)[0]
    values, names_out = covariate_array(frame, _listed(covariates), e > 0)
    return Panel(
        units=np.asarray(units), times=np.asarray(times), position=position, adopted=adopted_at,
        adopted_label=tuple(None if pd.isna(value) else value for value in first), outcome=spread(y),
        exposure=spread(e),
        present=present, cluster=cluster_code, cluster_labels=cluster_labels, block=block, covariates=spread(values),
        covariate_names=names_out,
        columns={**columns, "cluster": cluster or unit},
    )
