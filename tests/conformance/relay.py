"""A gateway that relays between equal protocols and, told so, does it badly: what the judge must find."""

import http.client
import http.server
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from twoapi.conformance import VENDORS

Json = Any
PREFIXES = {
    "/v1/chat/completions": VENDORS["openai-chat"].base.removesuffix("/v1"),
    "/v1/responses": VENDORS["openai-responses"].base.removesuffix("/v1"),
    "/v1/messages": VENDORS["anthropic-messages"].base,
    "/v1beta/models/": VENDORS["gemini"].base,
}


class Relay:
    """`with Relay(upstream_url) as relay:` is a gateway at `relay.url`.

    `request` changes a body on its way, `answer` the bytes of an answer, piece by piece; `headers` are added to it.
    `refuse` answers a body with an error of its own instead, when it gives one: status and body.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.request: Callable[[Json], Json] = lambda body: body
        self.answer: Callable[[bytes], bytes] = lambda data: data
        self.refuse: Callable[[Json], tuple[int, Json] | None] = lambda body: None
        self.headers: dict[str, str] = {}
        relay = self

        class Handler(_Handler):
            owner = relay

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: Relay

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        relay = self.owner
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if refused := relay.refuse(body):
            status, error = refused
            self.send_response(status)
            data = json.dumps(error).encode()
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return
        prefix = next(prefix for path, prefix in PREFIXES.items() if self.path.startswith(path))
        connection = http.client.HTTPConnection(relay.upstream.hostname or "", relay.upstream.port, timeout=10)
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")
        }
        connection.request("POST", prefix + self.path, json.dumps(relay.request(body)), headers)
        self._pass(connection.getresponse())
        connection.close()

    def _pass(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in {**dict(answer.getheaders()), **self.owner.headers}.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        with suppress(http.client.IncompleteRead):
            while piece := answer.read1():
                data = self.owner.answer(piece)
                if data:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            if not answer.length:
                self.wfile.write(b"0\r\n\r\n")
                return
        self.close_connection = True
