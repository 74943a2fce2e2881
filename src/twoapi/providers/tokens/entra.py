"""Microsoft Entra: an application's secret, or what another identity provider says of it, for a token."""

from collections.abc import Mapping
from urllib.parse import quote

from twoapi.providers.tokens import oauth
from twoapi.providers.tokens.source import Ask, Token

_URL = "https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token"
SCOPE = "https://cognitiveservices.azure.com/.default"  # where the catalogue says no other
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Entra:
    """The client credentials grant. `parts`: tenant_id, client_id, and client_secret or federated_token."""

    def ask(self, parts: Mapping[str, str], now: int) -> Ask:  # noqa: ARG002  nothing here is signed
        """The request."""
        url = parts.get("token_url", _URL).replace("{tenant_id}", quote(parts["tenant_id"], safe=""))
        fields = {
            "grant_type": "client_credentials",
            "client_id": parts["client_id"],
            "scope": parts.get("scope", SCOPE),
        }
        if "client_secret" in parts:
            fields["client_secret"] = parts["client_secret"]
        else:
            fields["client_assertion_type"] = _ASSERTION
            fields["client_assertion"] = parts["federated_token"].strip()
        return oauth.form(url, fields)

    def read(self, status: int, body: bytes, now: int) -> Token:  # noqa: ARG002  its lifetime is a span
        """The token as the part access_token."""
        return oauth.read(status, body)
