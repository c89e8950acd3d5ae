# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""ansible-test's sanity tests and the collection's unit tests, on what ships."""

import re

import pytest

from tests.packaging.unpacked import PYTHON, Unpacked

SUMMARY = re.compile(r"=+ (\d+) passed in ")
NAME_OF_A_TEST = re.compile(r"^def test_", re.MULTILINE)


def test_it_sees_every_file_of_the_tarball(unpacked: Unpacked) -> None:
    done = unpacked.ansible_test("env", "--list-files")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()) >= unpacked.names()


def test_units_pass_and_none_is_overlooked(unpacked: Unpacked) -> None:
    done = unpacked.ansible_test("units", "--local", "--python", PYTHON)
    assert done.returncode == 0, done.stdout + done.stderr
    written = sum(
        len(NAME_OF_A_TEST.findall(path.read_text(encoding="utf-8")))
        for path in (unpacked.folder / "tests" / "unit").rglob("test_*.py")
    )
    assert sum(int(count) for count in SUMMARY.findall(done.stdout)) >= written > 0


@pytest.mark.timeout(900)
def test_sanity_passes_and_no_test_is_left_out(unpacked: Unpacked) -> None:
    tests = unpacked.ansible_test("sanity", "--list-tests").stdout.split()
    assert len(tests) >= 20, tests
    done = unpacked.ansible_test("sanity", "--local", "--python", PYTHON)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "skipped" not in output.lower(), output
    run = {found.group(1) for found in re.finditer(r'Running sanity test "([a-z0-9-]+)"', output)}
    assert run == set(tests)


def test_nothing_is_ignored(unpacked: Unpacked) -> None:
    ignored = [path for path in (unpacked.folder / "tests" / "sanity").glob("ignore-*.txt") if path.read_text().strip()]
    assert ignored == []
