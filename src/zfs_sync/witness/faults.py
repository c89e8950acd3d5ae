# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""pydantic's findings in the words of the house: one JSON pointer and one sentence per fault."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zfs_sync.api.annotations import SURE, UNSURE
from zfs_sync.core.errors import Fault, pointer

_NO_PART = ("[key]", SURE, UNSURE)
"""What pydantic adds to a path that is no part of the document."""
_SENTENCES = {
    "bool_parsing": "this must be true or false",
    "bool_type": "this must be true or false",
    "dataclass_exact_type": "this must be an object",
    "dataclass_type": "this must be an object",
    "dict_type": "this must be an object",
    "extra_forbidden": "this key is not known",
    "float_type": "this must be a number",
    "int_from_float": "this must be a whole number",
    "int_parsing": "this must be a whole number",
    "int_type": "this must be a whole number",
    "list_type": "this must be a list",
    "missing": "this key is missing",
    "model_type": "this must be an object",
    "string_type": "this must be text",
    "unexpected_keyword_argument": "this key is not known",
}


def faults_of(errors: Iterable[Mapping[str, Any]], *base: str | int) -> list[Fault]:
    """One fault per finding of pydantic, below ``base``."""
    told = (each for each in errors if each["loc"][-1:] != (SURE,))
    return [Fault(pointer(*base, *place_of(each["loc"])), sentence(each)) for each in told]


def sentence(error: Mapping[str, Any]) -> str:
    """What is wrong, for people. The rejected value is not quoted: it could be a secret."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind == "literal_error":
        return f"this must be {context['expected']}"
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind == "json_invalid":
        return f"this is not JSON: {context.get('error', error['msg'])}"
    text = str(error["msg"])
    return text[:1].lower() + text[1:]


def place_of(location: Sequence[str | int]) -> tuple[str | int, ...]:
    """The path in the document: a bad key is told at the key itself."""
    return tuple(part for part in location if part not in _NO_PART)
