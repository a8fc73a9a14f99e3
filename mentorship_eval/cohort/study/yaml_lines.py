"""YAML with line numbers, without surprises: yes and no stay words, and a key written twice is an error."""

from __future__ import annotations

import os
import re
from typing import Any

import yaml

__all__ = ["KeyPath", "YamlProblem", "compose", "expand_variables", "read_yaml"]

KeyPath = tuple[str | int, ...]

_MOST = 100_000  # a few aliases of aliases make a file of ten lines stand for more than any memory holds
_VARIABLE = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")


class YamlProblem(Exception):
    """The text is not YAML that we can use; ``line`` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


class _Loader(yaml.SafeLoader):
    """SafeLoader whose only booleans are true and false (YAML 1.2): a coach called ``no`` is not False."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_yaml(text: str) -> tuple[Any, dict[KeyPath, int]]:
    """The document and the line of every key path; raises :class:`YamlProblem`."""
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {}
        lines: dict[KeyPath, int] = {}
        _walk(node, (), lines)
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(f"not valid YAML: {error.problem or error.context}", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise YamlProblem(f"not valid YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None
    finally:
        if loader is not None:
            loader.dispose()


def compose(text: str) -> yaml.Node | None:
    """The tree of ``text``, whose marks say where each value stands; raises :class:`YamlProblem`."""
    read_yaml(text)  # explains what is wrong
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > 20:
        raise YamlProblem("nested too deeply", node.start_mark.line + 1)
    if len(lines) > _MOST:
        raise YamlProblem(f"more than {_MOST:,} keys and values, aliases (*) counted as often as they are used", node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise YamlProblem(f"the key {name!r} is written twice", key.start_mark.line + 1)
            seen.add(name)
            lines[(*path, name)] = key.start_mark.line + 1
            _walk(value, (*path, name), lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _walk(item, (*path, position), lines)


def expand_variables(text: str) -> tuple[str, list[str]]:
    """``${NAME}`` and ``${NAME:-default}`` replaced from the environment, and the names that are not set."""
    unset: list[str] = []

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        found = os.environ.get(name)
        if found:
            return found
        if default is not None:
            return default
        unset.append(name)
        return match.group(0)

    return _VARIABLE.sub(value, text), unset
