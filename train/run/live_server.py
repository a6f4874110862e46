"""A server for one person on one machine: the page of a run, and what it asks for.

It listens on 127.0.0.1 alone. Its address has a random token, without which nothing is answered; and only requests
whose Host is this machine are, so that no page from elsewhere can reach it by a name that it lets point here.
"""

from __future__ import annotations

import contextlib
import hmac
import http.server
import json
import secrets
import sys
import urllib.parse
from typing import Any

from tf_gmvae.errors import InputError
from train.run.live import ChangedElsewhereError, Live

HERE = "127.0.0.1"
# Bytes of names and marks, and the largest number of a member; members that are told of at a time.
LARGEST, MOST_MEMBERS = 2**24, 500


class LiveServer(http.server.ThreadingHTTPServer):
    """The server, which has its port before it has anything to serve.

    Args:
        port: number; 0 takes one that is free.

    Attributes:
        live: `Live`, to be set before `serve_forever`.

    Raises:
        InputError: if the port cannot be had.
    """

    daemon_threads = True
    live: Live

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HERE, port), _Handler)
        except OSError as error:
            raise InputError(
                f"--port={port} cannot be had ({error.strerror}): give another, or leave it out for a free one."
            ) from None

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request may call this machine."""
        return tuple(f"{name}:{self.server_port}" for name in (HERE, "localhost"))

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HERE}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says what went wrong, but for a browser that went away."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: LiveServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "tf-gmvae", ""
    timeout = 60  # seconds in which a request must have come

    def do_GET(self) -> None:
        path = self._path()
        if path is None:
            return
        try:
            self._answer(path)
        except (InputError, OSError) as error:  # of files that are there no more, say
            self._refuse(500, str(error))

    def do_PUT(self) -> None:
        path = self._path()
        if path is None:
            return
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in self.server.hosts]:
            self._refuse(403, "From elsewhere.")
            return
        length = self.headers.get("Content-Length", "")
        is_json = self.headers.get("Content-Type", "").split(";")[0].strip() == "application/json"
        if path != "kept" or not is_json or not _below(length, LARGEST):
            self._refuse(400, "Names and marks are put to kept, as JSON.")
            return
        try:
            revision = self.server.live.keep(self.rfile.read(int(length)), self.headers.get("If-Match"))
        except ChangedElsewhereError as error:
            self._refuse(409, str(error))
        except (ValueError, InputError, RecursionError) as error:
            self._refuse(400, f"These are no names and marks ({error}).")
        except OSError as error:
            self._refuse(500, f"Not written ({error.strerror}).")
        else:
            self._json({"revision": revision})

    def _path(self):
        """What is asked for after the token, or None where the request was refused."""
        first, _, path = self.path.lstrip("/").partition("/")
        knows = hmac.compare_digest(first.encode("utf-8", "replace"), self.server.token.encode())
        if not knows or self.headers.get("Host") not in self.server.hosts:
            self._refuse(403, "The address that train.explore has shown is needed, with its token.")
            return None
        return path

    def _answer(self, path):
        live = self.server.live
        try:
            parts = urllib.parse.urlsplit(path)
        except ValueError as error:
            self._refuse(400, f"This is no address ({error}).")
            return
        asked = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}
        kind, _, number = parts.path.partition("/")
        if "/" not in self.path.lstrip("/"):  # its relative addresses would be others
            self._send(301, "text/plain; charset=utf-8", b"", location=f"/{self.server.token}/")
        elif kind == "" and not number:
            page = live.page()
            self._send(200, "text/html; charset=utf-8", page.html.encode(), page.policy)
        elif kind == "find":
            self._json(live.find(asked.get("id", "")))
        elif kind == "members" and _below(number, live.num_components):
            begin, size = (asked.get(key, "0") for key in ("from", "size"))
            if _below(begin, LARGEST) and _below(size, LARGEST):
                self._json(live.members(int(number), int(begin), min(int(size), MOST_MEMBERS)))
            else:
                self._refuse(400, "from and size are whole numbers.")
        elif kind == "example" and _below(number, live.num_examples):
            self._json(live.example(int(number)))
        elif kind in ("picture", "reconstruction") and live.of_images and _below(number, live.num_examples):
            self._send(200, "image/png", live.picture(int(number), kind == "reconstruction"))
        else:
            self._refuse(404, "There is no such thing.")

    def _json(self, content):
        self._send(200, "application/json", json.dumps(content, allow_nan=False).encode())

    def _refuse(self, status, sentence):
        self.close_connection = True  # what else was sent has not been read
        self._send(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())

    def _send(self, status, kind, content, policy="default-src 'none'", location=None):
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind),
                ("Content-Length", str(len(content))),
                ("Content-Security-Policy", f"{policy}; frame-ancestors 'none'"),
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"),  # the token stays here
                ("Cross-Origin-Resource-Policy", "same-origin"),
                ("Cache-Control", "no-store"),
                *((("Connection", "close"),) if self.close_connection else ()),
                *(() if location is None else (("Location", location),)),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses hold the token."""


def _below(text, limit):
    return text.isascii() and text.isdigit() and len(text) < 12 and int(text) < limit
