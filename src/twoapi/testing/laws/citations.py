"""Laws of citations: the words that a source stands behind stay these words."""

import json

from twoapi.ir import Loss, Response, SearchSource, Text, UrlSource, plain
from twoapi.ir.assemble import fold, unfold
from twoapi.protocols.base import Codec, Restore
from twoapi.testing.laws.subject import answer_of, events_of, stream_of
from twoapi.testing.normal import fold_stream
from twoapi.testing.replies import Json


def keep_their_words(codec: Codec, response: Response, *, streamed: bool) -> None:
    """L16: what was cited comes back as the same words under the same source, however texts are cut."""
    losses: list[Loss] = []
    if streamed:
        stream = stream_of(codec, [list(unfold(response))], losses)
        found, written = fold(events_of(codec, [stream])), fold_stream(codec.name, stream)
    else:
        body = answer_of(codec, response, losses)
        found, written = codec.decode_response(body, Restore()), json.loads(body)
    assert "".join(_texts(found)) == "".join(_texts(response))
    one, other = _cited(response), _cited(found)
    assert one == other or any(loss.kind != "info" for loss in losses), f"{one} became {other} in {written}"
    assert one.keys() == other.keys(), "a source is gone"
    for supports, words in _stretches(written):
        assert supports == words, "the bytes of a stretch are other words"


def _texts(response: Response) -> list[str]:
    return [plain(part.text) for part in response.candidates[0].parts if isinstance(part, Text)]


def _cited(response: Response) -> dict[str, str]:
    """The words behind which each source stands."""
    cited: dict[str, str] = {}
    for part in response.candidates[0].parts:
        if not isinstance(part, Text):
            continue
        for citation in part.citations:
            source = citation.source
            url = source.url if isinstance(source, UrlSource) else ""
            url = source.source if isinstance(source, SearchSource) else url
            words = plain(part.text)
            cited[url] = cited.get(url, "") + words[citation.start : citation.end]
    return cited


def _stretches(written: Json) -> list[tuple[str, str]]:
    """Of an answer that counts in bytes: the words at each place, and those that it quotes itself."""
    found = []
    for candidate in written.get("candidates") or []:
        parts = candidate["content"]["parts"]
        for support in (candidate.get("groundingMetadata") or {}).get("groundingSupports") or []:
            segment = support["segment"]
            data = parts[segment.get("partIndex", 0)]["text"].encode()
            words = data[segment.get("startIndex", 0) : segment["endIndex"]].decode()
            found.append((words, segment["text"]))
    return found
