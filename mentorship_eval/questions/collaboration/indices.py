"""How a hospital's staff mix: share of ties across professions, E-I index against chance, reciprocity, assortativity; by year and by department.

Chance means: the same network, the same number of each profession in every department, and professions handed out anew within departments. Nothing
of the network itself is shown: who is tied to whom, and what small parts it has, would be known again by those who work there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentorship_eval.estimate import Estimate
from mentorship_eval.estimate import format_number as number
from mentorship_eval.inference.mixing import Mixing, expected_across, mixing_test
from mentorship_eval.questions.answer import Result, Statement
from mentorship_eval.questions.collaboration.ties import OUTCOME, TieStudy
from mentorship_eval.questions.exhibits import table_exhibit
from mentorship_eval.questions.section import Section

__all__ = ["MOST_DRAWS", "Network", "by_department", "by_year", "networks"]

MOST_DRAWS = 999
# of a department in the whole window, below which it joins the others, settled by size alone: many ties may be those of few people
FEWEST_TIES, FEWEST_SENDERS = 30, 10
OTHERS = "Smaller departments"
_ID = "collaboration.mixing."


@dataclass(frozen=True)
class Network:
    """Ties of a year: positions (E,) of the ends among people (n,), and their professions and departments in that year."""

    year: str
    source: np.ndarray
    target: np.ndarray
    people: np.ndarray
    profession: np.ndarray
    dept: np.ndarray


def networks(study: TieStudy) -> Iterator[Network]:
    """One network for each calendar year with ties, of all staff followed in it; a person's department is the first of the year."""
    rows = study.rows.assign(year=study.rows["period"].str[:4])
    profession = study.cohort.table("staff").set_index("staff_id")["profession"].astype(object)
    ties = study.ties.assign(year=study.ties["date"].dt.year.astype(str))
    for year, mine in ties.groupby("year"):
        people = rows[rows["year"] == year].drop_duplicates("staff_id")
        people = people.assign(profession=people["staff_id"].map(profession))
        people = people[people["profession"].notna()].sort_values("staff_id")
        ids = pd.Index(people["staff_id"])
        source, target = ids.get_indexer(mine["from_id"]), ids.get_indexer(mine["to_id"])
        known = (source >= 0) & (target >= 0)
        if known.any():
            yield Network(str(year), source[known], target[known], ids.to_numpy(), people["profession"].to_numpy(str),
                          people["dept_id"].astype(str).to_numpy())  # fmt: skip


def _graph_indices(network: Network) -> tuple[float, float]:
    """Share of the year's new ties that a new tie of the year answers, and assortativity by profession (Newman 2003), by networkx."""
    import networkx as nx

    graph = nx.DiGraph()
    # both are of ties: people without any do not enter
    tied = np.unique(np.concatenate([network.source, network.target])).tolist()
    graph.add_nodes_from((i, {"profession": network.profession[i]}) for i in tied)
    graph.add_edges_from(zip(network.source.tolist(), network.target.tolist(), strict=True))
    # what nx.overall_reciprocity gives, without its copy of the network
    answered = sum(graph.has_edge(there, here) for here, there in graph.edges) / graph.number_of_edges()
    return answered, float(nx.attribute_assortativity_coefficient(graph, "profession"))


def _by_chance(found: Mixing) -> str:
    expected = number(found.expected)
    return f"{expected} ({number(found.low)} to {number(found.high)})" if found.draws else expected


def _result(network: Network, found: Mixing, counts: tuple[float, float]) -> Result:
    """The distance of a year's E-I index from chance; the test permutes professions, and says nothing of other hospitals: no interval."""
    estimand = f"E-I index of the new ties of {network.year}, minus its expectation with professions permuted within departments"
    kind = "all" if found.exact else f"{found.draws:,}"
    method = f"observed {number(found.observed)}, expected {number(found.expected)} (exact); two-sided p from {kind} permutations (QAP)"
    estimate = Estimate(value=found.observed - found.expected, scale="difference", unit="of the E-I index", p_value=float(found.p_value),
                        n=len(network.people), n_events=int(sum(counts)), method=method if found.draws else method.split(";")[0],
                        estimand=estimand)  # fmt: skip
    return Result(_ID + network.year, OUTCOME, estimand, f"staff followed in {network.year}", estimate, f"E-I index of {network.year}, minus chance",
                  "companion", "How professions mix", rests_on=counts)  # fmt: skip


def by_year(study: TieStudy) -> Section:
    """Indices of each year's network, and the distance of the E-I index from chance with its test, one result a year."""
    told, plan, lines = Section(), study.cohort.study.plan, []
    draws = min(plan.permutations, MOST_DRAWS)
    tests: list[tuple[str, Mixing, tuple[float, float]]] = []
    for network in networks(study):
        across = network.profession[network.source] != network.profession[network.target]
        counts = float(across.sum()), float((~across).sum())
        if len(set(network.profession)) < 2 or min(counts) < 1:
            continue
        found = mixing_test(network.source, network.target, network.profession, network.dept, draws=draws, seed=plan.seed)
        reciprocity, assortativity = _graph_indices(network)
        tests.append((network.year, found, counts))
        lines.append({"year": network.year, "people": len(network.people), "ties": int(sum(counts)), "across": int(counts[0]),
                      "within": int(counts[1]), "share": counts[0] / sum(counts), "index": found.observed,
                      "chance": _by_chance(found), "p": found.p_value,
                      "reciprocity": reciprocity, "assortativity": assortativity, "mutual": round(reciprocity * sum(counts)),
                      "told": _ID + network.year})  # fmt: skip
        told.results.append(_result(network, found, counts))
    if not lines:
        return told.lacks("How professions mix", "No year has ties both within and across professions.", "collaboration within the window")
    frame = pd.DataFrame(lines)
    told.exhibits += [
        table_exhibit(
            "collaboration.chance", "How professions mix, against chance", frame[["year", "index", "chance", "p", "across", "within", "told"]],
            derived=("index", "chance", "p"), behind=("across", "within"), ratios={"index": "across"}, results={"told": ""},
            labels={"year": "Year", "index": "E-I index", "chance": "By chance (95 % of draws)", "p": "p"}, formats={"index": "number", "p": "p"},
            note="E-I index: −1 when all ties are within professions, 1 when all are across. By chance: professions handed out anew within "
            "departments, the ties as they are.",
        ),
        table_exhibit(
            "collaboration.indices", "New ties of each year", frame.drop(columns=["index", "chance", "p", "told"]),
            counts=("people", "ties", "across", "within"), derived=("share", "reciprocity", "assortativity"), within="*",
            sums=(("ties", "across", "within"),), ratios={"share": ("across", "ties")}, behind=("mutual",), of={"reciprocity": "mutual"},
            labels={"year": "Year", "people": "People", "ties": "Ties", "across": "Across", "within": "Within", "share": "Share across",
                    "reciprocity": "Answered in the same year", "assortativity": "Assortativity"},
            formats={**dict.fromkeys(("people", "ties", "across", "within"), "count"), "share": "percent", "reciprocity": "percent",
                     "assortativity": "number"},
            note="Answered in the same year: share of the new ties that a new one back answers before the year is over; who answers an older tie, or "
            "later, is not in it. Assortativity: 1 when all ties are within professions, 0 when professions do not matter.",
        ),
    ]  # fmt: skip
    year, last, counts = tests[-1]
    if last.draws:
        where = "above" if last.observed > last.high else "below" if last.observed < last.low else "within the range of"
        told.lead.append(
            Statement(
                f"In {year} the E-I index (−1: all ties within professions, 1: all across) was {number(last.observed)}, {where} what chance gives: "
                f"{number(last.low)} to {number(last.high)} if professions were handed out anew within departments.",
                rests_on=counts, results=(_ID + year,), see=("collaboration.chance",),
            )
        )  # fmt: skip
    told.methods.append(
        "How professions mix: E-I index (Krackhardt & Stern 1988) of the new ties of each calendar year; expectation, range and two-sided p-value "
        f"from {draws:,} permutations of professions within departments, the network held as it is (seed {plan.seed}); reciprocity "
        "among the new ties of a year, and assortativity by profession (Newman 2003), by networkx. Professions that begin more ties than others "
        "move the E-I index too; assortativity sets that aside. Components, and who is tied to whom, are not shown."
    )
    return told


def _small(ties: pd.DataFrame) -> list[str]:
    """Departments to be joined: the small ones, and as many of the next as it takes for all of them together not to be small."""
    size = ties.groupby("dept").agg(ties=("across", "size"), senders=("sender", "nunique"))
    few = (size["ties"] < FEWEST_TIES) | (size["senders"] < FEWEST_SENDERS)
    size = size.assign(large=~few).sort_values(["large", "ties"], kind="stable")
    number = int(few.sum())
    # one alone would be named by what the others leave
    while 0 < number < len(size) and (number < 2 or size["ties"].iloc[:number].sum() < FEWEST_TIES):
        number += 1
    return list(size.index[:number])


def by_department(study: TieStudy) -> Section:
    """Observed and expected share across professions of the ties that go from each department, all years together."""
    told, parts = Section(), []
    for network in networks(study):
        chance = expected_across(network.source, network.target, network.profession, network.dept)
        across = network.profession[network.source] != network.profession[network.target]
        sender = network.people[network.source]
        parts.append(pd.DataFrame({"dept": network.dept[network.source], "sender": sender, "across": across, "chance": chance}))
    if not parts:
        return told
    ties = pd.concat(parts, ignore_index=True)
    ties["dept"] = ties["dept"].where(~ties["dept"].isin(_small(ties)), OTHERS)
    sums = {"ties": ("across", "size"), "senders": ("sender", "nunique"), "across": ("across", "sum"), "chance": ("chance", "mean")}
    table = ties.groupby("dept").agg(**sums).reset_index()
    table["last"] = table["dept"] == OTHERS
    table = table.sort_values(["last", "dept"], kind="stable", ignore_index=True)
    frame = pd.DataFrame({
        "dept": table["dept"], "ties": table["ties"].astype(int), "across": table["across"].astype(int),
        "within": (table["ties"] - table["across"]).astype(int), "share": table["across"] / table["ties"], "chance": table["chance"],
        "index": 2 * table["across"] / table["ties"] - 1, "senders": table["senders"].astype(int),
    })  # fmt: skip
    told.exhibits.append(
        table_exhibit(
            "collaboration.departments", "Ties to other professions, by department", frame, counts=("ties", "across", "within"),
            derived=("share", "chance", "index"), behind=("senders",), within="*", sums=(("ties", "across", "within"),),
            ratios={"share": ("across", "ties")},
            labels={"dept": "Department", "ties": "Ties", "across": "Across", "within": "Within", "share": "Share across", "chance": "By chance",
                    "index": "E-I index"},
            formats={"ties": "count", "across": "count", "within": "count", "share": "percent", "chance": "percent", "index": "number"},
            note=f"Departments with fewer than {FEWEST_TIES} ties, or {FEWEST_SENDERS} people who began them, are joined. By chance: given how many "
            "of each profession work there. No department is tested: differences between them are not what the programme promised.",
        )
    )  # fmt: skip
    return told
