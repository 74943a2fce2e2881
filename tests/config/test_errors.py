"""Every mistake in twoapi.yaml is named with its line, its column, its path and what to do."""

import sys
from collections.abc import Mapping

import pytest

from twoapi.config import ConfigError, parse

KNOWN = {"OPENAI_API_KEY": "sk-right-here", "SMALL": "3", "EMPTY": ""}


def errors(text: str, environ: Mapping[str, str] = KNOWN) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "twoapi.yaml", environ)
    return str(caught.value).splitlines()


UPSTREAM = "upstreams: {a: {provider: openai, credentials: [k1], %s}}"

BEDROCK = "upstreams: {a: {provider: bedrock, options: {region: us-east-1}, credentials: [{%s}]}}"
PAIR = "parts: {access_key_id: k, secret_access_key: s}"
SECRET = "tenant_id: t, client_id: c, client_secret: s"

MISTAKES = {
    "an unknown key": ("upstrems: {}", "1:1 upstrems: unknown key; did you mean 'upstreams'?"),
    "a key unlike any": (
        "limits: {zzz: 1}",
        "1:10 limits.zzz: unknown key; known: body, upload, header, streams, connections, idle, receive",
    ),
    "a key that stands twice": (
        "on_loss: allow\non_loss: reject",
        "2:1 on_loss: the key stands twice; the first is in line 1",
    ),
    "a merge key": (
        "limits:\n  <<: {body: 1MiB}",
        "2:3 limits.<<: merge keys are not part of YAML 1.2; write the keys out",
    ),
    "no mapping": ("[1, 2]", "1:1: expected a mapping, found a list"),
    "broken YAML": (
        "listen: 127.0.0.1:8000\nkeys: [a",
        "2:9: not valid YAML: did not find expected ',' or ']'",
    ),
    "a control character": ("listen: \x07", "1:9: a character that YAML does not allow"),
    "a list for a mapping": ("upstreams: [a]", "1:12 upstreams: expected a mapping, found a list"),
    "nothing for a mapping": ("upstreams:", "1:11 upstreams: expected a mapping, found nothing"),
    "a word that is none": ("on_loss: rejekt", "1:10 on_loss: expected allow or reject; did you mean 'reject'?"),
    "a duration without a unit": (
        "timeouts: {connect: 5}",
        "1:21 timeouts.connect: expected a duration with a unit, as in 300ms, 5s, 2m or 1h (0: none)",
    ),
    "a size that is none": ("limits: {body: big}", "1:16 limits.body: expected a size, as in 65536, 64KiB or 32MiB"),
    "a count below one": ("limits: {streams: 0}", "1:19 limits.streams: expected a whole number from 1"),
    "a count in words": ("limits: {streams: many}", "1:19 limits.streams: expected a whole number from 1, found text"),
    "an address without a port": (
        "listen: localhost",
        "1:9 listen: expected host:port, as in 127.0.0.1:8000 or [::1]:8000",
    ),
    "open keys for everyone": (
        "listen: 0.0.0.0:8000",
        (
            "1:9 listen: open keys would let everyone who reaches this address spend your credentials; "
            "list keys under `keys`, or listen on 127.0.0.1"
        ),
    ),
    "open keys said for everyone": (
        "keys: open\nlisten: :8000",
        (
            "2:9 listen: open keys would let everyone who reaches this address spend your credentials; "
            "list keys under `keys`, or listen on 127.0.0.1"
        ),
    ),
    "managed keys": (
        "keys: managed",
        "1:7 keys: managed keys are not available yet in this version; list the keys here",
    ),
    "no keys": (
        "keys: []",
        "1:7 keys: an empty list lets nobody in; list a key, or write `keys: open` for this machine alone",
    ),
    "a key twice": ("keys: [k, {key: k, name: n}]", "1:11 keys.1: the same key as keys.0"),
    "a key's name twice": (
        "keys: [{key: k, name: n}, {key: l, name: n}]",
        "1:42 keys.1.name: the same name as keys.0",
    ),
    "an empty key": ("keys: ['']", "1:8 keys.0: must not be empty"),
    "a key with a line end": ('keys: ["a\\nb"]', "1:8 keys.0: must be one line without control characters"),
    "a key that is missing": ("keys: [{name: n}]", "1:8 keys.0: needs key"),
    "an unset variable": (
        "upstreams:\n  a:\n    provider: openai\n    credentials: [x, '${NOT_SET}']",
        (
            "4:22 upstreams.a.credentials.1: the environment variable NOT_SET is not set or empty; "
            "export it, or write ${env:NOT_SET:-default}"
        ),
    ),
    "an empty variable": (
        "keys: ['${EMPTY}']",
        "1:8 keys.0: the environment variable EMPTY is not set or empty; export it, or write ${env:EMPTY:-default}",
    ),
    "a reference that is none": (
        "keys: ['${sk-secret}']",
        "1:8 keys.0: a reference names an environment variable, as in ${OPENAI_API_KEY}",
    ),
    "an unknown reference": (
        "keys: ['${vault:x}']",
        "1:8 keys.0: unknown kind of reference; use ${NAME}, ${env:NAME}, ${file:/path} or ${cred:name}",
    ),
    "a file that is not there": (
        "keys: ['${file:/nowhere/at/all}']",
        "1:8 keys.0: /nowhere/at/all cannot be read: No such file or directory",
    ),
    "a credential outside systemd": (
        "keys: ['${cred:x}']",
        "1:8 keys.0: ${cred:...} needs $CREDENTIALS_DIRECTORY, which systemd sets for its services",
    ),
    "an unknown provider": (
        "upstreams: {a: {provider: opena}}",
        (
            "1:27 upstreams.a.provider: no such provider in the catalogue; did you mean 'openai' (OpenAI)? "
            "`twoapi providers` lists all"
        ),
    ),
    "no provider": (
        "upstreams: {a: {credentials: [k]}}",
        ("1:16 upstreams.a: needs a provider; openai-compatible and its like stand for any server of a protocol"),
    ),
    "no credentials": (
        "upstreams:\n  a: {provider: openai}",
        "2:6 upstreams.a: needs credentials, as in `credentials: [${OPENAI_API_KEY}]`",
    ),
    "no base URL": (
        "upstreams: {a: {provider: openai-compatible}}",
        "1:16 upstreams.a: needs a base_url: openai-compatible stands for any server of its protocol",
    ),
    "credentials for nobody": (
        "upstreams: {a: {provider: demo, credentials: [k]}}",
        "1:46 upstreams.a.credentials: demo takes no credentials; leave them out",
    ),
    "no option": (
        "upstreams: {a: {provider: anthropic-aws, credentials: [k], options: {workspace: w}}}",
        (
            "1:16 upstreams.a: needs the option region, an AWS region, "
            "as in `options: {region: ${AWS_REGION}}` or ${AWS_DEFAULT_REGION}"
        ),
    ),
    "an option of another name": (
        "upstreams: {a: {provider: azure-openai, credentials: [k], options: {resource: r, resorce: r}}}",
        "1:91 upstreams.a.options.resorce: azure-openai has no such option; did you mean 'resource'?",
    ),
    "an option of another provider": (
        "upstreams: {a: {provider: azure-openai, credentials: [k], options: {resource: r, api_version: v}}}",
        "1:95 upstreams.a.options.api_version: azure-openai has no such option; known: resource",
    ),
    "an option for nobody": (
        UPSTREAM % "options: {region: x}",
        "1:72 upstreams.a.options.region: openai has no such option; it takes none; leave them out",
    ),
    "a URL for an option": (
        "upstreams: {a: {provider: azure-openai, credentials: [k], options: {resource: 'https://r.x'}}}",
        ("1:79 upstreams.a.options.resource: expected letters, digits and . - _ : ~, not a URL or a path"),
    ),
    "an option that is no text": (
        "upstreams: {a: {provider: azure-openai, credentials: [k], options: {resource: 7}}}",
        "1:79 upstreams.a.options.resource: expected text, found a number; put it in quotes",
    ),
    "a base URL that is none": (
        UPSTREAM % "base_url: example.com",
        "1:64 upstreams.a.base_url: expected a URL, as in https://api.example.com/v1",
    ),
    "a password in a URL": (
        UPSTREAM % "base_url: 'https://u:p@example.com'",
        "1:64 upstreams.a.base_url: a URL must not hold a user name or password; use credentials or headers",
    ),
    "a query in a base URL": (
        UPSTREAM % "base_url: 'https://example.com/v1?key=1'",
        "1:64 upstreams.a.base_url: a base URL ends before any ? or #; the protocol's path is appended to it",
    ),
    "an unknown protocol": (
        UPSTREAM % "protocols: {openai-chat: 'http://h/v1', antropic-messages: 'http://h'}",
        "1:113 upstreams.a.protocols.antropic-messages: unknown protocol; did you mean 'anthropic-messages'?",
    ),
    "a base URL and protocols": (
        UPSTREAM % "base_url: 'http://h', protocols: {openai-chat: 'http://h/v1'}",
        "1:87 upstreams.a.protocols: base_url and protocols exclude each other; name every base URL under protocols",
    ),
    "an unknown capability": (
        UPSTREAM % "capabilities: {image: false}",
        "1:69 upstreams.a.capabilities.image: unknown key; did you mean 'images'?",
    ),
    "a capability of another type": (
        UPSTREAM % "capabilities: {images: 1}",
        "1:77 upstreams.a.capabilities.images: expected true or false, found a number",
    ),
    "a header that is none": (
        UPSTREAM % "headers: {'a b': c}",
        "1:71 upstreams.a.headers.a b: not a legal header name",
    ),
    "a header of the gateway's own": (
        UPSTREAM % "headers: {Host: c}",
        "1:70 upstreams.a.headers.Host: the gateway sets this header itself",
    ),
    "a credential twice": (
        "upstreams: {a: {provider: openai, credentials: [k, k]}}",
        "1:52 upstreams.a.credentials.1: the same key as credentials.0; give that one a weight",
    ),
    "a weight of nothing": (
        "upstreams: {a: {provider: openai, credentials: [{key: k, weight: 0}]}}",
        "1:66 upstreams.a.credentials.0.weight: expected a whole number from 1 to 1000",
    ),
    "a credential of nothing": (
        "upstreams: {a: {provider: openai, credentials: [{weight: 2}]}}",
        "1:49 upstreams.a.credentials.0: needs a key, or auth and its parts",
    ),
    "a way to authenticate that is none": (
        BEDROCK % "auth: sigv5",
        (
            "1:87 upstreams.a.credentials.0.auth: expected aws or baidu-iam or baidu-oauth or bce or bearer or entra "
            "or google or header or none or sigv4 or spark-url or tc3 or zhipu-jwt; did you mean 'sigv4'?"
        ),
    ),
    "a part that is misspelled": (
        BEDROCK % "auth: sigv4, parts: {acces_key_id: k, secret_access_key: s}",
        "1:116 upstreams.a.credentials.0.parts.acces_key_id: sigv4 has no such part; did you mean 'access_key_id'?",
    ),
    "a part that is misspelled where the way is not said": (
        BEDROCK % "parts: {access_key_id: k, secret_acess_key: s}",
        (
            "1:125 upstreams.a.credentials.0.parts.secret_acess_key: no way to authenticate here has such a part; "
            "did you mean 'secret_access_key'?"
        ),
    ),
    "a part that is missing": (
        BEDROCK % "auth: sigv4, parts: {access_key_id: k}",
        "1:80 upstreams.a.credentials.0: sigv4 needs secret_access_key too",
    ),
    "a key where parts are wanted": (
        BEDROCK % "auth: sigv4, key: k",
        (
            "1:99 upstreams.a.credentials.0.key: sigv4 takes no key, but parts: access_key_id and secret_access_key "
            "(session_token and region if need be)"
        ),
    ),
    "parts where a key is wanted": (
        "upstreams: {a: {provider: openai, credentials: [{parts: {client_id: c}}]}}",
        "1:69 upstreams.a.credentials.0.parts.client_id: bearer has no such part; it takes key",
    ),
    "a key among the parts": (
        BEDROCK % "parts: {key: k}",
        "1:94 upstreams.a.credentials.0.parts.key: a key stands beside the parts, not among them",
    ),
    "a secret in the clear": (
        UPSTREAM.replace("k1", "{auth: {scheme: entra, token_url: 'http://example.com'}, parts: {%s}}") % (SECRET, ""),
        "1:49 upstreams.a.credentials.0: a secret is sent to token_url: it must begin with https://",
    ),
    "parts twice": (
        BEDROCK % f"{PAIR}}}, {{{PAIR}",
        "1:131 upstreams.a.credentials.1: the same as credentials.0; give that one a weight",
    ),
    "an upstream with a slash": (
        "upstreams: {a/b: {provider: openai, credentials: [k]}}",
        "1:18 upstreams.a/b: an upstream's name must not be empty or hold a slash: models are named upstream/model",
    ),
    "a session upstream": (
        "upstreams: {a: {session: adapters/portal.yaml}}",
        "1:16 upstreams.a: session upstreams are not available yet in this version",
    ),
    "an authentication without its header": (
        UPSTREAM % "auth: header",
        "1:60 upstreams.a.auth: header goes with scheme: header, and only with it",
    ),
    "an alias to nowhere": (
        "upstreams: {claude: {provider: anthropic, credentials: [k]}}\nmodels: {m: cluade/opus}",
        "2:13 models.m.candidates.0: no upstream named 'cluade'; did you mean 'claude'?",
    ),
    "an alias without an upstream": ("models: {m: gpt}", "1:13 models.m.candidates.0: expected upstream/model"),
    "an alias without candidates": (
        "models: {m: {candidates: []}}",
        "1:26 models.m.candidates: needs at least one candidate, as in upstream/model",
    ),
    "a strategy to come": (
        "upstreams: {d: {provider: demo}}\nmodels: {m: {candidates: [d/demo], strategy: latency}}",
        "2:46 models.m.strategy: not available yet in this version: strategy latency; use fallback",
    ),
    "rules to come": (
        "upstreams: {d: {provider: demo}}\nmodels: {m: {candidates: [d/demo], rules: [{when: {a: true}, use: [d/x]}]}}",
        "2:43 models.m.rules: not available yet in this version: rules; use candidates",
    ),
    "a store that is none": (
        "store: mongodb://x",
        "1:8 store: expected sqlite:///file, postgresql://... or mysql://...",
    ),
    "a shared state that is none": ("shared: disk", "1:9 shared: expected memory or redis://..."),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place(name: str) -> None:
    text, expected = MISTAKES[name]
    assert errors(text) == [f"twoapi.yaml:{expected}"]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "on_loss: rejekt\nlimits: {body: x}\nlisten: y\n"
    assert errors(text) == [
        "twoapi.yaml:1:10 on_loss: expected allow or reject; did you mean 'reject'?",
        "twoapi.yaml:2:16 limits.body: expected a size, as in 65536, 64KiB or 32MiB",
        "twoapi.yaml:3:9 listen: expected host:port, as in 127.0.0.1:8000 or [::1]:8000",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "listen: '${OPENAI_API_KEY}'",
        "on_loss: ${OPENAI_API_KEY}",
        "limits: {streams: '${OPENAI_API_KEY}', body: '${OPENAI_API_KEY}'}",
        "timeouts: {connect: '${OPENAI_API_KEY}'}",
        "upstreams: {a: {provider: openai, credentials: ['${OPENAI_API_KEY}', '${OPENAI_API_KEY}']}}",
        "upstreams: {a: {provider: openai, credentials: [k], base_url: '${OPENAI_API_KEY}'}}",
        "upstreams: {a: {provider: openai, credentials: [k], headers: {host: '${OPENAI_API_KEY}'}}}",
        "keys: ['${OPENAI_API_KEY}', '${OPENAI_API_KEY}']",
        "store: ${OPENAI_API_KEY}",
    ],
)
def test_no_error_repeats_what_a_reference_stands_for(text: str) -> None:
    assert "sk-right-here" not in "\n".join(errors(text))


@pytest.mark.parametrize(
    ("scheme", "library", "extra"),
    [("aws", "botocore", "aws"), ("google", "google.auth", "google"), ("entra", "azure.identity", "azure")],
)
def test_a_library_that_is_not_there_is_named_with_how_to_install_it(
    scheme: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"upstreams: {{a: {{provider: openai, credentials: [{{auth: {{scheme: {scheme}, service: s}}}}]}}}}"
    parse(text, "twoapi.yaml", {})
    monkeypatch.setitem(sys.modules, library, None)
    told = f"{scheme} needs a library of the vendor's: pip install 'twoapi[{extra}]'"
    assert errors(text) == [f"twoapi.yaml:1:49 upstreams.a.credentials.0: {told}"]


@pytest.mark.parametrize(
    ("word", "provider"),
    [
        ("qwen", "dashscope"),
        ("ernie", "qianfan"),
        ("kimi", "moonshot"),
        ("claude", "anthropic"),
        ("grok", "xai"),
        ("glm", "zai"),
    ],
)
def test_a_service_is_found_by_the_name_that_people_have_for_it(word: str, provider: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"upstreams: {{a: {{provider: {word}, credentials: [k]}}}}", "t.yaml", {})
    assert f"did you mean '{provider}' (" in str(caught.value)
    assert "`twoapi providers` lists all" in str(caught.value)
