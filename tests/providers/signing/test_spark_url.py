"""iFlytek's signed URL, against a recorded vector and the one that the vendor's SDK made."""

import base64
import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from twoapi.providers.signing.signable import Signable
from twoapi.providers.signing.spark_url import sign_url

CAPTURES = Path(__file__).parents[2] / "captures"
VECTOR = json.loads((CAPTURES / "fixtures" / "signing_vectors.json").read_text())["spark_ws"]
MADE = json.loads((CAPTURES / "spark-ai-python-0.4.5" / "ws_url.json").read_text())["sdk_decoded_our_canned_reply_as"]
PARTS = {"api_key": "KEY", "api_secret": "SECRET"}


def signed(url: str, now: int) -> dict[str, str]:
    parts = urlsplit(url)
    query = sign_url(Signable("GET", parts.netloc, parts.path, {}, b"{}"), PARTS, now)
    return {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}


def test_the_vector() -> None:
    query = signed("wss://spark-api.xf-yun.com/v3.5/chat", 1795176000)
    assert query == {
        "host": "spark-api.xf-yun.com",
        "date": "Fri, 20 Nov 2026 12:00:00 GMT",
        "authorization": VECTOR["authorization_query_value"],
    }


def test_the_vendors_sdk_signs_the_same() -> None:
    theirs = MADE["query"]
    now = int(parsedate_to_datetime(theirs["date"]).timestamp())
    ours = signed(MADE["url_base"], now)
    assert {name: ours[name] for name in ("host", "date")} == {name: theirs[name] for name in ("host", "date")}
    plain = base64.b64decode(ours["authorization"]).decode()
    assert plain == " ".join(theirs["authorization(decoded)"].split())  # their source breaks the line


def test_the_path_is_signed_without_a_query() -> None:
    assert signed("wss://h/v1.1/chat?x=1", 0) == signed("wss://h/v1.1/chat", 0) != signed("wss://h/v2.1/chat", 0)
