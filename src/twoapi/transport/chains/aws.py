"""AWS, by botocore: environment, profiles, assumed roles, web identity, containers, instances."""

from collections.abc import Mapping

import botocore.session  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from twoapi.providers.tokens.source import RefusedError, Token
from twoapi.transport.chains.chain import quiet, refusal

# botocore renews what expires when it is asked within the last quarter of an hour: to be asked again after this.
_LIFETIME = 240.0
_MEND = "check the profile and its role, or whether this machine or container has a role"


class AwsChain:
    """`parts`: profile and region, where they are not the usual ones."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        quiet("botocore", "urllib3")
        self._parts = parts
        self._credentials: Credentials | None = None
        self._region: str | None = None

    def token(self, *, anew: bool) -> Token:
        """A key pair, with its session token and the region where they are known."""
        try:
            if self._credentials is None or anew:
                session = botocore.session.Session(profile=self._parts.get("profile"))
                self._region = session.get_config_variable("region")
                self._credentials = session.get_credentials()
            frozen = None if self._credentials is None else self._credentials.get_frozen_credentials()
        except Exception as error:  # noqa: BLE001  a library's, of any kind
            self._credentials = None
            raise refusal("botocore", error, _MEND) from None
        if frozen is None:
            raise RefusedError(f"botocore finds no credentials; {_MEND}")
        given = {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "session_token": frozen.token,
            "region": self._parts.get("region") or self._region,
        }
        return Token({part: value for part, value in given.items() if value}, _LIFETIME)
