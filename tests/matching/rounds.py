"""A handful of wards for the tests of the verb match, and what a round wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

__all__ = ["FILES", "decide", "pairs", "wards"]

STAFF = "staff_id,profession,gender\n" + "".join(f"e{i},nurse,{'fm'[i % 2]}\n" for i in range(1, 6))
STAFF += "m1,nurse,f\nm2,nurse,m\nm3,physician,f\nm4,nurse,f\n"
FILES = {
    "staff.csv": STAFF,
    "spells.csv": "staff_id,dept_id,start,end\n" + "".join(f"{p},d1,2020-01-01,\n" for p in ("e1", "e2", "e3", "e4", "e5", "m1", "m2", "m3"))
    + "m4,d1,2020-01-01,2021-01-01\n",
    "mentors.csv": "staff_id,capacity,training_expiry\nm1,2,\nm2,1,\nm3,1,2030-01-01\nm4,3,\n",
    "matches.csv": "match_id,mentor_id,mentee_id,start,end\nx1,m1,e5,2023-03-01,\nx2,m2,e1,2023-02-01,2023-06-01\n",
    "goals.csv": "match_id,set_on,achieved_on,domain\nx2,2023-02-02,2023-05-01,career\n",
    "wishes.csv": "staff_id,kind,value\ne1,seeks,career\ne2,seeks,clinical\ne2,same,gender\ne3,prefers,m1\ne4,seeks,career\ne5,seeks,career\n"
    "m3,offers,clinical\ne4,excludes,m3\ne1,managed_by,m1\n",
    "study.yaml": "study: {name: Wards, start: 2023-01-01, end: 2023-12-31}\ntables: {staff: staff.csv, spells: spells.csv, mentors: mentors.csv,\n"
    "  matches: matches.csv, goals: goals.csv, wishes: wishes.csv}\n",
}


def wards(place: Path, *, study: str = "", **files: str) -> Path:
    """The folder. study: lines added to study.yaml; files: other content of a table, by its name."""
    folder = place / "wards"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(files.get(name.removesuffix(".csv"), text) + (study if name == "study.yaml" else ""), encoding="utf-8")
    return folder


def pairs(folder: Path) -> dict[str, str]:
    """mentee -> mentor of the pairs in proposal.csv."""
    frame = pd.read_csv(folder / "proposal.csv", dtype=str)
    return dict(frame.loc[frame["status"] != "refused", ["mentee_id", "mentor_id"]].to_numpy())


def decide(folder: Path, **decisions: str) -> Path:
    """The proposal with decisions about mentees filled in, saved beside it."""
    frame = pd.read_csv(folder / "proposal.csv", dtype=str)
    frame["decision"] = frame["mentee_id"].map(decisions)
    frame.to_csv(folder / "decided.csv", index=False)
    return folder / "decided.csv"
