# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Metadata that a field's type carries: which function of ``core`` accepts its text, and an example of it.

One annotation serves three readers: pydantic in the witness, ``structure`` in the agent, and the schema export.
pydantic is imported only inside the methods that pydantic itself calls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Le, Len

from zfs_sync.core import jump, names, numbers, properties, selection

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

STRICT = {"extra": "forbid", "use_attribute_docstrings": True, "alias_generator": lambda name: name.rstrip("_")}
"""``__pydantic_config__`` of the wire's dataclasses: unknown keys are faults, ``from_`` is ``from`` on the wire."""

SURE, UNSURE = "[sure]", "[unsure]"
"""Where pydantic's errors say that they come from, for a text that may be accepted without a call of its check."""


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A value that ``check`` accepts; ``check`` raises ValueError with a sentence for people."""

    check: Callable[[Any], object]
    example: object
    pattern: str | None = None
    """What editors can check: never stricter than ``check``."""
    sure: str | None = None
    """What needs no call of ``check``, since it accepts all that matches: a report has 300,000 such texts."""

    def __get_pydantic_core_schema__(self, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Let pydantic call ``check`` where it has to, and keep the value as it is."""
        from pydantic_core import core_schema  # noqa: PLC0415  (only the witness has it)

        def accept(value: Any) -> Any:
            self.check(value)
            return value

        checked = core_schema.no_info_after_validator_function(accept, handler(source))
        if self.sure is None:
            return checked
        sure = core_schema.str_schema(pattern=self.sure)
        return core_schema.union_schema([(sure, SURE), (checked, UNSURE)], mode="left_to_right")

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        """Put the example and the pattern into the schema."""
        pattern = {"pattern": self.pattern} if self.pattern else {}
        return {"type": "string", "examples": [self.example], **pattern}


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An example value for the schema and the reference pages."""

    value: object

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        """Put the example into the schema."""
        return {**handler(schema), "examples": [self.value]}


def check_interval(text: str) -> str:
    """Accept ``continuous`` or a duration."""
    if text != "continuous":
        numbers.parse_duration(text)
    return text


OBJECT_PATTERN = "^[a-z0-9][a-z0-9._-]{0,62}$"
_SURE_LABEL = "^[A-Za-z0-9 _.:-]{1,254}$"
_SURE_NUMBER = "^(0|[1-9][0-9]{0,18})$"

SystemName = Annotated[str, Checked(names.check_system_name, "nas1", OBJECT_PATTERN)]
GroupName = Annotated[str, Checked(names.check_group_name, "photos", OBJECT_PATTERN)]
DatasetPath = Annotated[str, Checked(names.check_dataset, "tank/photos")]
RelativePath = Annotated[str, Checked(names.check_relative, "2026/raw")]
DatasetPattern = Annotated[str, Checked(selection.check_dataset_pattern, "**/cache")]
LabelPattern = Annotated[str, Checked(selection.check_label_pattern, "scratch-*")]
PropertyName = Annotated[str, Checked(properties.check_property_name, "readonly")]
PropertyValue = Annotated[str, Len(1, properties.LONGEST_VALUE), Example("on")]
SnapshotLabel = Annotated[str, Checked(names.check_snapshot_label, "autosnap_2026-11-01_hourly", sure=_SURE_LABEL)]
U64Text = Annotated[str, Checked(numbers.u64, "9876543210987654321", sure=_SURE_NUMBER)]
Duration = Annotated[str, Checked(numbers.parse_duration, "15m")]
Interval = Annotated[str, Checked(check_interval, "15m")]
Host = Annotated[str, Checked(names.check_host, "nas1.example.org")]
User = Annotated[str, Checked(names.check_user, "zfs-sync")]
JumpHost = Annotated[str, Checked(jump.parse_jump, "ops@jump.example.org:22")]
Port = Annotated[int, Ge(1), Le(65_535), Example(22)]
Count = Annotated[int, Ge(0), Le(2**63 - 1), Example(0)]
"""As large as a column of a database holds."""
Text = Annotated[str, Len(0, 1_000), Example("Berlin, primary")]
Identifier = Annotated[str, Len(1, 64), Example("0f8c1f9be0a54f0d")]
