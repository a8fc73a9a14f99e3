"""Two kinds of sessions or matches side by side: differences, rate ratios, odds ratios within strata; clusters left out in turn; their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.cohort.study.models import Plan
from mentorship_eval.estimate import Estimate
from mentorship_eval.questions.answer import Exhibit, Result
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.families import adjusted_p_values
from mentorship_eval.questions.groups import fewest_places, jackknifed_difference, jackknifed_ratio

__all__ = ["REMOTE", "compared_table", "difference_of", "odds_within", "rates_of", "remote"]

REMOTE = ("remote", "virtual", "online", "video", "telephone")
_BOTH = ("mixed", "hybrid", "both", "other", "unknown", "blended")


def remote(mode: pd.Series) -> pd.Series:
    """1 where a mode is a remote one (`REMOTE`), 0 where it is on site, missing where it is both or not told."""
    words = mode.astype(object).where(mode.notna(), "unknown").astype(str).str.strip().str.lower()
    return words.isin(REMOTE).astype(float).mask(words.isin(_BOTH))


def _without(top: Any, bottom: Any, mine: np.ndarray, code: np.ndarray, places: int) -> np.ndarray:
    """sum(top) / sum(bottom) of the rows ``mine``, of all and then without each cluster; NaN where nothing is left."""
    sums = [np.bincount(code[mine], weights=np.asarray(part, float)[mine], minlength=places) for part in (top, bottom)]
    above, below = (part.sum() - np.append(0.0, part) for part in sums)
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def _sides(top: Any, bottom: Any, side: Any, cluster: Any) -> tuple[np.ndarray, np.ndarray, int]:
    code = pd.factorize(np.asarray(cluster).astype(str), sort=True)[0]
    one = np.asarray(side, float) == 1
    places = int(code.max()) + 1
    return _without(top, bottom, one, code, places), _without(top, bottom, ~one, code, places), fewest_places(code, one, ~one)


def difference_of(values: Any, side: Any, cluster: Any, *, unit: str = "percentage points", **about: Any) -> Estimate:
    """Mean of ``values`` (shares: 0 or 1; ratings: of 100) where ``side`` is 1, minus where it is 0; all (n,); clusters left out in turn.

    Percentage points of a share, or points of 100 (``unit``); t on the clusters of the side that lies in fewest, less one.
    """
    hundredths = np.asarray(values, float) / (1.0 if unit == "percentage points" else 100.0)
    one, other, places = _sides(hundredths, np.ones(len(hundredths)), side, cluster)
    about = {"method": "leave-one-cluster-out jackknife, t on the clusters of the kind in fewest - 1", **about}
    return replace(jackknifed_difference(one, other, places=places, **about), unit=unit)


def rates_of(number: Any, time: Any, side: Any, cluster: Any, **about: Any) -> Estimate:
    """sum(number) / sum(time) where ``side`` is 1 over that where it is 0; all (n,); clusters left out in turn, of the log ratio."""
    one, other, places = _sides(number, time, side, cluster)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = one / other
    about = {"method": "ratio of rates; leave-one-cluster-out jackknife of its logarithm, t on the clusters of the kind in fewest - 1", **about}
    return jackknifed_ratio(ratio, scale="rate ratio", places=places, **about)


def odds_within(yes: Any, side: Any, stratum: Any, cluster: Any, **about: Any) -> tuple[Estimate, tuple[float, float]]:
    """Odds ratio of ``yes`` (0/1) by ``side`` (0/1) within strata (Mantel & Haenszel 1959), and how many are yes and no in strata that tell of it.

    yes, side, stratum, cluster : (n,); a stratum lies whole in a cluster. Strata may be small and many: each adds its own cross-products, so that
    what a stratum has in common (a match, a department) is taken out without a term for it. Clusters without a stratum that has both sides and both
    answers say nothing and are not counted. Log odds ratio by leaving out one cluster at a time, t(G-1).
    """
    made = pd.DataFrame({"yes": np.asarray(yes, float), "side": np.asarray(side, float), "stratum": np.asarray(stratum).astype(str),
                         "cluster": np.asarray(cluster).astype(str)})  # fmt: skip
    cells = {"a": made["yes"] * made["side"], "b": (1 - made["yes"]) * made["side"], "c": made["yes"] * (1 - made["side"])}
    table = made.assign(n=1.0, **cells).groupby(["cluster", "stratum"], sort=True)[["a", "b", "c", "n"]].sum().reset_index()
    table["d"] = table["n"] - table["a"] - table["b"] - table["c"]
    for_, against = table["a"] * table["d"] / table["n"], table["b"] * table["c"] / table["n"]
    tells = (for_ + against > 0).to_numpy()
    table = table[tells]
    code, names = pd.factorize(table["cluster"], sort=True)
    sums = [np.bincount(code, weights=part[tells], minlength=len(names)) for part in (for_, against)]
    above, below = (part.sum() - np.append(0.0, part) for part in sums)
    ratio = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    about = {"method": "Mantel-Haenszel; leave-one-cluster-out jackknife of the log odds ratio, t(G-1)", "n": int(table["n"].sum()),
             "n_events": float((table["a"] + table["c"]).sum()), **about}  # fmt: skip
    behind = (float((table["a"] + table["c"]).sum()), float((table["b"] + table["d"]).sum()))
    return jackknifed_ratio(ratio, scale="odds ratio", **about), behind


def compared_table(exhibit_id: str, title: str, results: Sequence[Result], plan: Plan, *, note: str = "", of: str = "Of") -> Exhibit:
    """A line for each comparison: what, of how many, on which scale, estimate, interval, p, and p adjusted (Holm) within the table, or the families
    of the plan.
    """
    adjusted, sizes = adjusted_p_values(results, plan, "all")
    rows = pd.DataFrame({
        "group": [r.group for r in results], "label": [r.label for r in results], "n": [r.estimate.n for r in results],
        "scale": [_scale(r.estimate) for r in results], "estimate": [r.estimate.value for r in results],
        "ci_low": [r.estimate.ci_low for r in results], "ci_high": [r.estimate.ci_high for r in results], "p": adjusted["p"],
        "adjusted": adjusted["adjusted"], "told": [r.id for r in results],
        "fewest": [min((float(c) for c in r.rests_on if c), default=np.nan) for r in results],
    })  # fmt: skip
    return table_exhibit(
        exhibit_id, title, rows, counts=("n",), derived=("estimate", "ci_low", "ci_high", "p", "adjusted"), behind=("fewest",), results={"told": ""},
        labels={"group": "", "label": "", "n": of, "scale": "Scale", "estimate": "Estimate", "ci_low": "95 % CI from", "ci_high": "to", "p": "p",
                "adjusted": "p (Holm)"},
        formats={"n": "count", "estimate": "ratio", "ci_low": "ratio", "ci_high": "ratio", "p": "p", "adjusted": "p"}, stub=["group", "label"],
        note=f"{note} Comparisons by family, within this table: {sizes}.".lstrip(),
    )  # fmt: skip


def _scale(estimate: Estimate) -> str:
    words = estimate.unit if estimate.scale == "difference" and estimate.unit else estimate.scale
    return words[:1].upper() + words[1:]
