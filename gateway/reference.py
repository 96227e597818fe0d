"""The API's description as a page of its own: no script, nothing from another server."""

from __future__ import annotations

import html
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from gateway.problems import every_code
from gateway.reference_objects import Schemas, fields, kind, objects, text

STYLE = """
:root { color-scheme: light dark; --ink: #17212b; --muted: #52606d; --line: #d8dfe5; --back: #f3f5f7; --panel: #fff;
  --accent: #0b5f78; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaef; --muted: #9fadb9; --line: #27323b; --back: #0c1115;
  --panel: #141b21; --accent: #74c9e0; } }
body { margin: 0 auto; max-width: 900px; padding: 24px 16px 60px; background: var(--back); color: var(--ink);
  font: 15px/1.55 system-ui, sans-serif; }
h1 { font-size: 22px; } h2 { font-size: 17px; margin: 40px 0 8px; } a { color: var(--accent); }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 14px 20px;
  margin: 12px 0; }
h3 { font: 600 15px/1.5 ui-monospace, monospace; margin: 0; overflow-wrap: anywhere; } h3 b { color: var(--accent); }
p { margin: 6px 0; } .muted { color: var(--muted); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 14px; margin-top: 8px; }
td, th { text-align: left; vertical-align: top; padding: 4px 18px 4px 0; border-top: 1px solid var(--line); }
td p { margin: 0; } h4 { margin: 12px 0 0; font-size: 14px; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.93em; } pre { overflow-x: auto; }
"""

EXAMPLE = """curl -F files=@film.jpeg -F files=@films.zip {base}v1/jobs
curl {base}v1/jobs/JOB
curl {base}v1/jobs/JOB/results
curl -H 'Accept: text/csv' {base}v1/jobs/JOB/results
curl -o overlay.png {base}v1/jobs/JOB/images/0/overlay.png"""


def reference(app: FastAPI) -> APIRouter:
    """``/docs``, drawn from the application's own OpenAPI description."""
    router = APIRouter()

    @router.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(_page(app.openapi(), str(request.base_url)))

    return router


def _page(description: dict[str, Any], base: str) -> str:
    routes = [
        _operation(path, method, operation, description["components"]["schemas"])
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]
    codes = "".join(
        f"<tr><td><code>{code}</code></td><td>{status}</td><td>{html.escape(sentence)}</td></tr>"
        for code, status, sentence in every_code()
    )
    title = html.escape(f"{description['info']['title']} {description['info']['version']}")
    summary = text(description["info"]["description"].partition("| Code")[0])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: HTTP API</title><style>{STYLE}</style></head><body>
<p><a href="./">The page</a></p><h1>{title}: HTTP API</h1>{summary}
<p>For programs: <a href="openapi.json">openapi.json</a></p>
<pre>{html.escape(EXAMPLE.format(base=base))}</pre>
<h2>Requests</h2>{"".join(routes)}
<h2>Objects</h2>{objects(description["components"]["schemas"])}
<h2>Error codes</h2><section class="wide"><table>{codes}</table></section>
</body></html>"""


def _operation(path: str, method: str, operation: dict[str, Any], schemas: Schemas) -> str:
    parameters = "".join(
        f"<tr><td><code>{html.escape(parameter['name'])}</code></td><td>{html.escape(parameter['in'])}</td>"
        f"<td>{text(parameter.get('description', ''))}</td></tr>"
        for parameter in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td>{html.escape(status)}</td><td>{_contents(answer.get('content', {}), schemas)}</td>"
        f"<td>{text(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return f"""<section><h3><b>{method.upper()}</b> {html.escape(path)}</h3>
<p class="muted">{html.escape(operation.get("summary", ""))}</p>{text(operation.get("description", ""))}
<div class="wide">{f"<h4>Parameters</h4><table>{parameters}</table>" if parameters else ""}
{_bodies(operation.get("requestBody", {}).get("content", {}), schemas)}
<h4>Answers</h4><table>{answers}</table></div></section>"""


def _bodies(contents: dict[str, Any], schemas: Schemas) -> str:
    return "".join(
        f"<h4>Body, <code>{html.escape(media_type)}</code></h4>{fields(content['schema'], schemas)}"
        for media_type, content in contents.items()
    )


def _contents(contents: dict[str, Any], schemas: Schemas) -> str:
    """Media types; of JSON with the object that it is."""
    shown = []
    for media_type, content in contents.items():
        names_object = media_type == "application/json" and content["schema"].keys() & {"$ref", "items"}
        shown.append(html.escape(media_type) + (f": {kind(content['schema'], schemas)}" if names_object else ""))
    return "<br>".join(shown)
