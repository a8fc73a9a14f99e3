"""Callaway-Sant'Anna group-time effects beside their peers: time, memory, and that the figures are the same.

    python benchmarks/did_group_time.py [--cases wide,long,covariate] [--sides ours,diff_diff,csdid] [--python csdid=/path/to/python] [--repeats 3]

Each side runs in a process of its own, one after the other, with one thread, on the same simulated panel: every
group-time effect with its analytic standard error, controls not yet treated, and the event study. Peers that are not
installed in this interpreter can be given another one by --python SIDE=INTERPRETER; a side that fails is reported as
failed. Seconds are of CPU, medians of the repeats; memory is the peak above what the process held once the panel stood.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# units, periods, waves, whether a covariate is given
CASES = {"wide": (10_000, 60, 48, False), "long": (200, 120, 12, False), "small": (500, 12, 4, False), "covariate": (2_000, 24, 6, True)}
SIDES = ("ours", "diff_diff", "csdid", "differences")


def simulate(units: int, periods: int, waves: int) -> Any:
    """unit, period, start (0 for never), score, x."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    dates = np.unique(np.linspace(max(3, periods // 8), periods - 3, waves).astype(int))
    start = np.where(random.random(units) < 0.25, 0, random.choice(dates, units))
    x = random.normal(size=units)
    unit, period, begin = np.repeat(np.arange(units), periods), np.tile(np.arange(1, periods + 1), units), np.repeat(start, periods)
    score = np.repeat(random.normal(size=units), periods) + 0.05 * period * (1 + np.repeat(x, periods)) + random.normal(size=units * periods)
    score += 0.5 * ((begin > 0) & (period >= begin))
    return pd.DataFrame({"unit": unit, "period": period, "start": begin, "score": score, "x": np.repeat(x, periods)})


def answer(side: str, frame: Any, covariate: bool) -> tuple[float, float]:
    """The first effect after adoption and its standard error, out of the whole event study."""
    if side == "ours":
        from mentorship_eval import did

        dated = frame.assign(start=frame["start"].where(frame["start"] > 0))
        result = did.callaway_santanna(dated, outcome="score", unit="unit", time="period", adopted="start",
            covariates=["x"] if covariate else None)
        row = result.aggregate("dynamic").table.set_index("event_time").loc[0]
        return float(row["att"]), float(row["se"])
    if side == "csdid":
        from csdid.att_gt import ATTgt

        fitted = ATTgt(yname="score", tname="period", idname="unit", gname="start", data=frame, control_group="notyettreated",
            xformla="score~x" if covariate else "score~1").fit(est_method="dr", bstrap=False)
        fitted.aggte("dynamic", bstrap=False, cband=False)
        at = list(fitted.atte["egt"]).index(0)
        return float(fitted.atte["att_egt"][at]), float(list(fitted.atte["se_egt"])[at])
    if side == "diff_diff":
        from diff_diff import CallawaySantAnna

        result = CallawaySantAnna(control_group="not_yet_treated").fit(frame, outcome="score", unit="unit", time="period", first_treat="start",
            aggregate="event_study", covariates=["x"] if covariate else None)
        return float(result.event_study_effects[0]["effect"]), float(result.event_study_effects[0]["se"])
    from differences import ATTgt as Differences

    dated = frame.assign(start=frame["start"].where(frame["start"] > 0)).set_index(["unit", "period"])
    fitted = Differences(data=dated, cohort_column="start")
    fitted.fit("score ~ x" if covariate else "score", est_method="dr", control_group="not_yet_treated", progress_bar=False)
    table = fitted.aggregate("event")
    return float(table.loc[0].iloc[0]), float(table.loc[0].iloc[1])


LOAD = {"ours": "mentorship_eval.did.group_time.callaway", "csdid": "csdid.att_gt", "diff_diff": "diff_diff", "differences": "differences"}


def one(side: str, case: str) -> dict[str, Any]:
    """Run in the child process."""
    import contextlib
    import importlib
    import warnings

    warnings.simplefilter("ignore")
    import pandas as pd  # noqa: F401  every side needs it, none is charged for it

    before = time.process_time()
    importlib.import_module(LOAD[side])
    loaded = time.process_time() - before
    units, periods, waves, covariate = CASES[case]
    frame = simulate(units, periods, waves)
    held, before, wall = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), time.perf_counter()
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        value, se = answer(side, frame, covariate)
    return {"import": loaded, "cpu": time.process_time() - before, "wall": time.perf_counter() - wall,
        "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024, "value": value, "se": se}


def measured(side: str, case: str, python: str, repeats: int, limit: int) -> dict[str, Any]:
    """Medians over fresh processes, or why there is nothing."""
    environment = {**os.environ, **THREADS, "PYTHONPATH": str(HERE.parent.parent) if side == "ours" else ""}
    runs = []
    for _ in range(repeats):
        command = [python, "-W", "ignore", str(HERE), "--one", side, "--cases", case]
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return {"failed": f"over {limit} s"}
        if done.returncode:
            return {"failed": (done.stderr.strip().splitlines() or ["killed"])[-1][:90]}
        runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--python", action="append", default=[], metavar="SIDE=INTERPRETER")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=int, default=600, help="seconds after which a run is given up")
    parser.add_argument("--one", choices=SIDES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one(chosen.one, chosen.cases)))
        return
    python = dict(item.split("=", 1) for item in chosen.python)
    for case in chosen.cases.split(","):
        units, periods, waves, covariate = CASES[case]
        print(f"\n{case}: {units:,} units, {periods} periods, {waves} waves{', a covariate (doubly robust)' if covariate else ''}\n")
        print("| side | import, s | answer, s | both, s | x ours | memory above the data, MB | x ours | effect at adoption (se) |")
        print("|---|---|---|---|---|---|---|---|")
        ours: dict[str, Any] = {}
        for side in chosen.sides.split(","):
            got = measured(side, case, python.get(side, sys.executable), chosen.repeats, chosen.limit)
            if "failed" in got:
                print(f"| {side} | {got['failed']} | | | | | | |", flush=True)
                continue
            ours = ours or got
            both, first = got["import"] + got["cpu"], ours["import"] + ours["cpu"]
            print(f"| {side} | {got['import']:.2f} | {got['cpu']:.2f} | {both:.2f} | {both / first:.1f} | {got['mb']:.0f} | "
                f"{got['mb'] / max(ours['mb'], 0.1):.1f} | {got['value']:.6f} ({got['se']:.6f}) |", flush=True)


if __name__ == "__main__":
    main()
