"""A conversation with a server of any protocol: requests by its encoder, streamed answers by its decoder."""

import http.client
import ssl
from collections.abc import Callable, Iterator
from typing import Self
from urllib.parse import urlsplit

import msgspec

from twoapi.cli.owners import provider_for
from twoapi.config.values import BaseUrl
from twoapi.ir import Delta, Event, Failed, FaultError, Message, Request, Response, Text, ToolCall
from twoapi.ir.assemble import Assembler
from twoapi.protocols.base import Codec, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.providers.model import auth_headers, usual_auth
from twoapi.wire.http import Outgoing

_PATIENCE = 300.0  # seconds without a byte
_CHUNK = 65536
_MAX_OUTPUT = 4096  # tokens, where the protocol demands a limit


class Server(msgspec.Struct, frozen=True):
    """Where a protocol is spoken, and how the key is presented there."""

    url: str
    headers: list[tuple[bytes, bytes]]

    @classmethod
    def parse(cls, base_url: str, protocol: str, key: str) -> Self:
        """Raises ValueError. A URL without a path is taken for the root of a server with the vendor's own paths."""
        url = BaseUrl.parse(base_url)
        owner = provider_for(protocol)
        root = urlsplit(owner.protocols[protocol].base_url or "").path
        full = str(url) if urlsplit(url).path else str(url) + root
        return cls(full, auth_headers(usual_auth(owner, protocol), key))


class Talker:
    """Sends one request and tells the events of its answer."""

    def __init__(self, server: Server, protocol: str) -> None:
        self.server = server
        self.codec: Codec = CODECS[protocol]

    def ask(self, request: Request) -> Iterator[Event]:
        """The events as they come; raises FaultError when the answer is an error or ends in one, OSError when there is
        no connection.
        """
        capabilities = Capabilities(max_output=_MAX_OUTPUT)
        outgoing = self.codec.encode_request(request, request.model, capabilities, []).outgoing
        connection = self._connect()
        try:
            answer = self._send(connection, outgoing)
            decoder = self.codec.stream_decoder(Restore())
            while data := answer.read1(_CHUNK):
                yield from map(_sound, decoder.feed(data))
            yield from map(_sound, decoder.close())
        except http.client.HTTPException as error:
            raise OSError(f"the answer is not HTTP/1.1: {error}") from None
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.server.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, parts.port, timeout=_PATIENCE, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, parts.port, timeout=_PATIENCE)

    def _send(self, connection: http.client.HTTPConnection, outgoing: Outgoing) -> http.client.HTTPResponse:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in outgoing.headers}
        headers |= {name.decode("latin-1"): value.decode("latin-1") for name, value in self.server.headers}
        headers |= {"content-type": "application/json"}
        connection.request("POST", urlsplit(self.server.url).path + outgoing.path, outgoing.body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            received = {name.lower().encode(): value.encode("latin-1") for name, value in answer.getheaders()}
            raise FaultError(self.codec.decode_fault(answer.status, received, answer.read()))
        return answer


def _sound(event: Event) -> Event:
    if isinstance(event, Failed):
        raise FaultError(event.fault)
    return event


class Conversation:
    """What was said so far."""

    def __init__(self, talker: Talker, model: str, system: str | None) -> None:
        self.talker = talker
        self._model = model
        self.messages: list[Message] = []
        if system is not None:
            self.messages.append(Message("system", [Text(text=system)]))

    def say(self, text: str, show: Callable[[Event], None]) -> Response:
        """The answer, shown event by event. Ctrl-C keeps what has come; an error takes the turn back."""
        self.messages.append(Message("user", [Text(text=text)]))
        assembler = Assembler()
        said = False
        try:
            for event in self.talker.ask(self._request()):
                assembler.feed(event)
                said = said or isinstance(event, Delta)
                show(event)
        except KeyboardInterrupt:
            pass
        except (FaultError, OSError):
            self.messages.pop()
            raise
        response = assembler.close()
        self._remember(response, said=said)
        return response

    def _request(self) -> Request:
        return Request(
            protocol=self.talker.codec.name,
            model=self._model,
            messages=list(self.messages),
            stream=True,
            include_usage=True,
        )

    def _remember(self, response: Response, *, said: bool) -> None:
        """Calls are not: nobody answers them here, and a call without a result is refused."""
        parts = [part for candidate in response.candidates[:1] for part in candidate.parts]
        kept = [part for part in parts if not isinstance(part, ToolCall)]
        if said and kept:
            self.messages.append(Message("assistant", kept))
        else:
            self.messages.pop()
