# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""api.md: every route of the witness with its role, its parameters, its models and its errors."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi.routing import APIRoute

from reference_pages.markdown import anchor, code, note, table
from reference_pages.raised import codes
from reference_pages.schema import fields, kind
from zfs_sync.witness.openapi import document
from zfs_sync.witness.routes import ROUTERS

_INTRODUCTION = """\
# The witness's API

JSON over HTTPS. The witness serves this reference itself under `/docs`, and the OpenAPI document under
`/api/v1/openapi.json`; `zfs-sync-witness openapi` prints it without a server.

* **Keys.** `Authorization: Bearer zs_...`. A role covers those below it: admin, operator, viewer. Roles agent and enrol
  stand alone, and such a key speaks for its own system only.
* **Errors** are `application/problem+json` ([Problem](#problem)), each with a code of the
  [catalogue](../errors/README.md). All faults of a request are told at once; unknown fields and unknown query
  parameters are faults. What a route may answer is listed with it, as found in its code; where routes share
  code, the list may name an error that one of them never meets. Any route may answer {common}.
* **Request ids.** Every answer has `X-Request-Id`; the witness's log has the same id.

"""
_COMMON = (
    "E_UNAUTHENTICATED", "E_KEY_MALFORMED", "E_ENROL_EXPIRED", "E_FORBIDDEN", "E_VALIDATION", "E_BODY_TOO_LARGE",
    "E_ROUTE_NOT_FOUND", "E_METHOD_NOT_ALLOWED", "E_DATABASE_UNAVAILABLE", "E_INTERNAL",
)  # fmt: skip
_PAGES = "../errors/"


def page() -> str:
    """The text of the page."""
    spec = document([route for router in ROUTERS for route in router.routes])
    text = note("the routes and the wire's models") + _INTRODUCTION.format(common=_errors(_COMMON))
    text += table(["route", "role", "what it does"], [_row(route) for route in routes()])
    for route in routes():
        text += f"\n## {title(route)}\n\n{_described(route, spec)}"
    text += "\n## Models\n"
    for name, model in sorted(spec["components"]["schemas"].items()):
        text += f"\n### {name}\n\n{model.get('description', '')}\n\n{fields(model, _link)}"
    return text


def routes() -> Iterator[APIRoute]:
    """Every route, in the order of the routers."""
    for router in ROUTERS:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"{route} is no route with a role")
            yield route


def title(route: APIRoute) -> str:
    """Method and path."""
    return f"{' '.join(sorted(route.methods or ()))} {route.path}"


def _row(route: APIRoute) -> list[str]:
    said, role = _said(route)
    return [f"[{code(title(route))}](#{anchor(title(route))})", role, said]


def _said(route: APIRoute) -> tuple[str, str]:
    """What the route does, and its role."""
    text, _, role = route.description.rpartition("\n\n")
    return text, "none" if role == "Needs no key." else role.removeprefix("Role: ").rstrip(".")


def _described(route: APIRoute, spec: Mapping[str, Any]) -> str:
    said, role = _said(route)
    text = f"{said}\n\nRole: {role}.\n"
    operation = spec["paths"].get(route.path, {}).get(title(route).split()[0].lower())
    if operation is not None:
        text += _parameters(operation.get("parameters", []))
        text += "".join(f"\n{each}\n" for each in _bodies(operation))
    raised = sorted(codes(route.endpoint) - set(_COMMON))
    return text + (f"\nErrors: {_errors(raised)}.\n" if raised else "")


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    rows = [
        [code(each["name"]), each["in"], kind(each["schema"], _link), each.get("description", "")]
        for each in parameters
    ]
    return "\n" + table(["parameter", "in", "type", "what it is"], rows) if rows else ""


def _bodies(operation: Mapping[str, Any]) -> Iterator[str]:
    if "requestBody" in operation:
        yield f"Body: {_body(operation['requestBody'])}."
    for status, answer in operation["responses"].items():
        if status != "default":
            yield f"Answer: {status}{', ' + _body(answer) if answer.get('content') else ''}."


def _body(carrier: Mapping[str, Any]) -> str:
    """The model in JSON, and the names of other forms."""
    forms = [
        kind(content["schema"], _link) if medium == "application/json" else code(medium)
        for medium, content in carrier["content"].items()
    ]
    return " or ".join(forms)


def _errors(names: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"[{name}]({_PAGES}{name}.md)" for name in names)


def _link(name: str) -> str:
    return f"[{name}](#{anchor(name)})"
