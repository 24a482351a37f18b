"""YAML that remembers its lines, checked against the JSON Schema: complaints name file, line, path and remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from syncapp.connectors.errors import ManifestError

Place = tuple[str | int, ...]


class Located:
    """The content of one file, and the line of everything in it."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: dict[Place, int] = {}
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            if node is not None:
                self._note(node, ())
            self.data: Any = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else None
            raise ManifestError(
                file, "", f"not readable as YAML: {error.problem}", "Accepted: plain YAML", line=line
            ) from None
        except (yaml.YAMLError, ValueError) as error:
            raise ManifestError(file, "", f"not readable as YAML: {error}", "Accepted: plain YAML") from None

    def wrong(self, place: Sequence[str | int], message: str, accepted: str = "") -> ManifestError:
        """An error about one place; its line, or that of the nearest thing around it."""
        at = tuple(place)
        near = at
        while near and near not in self.lines:
            near = near[:-1]
        return ManifestError(self.file, dotted(at), message, accepted, line=self.lines.get(near))

    def _note(self, node: yaml.Node, place: Place) -> None:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*place, key.value)
                if inner in self.lines:
                    raise ManifestError(
                        self.file,
                        dotted(inner),
                        f"{key.value!r} is given twice",
                        "Accepted: each key once",
                        line=key.start_mark.line + 1,
                    )
                self.lines[inner] = key.start_mark.line + 1
                self._note(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._note(value, (*place, index))


def dotted(place: Sequence[str | int]) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def check_schema(found: Located) -> None:
    """Raise the first, most telling complaint of the schema."""
    if not isinstance(found.data, dict):
        raise found.wrong((), "a provider file is a mapping", "slug, name, base_url, auth, objects …")
    check_against(found, _validator())


def check_against(found: Located, validator: Draft202012Validator) -> None:
    """Raise the first, most telling complaint of any schema."""
    errors = sorted(validator.iter_errors(found.data), key=lambda error: found.lines.get(tuple(error.absolute_path), 0))
    errors = [error for error in errors if not (error.validator == "oneOf" and _explained(error, errors))]
    if errors:
        raise _told(found, _deepest(errors[0], found.data))


def _deepest(error: ValidationError, data: Any) -> ValidationError:
    """Inside alternatives, the branch that was meant: the one whose ``type`` fits, else the best match."""
    if error.validator not in ("oneOf", "anyOf") or not error.context:
        return error
    meant = [inner for inner in error.context if not _wrong_branch(error, inner)]
    meant = [inner for inner in meant if not (inner.validator == "oneOf" and _explained(inner, meant))]
    best = best_match(iter(meant or error.context))
    return _deepest(best, data) if best is not None else error


def _explained(error: ValidationError, others: Sequence[ValidationError]) -> bool:
    """Another complaint lies inside this one, and says more than that no alternative fits."""
    place = list(error.absolute_path)
    return any(
        len(other.absolute_path) > len(place) and list(other.absolute_path)[: len(place)] == place for other in others
    )


def _wrong_branch(error: ValidationError, inner: ValidationError) -> bool:
    branch = inner.schema_path[0]
    return any(other.validator == "const" and other.schema_path[0] == branch for other in error.context or ())


def _told(found: Located, error: ValidationError) -> ManifestError:
    place: Place = tuple(error.absolute_path)
    what, accepted = _complaint(error)
    if error.validator == "additionalProperties":
        place = (*place, _unknown(error)[0])
    return found.wrong(place, what, accepted and f"Accepted: {accepted}")


def _complaint(error: ValidationError) -> tuple[str, str]:
    """What is wrong, and what is accepted."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    known = ", ".join(sorted(schema.get("properties", {})))
    if error.validator == "additionalProperties":
        return f"unknown key {_unknown(error)[0]!r}", known
    if error.validator == "required":
        given: Any = error.instance
        return f"{next(key for key in schema['required'] if key not in given)!r} is missing", known
    if error.validator in ("enum", "const"):
        accepted = schema["enum"] if error.validator == "enum" else [schema["const"]]
        return f"{_shown(error)} is not accepted", ", ".join(map(str, accepted))
    if error.validator == "type":
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return f"{_shown(error)} is of the wrong type", " or ".join(kinds)
    return error.message if _may_show(error) else f"{_shown(error)} does not fit", _hint(schema)


def _unknown(error: ValidationError) -> list[str]:
    schema: Any = error.schema
    given: Any = error.instance
    return sorted(str(key) for key in given if key not in schema.get("properties", {}))


def _shown(error: ValidationError) -> str:
    return repr(error.instance) if _may_show(error) else "what is given here"


def _may_show(error: ValidationError) -> bool:
    """A secret typed where a reference to one belongs must not reach a terminal or a log."""
    return "secrets" not in error.absolute_path


def _hint(schema: dict[str, Any]) -> str:
    return ", ".join(_hints(schema))


def _hints(schema: dict[str, Any]) -> Iterator[str]:
    for key, words in (
        ("pattern", "text that fits {}"),
        ("minimum", "{} or more"),
        ("exclusiveMinimum", "more than {}"),
        ("maximum", "{} or less"),
        ("minProperties", "at least {}"),
        ("minItems", "at least {}"),
    ):
        if key in schema:
            yield words.format(schema[key])
