"""SDKs of other vendors that speak Chat Completions: how each is made, and what it hears, in one form."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import groq
import mistralai.client
import openai
import together
import zai
from tests.sdk.lab import CLIENT_KEY

Json = Any  # a parsed JSON document


class Speaker:
    """A client of one SDK. `refusals` are its errors for a key and for a model that nobody knows."""

    refusals: tuple[type[Exception], type[Exception]]

    def __init__(self, client: Any) -> None:
        self.client = client

    def chat(self, **fields: Json) -> Json:
        """The whole answer."""
        return self.client.chat.completions.create(**fields).model_dump()

    def stream(self, **fields: Json) -> Iterator[Json]:
        """The chunks of a streamed one."""
        for chunk in self.client.chat.completions.create(**fields, stream=True):
            yield chunk.model_dump()

    def models(self) -> list[str]:
        """The names of the models."""
        return [model.id for model in self.client.models.list().data]

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


class Groq(Speaker):
    """Its paths begin with /openai/v1."""

    refusals = (groq.AuthenticationError, groq.NotFoundError)

    def __init__(self, url: str, key: str) -> None:
        super().__init__(groq.Groq(base_url=url, api_key=key, max_retries=0))


class Together(Speaker):
    """Its paths begin with /v1."""

    refusals = (together.AuthenticationError, together.NotFoundError)

    def __init__(self, url: str, key: str) -> None:
        super().__init__(together.Together(base_url=url, api_key=key, max_retries=0))

    def models(self) -> list[str]:
        raise NotImplementedError  # it expects a bare list


class Zai(Speaker):
    """Its paths have nothing before them. It writes null for each of its options that is not used."""

    refusals = (zai.core.APIAuthenticationError, zai.core.APIStatusError)

    def __init__(self, url: str, key: str) -> None:
        super().__init__(zai.ZaiClient(base_url=f"{url}/v1", api_key=key, max_retries=0))

    def models(self) -> list[str]:
        raise NotImplementedError  # it has no list of models


class OpenAI(Speaker):
    """Under the path that Azure's newer interface has."""

    refusals = (openai.AuthenticationError, openai.NotFoundError)

    def __init__(self, url: str, key: str) -> None:
        super().__init__(openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0))


class AzureOpenAI(Speaker):
    """Deployments in the path, an API version in the query, and the key in a header of its own."""

    refusals = (openai.AuthenticationError, openai.NotFoundError)

    def __init__(self, url: str, key: str) -> None:
        version = "2024-10-21"
        super().__init__(openai.AzureOpenAI(azure_endpoint=url, api_key=key, api_version=version, max_retries=0))


class Mistral(Speaker):
    """Its paths begin with /v1; whole and streamed answers have methods of their own."""

    refusals = (mistralai.client.errors.SDKError, mistralai.client.errors.SDKError)

    def __init__(self, url: str, key: str) -> None:
        super().__init__(mistralai.client.Mistral(server_url=url, api_key=key))

    def chat(self, **fields: Json) -> Json:
        return self.client.chat.complete(**fields).model_dump()

    def stream(self, **fields: Json) -> Iterator[Json]:
        with self.client.chat.stream(**fields) as events:
            for one in events:
                yield one.data.model_dump()

    def models(self) -> list[str]:
        raise NotImplementedError  # it expects members of its own vendor's

    def close(self) -> None:
        self.client.__exit__(None, None, None)


SDKS: dict[str, Callable[[str, str], Speaker]] = {
    "groq": Groq,
    "together": Together,
    "zai": Zai,
    "openai": OpenAI,
    "azure-openai": AzureOpenAI,
    "mistralai": Mistral,
}


@contextlib.contextmanager
def speaking(name: str, url: str, key: str = CLIENT_KEY) -> Iterator[Speaker]:
    """A client of an SDK, for as long as the block lasts."""
    speaker = SDKS[name](url, key)
    try:
        yield speaker
    finally:
        speaker.close()


def folded(chunks: Iterator[Json]) -> Json:
    """A stream as the whole answer that it amounts to."""
    message: Json = {"content": "", "tool_calls": []}
    answer: Json = {"choices": [{"message": message, "finish_reason": None}], "usage": None}
    for chunk in chunks:
        answer["usage"] = chunk.get("usage") or answer["usage"]
        for choice in chunk["choices"]:
            answer["choices"][0]["finish_reason"] = choice["finish_reason"] or answer["choices"][0]["finish_reason"]
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            for call in delta.get("tool_calls") or []:
                _add(message["tool_calls"], call)
    return answer


def _add(calls: list[Json], piece: Json) -> None:
    index = int(piece["index"])  # one SDK says that it is a float
    if index == len(calls):
        calls.append({"id": piece["id"], "type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[index]["function"]
    call["name"] = piece["function"]["name"] or call["name"]
    call["arguments"] += piece["function"]["arguments"] or ""
