"""Zhipu's token, against a recorded vector and the vendor's own SDK."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from twoapi.providers.signing.signable import Signable
from twoapi.providers.signing.zhipu_jwt import LIFETIME, sign, token

CAPTURES = Path(__file__).parents[2] / "captures"
VECTOR = json.loads((CAPTURES / "fixtures" / "signing_vectors.json").read_text())["zhipu_jwt"]
NOW = VECTOR["payload"]["timestamp"] // 1000


def test_the_vector() -> None:
    assert token(VECTOR["api_key"], NOW) == VECTOR["token"]
    assert sign(Signable("POST", "h", "/", {}, b""), {"api_key": VECTOR["api_key"]}, NOW) == [
        (b"authorization", b"Bearer " + VECTOR["token"].encode())
    ]


def test_the_parts_are_those_of_the_vendors_sdk() -> None:
    sent = json.loads((CAPTURES / "zai-sdk-0.2.3" / "chat_jwt.json").read_text())["requests"][0]
    said = dict(sent["headers"])["Authorization"]
    header, payload, _ = token("id123.secret456", 0).split(".")
    assert f"header={json.dumps(decoded(header))} " in said
    claims = json.loads(said.partition("payload=")[2].partition("}")[0] + "}")
    assert claims["exp"] - claims["timestamp"] == LIFETIME * 1000
    assert decoded(payload).keys() == claims.keys()


@pytest.mark.filterwarnings("ignore::Warning")  # of PyJWT, about short secrets
def test_the_library_of_the_vendors_sdk_accepts_it() -> None:
    import jwt
    from zai.core._jwt_token import generate_token

    secret = VECTOR["api_key"].partition(".")[2]
    ours = jwt.decode(token(VECTOR["api_key"], NOW), secret, algorithms=["HS256"], options={"verify_exp": False})
    assert ours == VECTOR["payload"]
    theirs = generate_token(VECTOR["api_key"])
    assert decoded(theirs.split(".")[0]) == VECTOR["header"]
    made = decoded(theirs.split(".")[1])
    assert made["exp"] - made["timestamp"] == LIFETIME * 1000


def test_a_key_without_a_secret_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"id\.secret"):
        token("nodot", NOW)


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
