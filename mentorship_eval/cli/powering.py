"""The verb power: which rate ratios a cohort, or a design on paper, can detect. A table on stdout, progress on stderr."""

from __future__ import annotations

import json
import math
import re
import textwrap
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from mentorship_eval.errors import DataError, UsageError, listing
from mentorship_eval.report.parameters import resolve_cohort

if TYPE_CHECKING:
    import pandas as pd

    from mentorship_eval.cohort import Cohort
    from mentorship_eval.did.design.result import PowerResult

__all__ = ["show_power"]

ON_PAPER = ("departments", "months", "exposure", "rate", "waves")
WIDE = 80
FEW_EVENTS = 10  # fewer are not printed
_TELL_EVERY = 5.0  # seconds


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in re.split(r"[,\s]+", text.strip()))
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a list of numbers.", fix=f"Write them as in {option} 0.7,0.8,0.9.") from None


def _waves(text: str) -> tuple[tuple[int, int], ...]:
    parts = [re.fullmatch(r"\s*(\d+)\s*:\s*(\d+)\s*", part) for part in text.split(",")]
    if not all(parts):
        raise UsageError(f"--waves {text!r} is not a list of month:departments.",
            fix="Write --waves 12:8,18:8 for eight departments each in months 12 and 18.")
    return tuple((int(part[1]), int(part[2])) for part in parts if part)


def _progress() -> Callable[[int, int], None]:
    """One line on stderr every few seconds; nothing for short work."""
    start = last = 0.0

    def tell(done: int, number: int) -> None:
        nonlocal start, last
        now = time.monotonic()
        if done == 1:
            start = last = now
        elif now - last >= _TELL_EVERY and done < number:
            ahead = (now - start) * (number - done) / (done - 1)
            click.echo(f"[{now - start:5.1f} s] {done:,} of {number:,} simulations, about {ahead:.0f} s to go", err=True)
            last = now

    return tell


def _choose(outcome: str | None, columns: Sequence[str]) -> str:
    """The outcome asked for, or harm, or the first there is."""
    if outcome is None:
        return "harm" if "harm" in columns else columns[0]
    if outcome not in columns:
        raise UsageError(f"There is no outcome {outcome!r} in this cohort.", fix=f"It has {listing(columns, 12)}.")
    return outcome


def _from_incidents(cohort: Cohort, outcome: str | None) -> tuple[pd.DataFrame, str, dict[str, str]]:
    from mentorship_eval.cohort.panels import department_months

    start, end = cohort.window
    made = department_months(
        incidents=cohort.table("incidents"), exposure=cohort.table("exposure"), rollout=cohort.table("rollout"), start=start, end=end
    )
    chosen = _choose(outcome, ("harm", "no_harm", "near_miss", "all_incidents"))
    return made.rows, chosen, {"exposure": "patient_days", "unit": "dept_id", "time": "period", "adopted": "adopted"}


def _panel_of(cohort: Cohort, outcome: str | None) -> tuple[pd.DataFrame, str, dict[str, str]]:
    """Panel, outcome and column names, as the incidents chapter takes them."""
    lacking = cohort.missing_for("incidents")
    if lacking:
        raise DataError("The power for rates of incidents cannot be told from this cohort.", fix=lacking)
    if cohort.has("incidents", "exposure", "rollout"):
        return _from_incidents(cohort, outcome)
    chosen = _choose(outcome, list(cohort.study.tables["counts"].outcomes))
    return cohort.table("counts"), chosen, {"exposure": "exposure", "unit": "dept_id", "time": "period", "adopted": "active_from"}


def _of_cohort(path: str, outcome: str | None, paper: dict[str, Any], settings: dict[str, Any]) -> tuple[PowerResult, str]:
    """As it was rolled out; or, with waves, as a roll-out to come in its departments."""
    if paper["months"] is not None and paper["waves"] is None:
        raise UsageError("--months of a cohort is the length of a roll-out to come.",
            fix="Give its --waves too, such as 7:10,13:10, or leave --months out.")
    ahead = {"waves": _waves(paper["waves"]), "periods": paper["months"]} if paper["waves"] is not None else {}
    folder = resolve_cohort(path)
    from mentorship_eval.cohort import read_cohort
    from mentorship_eval.did import power

    cohort = read_cohort(folder)
    panel, chosen, columns = _panel_of(cohort, outcome)
    result = power(panel, count=chosen, **columns, **ahead, **settings)
    what = f"{cohort.name}: {chosen.replace('_', ' ')} per {columns['exposure'].replace('_', ' ')}"
    return result, f"{what}, a roll-out to come" if ahead else what


def _of_paper(paper: dict[str, Any], settings: dict[str, Any]) -> tuple[PowerResult, str]:
    missing = [f"--{name}" for name in ON_PAPER if paper[name] is None]
    if missing:
        raise UsageError(f"A design on paper also needs {listing(missing)}.",
            fix="For example: power --departments 24 --months 36 --exposure 900 --rate 2 --waves 12:8,18:8")
    from mentorship_eval.did import Design, power

    noise = {name: settings.pop(name) for name in ("overdispersion", "autocorrelation") if settings[name] is not None}
    design = Design(
        units=paper["departments"], periods=paper["months"], exposure=paper["exposure"], rate=paper["rate"], waves=_waves(paper["waves"]),
        per=paper["per"], **noise,
    )
    settings = {name: value for name, value in settings.items() if name not in ("overdispersion", "autocorrelation")}
    return power(design=design, **settings), "Design on paper"


def _plain(value: Any) -> Any:
    """Numbers as JSON has them: NaN becomes null, numpy's become Python's."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _design(facts: dict[str, object]) -> dict[str, object]:
    """The design without what would give a small number of events away."""
    few = min(float(facts[name]) for name in ("expected_treated", "expected_untreated")) < FEW_EVENTS  # type: ignore[arg-type]
    hidden = {"expected_treated", "expected_untreated", "rate"} if few else set()
    return {name: None if name in hidden else value for name, value in facts.items() if name != "spread_of_log_ratio"}


def _as_json(result: PowerResult, title: str) -> str:
    shown = {
        "title": title, "statement": result.statement(), "minimum_detectable": result.minimum_detectable.to_dict("records"),
        "table": result.table.to_dict("records"), "size": result.size, "size_mc_se": result.size_se, "target": result.target, "alpha": result.alpha,
        "test": result.test, "replicates": result.replicates, "failed": result.failed, "seed": result.seed, "noise": result.noise,
        "design": _design(result.design),
        "warnings": [{"code": caution.code, "text": caution.text} for caution in result.warnings],
    }
    return json.dumps(_plain(shown), indent=2, ensure_ascii=False)


def _as_table(result: PowerResult) -> list[str]:
    bar = 24
    lines = [f"{'rate ratio':>10}  {'power':>6}  {'95 % Monte-Carlo':>16}"]
    for row in result.table.itertuples():
        interval = f"{100 * row.ci_low:.0f} to {100 * row.ci_high:.0f} %"
        drawn = "#" * round(bar * row.power)
        tail = "no effect: the size of the test" if row.role == "size" else ""
        lines.append(f"{row.ratio:>10.3g}  {100 * row.power:>4.0f} %  {interval:>16}  {drawn if not tail else drawn.ljust(3) + tail}".rstrip())
    return lines


def _say(result: PowerResult, title: str) -> None:
    how = "jackknife t" if result.test == "jackknife t" else "permutation"
    paragraphs = [
        result.detectable_statement(), result.design_statement(), result.size_statement(),
        f"Of the {how} test of the incidents chapter at {result.alpha:.0%}; {result.replicates:,} simulations, seed {result.seed}. Power at ratios "
        "that you state, constant over departments and months; at the observed ratio it would only restate the p-value.",
        *(f"Note: {caution.text}" for caution in result.warnings),
    ]
    click.echo(f"{title}\n")
    click.echo("\n".join(_as_table(result)) + "\n")
    for text in paragraphs:
        click.echo(textwrap.fill(text.replace(" units", " departments").replace(" periods", " months"), WIDE))


def show_power(
    cohort: str | None, outcome: str | None, paper: dict[str, Any], settings: dict[str, Any], *, ratios: str | None, as_json: bool
) -> None:
    """Print the power of a cohort's design or of one on paper."""
    named = [f"--{name}" for name in ON_PAPER if paper[name] is not None]
    foreign = [name for name in named if name not in ("--waves", "--months")]
    if cohort is not None and foreign:
        raise UsageError(f"{listing(foreign)} describe a design on paper, but the cohort {cohort} was given too.", fix="Give one of the two.")
    if cohort is None and not named:
        raise UsageError("power needs a cohort or a design on paper.",
            fix="For example: power data/demo, or power --departments 24 --months 36 --exposure 900 --rate 2 --waves 12:8,18:8")
    if cohort is None and outcome is not None:
        raise UsageError("--outcome chooses among a cohort's outcomes.", fix="Leave it out: --rate says what is counted.")
    if ratios is not None:
        settings["ratios"] = _numbers(ratios, "--ratios")
    settings["progress"] = _progress()
    result, title = _of_paper(paper, settings) if cohort is None else _of_cohort(cohort, outcome, paper, settings)
    if as_json:
        click.echo(_as_json(result, title))
    else:
        _say(result, title)
