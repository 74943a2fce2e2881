"""Reasoning in the fields that compatible servers agreed on: `reasoning_content` and `reasoning_details`."""

from msgspec import Raw

from twoapi.ir import ENVELOPE_PREFIX, JsonText, Opaque, Origin, Reasoning
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_chat.schema import ReasoningDetail
from twoapi.protocols.sealing import Sealer
from twoapi.wire import json
from twoapi.wire.errors import WireError

_TEXT = "reasoning.text"
_SUMMARY = "reasoning.summary"
_ENCRYPTED = "reasoning.encrypted"
_decode_entry = json.decoder(ReasoningDetail)


def decode_details(details: list[ReasoningDetail], text: JsonText, at: str, field: str) -> list[Reasoning]:
    """One part for each entry. Without text of their own they only seal `text`, which `field` holds."""
    parts = [_decode_detail(detail, f"{at}/reasoning_details/{i}") for i, detail in enumerate(details)]
    told = any(part.text for part in parts)
    if told or not _has_text(text):
        return parts
    for part in parts:
        if part.form != "hidden":
            part.text, part.at = text, f"{at}/{field}"
            return parts
    return [Reasoning(text=text, at=f"{at}/{field}"), *parts]


def _has_text(text: JsonText) -> bool:
    return bytes(text) not in (b"", b'""', b"null") if isinstance(text, Raw) else text != ""


def _decode_detail(detail: ReasoningDetail, at: str) -> Reasoning:
    seals = decode_seals(detail)
    if detail.type == _ENCRYPTED or (detail.data is not None and not detail.text):
        return Reasoning(form="hidden", opaque=seals, at=at)
    if detail.type == _SUMMARY:
        return Reasoning(text=detail.summary or detail.text or "", form="summary", opaque=seals, at=at)
    return Reasoning(text=detail.text or "", opaque=seals, at=at)


def decode_seals(detail: ReasoningDetail) -> tuple[Opaque, ...]:
    """The sealed state of one entry; a carrier stays closed."""
    given = detail.signature if detail.data is None else detail.data
    if given and given.startswith(ENVELOPE_PREFIX):
        return (Opaque("other", given),)
    origin = Origin(detail.format or "")
    if detail.data is not None:
        kind = "encrypted_reasoning" if detail.format == "openai-responses" else "redacted"
        return (Opaque("encrypted_reasoning" if kind == "encrypted_reasoning" else "redacted", detail.data, origin),)
    if detail.signature:
        return (Opaque("signature", detail.signature, origin),)
    return ()


def detail_text(detail: ReasoningDetail) -> str:
    """The readable text of one entry."""
    return detail.text or detail.summary or ""


def _whole_entry(data: str) -> ReasoningDetail | None:
    """The entry that a server of this protocol wants back, where its state is one."""
    try:
        return _decode_entry(data) if data.startswith("{") else None
    except WireError:
        return None


def carried(opaque: tuple[Opaque, ...], text: str, protocol: str, sealer: Sealer) -> tuple[Opaque, ...]:
    """The sealed state of a reasoning part, of an answer in `protocol`, as clients carry it: what is not of this
    protocol is put into a carrier.
    """
    if protocol == NAME or not opaque:
        return opaque
    return (Opaque("signature" if text else "redacted", sealer.seal(opaque, protocol), Origin(protocol)),)


def encode_details(text: str, form: str, opaque: tuple[Opaque, ...], index: int) -> list[ReasoningDetail]:
    """The entries that seal one reasoning part, numbered from `index`; [] when it holds no sealed state."""
    entries: list[ReasoningDetail] = []
    for seal in opaque:
        origin = None if seal.origin is None else seal.origin.protocol or None
        number = index + len(entries)
        if origin == NAME and (whole := _whole_entry(seal.data)) is not None:
            entry = whole
        elif seal.kind == "signature":
            entry = ReasoningDetail(type=_TEXT, text=text, signature=seal.data, format=origin, index=number)
            if form == "summary":
                entry = ReasoningDetail(type=_SUMMARY, summary=text, signature=seal.data, format=origin, index=number)
        else:
            entry = ReasoningDetail(type=_ENCRYPTED, data=seal.data, format=origin, index=number)
        entries.append(entry)
    return entries
