"""Default answer of the rate engine at two sizes, and the point estimate of 10,000 units by 60 months beside pyfixest.

    python -m benchmarks.did_default [--peers PYTHON] [--repeats 3]

Every case runs in a process of its own. Seconds, and those of the processor, are told with all imports and of the call alone;
memory is the peak above that of a process that has imported the same libraries and holds the data. PYTHON is an interpreter that
has pyfixest, whose ``fepois`` is given the untreated cells with unit and period effects and the log exposure as offset: the fit behind
the estimate, without projection.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
WAVES = (0.35, 0.45, 0.55, 0.65, 0.7, 0.8)


def panel(units: int, periods: int) -> dict[str, np.ndarray]:
    """Columns of a panel in which three quarters of the units adopt in six waves, with overdispersed counts and a ratio of 0.8."""
    random = np.random.default_rng(1)
    start = np.full(units, np.nan)
    for wave, members in zip(WAVES, np.array_split(np.arange(units - units // 4), len(WAVES)), strict=True):
        start[members] = round(wave * periods)
    start, period = random.permutation(start), np.arange(1, periods + 1)
    days = 700 * random.lognormal(0, 0.35, (units, 1)) * random.lognormal(0, 0.1, (units, periods))
    mean = days / 1000 * 2 * np.exp(random.normal(0, 0.35, (units, 1)) + 0.08 * np.sin(period / 2) - 0.005 * period)
    mean *= np.where(period >= start[:, None], 0.8, 1.0) * random.gamma(20, 0.05, mean.shape)
    return {
        "unit": np.repeat(np.arange(units), periods), "period": np.tile(period, units), "start": np.repeat(start, periods),
        "events": random.poisson(mean).ravel(), "days": days.ravel().round(1),
    }


OURS = """
from mentorship_eval import did
result = did.poisson_imputation(frame, count="events", exposure="days", unit="unit", time="period", adopted="start", {options})
value = result.irr.value
"""

PEER = """
import pyfixest as pf
untreated = frame[~(frame["period"] >= frame["start"])]
untreated = untreated.assign(size=np.log(untreated["days"]))
fit = pf.fepois("events ~ 1 | unit + period", untreated, offset="size", vcov="iid")
value = float(fit.predict(type="response").sum())  # the events of the untreated cells, as every Poisson fit has it
"""

RUN = """
import json, resource, time
began, cpu = time.perf_counter(), time.process_time()
import numpy as np, pandas as pd
{imports}
frame = pd.DataFrame(dict(np.load({path!r})))
held, call, call_cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
{body}
print(json.dumps({{"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "value": value,
    "call": time.perf_counter() - call, "call_cpu": time.process_time() - call_cpu,
    "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024}}))
"""

CASES = {
    "default answer, 24 x 36": ((24, 36), "", False),
    "default answer, 200 x 120": ((200, 120), "", False),
    "default and inverted interval, 24 x 36": ((24, 36), "permutation_interval=True", False),
    "point estimate, 10,000 x 60": ((10_000, 60), "permutations=0, jackknife=False, tables=False", True),
    "with jackknife, 10,000 x 60": ((10_000, 60), "permutations=0, tables=False", False),
}


def timed(python: str, body: str, imports: str, path: Path, repeats: int) -> dict[str, float]:
    """Medians over fresh processes of seconds, processor seconds and megabytes."""
    code = RUN.format(imports=imports, path=str(path), body=body)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "2")}
    found = []
    for _ in range(repeats):
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: statistics.median(run[name] for run in found) for name in found[0]}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--peers", help="interpreter with pyfixest")
    options.add_argument("--repeats", type=int, default=3)
    chosen = options.parse_args()
    print(f"{'case':42s} {'seconds':>8s} {'cpu':>8s} {'call':>8s} {'its cpu':>8s} {'MB above data':>14s}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (size, settings, beside) in CASES.items():
            path = Path(folder) / "panel.npz"
            np.savez(path, **panel(*size))
            runs = [(name, sys.executable, OURS.format(options=settings), "from mentorship_eval.did import poisson_imputation")]
            if beside and chosen.peers:
                runs.append(("  pyfixest fepois, untreated cells", chosen.peers, PEER, "import pyfixest"))
            for label, python, body, imports in runs:
                found = timed(python, body, imports, path, chosen.repeats)
                times = "".join(f"{found[name]:9.2f}" for name in ("seconds", "cpu", "call", "call_cpu"))
                print(f"{label:42s}{times} {found['megabytes']:14.0f}", flush=True)


if __name__ == "__main__":
    main()
