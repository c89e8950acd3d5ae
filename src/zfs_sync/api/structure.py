# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Dataclasses of the wire from JSON and back, without pydantic: strict, and with all faults at once.

The agent treats what the witness says as it would treat a stranger's: every name and range is checked again.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import cattrs
from annotated_types import Ge, Le, Len
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.v import format_exception

from zfs_sync.api.annotations import Checked
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer

T = TypeVar("T")


def structure(cls: type[T], raw: object) -> T:
    """``raw`` (parsed JSON) as ``cls``. Raises E_VALIDATION with a JSON pointer per fault."""
    try:
        return _converter().structure(raw, cls)
    except BaseValidationError as error:
        faults = _faults(error, ())
    except (ValueError, TypeError, KeyError) as error:
        faults = [Fault("", _sentence(error))]
    raise ZfsSyncError("E_VALIDATION", f"This is not a valid {cls.__name__}.", faults=faults)


def unstructure(value: object) -> Any:
    """``value`` as plain dicts and lists for JSON."""
    return _converter().unstructure(value)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for primitive in (str, int, bool, float):
        converter.register_structure_hook(primitive, _exactly(primitive))
    converter.register_structure_hook_factory(_is_annotated, lambda kind: _annotated_hook(converter, kind))
    converter.register_structure_hook_factory(_is_literal, _literal_hook)
    converter.register_structure_hook_factory(is_dataclass, lambda kind: _dataclass_hook(converter, kind))
    converter.register_unstructure_hook_factory(
        is_dataclass, lambda kind: make_dict_unstructure_fn(kind, converter, **_renamed(kind))
    )
    return converter


def _renamed(kind: type) -> dict[str, Any]:
    return {each.name: override(rename=each.name.rstrip("_")) for each in fields(kind) if each.name.endswith("_")}


def _dataclass_hook(converter: cattrs.Converter, kind: type[T]) -> Callable[[Any, Any], T]:
    build = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True, **_renamed(kind))

    def hook(value: Any, target: Any) -> T:
        if not isinstance(value, dict):
            raise ValueError("this must be an object")  # noqa: TRY004  (a fault of the input, not of the program)
        return build(value, target)

    return hook


def _exactly(primitive: type[T]) -> Callable[[object, object], T]:
    names = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}

    def hook(value: object, _: object) -> T:
        if isinstance(value, primitive) and not (isinstance(value, bool) and primitive is not bool):
            return value
        raise ValueError(f"this must be {names[primitive]}")

    return hook


def _is_annotated(kind: object) -> bool:
    return get_origin(kind) is Annotated


def _is_literal(kind: object) -> bool:
    return get_origin(kind) is Literal


def _literal_hook(kind: Any) -> Callable[[object, object], object]:
    choices = get_args(kind)

    def hook(value: object, _: object) -> object:
        if any(type(value) is type(each) and value == each for each in choices):
            return value
        raise ValueError(f"this must be {'one of ' if choices[1:] else ''}{', '.join(map(str, choices))}")

    return hook


def _annotated_hook(converter: cattrs.Converter, kind: Any) -> Callable[[Any, Any], Any]:
    inner, *metadata = get_args(kind)
    build = converter.get_structure_hook(inner)

    def hook(value: Any, _: Any) -> Any:
        result = build(value, inner)
        for rule in metadata:
            _apply(rule, result)
        return result

    return hook


def _apply(rule: object, value: Any) -> None:
    match rule:
        case Checked(check=check):
            check(value)
        case Ge(ge=least) if value < least:
            raise ValueError(f"this must be at least {least}")
        case Le(le=most) if value > most:
            raise ValueError(f"this must be at most {most}")
        case Len(min_length=least, max_length=most) if len(value) < least or (most is not None and len(value) > most):
            raise ValueError(f"this must have {least} to {most} characters or entries")
        case _:
            pass


def _faults(error: BaseException, path: tuple[str | int, ...]) -> list[Fault]:
    if isinstance(error, ForbiddenExtraKeysError):
        return [Fault(pointer(*path, key), "this key is not known") for key in sorted(error.extra_fields)]
    if not isinstance(error, BaseValidationError):
        return [Fault(pointer(*path), _sentence(error))]
    faults: list[Fault] = []
    for each in error.exceptions:
        faults += _faults(each, (*path, *_note_path(each)))
    return faults


def _note_path(error: BaseException) -> tuple[str | int, ...]:
    """Where cattrs says that the error happened, below its parent."""
    for note in getattr(error, "__notes__", ()):
        place = getattr(note, "name", getattr(note, "index", None))
        if place is not None:
            return (place.rstrip("_") if isinstance(place, str) else place,)
    return ()


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    return str(error) if isinstance(error, ValueError) else str(format_exception(error, None))
