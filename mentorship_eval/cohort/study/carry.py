"""A study file taken over for the next cohort: the text stays as it was written, comments and all, and only what belongs to the old cohort goes.

What was cleared is marked by a line ``# change:`` above it. Whether the edited text says what was meant is tested by reading it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from mentorship_eval.cohort.study.models import Earlier
from mentorship_eval.cohort.study.yaml_lines import YamlProblem, compose, read_yaml

__all__ = ["Carried", "carry_over"]

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_OUTSIDE = re.compile(r"\$\{|^[/~]|^\.\.|^[A-Za-z]:|\\|://")
_PLAIN = re.compile(r"[A-Za-z][\w-]*(?: [\w-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


@dataclass
class Carried:
    """The new text, what was done in words, and what could not be done."""

    text: str
    done: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Edit:
    at: int
    end: int
    text: str
    note: str = ""


def carry_over(text: str, *, name: str, programme: str, earlier: Sequence[Earlier], levels: Mapping[str, Mapping[str, Sequence[str]]]) -> Carried:
    """``text`` of an old study.yaml for a new cohort called ``name`` of the same ``programme``.

    The window and file names with a year in them are cleared; ``earlier`` and ``levels`` (table -> column -> values) are written. Where the
    text cannot be edited safely it is taken over as it stands, and ``lost`` says so.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        root = compose(text)
        before = read_yaml(text)[0]
    except YamlProblem as problem:
        return Carried(text, [], [f"the study file could not be read ({problem}): it is here as it was"])
    if not isinstance(root, yaml.MappingNode) or not isinstance(before, dict):
        return Carried(text, [], ["the study file holds no keys: it is here as it was"])
    work = _Work(root, text)
    work.window(name, programme, earlier)
    work.tables(levels)
    work.years()
    new = work.edited()
    if not _sound(before, new):
        words = "the study file is written in a way that could not be edited: it is here as it was, with the old name, window and files"
        return Carried(text, [], [words])
    return Carried(new, work.done)


def _sound(before: dict[str, Any], new: str) -> bool:
    """Whether the new text says what the old one did, but for what was meant to change."""
    try:
        after = read_yaml(new)[0]
    except YamlProblem:
        return False
    if not isinstance(after, dict) or not isinstance(after.get("study"), dict) or "earlier" not in after["study"]:
        return False

    def rest(document: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in document.items() if key not in ("study", "tables")}

    def tables(document: dict[str, Any]) -> dict[str, Any]:
        given = document.get("tables")
        told = {name: source if isinstance(source, dict) else {} for name, source in given.items()} if isinstance(given, dict) else {}
        return {name: {key: value for key, value in source.items() if key not in ("file", "levels")} for name, source in told.items()}

    return rest(after) == rest(before) and tables(after) == tables(before)


class _Work:
    """Edits of one text, gathered before any is made."""

    def __init__(self, root: yaml.MappingNode, text: str) -> None:
        self.root, self.text = root, text
        self.edits: list[_Edit] = []
        self.done: list[str] = []

    def window(self, name: str, programme: str, earlier: Sequence[Earlier]) -> None:
        """study: a new name, no dates, the same programme, and the evaluations before this one."""
        study = _child(self.root, "study")
        add: dict[str, str] = {}
        if isinstance(study, yaml.MappingNode):
            old = _child(study, "name")
            if isinstance(old, yaml.ScalarNode):
                self._replace(old, _scalar(name), f"study.name was {old.value}")
            else:
                add["name"] = _scalar(name)
            for key in ("start", "end", "extract"):
                day = _child(study, key)
                if isinstance(day, yaml.ScalarNode) and day.value:
                    self._replace(day, "", f"study.{key} was {day.value}")
                    self.done.append(f"study.{key} is cleared (was {day.value})")
            if _child(study, "programme") is None:
                add["programme"] = _scalar(programme)
            listed = _child(study, "earlier")
            if listed is None:
                add["earlier"] = _flow([_look(look) for look in earlier])
            else:
                self.edits.append(_Edit(listed.start_mark.index, _end(listed), _flow([_look(look) for look in earlier])))
            self._add(study, add)
        else:
            block = f"study:\n  name: {_scalar(name)}\n  programme: {_scalar(programme)}\n  earlier: {_flow([_look(look) for look in earlier])}\n"
            self.edits.append(_Edit(self.root.start_mark.index, self.root.start_mark.index, block))
        self.done.append(f"study.earlier lists {len(earlier)} evaluation{'' if len(earlier) == 1 else 's'} before this one")

    def tables(self, levels: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """tables: no file names of another year, and the categories seen so far."""
        tables = _child(self.root, "tables")
        for key, source in tables.value if isinstance(tables, yaml.MappingNode) else ():
            table = key.value
            file = _child(source, "file") if isinstance(source, yaml.MappingNode) else source
            for item in file.value if isinstance(file, yaml.SequenceNode) else [file]:
                if not isinstance(item, yaml.ScalarNode):
                    continue
                # the address of a database may hold a password: it is neither quoted nor cleared
                if "://" in item.value or (_OUTSIDE.search(item.value) and not _YEAR.search(item.value)):
                    place = item.start_mark.index
                    self.edits.append(_Edit(place, place, "", f"tables.{table}: the file stands outside the old folder; is it the new one?"))
                    self.done.append(f"the file of {table} stands outside the old folder and is marked")
                elif _YEAR.search(item.value) and not (item is source and levels.get(table)):
                    self._replace(item, '""', f"tables.{table}: the file was {item.value}")
                    self.done.append(f"the file of {table} is cleared (was {item.value})")
            seen = levels.get(table)
            if not seen:
                continue
            told = "{" + ", ".join(f"{_scalar(column)}: {_flow([_scalar(value) for value in values])}" for column, values in seen.items()) + "}"
            if isinstance(source, yaml.MappingNode):
                if _child(source, "levels") is not None:
                    continue  # what the old cohort declared stands
                self._add(source, {"levels": told})
            elif isinstance(source, yaml.ScalarNode):
                name, note = source.value, ""
                if _YEAR.search(name) and "://" not in name:
                    note = f"tables.{table}: the file was {name}"
                    self.done.append(f"the file of {table} is cleared (was {name})")
                    name = ""
                self._replace(source, f"{{file: {_scalar(name)}, levels: {told}}}", note)
            else:
                continue
            self.done.append(f"{table}: the levels of {', '.join(seen)} are written; another one will stop the reading")

    def years(self) -> None:
        """Mark what is left and names a year; it is not changed."""
        touched = {(edit.at, edit.end) for edit in self.edits}
        for path, node in _scalars(self.root):
            elsewhere = path[:1] == ["study"] or "levels" in path or "://" in node.value or node.tag.endswith((":int", ":float"))
            if elsewhere or (node.start_mark.index, _end(node)) in touched:
                continue
            if _YEAR.search(node.value):
                self.edits.append(_Edit(node.start_mark.index, node.start_mark.index, "", f"{'.'.join(path)} names a year: does it still hold?"))
                self.done.append(f"{'.'.join(path)} names a year and is marked")

    def edited(self) -> str:
        """The text with all edits; notes stand on a line of their own above the line that they are about."""
        text = self.text
        notes: dict[int, list[str]] = {}
        for edit in self.edits:
            if edit.note:
                notes.setdefault(self.text.rfind("\n", 0, edit.at) + 1, []).append(edit.note)
        changes = list(self.edits)
        for line, words in notes.items():
            indent = re.match(r" *", self.text[line:])
            pad = indent.group() if indent else ""
            changes.append(_Edit(line, line, "".join(f"{pad}# change: {' '.join(word.split())}\n" for word in words)))
        # from the end, so that places before stay true; at one place a note goes first
        for edit in sorted(changes, key=lambda edit: (edit.at, edit.end), reverse=True):
            text = text[: edit.at] + edit.text + text[edit.end :]
        return text

    def _replace(self, node: yaml.Node, text: str, note: str) -> None:
        self.edits.append(_Edit(node.start_mark.index, node.end_mark.index, text, note))

    def _add(self, mapping: yaml.MappingNode, entries: Mapping[str, str]) -> None:
        """New keys at the end of a mapping, in the style in which it is written."""
        if not entries:
            return
        if mapping.flow_style:
            end = mapping.end_mark.index - 1
            lead = "" if not mapping.value or self.text[:end].rstrip().endswith(",") else ", "
            line = self.text.rfind("\n", 0, mapping.start_mark.index) + 1
            pad = " " * (len(self.text[line:]) - len(self.text[line:].lstrip(" ")) + 2)
            told = [f"{key}: {value}" for key, value in entries.items()]
            self.edits.append(_Edit(end, end, lead.rstrip() + f"\n{pad}" + f",\n{pad}".join(told)))
            return
        last = _end(mapping)
        line = self.text.find("\n", last)
        line = len(self.text) if line < 0 else line
        pad = " " * mapping.start_mark.column
        self.edits.append(_Edit(line, line, "".join(f"\n{pad}{key}: {value}" for key, value in entries.items())))


def _child(node: yaml.Node | None, key: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: yaml.Node) -> int:
    """Where a value ends; that of a block would be where the next token begins, beyond the comments between."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _scalars(node: yaml.Node, path: Sequence[str] = ()) -> Iterator[tuple[list[str], yaml.ScalarNode]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, [*path, str(key.value)])
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars(value, path)
    elif isinstance(node, yaml.ScalarNode):
        yield list(path), node


def _scalar(value: str) -> str:
    """A text as YAML, in quotes unless it is plain words."""
    return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)


def _flow(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"


def _look(look: Earlier) -> str:
    parts = {"name": _scalar(look.name), "start": look.start, "end": look.end, "plan": _scalar(look.plan or ""), "data": _scalar(look.data or "")}
    told = ", ".join(f"{key}: {value}" for key, value in parts.items() if value and value != '""')
    return f"{{{told}}}"
