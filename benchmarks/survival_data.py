"""The rows of the survival benchmarks: staff followed for three years in days, as columns of raw numbers.

R and Python read the same files, one per column (float64, as the machine stores it), so that both start from the same
numbers and neither pays for parsing. A fifth of the staff leave; ties are day-level, as in any personnel system.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

WINDOW = 1095
DEPARTMENTS = 200
COVARIATES = [f"x{i}" for i in range(20)]
EFFECTS = (0.3, -0.2, 0.1)


def make(rows: int, folder: Path, seed: int = 20) -> Path:
    """Write the columns for ``rows`` rows, once; the folder they are in.

    stop, event, cause (0 censored, 1 leaves, 2 retires), dept, arm and 20 covariates, three of them with an effect; and of
    half as many persons the two rows (tv_start, tv_stop] with tv_event, tv_treated (the second row) and tv_dept.
    """
    place = folder / str(rows)
    if (place / "complete").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    dept, arm = rng.integers(0, DEPARTMENTS, rows), rng.integers(0, 2, rows)
    frailty = rng.normal(0, 0.3, DEPARTMENTS)[dept]
    log_hazard = frailty.copy()
    for j, name in enumerate(COVARIATES):
        values = rng.normal(size=rows) if j % 2 else (rng.random(rows) < 0.4).astype(float)
        _write(place, name, values)
        if j < len(EFFECTS):
            log_hazard += EFFECTS[j] * values
    follow_up = np.minimum(np.ceil(rng.uniform(200, 1600, rows)), WINDOW)  # joined over two years
    leaves = np.ceil(rng.exponential(np.exp(-log_hazard + 0.1 * arm) * 4500))
    retires = np.ceil(rng.exponential(12_000, rows))
    stop = np.minimum(np.minimum(leaves, retires), follow_up)
    cause = np.where(stop == follow_up, 0, np.where(leaves <= retires, 1, 2)) * (stop > 0)
    cause[leaves == stop] = 1
    for name, values in {"stop": stop, "cause": cause, "event": cause == 1, "dept": dept, "arm": arm}.items():
        _write(place, name, values)
    half = rows // 2
    begun = np.floor(rng.uniform(0, 400, half))
    first, second = (np.ceil(rng.exponential(3500, half)) for _ in range(2))
    switch = begun + np.ceil(rng.uniform(1, 300, half))
    ends = switch + np.ceil(rng.uniform(1, WINDOW - 700, half))
    columns = {
        "tv_start": np.concatenate((begun, switch)),
        "tv_stop": np.concatenate((np.minimum(begun + first, switch), np.minimum(switch + second, ends))),
        "tv_event": np.concatenate((begun + first <= switch, switch + second <= ends)),
        "tv_treated": np.repeat((0.0, 1.0), half),
        "tv_dept": np.tile(dept[:half], 2),
    }
    for name, values in columns.items():
        _write(place, name, values)
    (place / "complete").touch()
    return place


def _write(place: Path, name: str, values: np.ndarray) -> None:
    np.asarray(values, dtype=float).tofile(place / f"{name}.f64")
