"""What is measured: the gateways, how each is started, and the ways a request takes through them."""

import getpass
import shutil
import string
import sys
from pathlib import Path

import msgspec

from bench import bodies, canned
from bench.processes import ROOT, python

CLIENT_KEY = "sk-bench-client-0123456789abcdef"
UPSTREAM_KEY = "sk-bench-upstream-0123456789abcdef"


class Route(msgspec.Struct, frozen=True):
    """A client protocol, and the protocol of the upstream behind the model it asks for."""

    name: str
    client: str
    upstream: str
    model: str

    def path(self, *, stream: bool) -> str:
        if self.client == "gemini":
            return f"/v1beta/models/{self.model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
        return PATHS[self.client]

    @property
    def headers(self) -> dict[str, str]:
        if self.client == "gemini":
            return {"x-goog-api-key": CLIENT_KEY}
        if self.client == "anthropic-messages":
            return {"x-api-key": CLIENT_KEY, "anthropic-version": "2023-06-01"}
        return {"Authorization": f"Bearer {CLIENT_KEY}"}

    def body(self, *, big: bool, stream: bool) -> bytes:
        return BODIES[self.client](self.model, big=big, stream=stream)


PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
}
BODIES = {
    "openai-chat": bodies.chat_body,
    "openai-responses": bodies.responses_body,
    "anthropic-messages": bodies.messages_body,
    "gemini": bodies.gemini_body,
}
RELAY = Route("relay", "openai-chat", "openai-chat", "bench-chat")
CHAT_TO_MESSAGES = Route("chat-to-messages", "openai-chat", "anthropic-messages", "bench-messages")
MESSAGES_TO_CHAT = Route("messages-to-chat", "anthropic-messages", "openai-chat", "bench-chat")
CHAT_TO_RESPONSES = Route("chat-to-responses", "openai-chat", "openai-responses", "bench-responses")
RESPONSES_TO_CHAT = Route("responses-to-chat", "openai-responses", "openai-chat", "bench-chat")
CHAT_TO_GEMINI = Route("chat-to-gemini", "openai-chat", "gemini", "bench-gemini")
GEMINI_TO_CHAT = Route("gemini-to-chat", "gemini", "openai-chat", "bench-chat")
CONVERTED = (
    CHAT_TO_MESSAGES,
    CHAT_TO_RESPONSES,
    CHAT_TO_GEMINI,
    MESSAGES_TO_CHAT,
    RESPONSES_TO_CHAT,
    GEMINI_TO_CHAT,
)
ROUTES = {route.name: route for route in (RELAY, *CONVERTED)}


class Site(msgspec.Struct, frozen=True):
    """Where the gateways of one run live."""

    folder: Path
    mock: int


class Gateway(msgspec.Struct, frozen=True):
    """A gateway under test. One without a command is the mock upstream itself."""

    name: str
    title: str
    routes: tuple[Route, ...]
    needs: str = ""
    lets_go: bool = True  # of the upstream's stream when its client has left

    def missing(self) -> str:
        """The reason why it cannot be started here, or nothing."""
        if self.needs and shutil.which(self.needs) is None:
            return f"{self.needs} is not installed (Debian: apt-get install nginx-light)"
        return ""

    def command(self, site: Site, port: int) -> list[str]:
        """How it is started; writes its configuration first."""
        match self.name:
            case "nginx":
                config = fill("nginx.conf", site, port)
                return ["nginx", "-p", str(site.folder), "-e", str(site.folder / "nginx.err"), "-c", str(config)]
            case "plain":
                upstream = f"http://127.0.0.1:{site.mock}"
                module = "bench.peers.plain_proxy"
                return python(module, "--port", str(port), "--upstream", upstream, "--key", UPSTREAM_KEY)
            case name:
                assert name == "twoapi"
                config = fill("twoapi.yaml", site, port)
                address = f"127.0.0.1:{port}"
                serve = ["-P", "-m", "twoapi", "serve", "--config", str(config), "--workers", "1", "--listen", address]
                return [sys.executable, *serve]


DIRECT = Gateway("direct", "no gateway", (RELAY,))
NGINX = Gateway("nginx", "nginx", (RELAY,), needs="nginx")
PLAIN = Gateway("plain", "uvicorn + aiohttp", (RELAY,), lets_go=False)
TWOAPI = Gateway("twoapi", "twoapi", (RELAY, *CONVERTED))
GATEWAYS = {gateway.name: gateway for gateway in (DIRECT, NGINX, PLAIN, TWOAPI)}


def fill(template: str, site: Site, port: int) -> Path:
    """Write a configuration from its template."""
    text = (ROOT / "bench" / template).read_text("utf-8")
    path = site.folder / template
    values = {
        "folder": str(site.folder),
        "mock": site.mock,
        "port": port,
        "user": getpass.getuser(),
        "client_key": CLIENT_KEY,
        "upstream_key": UPSTREAM_KEY,
        "chat_model": canned.CHAT_MODEL,
        "messages_model": canned.MESSAGES_MODEL,
        "gemini_model": canned.GEMINI_MODEL,
    }
    path.write_text(string.Template(text).substitute(values), "utf-8")
    return path
