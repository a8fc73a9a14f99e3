"""Baseline covariates of the plan, made ready for a model."""

from __future__ import annotations

import pandas as pd

from mentorship_eval.cohort import Cohort
from mentorship_eval.estimate import Caution

__all__ = ["planned_covariates", "varying", "with_covariates"]


def planned_covariates(cohort: Cohort, outcome: str) -> list[str]:
    """Baseline covariates that the plan names for ``outcome``, or for all outcomes."""
    covariates = cohort.study.plan.covariates
    return list(covariates.get(outcome, covariates.get("all", [])))


def with_covariates(rows: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, list[Caution]]:
    """Covariates ready for a model: flags as 0/1, a missing category as a category of its own (said, W122)."""
    rows, cautions = rows.copy(), []
    for name in names:
        column = rows[name]
        if pd.api.types.is_bool_dtype(column.dropna().infer_objects()):
            column = column.astype("Int64")
        if pd.api.types.is_numeric_dtype(column):
            # a missing number takes the mean of the others; how many there are is said
            rows[name] = column.astype(float).fillna(column.astype(float).mean())
            if column.isna().any():
                share = float(column.isna().mean())
                cautions.append(
                    Caution("missing_covariate", f"{name} is missing in {share:.1%} of the rows; they take its mean in the model.", {"share": share})
                )
        else:
            if column.isna().any():
                share = float(column.isna().mean())
                cautions.append(
                    Caution(
                        "missing_covariate",
                        f"{name} is missing in {share:.1%} of the rows; missing is a category of its own in the model.",
                        {"covariate": name, "share": share},
                    )
                )
            rows[name] = column.astype(object).where(column.notna(), "missing").astype(str)
    return rows, cautions


def varying(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Those columns that take more than one value here; a constant one says nothing and cannot be fitted."""
    return [name for name in names if (rows[name] != rows[name].iloc[0]).any()]
