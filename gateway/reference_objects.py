"""The objects of the API's description as HTML: their fields, and what each means."""

from __future__ import annotations

import html
import re
from typing import Any

Schemas = dict[str, dict[str, Any]]


def objects(schemas: Schemas) -> str:
    """A section for each object, which links lead to; values of enumerations stand where they are used."""
    return "".join(
        f'<section id="{name}"><h3>{name}</h3>{text(schema.get("description", ""))}'
        f'<div class="wide">{fields(schema, schemas)}</div></section>'
        for name, schema in sorted(schemas.items())
        if "properties" in schema
    )


def fields(schema: dict[str, Any], schemas: Schemas) -> str:
    """A table of an object's fields: name, type, meaning."""
    found = _named(schema, schemas)
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{kind(field, schemas)}"
        f"{', required' if name in found.get('required', ()) else ''}</td>"
        f"<td>{text(field.get('description', ''))}</td></tr>"
        for name, field in found["properties"].items()
    )
    return f"<table>{rows}</table>"


def kind(schema: dict[str, Any], schemas: Schemas) -> str:
    """A type in words, with links to objects."""
    if "$ref" in schema:
        found = _named(schema, schemas)
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>' if "properties" in found else kind(found, schemas)
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(kind(each, schemas) for each in several)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{html.escape(str(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}), schemas)}"
    return html.escape({"binary": "file", "date-time": "time"}.get(schema.get("format", ""), schema.get("type", "any")))


def text(markdown: str) -> str:
    """The little Markdown that our own descriptions use: paragraphs, code, bold."""
    escaped = html.escape(markdown.strip())
    escaped = re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escaped)
    escaped = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)
    return "".join(f"<p>{paragraph}</p>" for paragraph in escaped.split("\n\n") if paragraph)


def _named(schema: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
