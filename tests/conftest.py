"""What all tests share."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.lab.fixtures"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of each story back into their order, at the places that random order gave to their module."""
    stories: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("story"):
            stories.setdefault(item.path, []).append(item)
    told = {path: iter(sorted(story, key=_place)) for path, story in stories.items()}
    items[:] = [next(told[item.path]) if item.path in told else item for item in items]


def _place(item: pytest.Item) -> int:
    return item.location[1] or 0
