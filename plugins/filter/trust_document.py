# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a host shall trust, from what its peers said of themselves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: trust_document
short_description: Whom a host shall trust over SSH
version_added: 0.1.0
author:
  - The ZFS Sync authors (@zfs-sync)
description:
  - Makes the document that C(zfs-sync-agent trust set) takes, from a host's peers and from what C(trust show) said on
    each of them.
  - A peer gets what its edges need. One that pulls from this host may log in; one that this host pulls from is believed
    by its host keys. So is the host on the way to it; and a host that is on the way lets the peers through.
  - A peer that could not be asked keeps the trust that it has.
positional: identities, own, host_keys
options:
  _input:
    description:
      - The peers, as P(zfs_sync.fleet.fleet_host#filter) gives them.
    type: list
    elements: dict
    required: true
  identities:
    description:
      - What C(zfs-sync-agent trust show) said, of every host that could be asked.
    type: list
    elements: dict
    required: true
  own:
    description:
      - What it said on this host.
    type: dict
    required: true
  host_keys:
    description:
      - The host keys of jump hosts that are no systems of the fleet, by host as known_hosts names it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Whom nas2 shall trust
  ansible.builtin.debug:
    msg: "{{ (fleet | zfs_sync.fleet.fleet_host('nas2')).peers | zfs_sync.fleet.trust_document(identities, own) }}"
"""

RETURN = r"""
_value:
  description: The document, and who is missing from it.
  type: dict
  contains:
    peers:
      description: What C(trust set) takes.
      type: list
      elements: dict
      sample: [{"name": "nas1", "host": "nas1", "port": 22, "host_keys": ["ssh-ed25519 AAAA..."]}]
    missing:
      description: The peers that could not be asked.
      type: list
      elements: str
      sample: []
"""


def trust_document(peers, identities, own, host_keys=None):
    """Whom the host that says ``own`` of itself shall trust."""
    asked = {each["system"]: each for each in identities}
    missing = [each["system"] for each in peers if each["system"] not in asked]
    given = host_keys or {}
    known = [
        _trusted(each, asked.get(each["system"]) or _remembered(each, own), _jump_keys(each, asked, own, given))
        for each in peers
    ]
    return {"peers": [each for each in known if each.keys() - {"name"}], "missing": missing}


def _remembered(peer, own):
    """What this host knows of a peer that could not be asked."""
    pattern = _pattern(peer["host"], peer["port"])
    return {
        "public_key": own["public_keys"].get(peer["system"]),
        "host_keys": sorted(own["known_hosts"].get(pattern, [])),
    }


def _trusted(peer, identity, jump_keys):
    trusted = {"name": peer["system"]}
    forwards = peer.get("forwards") or []
    if (peer["logs_in"] or forwards) and identity["public_key"]:
        trusted["public_key"] = identity["public_key"]
        if forwards:
            trusted["forwards"] = forwards
    if peer["reached"] and identity["host_keys"]:
        trusted.update(host=peer["host"], port=peer["port"], host_keys=identity["host_keys"])
    if peer["reached"] and peer.get("jump"):
        trusted["jump"] = {"host": peer["jump"]["host"], "port": peer["jump"]["port"], "host_keys": jump_keys}
    return trusted


def _jump_keys(peer, asked, own, given):
    """The host keys of the host on the way: what it said itself, what was given, or what is known here already."""
    jump = peer.get("jump")
    if not jump:
        return []
    identity = asked.get(jump["system"])
    if identity is not None:
        return identity["host_keys"]
    pattern = _pattern(jump["host"], jump["port"])
    return sorted(given.get(pattern) or own["known_hosts"].get(pattern, []))


def _pattern(host, port):
    """The host as known_hosts names it."""
    return host.lower() if port == 22 else "[%s]:%d" % (host.lower(), port)


class FilterModule:
    """The filters of this file."""

    def filters(self):
        return {"trust_document": trust_document}
