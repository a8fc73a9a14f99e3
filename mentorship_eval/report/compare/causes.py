"""Why numbers can differ: everything that two manifests record and that is not the same in both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GROUPS", "Cause", "find_causes", "groups_of"]

# what a cause belongs to; a group is what can be turned by itself
GROUPS = {
    "data": "the data", "plan": "the plan", "disclosure": "disclosure control", "code": "the package's code", "environment": "Python or libraries",
}  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """One thing that differs. group: a key of `GROUPS`, or "" for what moves no number (a name, the number of the look)."""

    group: str
    what: str
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        if not self.old and not self.new:
            return self.what
        return f"{self.what}: {self.old or 'nothing'} -> {self.new or 'nothing'}"


def _said(value: Any) -> str:
    if value is None or value in ({}, []):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) if not any(isinstance(each, dict | list) for each in value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _keys(old: Any, new: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Dotted keys at which two documents differ, with what each says."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _keys(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
    elif old != new:
        yield name, _said(old), _said(new)


def _tables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    """Tables whose files are not the same; study.yaml is told apart into what it says."""
    files: list[dict[str, Counter[str]]] = []
    for manifest in (old, new):
        found: dict[str, Counter[str]] = {}
        for item in manifest["inputs"]:
            found.setdefault(item["table"], Counter())[item["sha256"]] += 1
        files.append(found)
    before, after = files
    for table in [*before, *(name for name in after if name not in before)]:
        if table in {"study.yaml", "truth"}:
            continue
        if table not in after or table not in before:
            yield Cause("data", f"table {table} is {'new' if table in after else 'gone'}")
        elif before[table] != after[table]:
            lost, added = (before[table] - after[table]).total(), (after[table] - before[table]).total()
            one = lost == added == 1 == before[table].total()
            yield Cause("data", f"table {table}: {'other content' if one else f'{lost} of {before[table].total()} files replaced by {added}'}")


def _study(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    for key, before, after in _keys(old.get("study", {}), new.get("study", {})):
        if key.startswith("table_settings_sha256."):
            table = key.split(".", 1)[1]
            if before != "none" and after != "none":
                yield Cause("data", f"how table {table} is read (columns, values or settings in study.yaml)")
        else:
            place = key if key.startswith("rules") else f"study.{key}"
            yield Cause("" if key in {"name", "programme"} else "data", f"study.yaml, {place}", before, after)


def _code(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    before, after = old["package"], new["package"]
    same = before["source_sha256"] == after["source_sha256"]
    if before["version"] != after["version"]:
        yield Cause("" if same else "code", "mentorship-eval", before["version"], after["version"])
    if not same:
        yield Cause("code", "source", before["source_sha256"][:12], after["source_sha256"][:12])
    told = [
        f"{git['commit'][:12]}{' with changes' if git.get('state') == 'changed' else ''}" if (git := package.get("git") or {}).get("commit") else ""
        for package in (before, after)
    ]
    if told[0] != told[1]:
        yield Cause("" if same else "code", "commit", *told)


def _environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    made = [{"Python": each["python"], **each["libraries"], "platform": each["platform"]} for each in (old, new)]
    for name, before, after in _keys(*made):
        yield Cause("environment", name, before, after)
    locks = [(each.get("lock") or {}).get("sha256", "")[:12] for each in (old, new)]
    if locks[0] != locks[1]:
        yield Cause("", "requirements.lock", *locks)


def find_causes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Cause]:
    """Everything recorded in two manifests that differs, data first."""
    found = [*_tables(old, new), *_study(old, new)]
    found += [Cause("plan", f"plan.{key}", before, after) for key, before, after in _keys(old["plan"], new["plan"])]
    found += [Cause("disclosure", f"disclosure.{key}", before, after) for key, before, after in _keys(old["disclosure"], new["disclosure"])]
    found += [*_code(old, new), *_environment(old, new)]
    chapters = [each["parameters"]["chapters"] for each in (old, new)]
    if chapters[0] != chapters[1]:
        found.append(Cause("", "chapters", *map(_said, chapters)))
    found += [Cause("", "cohort folder", old["cohort"]["folder"], new["cohort"]["folder"])] * (old["cohort"]["folder"] != new["cohort"]["folder"])
    looks = [str(each["look"]["number"]) for each in (old, new)]
    if looks[0] != looks[1]:
        found.append(Cause("", "number of the look", *looks))
    hashes = [next((item["sha256"][:12] for item in each["inputs"] if item["table"] == "study.yaml"), "") for each in (old, new)]
    if hashes[0] != hashes[1] and not any(cause.what.startswith(("study.yaml", "plan", "disclosure", "how table", "table")) for cause in found):
        found.append(Cause("", "study.yaml: comments or spelling only", *hashes))
    return found


def groups_of(causes: list[Cause]) -> list[str]:
    """The groups in which something differs, in the order of `GROUPS`."""
    present = {cause.group for cause in causes}
    return [group for group in GROUPS if group in present]
