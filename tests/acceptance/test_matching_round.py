"""A wave of matching from the command line: propose, accept some, refuse one, change one, propose again, and add the accepted pairs to the data."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mentorship_eval.cohort import read_cohort, simulate_cohort
from mentorship_eval.questions.next_wave import next_wave
from tests.matching.rounds import wards
from tests.program import call


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight departments; to the simulated wishes are added exclusions from both sides, managers, and settings kept in study.yaml."""
    place = tmp_path_factory.mktemp("programme") / "wards"
    made = simulate_cohort("default", seed=3, departments=8, staff=500, months=24, outcomes=True, delivered=True, paired=True)
    only = ("staff", "departments", "spells", "matches", "mentors", "goals", "wishes")
    study = {**made.study, "tables": {name: file for name, file in made.study["tables"].items() if name in only}}
    replace(made, tables={name: made.tables[name] for name in only}, study=study).write(place)
    wishes = pd.read_csv(place / "wishes.csv", dtype=str)
    mentees = wishes.loc[wishes["kind"] == "seeks", "staff_id"].unique()
    mentors = pd.read_csv(place / "mentors.csv", dtype=str)["staff_id"].to_numpy()
    more = [(mentee, "excludes", mentors[at % len(mentors)]) for at, mentee in enumerate(mentees)]
    more += [(mentors[at % len(mentors)], "excludes", mentee) for at, mentee in enumerate(mentees, start=7)]
    more += [(mentee, "managed_by", mentors[at % len(mentors)]) for at, mentee in enumerate(mentees, start=31)]
    pd.concat([wishes, pd.DataFrame(more, columns=wishes.columns)]).drop_duplicates().to_csv(place / "wishes.csv", index=False)
    with (place / "study.yaml").open("a", encoding="utf-8") as stream:
        stream.write("matching: {weights: {goals: 0.5, preference: 0.3}, scarce: equal, seed: 5}\n")
    return place


def read(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "proposal.csv", dtype=str, keep_default_na=False)


def rules_hold(cohort: Path, folder: Path) -> None:
    """Capacity, training, exclusions, managers and named mentors, held against the files themselves."""
    frame = read(folder)
    pairs = frame[frame["status"] != "refused"]
    wishes = pd.read_csv(cohort / "wishes.csv", dtype=str)
    ruled_out = {frozenset(pair) for pair in wishes.loc[wishes["kind"].isin(["excludes", "managed_by"]), ["staff_id", "value"]].to_numpy().tolist()}
    made = [frozenset(pair) for pair in pairs[["mentee_id", "mentor_id"]].to_numpy().tolist()]
    assert made and not set(made) & ruled_out and pairs["mentee_id"].is_unique
    matches = pd.read_csv(cohort / "matches.csv", dtype=str, keep_default_na=False)
    day = "2023-12-31"
    matches = matches[matches["relationship_type"].isin(["", "mentoring"])]  # who is supervised takes up no place of a mentor
    lasting = matches[(matches["start"] != "") & (matches["start"] <= day) & ((matches["end"] == "") | (matches["end"] > day))]
    capacity = pd.read_csv(cohort / "mentors.csv").set_index("staff_id")["capacity"].to_dict()
    load = Counter(lasting["mentor_id"])
    for mentor, more in Counter(pairs["mentor_id"]).items():
        assert load[mentor] + more <= capacity[mentor]
    assert not set(pairs["mentee_id"]) & set(lasting["mentee_id"])
    trained = pd.read_csv(cohort / "mentors.csv", dtype=str).set_index("staff_id")["trained_on"]
    assert (trained.reindex(pairs["mentor_id"]) <= day).all()
    # a wish for somebody by name is called met exactly where it is
    named = wishes[wishes["kind"] == "prefers"].set_index("staff_id")["value"]
    got = pairs.set_index("mentee_id")
    assert ((got["preference"] == "1.0") == [named.get(mentee) == mentor for mentee, mentor in got["mentor_id"].items()]).all()


def test_a_wave_from_proposal_to_data(programme: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    code, out, err = call(capsys, "match", programme, "--out", first)
    told = " ".join(out.split())
    assert (code, err) == (0, "") and "goals 0.5, field 0.2, concordance 0.2, preference 0.3" in told and "Everybody had the same claim" in told
    assert "(gap 0)" in told and "Random pairs" in told and "Pairs of the last wave" in told
    rules_hold(programme, first)
    assert sorted(path.name for path in first.iterdir()) == ["left_out.csv", "matches.csv", "pairs.html", "proposal.csv", "unmatched.csv"]
    assert len(pd.read_csv(first / "matches.csv")) == 0

    # the coordinator accepts three, refuses one, and gives one mentee to the mentor who is next best
    frame = read(first)
    accepted, refused = frame.iloc[:3], frame.iloc[4]
    changed = frame[(frame["next_best"] != "") & ~frame["mentor_id"].isin(accepted["mentor_id"]) & ~frame["next_best"].isin(accepted["mentor_id"])]
    changed = changed[changed["mentee_id"] != refused["mentee_id"]].iloc[-1]
    says = {**dict.fromkeys(accepted["mentee_id"], "accept"), refused["mentee_id"]: "Reject", changed["mentee_id"]: f"change: {changed['next_best']}"}
    frame["decision"] = frame["mentee_id"].map(says).fillna("")
    frame.to_csv(first / "proposal.csv", index=False)
    code, out, err = call(capsys, "match", programme, "--out", second, "--decisions", first / "proposal.csv")
    assert (code, err) == (0, "") and "4 kept, 1 refused" in out
    rules_hold(programme, second)
    again = read(second)
    kept = again[again["status"] == "kept"].set_index("mentee_id")["mentor_id"].to_dict()
    assert kept == {**dict(accepted[["mentee_id", "mentor_id"]].to_numpy()), changed["mentee_id"]: changed["next_best"]}
    proposed = again[again["status"] == "proposed"][["mentee_id", "mentor_id"]].to_numpy().tolist()
    assert [refused["mentee_id"], refused["mentor_id"]] not in proposed
    page = (second / "pairs.html").read_text(encoding="utf-8")
    assert "Keep with the data" in page and all(mentee in page for mentee in kept) and f"{refused['mentee_id']} with {refused['mentor_id']}" in page

    # what was accepted joins the data, which are as sound as before and know that these people have mentors now
    joined = tmp_path / "joined"
    shutil.copytree(programme, joined)
    (joined / "accepted.csv").write_bytes((second / "matches.csv").read_bytes())
    text = (joined / "study.yaml").read_text(encoding="utf-8")
    assert "matches: matches.csv" in text
    (joined / "study.yaml").write_text(text.replace("matches: matches.csv", "matches: [matches.csv, accepted.csv]"), encoding="utf-8")
    code, out, _ = call(capsys, "check", joined)
    assert code == 0, out
    before, after = read_cohort(programme), read_cohort(joined)
    new = after.table("matches").merge(before.table("matches")[["match_id"]], on="match_id", how="left", indicator=True)
    new = new[new["_merge"] == "left_only"].set_index("mentee_id")
    assert new["mentor_id"].to_dict() == kept and (new["start"] == pd.Timestamp("2023-12-31")).all()
    scores = again[again["status"] == "kept"].set_index("mentee_id")["score"].astype(float)
    assert new["score"].to_dict() == pytest.approx(scores.to_dict())
    room, left = next_wave(before).pool.room, next_wave(after).pool.room
    assert (room - left)[lambda by: by > 0].to_dict() == dict(Counter(kept.values()))
    assert not set(kept) & set(next_wave(after).pool.mentees.index)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("mentee_id,mentor_id\nS1,S2\n", 1, ":1: no column decision"),
        ("mentee_id,mentor_id,decision\nnobody,S255,accept\n", 1, ":2:mentee_id: nobody does not wait"),
        ("mentee_id,mentor_id,decision\ne2,m3,perhaps\n", 1, ":2:decision: 'perhaps' is not accept, change:MENTOR or reject"),
        ("", 1, ":1: no column"),
        (b"\xff\xfe\x00", 2, "not UTF-8"),
        (None, 2, "cannot be read"),
    ],
)
def test_a_bad_file_of_decisions_stops_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes | None, code: int, said: str
) -> None:
    if text is not None:
        (tmp_path / "decided.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    found, out, err = call(capsys, "match", wards(tmp_path), "--out", tmp_path / "out", "--decisions", tmp_path / "decided.csv")
    assert (found, out) == (code, "") and said in err and "Traceback" not in err
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".match*"))
