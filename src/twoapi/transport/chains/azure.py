"""Azure, by azure-identity: environment, workload identity, managed identity, the vendor's command line."""

import time
from collections.abc import Mapping

from azure.identity import DefaultAzureCredential

from twoapi.providers.tokens.entra import SCOPE
from twoapi.providers.tokens.source import Token
from twoapi.transport.chains.chain import quiet, refusal

_MEND = "check whether this machine has an identity that may use the resource, and its client_id"


class AzureChain:
    """`parts`: scope, and the client_id of an identity that is the user's own to choose."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        quiet("azure", "msal", "urllib3")
        self._scope = parts.get("scope", SCOPE)
        self._client_id = parts.get("client_id")
        self._credential: DefaultAzureCredential | None = None

    def token(self, *, anew: bool) -> Token:
        """A token, as the part access_token."""
        try:
            if self._credential is None or anew:  # what the old one keeps is refused
                chosen = (
                    {}
                    if self._client_id is None
                    else {
                        "managed_identity_client_id": self._client_id,
                        "workload_identity_client_id": self._client_id,
                    }
                )
                self._credential = DefaultAzureCredential(**chosen)
            given = self._credential.get_token(self._scope)
        except Exception as error:  # noqa: BLE001  a library's, of any kind
            self._credential = None
            raise refusal("azure-identity", error, _MEND) from None
        return Token({"access_token": given.token}, given.expires_on - time.time())
