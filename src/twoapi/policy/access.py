"""Who asks: the client's key, found and recognised in constant cost."""

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from urllib.parse import unquote_plus

from twoapi.config.settings import OnLoss, Settings

_BEARER = b"bearer "
# Where clients present a key bare: Anthropic's, Google's, Azure's.
KEY_HEADERS = (b"x-api-key", b"x-goog-api-key", b"api-key")
_MEMO = 4096  # spellings of known keys that are remembered


class KeyEntry:
    """A client: its name in records, the models it may use, and what it says about losses. `tenant` is whose state and
    conversations are: a name that no other client ever gets.
    """

    __slots__ = ("_exact", "_patterns", "name", "on_loss", "tenant")

    def __init__(
        self,
        name: str,
        models: tuple[str, ...] | None = None,
        on_loss: OnLoss | None = None,
        tenant: str | None = None,
    ) -> None:
        self.name = name
        self.tenant = name if tenant is None else tenant
        self.on_loss = on_loss
        self._exact = None if models is None else frozenset(models)
        self._patterns = tuple(model for model in models or () if "*" in model)

    @property
    def may_use_all(self) -> bool:
        """True when no model is kept from this client."""
        return self._exact is None

    def may_use(self, model: str) -> bool:
        """True when this client may name this model."""
        exact = self._exact
        if exact is None or model in exact:
            return True
        return any(fnmatchcase(model, pattern) for pattern in self._patterns)

    def __repr__(self) -> str:
        return f"KeyEntry({self.name!r})"


# Who shows no key, and need not.
NOBODY = KeyEntry("", ())


class KeyRing:
    """All client keys of a snapshot, as digests. The raw form of a key that was recognised is remembered."""

    __slots__ = ("_authorizations", "_by_digest", "_everyone", "_keys")

    def __init__(self, settings: Settings) -> None:
        self._everyone: KeyEntry | None = None
        self._by_digest: dict[bytes, KeyEntry] = {}
        self._authorizations: dict[bytes, KeyEntry] = {}
        self._keys: dict[bytes, KeyEntry] = {}
        keys = settings.keys
        if isinstance(keys, str):
            self._everyone = KeyEntry("open") if keys == "open" else None
            return
        for index, key in enumerate(keys, 1):
            digest = _digest(key.key.reveal().encode("utf-8"))
            # The place in the list may be another key's tomorrow.
            tenant = key.name or f"key {digest.hex()[:32]}"
            entry = KeyEntry(key.name or f"key-{index}", key.models, key.on_loss, tenant)
            self._by_digest[digest] = entry

    def lookup(self, key: bytes) -> KeyEntry | None:
        """The client with this key."""
        return self._everyone or self._by_digest.get(_digest(key))

    def of_tenant(self, tenant: str) -> KeyEntry | None:
        """The client, or one of those, whose state is this tenant's; None when there is none any more."""
        if self._everyone is not None:
            return self._everyone if self._everyone.tenant == tenant else None
        return next((entry for entry in self._by_digest.values() if entry.tenant == tenant), None)

    def find(self, headers: Mapping[bytes, bytes], query: bytes = b"") -> KeyEntry | None:
        """The client of a request, from `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key` or `?key=`.

        Header names are in lower case. When several keys are presented, any one that is known will do.
        """
        if self._everyone is not None:
            return self._everyone
        authorization = headers.get(b"authorization")
        if authorization is not None:
            entry = self._authorizations.get(authorization) or self._from_authorization(authorization)
            if entry is not None:
                return entry
        for name in KEY_HEADERS:
            key = headers.get(name)
            if key is not None:
                entry = self._keys.get(key) or self._from_key(key)
                if entry is not None:
                    return entry
        return self._from_query(query) if b"key=" in query else None

    def _from_authorization(self, value: bytes) -> KeyEntry | None:
        if value[:7].lower() != _BEARER:
            return None
        return _remembered(self._authorizations, value, self.lookup(value[7:].strip()))

    def _from_key(self, value: bytes) -> KeyEntry | None:
        return _remembered(self._keys, value, self.lookup(value))

    def _from_query(self, query: bytes) -> KeyEntry | None:
        for pair in query.split(b"&"):
            if pair.startswith(b"key="):
                return self.lookup(unquote_plus(pair[4:].decode("latin-1")).encode("utf-8"))
        return None


def _remembered(memo: dict[bytes, KeyEntry], spelling: bytes, entry: KeyEntry | None) -> KeyEntry | None:
    if entry is not None and len(memo) < _MEMO:
        memo[spelling] = entry
    return entry


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
