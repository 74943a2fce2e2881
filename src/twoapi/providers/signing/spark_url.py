"""The signature of iFlytek's websockets, which stands in the query of their URL."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from msgspec import Raw

from twoapi.providers.signing.signable import Signable
from twoapi.wire.json import encode, fields


def sign_url(request: Signable, parts: Mapping[str, str], now: int) -> str:
    """The query to append to the request's path, without a question mark.

    `parts` are api_key and api_secret; `now` is in seconds since the epoch, and the vendor takes it for about five
    minutes. Raises KeyError when a part is missing.
    """
    date = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)
    path = request.path.partition("?")[0]
    origin = f"host: {request.host}\ndate: {date}\nGET {path} HTTP/1.1"
    digest = hmac.new(parts["api_secret"].encode(), origin.encode(), hashlib.sha256).digest()
    authorization = (
        f'api_key="{parts["api_key"]}", algorithm="hmac-sha256", headers="host date request-line", '
        f'signature="{base64.b64encode(digest).decode()}"'
    )
    encoded = base64.b64encode(authorization.encode()).decode()
    return urlencode({"authorization": encoded, "date": date, "host": request.host})


def with_application(body: bytes, app_id: str) -> bytes:
    """The question with the application that asks, which the credential belongs to. Raises WireError when it is no
    JSON object with a header.
    """
    members = fields(body)
    header = fields(members.get("header", Raw(b"{}")))
    return encode({**members, "header": {"app_id": app_id, **header}})
