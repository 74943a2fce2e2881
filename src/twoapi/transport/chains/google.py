"""Google, by google-auth: default credentials, workload identity federation, impersonation, metadata servers."""

import time
import warnings
from collections.abc import Mapping
from datetime import UTC

import google.auth
import google.auth.credentials
import google.auth.transport.requests

from twoapi.providers.tokens.google_service_account import SCOPE
from twoapi.providers.tokens.source import RefusedError, Token
from twoapi.transport.chains.chain import quiet, refusal

_MEND = "check the file with the credentials, or whether this machine has a service account"
_UNSAID = 300.0  # seconds that a token without a time is taken for good


class GoogleChain:
    """`parts`: scope, and credentials_file where it is not the usual place."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        quiet("google", "urllib3")
        self._scopes = [parts.get("scope", SCOPE)]
        self._file = parts.get("credentials_file")

    def token(self, *, anew: bool) -> Token:  # noqa: ARG002  it is always a new one
        """A token, as the part access_token."""
        try:
            credentials = self._find()
            credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001  a library's, of any kind
            raise refusal("google-auth", error, _MEND) from None
        if not credentials.token:
            raise RefusedError(f"google-auth gives no credential; {_MEND}")
        expiry = credentials.expiry  # in UTC, and not saying so
        lifetime = _UNSAID if expiry is None else expiry.replace(tzinfo=UTC).timestamp() - time.time()
        return Token({"access_token": credentials.token}, lifetime)

    def _find(self) -> google.auth.credentials.Credentials:
        if self._file is None:
            return google.auth.default(scopes=self._scopes)[0]
        with warnings.catch_warnings():  # against files of strangers; this one is the operator's
            warnings.simplefilter("ignore", DeprecationWarning)
            found: google.auth.credentials.Credentials
            found, _ = google.auth.load_credentials_from_file(self._file, scopes=self._scopes)  # type: ignore[no-untyped-call]
            return found
