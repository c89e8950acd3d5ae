# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``serve``: one process, one event loop, one writer of the database."""

import asyncio
import gc
import signal
import socket
import ssl
from argparse import Namespace
from types import FrameType

import uvicorn

from zfs_sync import __version__
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness import systemd
from zfs_sync.witness.app import create_app
from zfs_sync.witness.certificate_watch import LOOK_SECONDS, CertificateWatch
from zfs_sync.witness.clock import system_clock
from zfs_sync.witness.commands.exposure import exposed
from zfs_sync.witness.commands.occupancy import occupied
from zfs_sync.witness.commands.opening import opened, require_database
from zfs_sync.witness.context import Witness
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.settings import Settings, load

GRACE_SECONDS = 10
"""How long requests at hand may take to end after SIGTERM; long polls are let go at once."""
CLOSING_SECONDS = 0.5
"""How long a connection that has nothing more to say may take to close."""
KEEP_ALIVE_SECONDS = 75
"""Longer than an agent's heartbeat, so that it need not make a new TLS connection each time."""


def serve(options: Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = load(file=options.config)
    log = make_logger(settings.log_level)
    if exposed(settings):
        log.warning("keys travel readable: plain HTTP beyond loopback (allow_plain_http)", host=settings.host)
    require_database(settings.database)
    with occupied(settings.database), opened(settings.database) as database:
        app = create_app(settings, system_clock, database, log)
        gc.freeze()  # what the program is made of is not searched through each time a large report makes objects
        _Server(_configuration(settings, app), app.state.witness).run()


def _configuration(settings: Settings, app: object) -> uvicorn.Config:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ZfsSyncError("E_CONFIG", f"{settings.tls_certificate} and its key cannot be used: {error}.") from error
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


async def _forever(watch: CertificateWatch) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        watch.look()


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready, and lets the long polls go when it is asked to end."""

    def __init__(self, config: uvicorn.Config, witness: Witness) -> None:
        super().__init__(config)
        self._witness = witness
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell the log and systemd."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if not self.started:
            return
        self._watch_certificate()
        for server in self.servers:
            host, port = server.sockets[0].getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            self._witness.log.info("ready", version=__version__, scheme=scheme, host=host, port=port)
        systemd.notify("READY=1")

    def _watch_certificate(self) -> None:
        """Take up a renewed certificate within seconds, and at once on SIGHUP."""
        settings = self._witness.settings
        if self.config.ssl is None or settings.tls_certificate is None or settings.tls_key is None:
            return
        watch = CertificateWatch(self.config.ssl, settings.tls_certificate, settings.tls_key, self._witness.log)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watch.look)
        self._watching = asyncio.create_task(_forever(watch))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, and wait for requests, but not for clients."""
        ending = asyncio.create_task(self._abort_closing())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()
            if self._watching is not None:
                self._watching.cancel()

    async def _abort_closing(self) -> None:
        """A TLS connection is closed when its client has said so too, which a client that idles never does."""
        closing: set[object] = set()
        while True:
            await asyncio.sleep(CLOSING_SECONDS)
            still = {each for each in self.server_state.connections if each.transport.is_closing()}
            for connection in still & closing:
                connection.transport.abort()
            closing = set(still)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. A signal may interrupt the notifier itself, so it is closed by the loop, not from here."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._witness.notifier.close)
        systemd.notify("STOPPING=1")
        super().handle_exit(sig, frame)
