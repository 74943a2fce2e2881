"""Laws of schemas: what a client's schema allows, the upstream's allows."""

import json
from collections.abc import Callable

import msgspec

from twoapi.ir import FaultError, Loss, Message, Output, Request, Sampling, Schema, Text, Tool
from twoapi.protocols.base import Codec
from twoapi.protocols.capabilities import Capabilities
from twoapi.testing.laws.subject import FULL, decoded, encoded
from twoapi.testing.replies import Json

# Says why a value is not valid under a schema.
Judge = Callable[[Json, Json], list[str]]


def weaker_or_equal(
    codec: Codec, schema: dict[str, Json], instances: list[Json], judge: Judge, **lacking: Json
) -> None:
    """L17: an instance that is valid under the client's schema is valid under the upstream's, of tools and of answers.

    Unless a Loss of kind "schema" names the reduction. `lacking`: what the upstream cannot do.
    """
    raw = Schema(msgspec.Raw(json.dumps(schema).encode()))
    request = Request(
        protocol="",
        model="m",
        messages=[Message("user", [Text(text="hi")])],
        tools=[Tool(name="f", schema=raw, at="/tools/0")],
        output=Output(format="json_schema", schema=raw, name="answer"),
        sampling=Sampling(max_tokens=5000),
    )
    capabilities: Capabilities = msgspec.structs.replace(FULL, **lacking)
    try:
        out, headers, losses = encoded(codec, request, capabilities)
    except FaultError as error:
        assert error.fault.kind == "invalid_request"  # which is an answer too
        return
    found = decoded(codec, out, headers)
    for made, where in ((found.tools[0].schema, "/tools/0"), (found.output.schema, request.where("output.schema"))):
        if made is None:
            continue  # said to be any object
        converted = json.loads(bytes(made.raw))
        for instance in instances:
            if not judge(instance, schema) and not _told(losses, where):
                assert judge(instance, converted) == [], f"{instance} was valid\n{schema}\n{converted}"


def _told(losses: list[Loss], where: str) -> bool:
    return any(loss.kind == "schema" and loss.path.startswith(where) for loss in losses)
