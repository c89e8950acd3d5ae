# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A callback that writes what each task did on each host as a line of JSON, so that tests need not read prose."""

import json
import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: aggregate
short_description: What each task did, as lines of JSON
description:
  - Appends to the file that the environment variable ZFS_SYNC_TEST_RECORD names.
requirements: []
"""


class CallbackModule(CallbackBase):
    """One line for each task and host; of a loop, for each item."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"

    def v2_runner_on_start(self, host, task):
        self._began = {**getattr(self, "_began", {}), (host.name, task._uuid): time.monotonic()}

    def v2_runner_on_ok(self, result):
        self._note(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self._note(result, "unreachable")

    def v2_runner_on_skipped(self, result):
        self._note(result, "skipped")

    def v2_runner_item_on_ok(self, result):
        self._note(result, "ok")

    def v2_runner_item_on_failed(self, result):
        self._note(result, "failed")

    def _note(self, result, status):
        content = result.result
        if "results" in content and result.task.loop is not None:
            return
        began = self._began.get((result.host.name, result.task._uuid), time.monotonic())
        line = {
            "host": result.host.name,
            "task": result.task.get_name().rpartition(" : ")[2],
            "action": result.task.action,
            "item": content.get("item"),
            "status": status,
            "changed": bool(content.get("changed")),
            "seconds": round(time.monotonic() - began, 3),
            "result": {key: value for key, value in content.items() if key != "invocation"},
        }
        with Path(os.environ["ZFS_SYNC_TEST_RECORD"]).open("a", encoding="utf-8") as record:
            record.write(json.dumps(line, default=str) + "\n")
