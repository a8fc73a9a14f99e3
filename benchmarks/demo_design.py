"""How large must the demo cohort be? Expected half-widths of its two main intervals, before any seed is drawn.

Only expected counts enter: no random number is drawn here and no simulated outcome is read. Printed for a grid of
sizes: ``python benchmarks/demo_design.py``. The reasoning and the choice stand in docs/demo-design.md.
"""

from __future__ import annotations

import numpy as np

from mentorship_eval.cohort.simulation.incidents import month_factors, programme_ratio
from mentorship_eval.cohort.simulation.parameters import Parameters

SIZES = ((24, 2400), (48, 4800), (72, 9600), (96, 9600), (96, 14400), (112, 16800), (120, 18000), (128, 19200), (136, 20400))


def shape(parameters: Parameters) -> np.ndarray:
    """Go-live month of each department: equal groups, -1 = never."""
    return np.asarray([*parameters.waves, -1])[np.arange(parameters.departments) % (len(parameters.waves) + 1)]


def normal_scores(number: int) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri((np.arange(number) + 0.5) / number)


def harm_half_width(parameters: Parameters) -> dict[str, float]:
    """Poisson imputation of harm: delta-method variance under counts with variance m + dispersion m^2, t(G-1).

    log IRR = log(observed) - log(expected) over treated cells. The first part has variance sum(v) / sum(m)^2. The
    second is a function of the department and month effects fitted on untreated cells: gradient g = the mean
    design row of treated cells, weighted by expected counts; variance g' A^-1 B A^-1 g with A = X'diag(m)X and
    B = X'diag(v)X over untreated cells.
    """
    from scipy.stats import t

    go_live, number, months = shape(parameters), parameters.departments, parameters.months
    # departments at the quantiles of size and of rate, paired so that the two are unrelated
    scores = normal_scores(number)
    log_sd = np.sqrt(np.log1p(parameters.patient_days_cv**2))
    size = parameters.patient_days * np.exp(log_sd * scores - log_sd**2 / 2)
    level = np.exp(parameters.department_sd * scores[(np.arange(number) * 37 + 11) % number] - parameters.department_sd**2 / 2)
    month = np.arange(months)
    shock = np.where((month >= parameters.shock_months[0]) & (month < parameters.shock_months[2]), parameters.shock_patient_days, 1.0)
    without = parameters.harm_rate / 1000 * (size * level)[:, None] * shock * month_factors(parameters)
    ratio, treated = programme_ratio(parameters, go_live)
    mean = without * ratio[0]
    variance = mean + parameters.dispersion * mean**2
    observed = variance[treated].sum() / mean[treated].sum() ** 2
    rows, columns = np.indices(mean.shape)
    design = np.zeros((mean.size, number + months))
    design[np.arange(mean.size), rows.ravel()] = 1
    design[np.arange(mean.size), number + columns.ravel()] = 1
    control = ~treated.ravel()
    x, m, v = design[control], without.ravel()[control], (without + parameters.dispersion * without**2).ravel()[control]
    bread = np.linalg.pinv((x * m[:, None]).T @ x)
    weight = without.ravel()[~control]
    gradient = weight @ design[~control] / weight.sum()
    half = bread @ gradient
    expected = half @ ((x * v[:, None]).T @ x) @ half
    se = float(np.sqrt(observed + expected))
    return {"harm_events": float(mean.sum()), "harm_se": se, "harm_half_width": se * float(t.ppf(0.975, number - 1))}


def hazard_half_width(parameters: Parameters) -> dict[str, float]:
    """Cox regression on time since hire with strata(department) and calendar quarters: 1 / expected information.

    Expected person-time is laid out by wave, month of hire and month of the window. Information = expected events times the
    variance of exposure that is left within risk sets (department x tenure) after calendar quarter: within-cell part
    q(1-q), times (1 - 1/size of the risk set), plus the between-cell part that the two sets of effects leave. Measured
    confounders are taken to use up 5 % of it.
    """
    from scipy.stats import t

    p, months, past = parameters, parameters.months, round(parameters.history_years * 12)
    base = np.repeat(p.hazard, [12, 12, past + months])[: past + months]
    bump = np.where((np.arange(past + months) >= 5) & (np.arange(past + months) < 9), p.bump, 1.0)
    voluntary = base * p.share_voluntary * bump
    stay = np.exp(-np.cumsum(voluntary + base * (p.share_retirement + p.share_end_of_contract)))
    stay = np.concatenate([[1.0], stay[:-1]])
    hire, month = np.meshgrid(np.arange(-past, months), np.arange(months), indexing="ij")
    tenure = month - hire
    there = tenure >= 0
    # people on the books at the start or hired in the window, per hire a month
    listed = stay[:past].sum() + months
    rate = p.staff / p.departments / listed
    shock = np.ones(months)
    shock[p.shock_months[0] : p.shock_months[1]], shock[p.shock_months[1] : p.shock_months[2]] = p.shock_hazard
    cells = []
    for wave in [*p.waves, -1]:
        began = np.maximum(hire, wave) if wave >= 0 else np.full(hire.shape, 10**6)
        open_ = np.maximum(month + 0.5 - began, 0.0)
        reach = p.uptake * np.where(hire <= -24, 1 - p.mentor_share, 1.0)
        q = reach * -np.expm1(-open_ / p.uptake_delay)
        people = rate * stay[np.maximum(tenure, 0)] * there
        events = people * voluntary[np.maximum(tenure, 0)] * shock[month] * (1 - q * (1 - 0.8))
        at_risk = np.bincount(tenure[there], weights=people[there], minlength=past + months)
        cells.append((q[there], events[there], np.maximum(at_risk[tenure[there]], 1.0), tenure[there], month[there] // 3))
    q, events, risk, tenure, quarter = (np.concatenate([cell[index] for cell in cells]) for index in range(5))
    group = np.repeat(np.arange(len(cells)), len(cells[0][0])) * (past + months) + tenure
    weight = events * p.departments / len(cells)
    within = (weight * q * (1 - q) * (1 - 1 / risk)).sum()
    left = q.copy()
    for _ in range(100):  # alternating projections off the risk sets and the quarters
        for code in (group, quarter):
            total = np.bincount(code, weights=weight)
            left = left - (np.bincount(code, weights=weight * left) / np.where(total > 0, total, 1.0))[code]
    between = (weight * left**2 * (1 - 1 / risk)).sum()
    information = 0.95 * (within + between)
    se = float(1 / np.sqrt(information))
    informative = round(p.departments * len(p.waves) / len(cells))
    return {"voluntary_leavers": float(weight.sum()), "leavers_mentored": float((weight * q).sum()), "hr_se": se,
            "hr_half_width": se * float(t.ppf(0.975, informative - 1))}


def main() -> None:
    print("departments   staff  harm events  harm +-log IRR  leavers  of them mentored  +-log HR")
    for departments, staff in SIZES:
        parameters = Parameters(departments=departments, staff=staff)
        harm, leaving = harm_half_width(parameters), hazard_half_width(parameters)
        print(f"{departments:11d} {staff:7d} {harm['harm_events']:12.0f} {harm['harm_half_width']:15.3f} "
              f"{leaving['voluntary_leavers']:8.0f} "
              f"{leaving['leavers_mentored']:17.0f} {leaving['hr_half_width']:9.3f}")


if __name__ == "__main__":
    main()
