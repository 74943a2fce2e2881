"""Looks for model servers on this machine: a connection and `GET /models`, all at once, in bounded time."""

import http.client
import threading
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

_PATIENCE = 0.3  # seconds for all of them together
_MAX_BODY = 1024 * 1024


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


_decode = msgspec.json.Decoder(_Models).decode


def probe(base_urls: Sequence[str], patience: float = _PATIENCE) -> Mapping[str, tuple[str, ...]]:
    """What the servers at these http:// base URLs serve; who gives no model list in time is left out."""
    found: dict[str, tuple[str, ...]] = {}
    lock = threading.Lock()

    def ask(url: str) -> None:
        models = _models(url, patience)
        if models is not None:
            with lock:
                found[url] = models

    deadline = time.monotonic() + patience
    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in base_urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    with lock:
        return {url: found[url] for url in base_urls if url in found}


def _models(url: str, patience: float) -> tuple[str, ...] | None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=patience)
    try:
        connection.request("GET", parts.path + "/models", headers={"accept": "application/json"})
        response = connection.getresponse()
        body = response.read(_MAX_BODY)
        return tuple(model.id for model in _decode(body).data) if response.status == 200 else None
    except (OSError, http.client.HTTPException, msgspec.DecodeError, ValueError):
        return None
    finally:
        connection.close()
