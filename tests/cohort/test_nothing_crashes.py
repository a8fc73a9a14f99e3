"""Whatever stands in the files, reading ends with findings: no input raises anything.

A few examples in the suite; MENTORSHIP_EVAL_FUZZ=2000 runs as many of each.
"""

from __future__ import annotations

import copy
import csv
import io
import os
import random
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentorship_eval.cohort.cohort import check_cohort
from tests.cohort.folders import write

EXAMPLES = int(os.environ.get("MENTORSHIP_EVAL_FUZZ", "6"))
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=CHECKS)

STUDY = """
study: {name: Everything, start: 2022-01-01, end: 2023-12-31, extract: 2024-03-01}
tables:
  staff: {file: staff.csv, levels: {grade: [b5, b6]}, values: {profession: {RN: nurse}}, reference: {profession: nurse}}
  spells: {file: spells.csv, dates: "%Y-%m-%d"}
  matches: matches.csv
  mentors: mentors.csv
  sessions: sessions.csv
  goals: goals.csv
  feedback: feedback.csv
  departments: departments.csv
  dept_lineage: dept_lineage.csv
  incidents: incidents.csv
  exposure: exposure.csv
  rollout: rollout.csv
  calendar: calendar.csv
  audits: audits.csv
  surveys: surveys.csv
  survey_invites: survey_invites.csv
  counts: {file: counts.csv, outcomes: {falls: falls}}
  durations: {file: durations.csv, covariates: [ward]}
plan: {primary: [retention], covariates: {retention: [profession, grade]}}
rules: {missing_exposure: exclude, retire_return: stay, bank: leave, mass_ends: administrative, primary: declared, stray_sessions: 0.5}
disclosure: 10
"""
FILES = {
    "staff.csv": "staff_id,birth_year,gender,profession,grade\ns1,1980,f,RN,b5\ns2,1970,m,physician,b6\ns3,1990,,nurse,\n",
    "spells.csv": "spell_id,staff_id,org_id,dept_id,start,end,wte,contract,status,leaving_reason,is_primary\n"
    "p1,s1,o,a,2022-02-01,2022-10-01,1,permanent,Active,retirement,1\np2,s2,o,b,2021-06-01,,0.8,permanent,Active,,0\n"
    "p3,s1,o,c,2022-12-01,,0.4,bank,Maternity,,1\np4,s2,o,d,2022-03-01,2023-03-01,0.5,fixed_term,Active,end_of_contract,1\n",
    "matches.csv": "match_id,mentor_id,mentee_id,start,end,score\nm1,s2,s1,2022-04-01,,0.5\nm2,s2,s3,,,\n",
    "mentors.csv": "staff_id,trained_on,capacity\ns2,2022-01-01,3\n",
    "sessions.csv": "match_id,date,minutes,status\nm1,2022-05-01,30,held\nm2,2022-05-02,45,held\nm1,2022-03-01,30,held\n",
    "goals.csv": "match_id,set_on,achieved_on\nm1,2022-05-01,2022-08-01\n",
    "feedback.csv": "match_id,date,role,mqs\nm1,2022-05-01,mentee,80\n",
    "departments.csv": "dept_id,name,beds\na,A,20\nb,B,20\nc,C,40\nd,D,12\n",
    "dept_lineage.csv": "from_id,to_id,effective,share\na,c,2023-01-01,\nb,c,2023-01-01,\n",
    "incidents.csv": "incident_id,dept_id,occurred,reported,harm,category,system\ni1,a,2022-01-10,2022-01-12,low,falls,Datix\n"
    "i2,b,2022-02-11,2022-02-12,none,drugs,Datix\ni3,d,2023-03-12,2023-05-12,near_miss,falls,LFPSE\n",
    "exposure.csv": "dept_id,month,patient_days,complete\na,2022-01,700,1\nb,2022-01,300,1\nb,2022-02,310,1\nd,2023-03,420,1\nc,2023-01,900,0\n",
    "rollout.csv": "programme_id,dept_id,active_from,active_to,allocation\nP,a,2022-06-01,,random\nP,b,2022-06-01,,random\nP,c,2022-06-01,,random\n"
    "P,d,,,\n",
    "calendar.csv": "label,start,end,scope\nLFPSE,2023-01-01,,all\nCovid,2022-01-05,2022-03-01,a\n",
    "audits.csv": "dept_id,month,measure,num,den\na,2022-01,hands,8,10\nb,2022-01,hands,9,10\n",
    "surveys.csv": "staff_id,wave,instrument,subscale,score\ns1,1,UWES,vigour,3\ns1,2,UWES,vigour,4\n",
    "survey_invites.csv": "staff_id,wave,invited_on\ns1,1,2022-05-01\ns2,1,2022-05-01\ns1,2,2022-09-01\n",
    "counts.csv": "dept_id,period,exposure,active_from,falls\na,2022-01,5,2022-02,1\na,2022-02,5,2022-02,0\nd,2022-01,5,,1\n",
    "durations.csv": "staff_id,time,cause,mentored,mentored_from,ward\ns1,1.5,voluntary,1,0.5,x\ns2,2,,0,,y\n",
}
ODD = [
    "", " ", "NA", "<5", "-1", "1e400", "1,234", "0", "nan", "4712-12-31", "1900-01-01", "2022-02-30", "03/04/2022", "2262-05-01",
    "0001-01-01", "44562", "2022", "202213", "2022-13", "\u00e9\ufffd", "=1+1", '"', "\x00", "9" * 400, "a@b.example", "Total", "voluntary",
    "s1", "m1", "a", "none", "yes", "1677-01-01", "9999999999-01-01", "1e-320", "inf", "\u0663", "2022-01-01T25:00", "\u200b", "True",
    "1.5", "2022-01-31 24:00",
]  # fmt: skip


def few(name: str, text: str | bytes) -> dict[str, Any]:
    """The files of people and one more, changed: enough for what can go wrong in a single file."""
    document = yaml.safe_load(STUDY)
    wanted = {"staff", "spells", "matches", "dept_lineage", name.removesuffix(".csv")}
    document["tables"] = {table: source for table, source in document["tables"].items() if table in wanted}
    return {"study.yaml": yaml.safe_dump(document), **FILES, name: text}


def read(folder: Path, files: dict[str, Any]) -> None:
    findings, cohort = check_cohort(write(folder, files))
    assert (cohort is None) == bool(findings.errors)
    assert findings.text(80) and str(findings) and findings.to_frame() is not None
    if cohort is not None:
        cohort.reconcile()


def test_the_cohort_that_is_mutated_is_good(tmp_path: Path) -> None:
    """Else most mutations would end at the same first error."""
    findings, cohort = check_cohort(write(tmp_path, {"study.yaml": STUDY, **FILES}))
    assert cohort is not None, str(findings)
    assert len(cohort.tables) == len(FILES)
    cohort.reconcile()


@FUZZ
@given(name=st.sampled_from([*FILES, "study.yaml"]), data=st.binary(max_size=300), keep=st.integers(0, 400), place=st.integers(0, 10_000))
def test_random_bytes(tmp_path: Path, name: str, data: bytes, keep: int, place: int) -> None:
    """A file of random bytes, or a good one with random bytes in its middle."""
    whole = {"study.yaml": STUDY, **FILES}[name].lstrip().encode()
    at = place % (len(whole) + 1)
    read(tmp_path, few(name, data if keep < 100 else whole[:at] + data + whole[at:]))


@FUZZ
@given(name=st.sampled_from(sorted(FILES)), rows=st.lists(st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=8)), max_size=12), max_size=6))
def test_random_cells_under_a_good_header(tmp_path: Path, name: str, rows: list[list[str]]) -> None:
    header = FILES[name].splitlines()[0]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    read(tmp_path, few(name, (header + "\n" + text.getvalue()).encode("utf-8", "surrogatepass")))


def mutated(text: str, dice: random.Random) -> str:
    """A table with cells deleted, swapped or made odd, rows repeated, dropped or shuffled, columns swapped, dropped or named twice."""
    table = [row.split(",") for row in text.splitlines()]
    for _ in range(dice.randint(1, 4)):
        kind = dice.randint(0, 9)
        i, j = dice.randrange(len(table)), dice.randrange(len(table[0]))
        k = dice.randrange(len(table[0]))
        body = table[1:]
        if kind <= 2:
            table[i] = [dice.choice(ODD).replace(",", ".") if c == j else cell for c, cell in enumerate(table[i])]
        elif kind == 3 and body:
            table.insert(dice.randint(1, len(table)), list(dice.choice(body)))
        elif kind == 4 and len(table) > 2:
            del table[dice.randrange(1, len(table))]
        elif kind == 5:
            dice.shuffle(body)
            table = [table[0], *body]
        elif kind == 6:
            for row in table[dice.randint(0, 1) :]:
                if max(j, k) < len(row):
                    row[j], row[k] = row[k], row[j]
        elif kind == 7 and len(table[0]) > 1:
            table = [[cell for c, cell in enumerate(row) if c != j] for row in table]
        elif kind == 8:
            table = [[*row, *row[:1]] for row in table]
        else:
            word = dice.choice(ODD).replace(",", ".")
            table = [table[0], *([word if c == j else cell for c, cell in enumerate(row)] for row in body)]
    return "\n".join(",".join(cell.replace('"', "") for cell in row) for row in table) + "\n"


@settings(FUZZ, max_examples=2 * EXAMPLES)
@given(names=st.lists(st.sampled_from(sorted(FILES)), min_size=1, max_size=3, unique=True), seed=st.integers(0, 2**32))
def test_mutations_of_a_good_cohort(tmp_path: Path, names: list[str], seed: int) -> None:
    dice = random.Random(seed)
    changed = {name: mutated(FILES[name], dice).encode("utf-8", "surrogatepass") for name in names}
    read(tmp_path, {"study.yaml": STUDY, **FILES, **changed})


VALUES: list[Any] = [None, True, 0, -1, 1.5, float("nan"), 10**30, "", "x", "none", "2022-01-01", "2022-13-45", [], [[]], ["a", 1], {},
                     {"a": {"b": None}}, "staff.csv", "../staff.csv", "${HOME}", "*.csv", {"file": 3}, ["staff.csv", "spells.csv"], "\u00e9",
                     "a" * 3000, "%Q", "utf-99"]  # fmt: skip


def paths(node: Any, here: tuple = ()) -> list[tuple]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [here, *(path for key, item in inner for path in paths(item, (*here, key)))]


@settings(FUZZ, max_examples=2 * EXAMPLES)
@given(seed=st.integers(0, 2**32))
def test_mutations_of_study_yaml(tmp_path: Path, seed: int) -> None:
    dice, document = random.Random(seed), yaml.safe_load(STUDY)
    for _ in range(dice.randint(1, 3)):
        path = dice.choice(paths(document)[1:] or [()])
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        if not path:
            break
        kind = dice.randint(0, 3)
        if kind == 0 and isinstance(parent, dict):
            del parent[path[-1]]
        elif kind == 1 and isinstance(parent, dict):
            parent[dice.choice(["x", "staff", 1, True, "tables", "levels", "dates", "delimiter", "encoding", "decimal"])] = dice.choice(VALUES)
        else:
            parent[path[-1]] = copy.deepcopy(dice.choice(VALUES))
    text = yaml.safe_dump(document, allow_unicode=True)
    if dice.random() < 0.2:
        at = dice.randrange(len(text))
        text = text[:at] + dice.choice(["\t", ":", "- ", "{", "&a", "*a", "!!python/object:x", "\n\n", "%", "\ud83d"]) + text[at:]
    read(tmp_path, {"study.yaml": text.encode("utf-8", "surrogatepass"), **FILES})
