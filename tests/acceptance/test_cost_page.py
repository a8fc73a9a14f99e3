"""The page for whoever pays: costs with ranges and a price year, the chance that it pays, the benchmark said aloud."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mentorship_eval.cohort import simulate_cohort
from mentorship_eval.report.stored import load_answers
from tests.program import call

pytestmark = pytest.mark.slow

ONLY = ("staff", "departments", "spells", "matches", "rollout", "mentors", "sessions", "costs")
SIZE = {"departments": 16, "staff": 1200, "months": 30, "waves": (8, 14)}


def written(folder: Path, **changes: object) -> Path:
    made = simulate_cohort("default", seed=4, outcomes=True, **{**SIZE, **changes})
    study = {**made.study, "tables": {name: file for name, file in made.study["tables"].items() if name in ONLY}}
    return replace(made, tables={name: made.tables[name] for name in ONLY}, study=study).write(folder / "cohort")


def page_of(folder: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, object]:
    code, said, err = call(capsys, "run", folder, "--out", out, "--chapters", "retention,economics")
    assert code == 0, err
    run = Path(said.strip().splitlines()[-1]).parent
    return run, load_answers(run)[0]["economics"]


def test_the_page_has_what_a_finance_director_asks(tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path)
    run, answer = page_of(folder, tmp_path / "reports", capsys)
    shown = {item.id for item in (*answer.results, *answer.exhibits)}
    assert {"economics.net_benefit", "economics.roi", "economics.probability", "economics.costs", "economics.tornado",
            "economics.acceptability", "economics.quadrants", "economics.assumptions", "economics.otherwise"} <= shown  # fmt: skip
    avoided = load_answers(run)[0]["retention"].result("retention.programme_active.avoided").estimate
    net, cost = answer.result("economics.net_benefit").estimate, answer.result("economics.programme_cost").estimate
    assert net.value == pytest.approx(12000 * avoided.value - cost.value) and net.ci_low < net.value < net.ci_high
    html = (run / "10_economics.html").read_text(encoding="utf-8")
    assert "prices of 20" in html and "no interval" not in answer.lead[0].text and "61,110" not in html
    assert html.count("<img") >= 2
    # people read three figures, the file has them all
    shown = f"{float(f'{net.value:.3g}'):,.0f}".replace("-", "\u2212")
    row = next(line for line in (run / "estimates.csv").read_text(encoding="utf-8").splitlines() if line.startswith("economics.net_benefit,"))
    assert shown in html and shown in (run / "index.html").read_text(encoding="utf-8") and repr(net.value) in row and "GBP 20" in row


def test_without_an_own_value_the_united_states_benchmark_is_shown_and_marked(
    tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path)
    costs = (folder / "costs.csv").read_text(encoding="utf-8").replace("GBP", "USD")
    kept = [line for line in costs.splitlines() if "leaver" not in line]
    (folder / "costs.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    run, _ = page_of(folder, tmp_path / "reports", capsys)
    html = (run / "10_economics.html").read_text(encoding="utf-8")
    assert "61,110 USD" in html and "UNITED STATES BENCHMARK THAT NEEDS OVERRIDING" in html


def test_without_a_comparison_there_is_no_figure(tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # everybody starts on one day before the window: nobody tells what would have been
    folder = written(tmp_path, departments=8, staff=300)
    rollout = (folder / "rollout.csv").read_text(encoding="utf-8").splitlines()
    place = rollout[0].split(",").index("active_from")
    changed = [rollout[0]] + [",".join("2015-01-01" if n == place else cell for n, cell in enumerate(line.split(","))) for line in rollout[1:]]
    (folder / "rollout.csv").write_text("\n".join(changed) + "\n", encoding="utf-8")
    _, answer = page_of(folder, tmp_path / "reports", capsys)
    assert not answer.results and not answer.exhibits
    assert "no counterfactual" in answer.gaps[0].reason
