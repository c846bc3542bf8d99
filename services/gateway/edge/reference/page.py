"""The document as one page to read: no script, nothing from elsewhere."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from services.gateway.edge.reference.document import JSON, Operation, operations

LOOKS: Final = "".join(f'<link rel="stylesheet" href="/css/{name}.css">' for name in ("tokens", "base", "reference"))


def page(document: dict[str, Any]) -> str:
    """All operations by subject, each with its parameters, body and answer."""
    subjects: dict[str, list[str]] = {}
    for name, operation in operations(document):
        subjects.setdefault(operation.get("tags", ["other"])[0], []).append("".join(_operation(name, operation)))
    index = " · ".join(f'<a href="#{_anchor(subject)}">{escape(subject)}</a>' for subject in subjects)
    parts = "".join(
        f'<section class="panel" id="{_anchor(subject)}"><h2>{escape(subject)}</h2>{"".join(told)}</section>'
        for subject, told in subjects.items()
    )
    about = escape(document["info"]["description"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API · Cleartide</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="/favicon.svg" type="image/svg+xml">{LOOKS}</head><body class="reference">'
        f'<main><h1><a href="/">Cleartide</a> API</h1><p>{about}</p>'
        f'<p><a href="/api/openapi.json">openapi.json</a> · {index}</p>{parts}</main></body></html>'
    )


def _operation(name: str, operation: Operation) -> Iterator[str]:
    yield f"<details><summary><code>{escape(name)}</code> {escape(operation.get('summary', ''))}</summary>"
    yield f"<p>Open to: {escape(operation['x-access'])}.</p>"
    if given := operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
            f"<td>{escape(one.get('description', ''))}</td></tr>"
            for one in given
        )
        yield f"<table><tbody>{rows}</tbody></table>"
    if body := operation.get("requestBody"):
        yield f"<h3>Body</h3>{_sample(body['content'][JSON])}"
    status, answer = next(item for item in operation["responses"].items() if item[0].startswith("2"))
    if told := answer.get("content", {}).get(JSON):
        yield f"<h3>{status}</h3>{_sample(told)}"
    yield "</details>"


def _sample(content: dict[str, Any]) -> str:
    return f"<pre>{escape(json.dumps(content.get('example'), indent=1))}</pre>"


def _anchor(subject: str) -> str:
    return escape(subject.replace(" ", "-"))
