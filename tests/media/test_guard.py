"""What the guard lets pass: URLs, addresses, and what a file may turn out to be."""

import string
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.media.site import PDF, PNG

from twoapi.config import ConfigError, parse
from twoapi.config.values import HostPattern
from twoapi.policy.fetching import Guard, NotFetchedError, judged

WIDE = "media: {fetch: true, schemes: [https, http], hosts: ['*:*']}"


def guard(text: str = WIDE) -> Guard:
    return Guard(parse(text, "twoapi.yaml", {}).media)


PRIVATE = guard("media: {fetch: true, private: true}")
PUBLIC = guard()


@pytest.mark.parametrize(
    "url",
    [
        # an address in a form that only some readers understand
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://0/",
        "http://127.000.000.001/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        # an address
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://168.63.129.16/machine",
        "http://100.100.100.200/latest/meta-data/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[::127.0.0.1]/",
        # who is meant can be read in two ways
        "http://a.example@127.0.0.1/",
        "http://127.0.0.1@a.example/",
        "http://a.example:80@127.0.0.1/",
        "http://user:password@a.example/",
        "http://a.example\\@127.0.0.1/",
        "http://a.example\\.b.example/",
        "http:\\\\127.0.0.1/",
        "http://a.example\t/",
        "http://a.exa\nmple/",
        " http://a.example/",
        "http://a.example /",
        "http://a%2eexample/",
        "http://a..example/",
        "http://[::1/",
        "http://[a.example]/",
        "http://a.example:/",
        "http://a.example:0/",
        "http://a.example:99999/",
        "http://a.example:8o/",
        "http:///etc/passwd",
        "http:a.example",
        "//a.example/",
        "/cat.png",
        "",
        # not the web
        "file:///etc/passwd",
        "ftp://a.example/",
        "gopher://a.example/",
        "gs://bucket/cat.png",
        "ws://a.example/",
        "https://a.example/" + "a" * 9000,
        "https://" + "a." * 200 + "example/",
        "https://" + "a" * 70 + ".example/",
    ],
)
def test_hostile_urls_lead_nowhere(url: str) -> None:
    with pytest.raises(NotFetchedError):
        PUBLIC.place(url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://a.example", ("https", "a.example", 443, "/")),
        ("HTTPS://A.Example:8443/b?c=d#e", ("https", "a.example", 8443, "/b?c=d")),
        ("http://a.example./b%20c", ("http", "a.example", 80, "/b%20c")),
        ("https://bücher.example/ü?q=ß", ("https", "xn--bcher-kva.example", 443, "/%C3%BC?q=%C3%9F")),
        ("https://1.1.1.1/", ("https", "1.1.1.1", 443, "/")),
        ("https://[2606:4700::1111]/x", ("https", "2606:4700::1111", 443, "/x")),
    ],
)
def test_a_url_is_read_in_one_way(url: str, place: tuple[str, str, int, str]) -> None:
    found = PUBLIC.place(url)
    assert (found.scheme, found.host, found.port, found.path) == place
    assert PUBLIC.place(found.url) == found


@given(st.text(alphabet=string.printable + "é①０。", max_size=40))
@example("127.0.0.1:80#@a.example")
def test_whatever_is_written_behind_the_scheme_the_host_is_plain(rest: str) -> None:
    try:
        place = PUBLIC.place("http://" + rest)
    except NotFetchedError:
        return
    assert set(place.host) <= set(string.ascii_lowercase + string.digits + ".-_:")
    assert set(place.path) <= set(string.ascii_letters + string.digits + string.punctuation)
    assert PUBLIC.place(place.url) == place


def test_hosts_and_ports_are_those_that_are_named() -> None:
    rules = guard("media: {fetch: true, hosts: ['*.a.example', 'b.example:8443', 'c.example:*', '[2606:4700:0::1]']}")
    fine = ("x.a.example", "x.y.a.example", "b.example:8443", "c.example", "c.example:1", "[2606:4700::1]")
    for host in fine:
        assert rules.place(f"https://{host}/").path == "/"
    for host in ("a.example", "a.example.evil", "x.a.example:8443", "b.example", "xb.example:8443", "[2606:4700::2]"):
        with pytest.raises(NotFetchedError, match="host and port"):
            rules.place(f"https://{host}/")


NEVER = ("0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "224.0.0.0/4", "240.0.0.0/4")
OWN = ("10.0.0.0/8", "100.64.0.0/11", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
within = st.integers(min_value=0, max_value=2**32 - 1)


@pytest.mark.parametrize("network", [*NEVER, *OWN])
@given(number=within)
def test_no_address_of_this_network_is_asked(network: str, number: int) -> None:
    """In any of its spellings; one's own only with leave."""
    space = ip_network(network)
    address = IPv4Address(int(space.network_address) + number % space.num_addresses)
    for told in (address, IPv6Address(f"::ffff:{address}"), IPv6Address((0x64FF9B << 96) + int(address))):
        assert not PUBLIC.permits(str(told))
        assert PRIVATE.permits(str(told)) == (network in OWN)


@given(st.ip_addresses(v=6))
def test_of_ipv6_only_what_is_global_is_asked(address: IPv6Address) -> None:
    if PUBLIC.permits(str(address)) and address.ipv4_mapped is None and address not in ip_network("64:ff9b::/96"):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_of_ipv4_only_what_is_global_is_asked(address: IPv4Address) -> None:
    if PUBLIC.permits(str(address)):
        assert address.is_global
        assert not address.is_multicast


def test_usual_addresses_are_asked() -> None:
    assert all(map(PUBLIC.permits, ("1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")))
    assert not any(map(PRIVATE.permits, ("fe80::1", "ff02::1", "::", "fd00:ec2::254", "fe80::1%eth0", "nonsense", "")))
    assert all(map(PRIVATE.permits, ("::1", "fd12::1", "127.0.0.1")))


@pytest.mark.parametrize(
    ("data", "kind", "claimed", "told", "path", "found"),
    [
        (PNG, "image", None, "image/jpeg", "/a", "image/png"),
        (PNG, "image", "image/webp", "", "/a", "image/png"),
        (b"\xff\xd8\xff\xe0", "image", None, "", "/a", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image", None, "", "/a", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio", None, "", "/a", "audio/wav"),
        (b"\xff\xfb\x90\x00", "audio", None, "", "/a", "audio/mpeg"),
        (b"\x00\x00\x00\x20ftypisom", "audio", None, "audio/mp4", "/a", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypisom", "video", None, "", "/a", "video/mp4"),
        (PDF, "file", None, "application/octet-stream", "/a.pdf", "application/pdf"),
        (PNG, "file", None, "", "/a.jpg", "image/png"),
        (b"# a", "file", None, "text/markdown; charset=utf-8", "/a", "text/markdown"),
        (b"a,b", "file", None, "application/octet-stream", "/a.csv?x=.pdf", "text/csv"),
        (b"a", "file", None, "", "/a", "text/plain"),
        (b"<html>", "file", None, "text/html", "/a", "text/html"),
        (b"PK\x03\x04", "file", None, "application/vnd.ms-excel", "/a", "application/vnd.ms-excel"),
    ],
)
def test_a_file_is_what_its_bytes_say(
    data: bytes, kind: str, claimed: str | None, told: str, path: str, found: str
) -> None:
    assert judged(data, kind, claimed, told, path) == found


@pytest.mark.parametrize(
    ("data", "kind", "claimed", "path"),
    [
        (b"<!doctype html><title>Sign in</title>", "image", "image/png", "/a.png"),
        (b"\xef\xbb\xbf\n <HTML>", "image", None, "/a.png"),
        (b"<html>", "file", None, "/a.pdf"),
        (b"<html>", "file", "application/pdf", "/a"),
        (PNG, "file", "application/pdf", "/a"),
        (PDF, "image", None, "/a"),
        (PDF, "audio", None, "/a"),
        (PNG, "video", None, "/a"),
        (b"root:x:0:0:", "image", None, "/a"),
        (b"\x7fELF\x02\x01\x01\x00", "file", None, "/a"),
        (b"", "file", None, "/a"),
        (b"\xff\xe1", "audio", None, "/a"),
    ],
)
def test_what_is_something_else_is_not_used(data: bytes, kind: str, claimed: str | None, path: str) -> None:
    with pytest.raises(NotFetchedError):
        judged(data, kind, claimed, "image/png", path)


@given(st.binary(max_size=64), st.sampled_from(["image", "audio", "video", "file"]))
def test_any_bytes_are_judged(data: bytes, kind: str) -> None:
    with suppress(NotFetchedError):
        assert judged(data, kind, None, "", "/a").startswith("" if kind == "file" else f"{kind}/")


@pytest.mark.parametrize(
    "line",
    [
        "hosts: ['https://a.example']",
        "hosts: ['a.example/b']",
        "hosts: ['a.example:0']",
        "hosts: ['a.example:']",
        "hosts: ['::1']",
        "hosts: ['[::1']",
        "hosts: ['[::1]x']",
        "hosts: ['[127.0.0.1]']",
        "hosts: []",
        "schemes: [ftp]",
        "schemes: []",
        "timeout: 0",
        "count: 0",
        "size: 0",
    ],
)
def test_settings_that_cannot_be_meant_are_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        parse(f"media: {{fetch: true, {line}}}", "twoapi.yaml", {})


def test_a_host_of_the_settings_is_in_the_form_of_a_url() -> None:
    found = [(HostPattern.parse(text).host, HostPattern.parse(text).port) for text in ("A.B:1", "[::0:1]:*", "*")]
    assert found == [("a.b", "1"), ("::1", "*"), ("*", "")]
