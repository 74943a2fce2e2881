"""Base URLs become endpoints, and heads cannot be made to hold a second request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.transport import Endpoint, close_head, header_line, open_head, request_head


@pytest.mark.parametrize(
    ("base_url", "endpoint", "authority"),
    [
        (
            "https://api.openai.com/v1",
            Endpoint("https", "api.openai.com", 443, "/v1", "api.openai.com"),
            "api.openai.com",
        ),
        ("http://127.0.0.1:11434/v1/", Endpoint("http", "127.0.0.1", 11434, "/v1", "127.0.0.1"), "127.0.0.1:11434"),
        ("HTTPS://Example.COM:8443", Endpoint("https", "example.com", 8443, "", "example.com"), "example.com:8443"),
        ("http://[::1]:8000/a/b//", Endpoint("http", "::1", 8000, "/a/b", "::1"), "[::1]:8000"),
        ("http://[::1]", Endpoint("http", "::1", 80, "", "::1"), "[::1]"),
        (
            "https://bücher.example/x%20y",
            Endpoint("https", "xn--bcher-kva.example", 443, "/x%20y", "xn--bcher-kva.example"),
            "xn--bcher-kva.example",
        ),
        ("wss://host/v1", Endpoint("wss", "host", 443, "/v1", "host"), "host"),
        ("ws://host:8080", Endpoint("ws", "host", 8080, "", "host"), "host:8080"),
        ("http://host:443", Endpoint("http", "host", 443, "", "host"), "host:443"),
    ],
)
def test_a_base_url_is_parsed(base_url: str, endpoint: Endpoint, authority: str) -> None:
    assert Endpoint.parse(base_url) == endpoint
    assert endpoint.authority == authority


@pytest.mark.parametrize(
    ("base_url", "complaint"),
    [
        ("", "base_url must begin with http://, https://, ws:// or wss://"),
        ("api.openai.com/v1", "base_url must begin with http://, https://, ws:// or wss://"),
        ("ftp://host", "base_url must begin with http://, https://, ws:// or wss://"),
        ("https://", "base_url has no host"),
        ("https:///v1", "base_url has no host"),
        ("https://user:sk-secret@host/v1", "base_url must not hold a user name or password"),
        ("https://host/v1?key=sk-secret", "base_url must not have a query"),
        ("https://host/v1#x", "base_url must not have a fragment"),
        ("https://host:0", "base_url has port 0"),
        ("https://ho st/", "base_url has an invalid host name"),
        ("https://host\x7f/", "base_url has an invalid host name"),
        ("https://" + "a" * 64 + ".example", "base_url has an invalid host name"),
        ("https://host/v 1", "base_url has characters in its path that must be percent-encoded"),
        ("https://host/ü", "base_url has characters in its path that must be percent-encoded"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_without_repeating_it(base_url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refused:
        Endpoint.parse(base_url)
    assert str(refused.value) == complaint


@pytest.mark.parametrize("base_url", ["https://host:99999", "https://host:x", "https://[::1", "https://[zz]/"])
def test_a_base_url_that_is_no_url_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"^base_url is not a URL: "):
        Endpoint.parse(base_url)


ENDPOINT = Endpoint.parse("https://api.example/v1")


def test_a_head_asks_for_an_uncoded_answer() -> None:
    assert request_head(ENDPOINT, "POST", "/chat?x=1", [(b"Authorization", b"Bearer k")], 12) == (
        b"POST /v1/chat?x=1 HTTP/1.1\r\nhost: api.example\r\naccept-encoding: identity\r\n"
        b"Authorization: Bearer k\r\ncontent-length: 12\r\n\r\n"
    )


def test_a_head_can_be_made_in_parts() -> None:
    opened = open_head(ENDPOINT, "POST", "/chat", [(b"a", b"b")])
    assert close_head(opened + header_line(b"c", b"d"), 3) == request_head(
        ENDPOINT, "POST", "/chat", [(b"a", b"b"), (b"c", b"d")], 3
    )


def test_a_head_without_body_has_no_length() -> None:
    assert request_head(ENDPOINT, "GET", "/models") == (
        b"GET /v1/models HTTP/1.1\r\nhost: api.example\r\naccept-encoding: identity\r\n\r\n"
    )


@pytest.mark.parametrize("value", [b"a\r\nx: y", b"a\nb", b"a\rb", b"a\0b", b"a\x7fb"])
def test_a_value_with_control_characters_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the header x-name holds a control character$"):
        header_line(b"x-name", value)


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r\n", b"\xfc", b" a"])
def test_a_name_that_is_no_token_is_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a header name is not an HTTP token$"):
        header_line(name, b"x")


@pytest.mark.parametrize("name", [b"Host", b"content-length", b"Transfer-Encoding", b"Connection", b"Accept-Encoding"])
def test_headers_that_frame_the_message_are_the_transports_own(name: bytes) -> None:
    with pytest.raises(ValueError, match=r"is set by the transport$"):
        header_line(name, b"x")


@pytest.mark.parametrize("path", ["", "v1", "/a b", "/a\r\nx: y", "/a#b", "/ü", "/\x7f"])
def test_a_path_that_would_break_the_request_line_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        request_head(Endpoint.parse("http://h"), "POST", path)


def test_a_method_that_is_no_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the method is not an HTTP token$"):
        request_head(ENDPOINT, "GET /x HTTP/1.1\r\n", "/")


@given(name=st.binary(max_size=20), value=st.binary(max_size=40))
def test_a_header_line_is_one_line_or_refused(name: bytes, value: bytes) -> None:
    try:
        line = header_line(name, value)
    except ValueError:
        return
    assert line == name + b": " + value + b"\r\n"
    assert not set(b"\r\n\0") & set(line[:-2])
