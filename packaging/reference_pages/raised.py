# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Which errors a route can answer: the codes that the functions that it reaches raise, read from their byte code.

A function reaches what it names: functions and classes of its own module, or of a module of the project that it
imports. What is passed in (``witness.database.read``) is not followed; those errors are the ones that any route
may answer.
"""

import dis
import inspect
import re
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from zfs_sync.core.errors import ZfsSyncError

_CODE = re.compile(r"E_[A-Z_]+")
_PROJECT = "zfs_sync."
_LARGEST_TABLE = 20


def codes(function: Callable[..., Any]) -> set[str]:
    """Every code in the function and in what it reaches."""
    found: set[str] = set()
    waiting = list(_functions(function))
    seen: set[FunctionType] = set()
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        bound = inspect.getclosurevars(each).nonlocals
        for code in _nested(each.__code__):
            values = [*_named(code, {**each.__globals__, **bound})]
            waiting += [reached for value in values for reached in _functions(value)]
            if ZfsSyncError in values:
                found |= _constants((*code.co_consts, *values))
    return found


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _nested(each)


def _constants(value: object) -> set[str]:
    """The codes in a value, or in a small table of values."""
    if isinstance(value, str):
        return {value} if _CODE.fullmatch(value) else set()
    if isinstance(value, dict) and len(value) <= _LARGEST_TABLE:
        return _constants(tuple(value.values()))
    if isinstance(value, tuple):
        return {code for each in value for code in _constants(each)}
    return set()


def _named(code: CodeType, names: dict[str, Any]) -> Iterator[object]:
    """What the code names: variables of its module and around it, and attributes of modules and classes."""
    last: object = None
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FAST"):
            last = names.get(str(each.argval))
            yield last
        elif each.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            last = getattr(last, str(each.argval), None) if isinstance(last, ModuleType | type) else None
            yield last


def _functions(found: object) -> Iterator[FunctionType]:
    """The functions of the project in what a name stands for."""
    if isinstance(found, dict) and len(found) <= _LARGEST_TABLE:
        for each in found.values():
            yield from _functions(each)
    elif not str(getattr(found, "__module__", None)).startswith(_PROJECT):
        return
    elif isinstance(found, FunctionType):
        yield found
    elif isinstance(found, type) and not issubclass(found, Exception):
        yield from (each for each in vars(found).values() if isinstance(each, FunctionType))
