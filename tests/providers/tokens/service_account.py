"""A service account whose key is made here, as Google's console would hand it out."""

import base64
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

EMAIL = "svc@proj.iam.gserviceaccount.com"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def document(**members: Any) -> str:
    """The JSON document of its key."""
    pem = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "project_id": "proj", "private_key_id": "kid1", "private_key": pem}
    return json.dumps({**account, "client_email": EMAIL, "token_uri": "https://oauth2.googleapis.com/token", **members})


def opened(assertion: str) -> tuple[Any, Any]:
    """The header and claims of a JWT; raises InvalidSignature when this key did not sign it."""
    header, claims, signature = assertion.split(".")
    _key().public_key().verify(_bytes(signature), f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
    return json.loads(_bytes(header)), json.loads(_bytes(claims))


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
