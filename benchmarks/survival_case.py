"""One case of the survival benchmarks in Python: survival_case.py SIDE CASE FOLDER REPEATS, SIDE being ours or a peer.

Prints what survival_case.R prints: CPU and elapsed seconds, peak of resident memory, and the figures to be compared.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

X5, X20 = ([f"x{i}" for i in range(count)] for count in (5, 20))
VARYING = ["tv_treated", "x0", "x1", "x2", "x3"]
DAYS = [90, 365, 730, 1000]
Work = Callable[[], np.ndarray]


def frame(folder: Path, *names: str) -> pd.DataFrame:
    return pd.DataFrame({name: np.fromfile(folder / f"{name}.f64") for name in names})


def ours(case: str, folder: Path) -> Work:
    from mentorship_eval import survival

    # loads the modules: start-up is timed on no side
    assert survival.cox and survival.kaplan_meier and survival.logrank and survival.aalen_johansen and survival.fine_gray

    def fitted(x: list[str], clustered: bool, before: str = "", start: str | None = None) -> Work:
        extra = [*([start] if start else []), *([f"{before}dept"] if clustered else [])]
        data = frame(folder, f"{before}stop", f"{before}event", *extra, *x)
        call = {"cluster": f"{before}dept", "variance": "cluster"} if clustered else {}

        def work() -> np.ndarray:
            table = survival.cox(data, stop=f"{before}stop", event=f"{before}event", covariates=x, start=start, **call).table
            return np.concatenate((table["coef"], table["robust_se" if clustered else "se"]))

        return work

    if case.startswith("cox_varying"):
        return fitted(VARYING, True, "tv_", "tv_start")
    if case.startswith("cox"):
        return fitted(X20 if "20" in case else X5, "clustered" in case)
    if case == "kaplan_meier":
        data = frame(folder, "stop", "event")

        def curve() -> np.ndarray:
            at = survival.kaplan_meier(data, stop="stop", event="event").at(DAYS)
            return at[["survival", "se", "ci_low", "ci_high"]].to_numpy().T.ravel()

        return curve
    if case == "logrank":
        data = frame(folder, "stop", "event", "arm")

        def test() -> np.ndarray:
            found = survival.logrank(data, stop="stop", event="event", by="arm")
            return np.concatenate(([found.statistic], found.table["expected"]))

        return test
    if case == "aalen_johansen":
        data = frame(folder, "stop", "cause")

        def incidence() -> np.ndarray:
            at = survival.aalen_johansen(data, stop="stop", cause="cause").at(DAYS)
            return np.concatenate((at["cif"], at["se"]))

        return incidence
    data = frame(folder, "stop", "cause", *X5)
    return lambda: survival.fine_gray(data, stop="stop", cause="cause", of=1, covariates=X5).table["coef"].to_numpy()


def lifelines(case: str, folder: Path) -> Work | None:
    if case.startswith("cox") and "varying" not in case:
        from lifelines import CoxPHFitter

        clustered = "clustered" in case
        data = frame(folder, "stop", "event", *(["dept"] if clustered else []), *(X20 if "20" in case else X5))

        def fit() -> np.ndarray:
            table = CoxPHFitter().fit(data, "stop", "event", cluster_col="dept" if clustered else None).summary
            return np.concatenate((table["coef"], table["se(coef)"]))

        return fit
    if case == "kaplan_meier":
        from lifelines import KaplanMeierFitter

        data = frame(folder, "stop", "event")
        return lambda: KaplanMeierFitter().fit(data["stop"], data["event"]).survival_function_at_times(DAYS).to_numpy()
    if case == "logrank":
        from lifelines.statistics import logrank_test

        data = frame(folder, "stop", "event", "arm")
        one = data["arm"] == 1
        return lambda: np.array([logrank_test(
            data["stop"][one], data["stop"][~one], data["event"][one], data["event"][~one]).test_statistic])
    if case == "aalen_johansen":
        from lifelines import AalenJohansenFitter

        data = frame(folder, "stop", "cause")
        return lambda: AalenJohansenFitter(seed=1).fit(data["stop"], data["cause"], 1).cumulative_density_.iloc[-1].to_numpy()
    return None


def statsmodels(case: str, folder: Path) -> Work | None:
    if case.startswith("cox"):
        from statsmodels.duration.api import PHReg

        before = "tv_" if "varying" in case else ""
        x = VARYING if before else X20 if "20" in case else X5
        data = frame(folder, f"{before}stop", f"{before}event", f"{before}dept", *(["tv_start"] if before else []), *x)

        def fit() -> np.ndarray:
            entry = data["tv_start"] if before else None
            model = PHReg(data[f"{before}stop"], data[x], status=data[f"{before}event"], entry=entry, ties="efron")
            found = model.fit(groups=data[f"{before}dept"]) if "clustered" in case else model.fit()
            return np.concatenate((found.params, found.bse))

        return fit
    if case == "kaplan_meier":
        from statsmodels.duration.survfunc import SurvfuncRight

        data = frame(folder, "stop", "event")

        def curve() -> np.ndarray:
            found = SurvfuncRight(data["stop"], data["event"])
            place = np.searchsorted(found.surv_times, DAYS, side="right") - 1
            return np.concatenate((found.surv_prob[place], found.surv_prob_se[place]))

        return curve
    if case == "logrank":
        from statsmodels.duration.survfunc import survdiff

        data = frame(folder, "stop", "event", "arm")
        return lambda: np.array([survdiff(data["stop"], data["event"], data["arm"])[0]])
    if case == "aalen_johansen":
        from statsmodels.duration.survfunc import CumIncidenceRight

        data = frame(folder, "stop", "cause")
        return lambda: np.array([CumIncidenceRight(data["stop"], data["cause"].astype(int)).cinc[0][-1]])
    return None


def main() -> None:
    side, case, folder, repeats = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    warnings.simplefilter("ignore")
    empty: Work = lambda: np.zeros(1)  # noqa: E731
    work = empty if case == "empty" else {"ours": ours, "lifelines": lifelines, "statsmodels": statsmodels}[side](case, folder)
    if work is None:
        print(json.dumps({"absent": True}))
        return
    cpu, elapsed = [], []
    for _ in range(repeats):
        began, used = time.perf_counter(), time.process_time()
        figures = work()
        cpu.append(time.process_time() - used)
        elapsed.append(time.perf_counter() - began)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    print(json.dumps({"cpu": cpu, "elapsed": elapsed, "peak_mb": peak, "figures": [float(value) for value in figures]}))


if __name__ == "__main__":
    main()
