"""Mounts: the same request at a platform's own place, and its stream out of the platform's frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import FaultError, Loss
from twoapi.providers.catalog import CatalogError, parse_provider
from twoapi.providers.mount import (
    Asked,
    Mount,
    Moved,
    Option,
    Route,
    Words,
    filled,
    is_option,
    option_names,
    option_values,
)
from twoapi.wire.http import Outgoing
from twoapi.wire.json import decode

REGION = {
    "region": Option(
        meaning="a region",
        hosts={"global": "api.example", "e?": "{region}.rep.example", "*": "{region}-api.example"},
    )
}


def led(mount: Mount, *, model: str = "m", stream: bool = False, body: bytes = b"{}") -> Outgoing:
    asked = Outgoing("/v1/x?a=b", body, [(b"x-version", b"2")])
    return Route(mount, {"region": "r1"}, model).lead(asked, [], stream=stream)


# --- options and templates


@pytest.mark.parametrize(
    ("region", "host"),
    [("global", "api.example"), ("eu", "eu.rep.example"), ("us-east5", "us-east5-api.example")],
)
def test_a_region_has_a_host(region: str, host: str) -> None:
    assert option_values(REGION, {"region": region}) == {"region": region, "region.host": host}


def test_a_default_stands_for_what_is_not_said() -> None:
    options = {"a": Option(meaning="a", default="1"), "b": Option(meaning="b")}
    assert option_values(options, {}) == {"a": "1"}
    assert option_values(options, {"a": "2", "b": "3"}) == {"a": "2", "b": "3"}


def test_a_template_is_filled_with_what_is_known() -> None:
    template = "https://{region.host}/{project}/{path}/{model}"
    assert option_names(template) == {"region", "project"}
    assert filled(template, {"region.host": "h", "project": "p"}) == "https://h/p/{path}/{model}"


@pytest.mark.parametrize("value", ["", "a/b", "https://x", "a?b", "a b", "a#b", "a\n", "ä", "a%2f"])
def test_no_value_changes_the_form_of_a_url(value: str) -> None:
    assert not is_option(value)


# --- places


def test_what_is_not_said_is_as_the_protocol_has_it() -> None:
    body = b'{"a": 1}'
    out = led(Mount(), body=body)
    assert (out.path, out.headers) == ("/v1/x?a=b", [(b"x-version", b"2")])
    assert out.body is body


@pytest.mark.parametrize(
    ("mount", "stream", "path"),
    [
        (Mount(path="/p/{region}/{model}:go"), False, "/p/r1/a%2Fb%3A0:go"),
        (Mount(path="/p/{model}", safe=":"), False, "/p/a%2Fb:0"),
        (Mount(path="/p/{model}", stream="/s/{model}"), True, "/s/a%2Fb%3A0"),
        (Mount(path="/p/{model}", stream="/s/{model}"), False, "/p/a%2Fb%3A0"),
        (Mount(path="/p{path}"), False, "/p/v1/x?a=b"),
        (Mount(path="/p{path}", query={"v": "{region}"}), False, "/p/v1/x?a=b&v=r1"),
        (Mount(path="/p", query={"v": "a b&c"}), False, "/p?v=a%20b%26c"),
        (Mount(path="/p", stream="/s", models={"a/*": "/other{path}"}), True, "/other/v1/x?a=b"),
        (Mount(path="/p", models={"b*": "/other"}), False, "/p"),
    ],
)
def test_a_request_goes_to_the_platforms_place(mount: Mount, stream: bool, path: str) -> None:  # noqa: FBT001
    assert led(mount, model="a/b:0", stream=stream).path == path


def test_requests_about_no_model_have_a_place_too() -> None:
    mount = Mount(path="/deployments/{model}{path}", plain="/all{path}", query={"v": "1"})
    assert Route(mount, {}, "").place("/files?limit=2") == "/all/files?limit=2&v=1"
    assert Route(mount, {}, "m").place("/embeddings") == "/deployments/m/embeddings?v=1"


@pytest.mark.parametrize("model", [".", "..", "a/..", "../b", "a/./b"])
def test_a_name_leads_nowhere_else(model: str) -> None:
    with pytest.raises(FaultError) as caught:
        Route(Mount(path="/{model}"), {}, model)
    assert caught.value.fault.kind == "not_found"


@given(st.text(max_size=20).filter(lambda name: not {".", ".."} & set(name.split("/"))))
def test_any_other_name_is_one_segment(model: str) -> None:
    path = Route(Mount(path="/a/{model}/b"), {}, model).place("")
    assert path.isascii()
    assert path.count("/") == 3
    assert not set(path) & set("?# ")


# --- headers and members


def test_headers_are_added_and_moved() -> None:
    mount = Mount(
        headers={"X-Place": "{region}"},
        moved={"x-version": Moved(member="version", spelled={"2": "platform-2"})},
        left_out=("model",),
    )
    out = led(mount, body=b'{"model":"m","n":1.0}')
    assert out.headers == [(b"x-place", b"r1")]
    assert out.body == b'{"n":1.0,"version":"platform-2"}'


def test_a_list_of_words_is_a_list() -> None:
    mount = Mount(moved={"x-version": Moved(member="v", form="list")})
    out = Route(mount, {}, "m").lead(Outgoing("/x", b"{}", [(b"x-version", b"a, b,,c ")]), [], stream=False)
    assert decode(out.body) == {"v": ["a", "b", "c"]}


def test_words_that_a_platform_does_not_know_are_left_out_and_reported() -> None:
    words = Words(known=("a", "new"), spelled={"old": "new"})
    route = Route(Mount(words={"x-words": words}), {}, "m", "p")
    losses: list[Loss] = []
    out = route.lead(Outgoing("/x", b"", [(b"x-words", b"a,b, old,new"), (b"y", b"b")]), losses, stream=False)
    assert out.headers == [(b"x-words", b"a,new"), (b"y", b"b")]
    detail = "b in the header x-words: not known on this platform"
    assert losses == [Loss("", "dropped", "p", detail)]
    assert route.lead(Outgoing("/x", b"", [(b"x-words", b"b \xff")]), losses, stream=False).headers == []
    assert losses[-1].detail == "a word in the header x-words: not known on this platform"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"c": [{"role": "a"},  { "x": 1.0 }], "d": 1e2}',
            b'{"c": [{"role": "a"},{ "x": 1.0,"role":"user" }], "d": 1e2}',
        ),
        (b'{"c": [{"role" : "a"} ]}', b'{"c": [{"role" : "a"} ]}'),
        (b'{"c": [1, null, [{}]]}', b'{"c": [1, null, [{}]]}'),
        (b'{"c": {}}', b'{"c": {}}'),
        (b'{"d": [{}]}', b'{"d": [{}]}'),
    ],
)
def test_what_the_objects_of_a_list_lack_is_put_in(body: bytes, expected: bytes) -> None:
    out = led(Mount(each={"c": {"role": "user"}}), body=body)
    assert out.body == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_a_body_that_is_no_object_is_refused_where_it_must_be_changed(body: bytes) -> None:
    with pytest.raises(FaultError) as caught:
        led(Mount(left_out=("model",)), body=body)
    assert caught.value.fault.kind == "invalid_request"


def test_a_count_is_asked_in_the_platforms_form() -> None:
    mount = Mount(path="/p", left_out=("model",), count=Asked(path="/c/{region}", lift=("inner",), keep=("a", "b")))
    route = Route(mount, {"region": "r1"}, "m")
    assert route.lead_count(Outgoing("/x", b'{"inner":{"a": 1.0,"z":2}}'), []) == Outgoing("/c/r1", b'{"a":1.0}')
    assert route.lead_count(Outgoing("/x", b'{"a": 1,"b":2}'), []) == Outgoing("/c/r1", b'{"a": 1,"b":2}')
    plain = Route(Mount(path="/p{path}", left_out=("a",)), {}, "m")
    assert plain.lead_count(Outgoing("/x", b'{"a":1}'), []) == Outgoing("/p/x", b"{}")
    with pytest.raises(FaultError):
        route.lead_count(Outgoing("/x", b"[]"), [])


# --- the catalogue's files


@pytest.mark.parametrize(
    "text",
    [
        "protocols: {openai-chat: {base_url: 'https://{regoin}.example'}}\noptions: {region: {meaning: a region}}",
        "protocols: {openai-chat: {base_url: https://x.example, mount: {path: '/{regoin}{path}'}}}",
        "protocols: {openai-chat: {base_url: https://x.example, mount: {headers: {x-a: '{regoin}'}}}}",
    ],
)
def test_a_template_names_options_that_there_are(text: str) -> None:
    with pytest.raises(CatalogError, match="its templates name regoin, which is no option of it"):
        parse_provider(f"name: x\ntitle: X\n{text}\n", "x.yaml")
