"""`twoapi explain`: what a request becomes for another protocol, and what is lost. Nothing is sent."""

import json
from typing import BinaryIO

import click
import msgspec

from twoapi.cli.output import EXIT_FAILED, columns, print_json
from twoapi.cli.owners import protocol_type, provider_for, upstream_type
from twoapi.ir import Fault, FaultError, Loss
from twoapi.protocols.base import Codec, UpstreamCodec
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.pieces import said_at_once
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.protocols.relaying import why_converted
from twoapi.providers.model import Provider, auth_headers, capabilities_for, usual_auth
from twoapi.providers.mount import Route, filled, option_values
from twoapi.providers.presenting import hidden
from twoapi.providers.schemes import SCHEMES
from twoapi.wire.http import Headers, Incoming, Outgoing

_REQUEST_ID = "explain"


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream request, and what it lost. `losses` None: the client's bytes are relayed."""

    outgoing: Outgoing
    losses: list[Loss] | None


@click.command("explain")
@click.argument("file", type=click.File("rb"))
@click.option("--from", "client", type=protocol_type, required=True, help="The protocol of FILE.")
@click.option("--to", "upstream", type=upstream_type, required=True, help="The protocol of the upstream.")
@click.option("--model", help="The upstream's name of the model. [default: the one in FILE]")
@click.option("--provider", "provider_name", help="A provider of the catalogue. [default: the protocol's owner]")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="A header of the request, as anthropic-beta; again for more.",
)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(  # noqa: PLR0913  one argument per option
    file: BinaryIO,
    client: str,
    upstream: str,
    model: str | None,
    provider_name: str | None,
    headers: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Show the request that an upstream would get for the request body in FILE (- reads standard input).

    What the target cannot carry is listed with its path in FILE. Between equal protocols the bytes are relayed, and
    only the model's name changes. A request that cannot be carried ends with the error that its client would see, and
    exit code 1.
    """
    path = f"/v1beta/models/{model or 'MODEL'}:generateContent"  # one protocol names the model there
    incoming = Incoming(path, _headers(headers), file.read())
    provider = provider_for(upstream, provider_name)
    try:
        explained = explain(CODECS[client], UPSTREAM_CODECS[upstream], incoming, provider, model)
    except FaultError as error:
        _tell_fault(CODECS[client], error.fault, as_json=as_json)
        raise click.exceptions.Exit(EXIT_FAILED) from None
    if as_json:
        print_json(_as_data(explained, upstream, provider))
    else:
        _tell(explained, upstream, provider)


def explain(
    client: Codec, upstream: UpstreamCodec, incoming: Incoming, provider: Provider, model: str | None
) -> Explained:
    """The upstream request; raises FaultError when the request is wrong or cannot be carried."""
    peek = client.peek(incoming)
    wanted = model or peek.model
    capabilities: Capabilities = capabilities_for(provider, upstream.name, wanted)
    if why_converted(client, upstream.name, capabilities, incoming, peek, knows_turns=False) is None:
        relayed = client.relay_request(incoming, peek, wanted, capabilities)
        dropped: list[Loss] = []
        outgoing = _routed(relayed, upstream, provider, wanted, dropped, stream=peek.stream)
        return Explained(outgoing=outgoing, losses=dropped or None)
    losses: list[Loss] = []
    told = said_at_once(client.decode_request(incoming))
    encoded = upstream.encode_request(told, wanted, capabilities, losses)
    outgoing = _routed(encoded.outgoing, upstream, provider, wanted, losses, stream=peek.stream)
    return Explained(outgoing=outgoing, losses=losses)


def _routed(
    outgoing: Outgoing,
    upstream: UpstreamCodec,
    provider: Provider,
    model: str,
    losses: list[Loss],
    *,
    stream: bool,
) -> Outgoing:
    """The request as this provider takes it; options that no upstream has said stay as their names."""
    endpoint = provider.protocols.get(upstream.name)
    if endpoint is None or endpoint.mount is None:
        return outgoing
    return Route(endpoint.mount, option_values(provider.options, {}), model, upstream.name).lead(
        outgoing, losses, stream=stream
    )


def _headers(given: tuple[str, ...]) -> dict[bytes, bytes]:
    headers = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isascii():
            raise click.BadParameter(f"{line!r}: expected name: value", param_hint="--header")
        headers[name.strip().lower().encode()] = value.strip().encode()
    return headers


def _url(explained: Explained, protocol: str, provider: Provider) -> str:
    base_url = provider.protocols[protocol].base_url or "http://UPSTREAM"
    return filled(base_url, option_values(provider.options, {})) + explained.outgoing.path


def _all_headers(explained: Explained, protocol: str, provider: Provider) -> list[tuple[str, str]]:
    credential = _hidden(provider, protocol) if provider.credentials != "none" else []
    headers = [(b"content-type", b"application/json"), *explained.outgoing.headers, *credential]
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _hidden(provider: Provider, protocol: str) -> Headers:
    auth = usual_auth(provider, protocol)
    style = SCHEMES[auth.scheme].style
    return auth_headers(auth, "***") if style == "static" else hidden(style).headers


def _as_data(explained: Explained, protocol: str, provider: Provider) -> dict[str, object]:
    losses = explained.losses
    return {
        "method": "POST",
        "url": _url(explained, protocol, provider),
        "headers": dict(_all_headers(explained, protocol, provider)),
        "body": json.loads(explained.outgoing.body),
        "relayed": losses is None,
        "losses": [
            {"path": loss.path, "kind": loss.kind, "target": loss.target, "detail": loss.detail}
            for loss in losses or ()
        ],
    }


def _tell(explained: Explained, protocol: str, provider: Provider) -> None:
    click.echo(f"POST {_url(explained, protocol, provider)}")
    for name, value in _all_headers(explained, protocol, provider):
        click.echo(f"{name}: {value}")
    click.echo("\n" + json.dumps(json.loads(explained.outgoing.body), indent=2, ensure_ascii=False) + "\n")
    losses = explained.losses
    if losses is None:
        click.echo("relayed: the same protocol on both sides, so nothing is converted and nothing is lost")
    elif not losses:
        click.echo("0 losses: everything in the request is carried")
    else:
        click.echo(f"{len(losses)} loss{'' if len(losses) == 1 else 'es'}")
        click.echo(columns([(loss.path or "/", loss.kind, loss.detail) for loss in losses]))


def _tell_fault(client: Codec, fault: Fault, *, as_json: bool) -> None:
    status, _, body = client.encode_fault(fault, _REQUEST_ID)
    if as_json:
        print_json({"status": status, "error": json.loads(body)})
        return
    click.echo(f"refused with status {status}: {fault.message}", err=True)
    click.echo(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
