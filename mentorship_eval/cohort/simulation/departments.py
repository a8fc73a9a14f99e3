"""Departments, the roll-out of the programme over them, and the people who work in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentorship_eval.cohort.simulation.parameters import Parameters, window_days

__all__ = ["PROFESSIONS", "AtRisk", "Departments", "People", "chosen_for_harm", "draw_departments", "draw_people", "draw_rollout",
           "identifiers", "is_minority", "joined_people", "uptake_gaps", "uptake_probability"]

# profession: share, hazard ratio of leaving, log odds of uptake
PROFESSIONS = {"nurse": (0.55, 1.00, 0.0), "physician": (0.15, 0.85, -0.4), "pharmacist": (0.05, 0.90, 0.2),
               "technician": (0.07, 1.10, 0.0), "allied_health": (0.10, 0.95, 0.3), "administrator": (0.08, 1.20, -0.6)}
HIGH_BURNOUT, OTHER = ("emergency", "intensive_care", "oncology"), ("medicine", "surgery", "geriatrics", "paediatrics", "pharmacy")
WTE = ((1.0, 0.60), (0.8, 0.20), (0.6, 0.15), (0.4, 0.05))
CONTRACTS = ("permanent", "fixed_term", "rotational")
ETHNICITY = {"white": 0.68, "asian": 0.14, "black": 0.09, "mixed": 0.03, "other": 0.03, "not_stated": 0.03}
AGE_SENIOR = 55


@dataclass(frozen=True)
class Departments:
    """Arrays over departments. go_live: month of the window, -1 = never."""

    site: np.ndarray
    organisation: np.ndarray
    specialty: np.ndarray
    high_burnout: np.ndarray
    beds: np.ndarray
    patient_days: np.ndarray  # expected in an ordinary month
    frailty: np.ndarray  # log hazard of voluntary leaving
    incident_effect: np.ndarray  # log rate, all kinds alike
    go_live: np.ndarray


@dataclass(frozen=True)
class AtRisk:
    """What of a person enters the hazards: `People` without the rest. limited: the contract has an end."""

    hire: np.ndarray
    birth_year: np.ndarray
    leaving: np.ndarray
    limited: np.ndarray

    def take(self, which: np.ndarray) -> AtRisk:
        return AtRisk(self.hire[which], self.birth_year[which], self.leaving[which], self.limited[which])


@dataclass(frozen=True)
class People:
    """Arrays over people. hire: days from the first day of the window (negative = before it)."""

    hire: np.ndarray
    dept: np.ndarray
    birth_year: np.ndarray
    female: np.ndarray
    ethnicity: np.ndarray
    profession: np.ndarray
    newly_qualified: np.ndarray
    contract: np.ndarray
    wte: np.ndarray
    commitment: np.ndarray
    leaving: np.ndarray  # personal factor on the hazard of voluntary leaving

    @property
    def limited(self) -> np.ndarray:
        return self.contract != "permanent"

    @property
    def at_risk(self) -> AtRisk:
        return AtRisk(self.hire, self.birth_year, self.leaving, self.limited)

    def take(self, which: np.ndarray) -> People:
        return People(**{name: value[which] for name, value in self.__dict__.items()})


def joined_people(parts: list[People]) -> People:
    return People(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in People.__dataclass_fields__})


def identifiers(letter: str, number: int) -> np.ndarray:
    """``S0001`` ... as wide as needed."""
    width = max(2, len(str(number)))
    return np.array([f"{letter}{index:0{width}d}" for index in range(1, number + 1)], dtype=object)


def draw_rollout(parameters: Parameters, rng: np.random.Generator) -> np.ndarray:
    """Go-live month of each department, at random: equal groups for the waves and for never."""
    number, waves = parameters.departments, [wave for wave in parameters.waves if wave < parameters.months]
    plan = np.full(number, -1)
    if waves:
        if parameters.treated_departments is None:
            group = np.arange(number) % (len(waves) + 1)  # the remainder falls to the first waves
            plan = np.where(group < len(waves), np.asarray([*waves, -1])[group], -1)
        else:
            treated = min(parameters.treated_departments, number)
            plan[:treated] = np.asarray(waves)[np.arange(treated) % len(waves)]
    return rng.permutation(plan)


def chosen_for_harm(parameters: Parameters, departments: Departments, harm: np.ndarray, patient_days: np.ndarray) -> Departments:
    """The worst departments by harm per patient-day in the months before the first go-live get the programme, all at once.

    harm, patient_days: department x month, without a programme. A third of the departments, or ``treated_departments``.
    """
    live = min(parameters.waves)
    window = slice(live - parameters.selection_months, live)
    rate = harm[:, window].sum(axis=1) / patient_days[:, window].sum(axis=1)
    number = parameters.departments // 3 if parameters.treated_departments is None else parameters.treated_departments
    plan = np.full(parameters.departments, -1)
    plan[np.argsort(-rate, kind="stable")[: min(number, parameters.departments)]] = live
    return replace(departments, go_live=plan)


def draw_departments(parameters: Parameters, rng: np.random.Generator, rollout: np.random.Generator) -> Departments:
    number = parameters.departments
    burnout = np.zeros(number, bool)
    burnout[: round(parameters.high_burnout * number)] = True
    burnout = rng.permutation(burnout)
    specialty = np.where(burnout, np.asarray(HIGH_BURNOUT, object)[rng.integers(len(HIGH_BURNOUT), size=number)],
                         np.asarray(OTHER, object)[rng.integers(len(OTHER), size=number)])
    site = np.arange(number) % parameters.sites
    log_sd = np.sqrt(np.log1p(parameters.patient_days_cv**2))
    patient_days = parameters.patient_days * np.exp(log_sd * rng.standard_normal(number) - log_sd**2 / 2)
    frailty = parameters.frailty_sd * rng.standard_normal(number) + np.log(parameters.high_burnout_hr) * (burnout - parameters.high_burnout)
    effect = parameters.department_sd * rng.standard_normal(number) - parameters.department_sd**2 / 2
    beds = np.maximum(np.round(patient_days / 30.4 / 0.85), 4).astype(int)
    return Departments(site, site % parameters.organisations, specialty, burnout, beds, patient_days, frailty, effect,
                       draw_rollout(parameters, rollout))


def draw_people(parameters: Parameters, number: int, rng: np.random.Generator) -> People:
    """``number`` hires, evenly spread over the years before the window and the window itself."""
    last = int(window_days(parameters)[-1]) - 1
    hire = rng.integers(-round(parameters.history_years * 365.25), last, size=number)
    profession = rng.choice(len(PROFESSIONS), p=[share for share, _, _ in PROFESSIONS.values()], size=number)
    newly = rng.random(number) < parameters.newly_qualified
    age = np.where(newly, rng.integers(21, 29, size=number), np.clip(np.round(rng.normal(39, 9, size=number)), 25, 62)).astype(int)
    year = int(parameters.start[:4]) + np.floor(hire / 365.25).astype(int)
    commitment = rng.standard_normal(number)
    by_profession = np.array([ratio for _, ratio, _ in PROFESSIONS.values()])
    average = sum(share * ratio for share, ratio, _ in PROFESSIONS.values())
    average *= 1 + parameters.newly_qualified * (parameters.newly_qualified_hr - 1)
    leaving = by_profession[profession] * np.where(newly, parameters.newly_qualified_hr, 1.0) / average
    leaving = leaving * parameters.commitment_hr**commitment
    ethnicity = rng.choice(np.array(list(ETHNICITY), object), p=list(ETHNICITY.values()), size=number)
    contract = rng.choice(np.array(CONTRACTS, object), p=list(parameters.contracts), size=number)
    wte = rng.choice([value for value, _ in WTE], p=[share for _, share in WTE], size=number)
    return People(hire, rng.integers(parameters.departments, size=number), year - age, rng.random(number) < 0.76, ethnicity, profession,
                  newly, contract, wte, commitment, leaving)


def is_minority(ethnicity: np.ndarray) -> np.ndarray:
    return np.isin(ethnicity, ["asian", "black", "mixed", "other"])


def uptake_gaps(parameters: Parameters) -> tuple[float, float]:
    """Log odds of uptake of women and of minority ethnic groups; cohorts without outcomes keep the gaps that they always had."""
    return parameters.uptake_gaps if parameters.outcomes else (-0.16, -0.45)


def uptake_probability(parameters: Parameters, people: People, departments: Departments) -> np.ndarray:
    """Chance of ever wanting a mentor, on average ``uptake``; it depends on what also drives leaving (confounding by design)."""
    odds = np.array([log_odds for _, _, log_odds in PROFESSIONS.values()])[people.profession]
    women, minority = uptake_gaps(parameters)
    odds = odds + parameters.newly_qualified_uptake * people.newly_qualified + women * people.female
    odds = odds + minority * is_minority(people.ethnicity)
    if parameters.frailty_sd > 0:
        odds = odds + parameters.frailty_uptake * departments.frailty[people.dept] / parameters.frailty_sd
    odds = odds + parameters.commitment_uptake * people.commitment
    low, high = -15.0, 15.0
    for _ in range(60):  # bisection on the intercept
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-odds - middle))).mean() < parameters.uptake else (low, middle)
    return 1 / (1 + np.exp(-odds - (low + high) / 2))
