"""`make validate`: bias, coverage and false positives of the default analyses on simulated cohorts, into docs/validation.md.

    python validation/validate.py [--replicates N] [--out FILE]

Every cell is `simulate_cohort` with one seed per replicate, analysed by the functions that the report uses. Monte-Carlo errors
stand beside the figures. ``--replicates`` shortens a trial, which is then not written to the docs.
"""

from __future__ import annotations

import argparse
import math
import tomllib
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
START, END = "2022-01-01", "2024-12-31"
Row = tuple[str, float, float, float, float, float, float]  # analysis, log estimate, log truth, se, low, high, p


def _told(name: str, estimate: Any, truth: float) -> Row:
    return name, math.log(estimate.value), math.log(truth), estimate.se, estimate.ci_low, estimate.ci_high, estimate.p_value


def retention(seed: int, *, scenario: str, departments: int, staff: int) -> list[Row]:
    """One replicate: the default analysis and the two naive ones."""
    from mentorship_eval import simulate_cohort
    from mentorship_eval.cohort.episodes import mentorship_episodes
    from mentorship_eval.questions.covariates import with_covariates
    from mentorship_eval.questions.retention.immortal_time import immortal_time
    from mentorship_eval.questions.retention.model_rows import calendar_periods, default_cox

    made = simulate_cohort(scenario, departments=departments, staff=staff, seed=seed)
    tables = {name: made.tables[name] for name in ("staff", "spells", "matches", "rollout")}
    episodes = mentorship_episodes(**tables, start=START, end=END)
    covariates = ["profession", "newly_qualified"]
    rows, _ = with_covariates(episodes.rows, covariates)
    rows["event"] = (rows["cause"] == "voluntary").astype(int)
    rows["period"], _ = calendar_periods(rows)
    truth = made.truth["retention"]["hazard_ratio_absorbing"]
    fit = default_cox(rows, "mentored", [*covariates, "period"], "event", "dept_id")
    out = [_told("time-varying, strata of department, delayed entry (default)", fit.estimate, truth)]
    results, _ = immortal_time(episodes, covariates, None)
    return out + [_told(f"naive: {result.label.lower()}", result.estimate, truth) for result in results]


def incidents(seed: int, *, scenario: str, departments: int) -> list[Row]:
    """One replicate: harm and no-harm by the default estimator."""
    from mentorship_eval import simulate_cohort
    from mentorship_eval.cohort.panels import department_months
    from mentorship_eval.did import poisson_imputation

    made = simulate_cohort(scenario, departments=departments, staff=departments * 20, seed=seed)
    panel = department_months(
        incidents=made.tables["incidents"], exposure=made.tables["exposure"], rollout=made.tables["rollout"], start=START, end=END
    ).rows
    out = []
    for count, name in (("harm", "harm"), ("no_harm", "no harm")):
        fit = poisson_imputation(
            panel, count=count, exposure="patient_days", unit="dept_id", time="period", adopted="adopted", permutations=199, seed=seed
        )
        truth = made.truth["incidents"]["months_with_2_controls"][count]
        out.append(_told(f"{name}: jackknife t(G-1)", fit.irr, truth))
        out.append((f"{name}: permutation", math.log(fit.irr.value), math.log(truth), math.nan, math.nan, math.nan, fit.permutation_p))
    return out


def _one(analysis: Callable[..., list[Row]], seed: int) -> list[Row]:
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        return analysis(seed)


def run_cell(analysis: Callable[..., list[Row]], seeds: range) -> pd.DataFrame:
    with ProcessPoolExecutor(2) as pool:
        rows = [row for found in pool.map(partial(_one, analysis), seeds, chunksize=5) for row in found]
    return pd.DataFrame(rows, columns=["analysis", "log", "truth", "se", "low", "high", "p"])


def summarise(frame: pd.DataFrame, cells: int) -> Iterator[dict[str, str]]:
    """Bias, spread, coverage and rejections of no effect, with Monte-Carlo errors and the verdict of the rule."""
    z = float(ndtri(1 - 0.005 / cells))
    for name, part in frame.groupby("analysis", sort=False):
        count, error = len(part), part["log"] - part["truth"]
        covered = ((part["low"] <= np.exp(part["truth"])) & (np.exp(part["truth"]) <= part["high"]))[part["low"].notna()]
        rejected = (part["p"] < 0.05)[part["p"].notna()]
        null = bool((part["truth"] == 0).all())
        verdict = "audit" if name.startswith("naive") else "holds"
        if len(covered):
            half = z * math.sqrt(max(covered.mean() * (1 - covered.mean()), 1e-9) / len(covered))
            if covered.mean() + half < 0.95 or covered.mean() < 0.93:
                verdict = "audit" if verdict == "audit" else "FAILS"
        if null and len(rejected) and not len(covered):
            half = z * math.sqrt(max(rejected.mean() * (1 - rejected.mean()), 1e-9) / len(rejected))
            verdict = "FAILS" if rejected.mean() - half > 0.05 else verdict

        def share(values: pd.Series) -> str:
            return "–" if not len(values) else f"{100 * values.mean():.1f} ± {100 * math.sqrt(values.mean() * (1 - values.mean()) / len(values)):.1f}"

        yield {
            "analysis": str(name), "replicates": f"{count}", "mean truth (log)": f"{part['truth'].mean():.3f}",
            "bias": f"{error.mean():+.3f} ± {error.std(ddof=1) / math.sqrt(count):.3f}", "SD": f"{error.std(ddof=1):.3f}",
            "mean SE": "–" if part["se"].isna().all() else f"{part['se'].mean():.3f}", "coverage %": share(covered),
            "rejects no effect %": share(rejected), "rule": verdict,
        }  # fmt: skip


def table(title: str, frames: list[tuple[str, pd.DataFrame]]) -> str:
    cells = sum(frame["analysis"].nunique() for _, frame in frames)
    lines, head = [f"## {title}", ""], False
    for label, frame in frames:
        for row in summarise(frame, cells):
            if not head:
                lines += ["| cell | " + " | ".join(row) + " |", "|---|" + "---|" * len(row)]
                head = True
            lines.append(f"| {label} | " + " | ".join(row.values()) + " |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=None)
    parser.add_argument("--out", default=None)
    chosen = parser.parse_args()
    plan = tomllib.loads((ROOT / "validation" / "validate.toml").read_text(encoding="utf-8"))
    who, what = plan["retention"], plan["incidents"]

    def seeds(part: dict[str, Any]) -> range:
        return range(part["seed"], part["seed"] + (chosen.replicates or part["replicates"]))

    left = [
        (name, run_cell(partial(retention, scenario=name, departments=who["departments"], staff=who["staff"]), seeds(who)))
        for name in who["scenarios"]
    ]  # fmt: skip
    harmed = [
        (f"{name}, {size} departments", run_cell(partial(incidents, scenario=name, departments=size), seeds(what)))
        for size in what["departments"] for name in what["scenarios"]
    ]  # fmt: skip
    text = "\n".join([
        "# Validation", "",
        "Made by `make validate`; cells, replicates and seeds stand in `validation/validate.toml`. Every replicate is",
        "a simulated cohort (`simulate_cohort`, the scenario named), analysed by the functions that the report uses. ± is the Monte-Carlo standard",
        "error. Under `null` the truth is 1 and *rejects no effect* is the share of false positives; under `default` it is the power. *rule*: fails",
        "when the 99 % interval (Bonferroni) of coverage or size lies wholly beyond the nominal value, or coverage is below 93 %; *audit* rows show",
        "what a wrong design would have said. Cells of fewer than 1,000 replicates are a first look: they can show a gross failure and no more.",
        "",
        f"Date: {datetime.now(UTC):%Y-%m-%d}. First seeds: retention {who['seed']}, incidents {what['seed']}. {plan['note']}", "",
        table(f"Leaving while mentored: {who['departments']} departments, {who['staff']:,} staff, 36 months", left),
        table("Incidents where the programme is active, 36 months", harmed),
    ])  # fmt: skip
    print(text)
    if chosen.replicates is None or chosen.out:
        Path(chosen.out or ROOT / "docs" / "validation.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
