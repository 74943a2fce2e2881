"""Carriers that only this gateway can make and read: encrypted, authenticated, bound to the client that they are for.

AES-SIV needs no nonce: the same state gives the same text on every node, so a prompt cache holds over turns. What does
not fit into a carrier by value is kept elsewhere, and the carrier says where.
"""

import base64
import hmac
import zlib
from collections.abc import Callable, Mapping, Sequence

from twoapi.ir import Opaque, Origin
from twoapi.protocols.sealing import SEAL_PREFIX, content_of, decode_content, sealed_bytes
from twoapi.wire.errors import WireError
from twoapi.wire.json import encode

BY_VALUE = 64 * 1024  # characters of a carrier; beyond, it only refers to what it stands for
_LARGEST = 32 * 1024 * 1024  # bytes of state behind one carrier
_VALUE, _REFERENCE = 1, 2  # the first byte behind the mark
_ID = 4  # bytes that name a key
_TAG = 16  # bytes of a synthetic IV, the first of a ciphertext
_PACKED, _PLAIN = b"z", b"j"


class _Key:
    """What one secret gives: a cipher, a key for names, and an id by which carriers tell who made them."""

    __slots__ = ("cipher", "id", "names")

    def __init__(self, secret: bytes) -> None:
        # Not needed to convert, only where state is sealed: it costs a process 20 ms and 8 MB.
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        def derive(purpose: bytes, length: int) -> bytes:
            return HKDF(SHA256(), length, salt=None, info=b"twoapi " + purpose).derive(secret)

        self.cipher = AESSIV(derive(b"carriers", 64))
        self.names = derive(b"names", 32)
        self.id = derive(b"key id", _ID)


class SealingKeys:
    """The keys of a gateway. The first one seals; carriers of all of them can be opened."""

    __slots__ = ("_by_id", "_first")

    def __init__(self, secrets: Sequence[bytes]) -> None:
        keys = [_Key(secret) for secret in secrets]
        self._first = keys[0]
        self._by_id = {key.id: key for key in reversed(keys)}

    def name(self, purpose: str, *parts: bytes) -> str:
        """A name for something that must not be read from it: 22 characters, the same for the same parts."""
        digest = hmac.new(self._first.names, purpose.encode(), "sha256")
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return _text(digest.digest()[:_TAG])

    def seal(self, tenant: str, data: bytes) -> bytes:
        """Bytes that only `tenant` can have opened."""
        key = self._first
        return key.id + key.cipher.encrypt(data, [tenant.encode()])

    def open(self, tenant: str, sealed: bytes) -> bytes | None:
        """What was sealed for `tenant`; None when it was not, or not by these keys."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  it has been imported by now

        key = self._by_id.get(sealed[:_ID])
        if key is None or len(sealed) <= _ID + _TAG:
            return None
        try:
            return key.cipher.decrypt(sealed[_ID:], [tenant.encode()])
        except InvalidTag:
            return None


class Envelopes:
    """The Sealer of one answer, and the Opener of one request.

    `tenant` is the client that carriers are for. `origin` says what decoders cannot know of the state that is sealed:
    provider, model and account. `keep(name, sealed)` stores what is too large to be carried; `kept` has it again.
    """

    __slots__ = ("_keep", "_kept", "_keys", "_origin", "_tenant")

    def __init__(
        self,
        keys: SealingKeys,
        tenant: str,
        origin: Origin | None = None,
        keep: Callable[[str, bytes], None] | None = None,
        kept: Mapping[str, bytes] | None = None,
    ) -> None:
        self._keys = keys
        self._tenant = tenant
        self._origin = origin
        self._keep = keep
        self._kept: Mapping[str, bytes] = {} if kept is None else kept

    def seal(self, opaques: tuple[Opaque, ...], upstream: str) -> str:
        """The carrier of this state. Where it would be too large and nothing keeps it, it is lost: the carrier then
        only says whom the part is from.
        """
        sealed = self.sealed(opaques, upstream)
        if len(sealed) * 4 // 3 + len(SEAL_PREFIX) < BY_VALUE:
            return _carrier(_VALUE, sealed)
        if self._keep is None:
            return _carrier(_VALUE, self.sealed((), upstream))
        name = sealed[_ID : _ID + _TAG]  # the synthetic IV: as good as a digest of state and tenant
        self._keep(_text(name), sealed)
        return _carrier(_REFERENCE, self._keys.seal(self._tenant, name))

    def open(self, text: str) -> tuple[Opaque, ...] | None:
        """The state in a carrier; None when it is damaged, another tenant's, of a lost key, or no longer kept."""
        packed = sealed_bytes(text)
        if not packed:
            return None
        if packed[0] == _VALUE:
            return self.opened(packed[1:])
        name = self.reference(text)
        return None if name is None or name not in self._kept else self.opened(self._kept[name])

    def reference(self, text: str) -> str | None:
        """The name under which the state of this carrier is kept; None when it is carried by value, or damaged."""
        packed = sealed_bytes(text)
        if not packed or packed[0] != _REFERENCE:
            return None
        name = self._keys.open(self._tenant, packed[1:])
        return None if name is None or len(name) != _TAG else _text(name)

    def sealed(self, opaques: tuple[Opaque, ...], upstream: str) -> bytes:
        """The state as bytes that may be stored anywhere."""
        return self.pack(encode(content_of(tuple(self.placed(opaque, upstream) for opaque in opaques), upstream)))

    def opened(self, sealed: bytes) -> tuple[Opaque, ...] | None:
        """The state in such bytes; None when they cannot be opened for this tenant."""
        plain = self.unpack(sealed)
        try:
            return None if plain is None else decode_content(plain).restored()
        except WireError:
            return None

    def pack(self, plain: bytes) -> bytes:
        """Bytes of any kind, compressed and sealed for this tenant."""
        packed = zlib.compress(plain, 1)
        return self._keys.seal(self._tenant, _PACKED + packed if len(packed) < len(plain) else _PLAIN + plain)

    def unpack(self, sealed: bytes) -> bytes | None:
        """What was packed; None when it cannot be opened for this tenant."""
        data = self._keys.open(self._tenant, sealed)
        if data is None or data[:1] == _PLAIN:
            return None if data is None else data[1:]
        try:
            return zlib.decompressobj().decompress(data[1:], _LARGEST)
        except zlib.error:
            return None

    def placed(self, opaque: Opaque, upstream: str) -> Opaque:
        """A piece of state of an answer in the protocol `upstream`, with all that is known of its origin."""
        known, own = self._origin, opaque.origin
        if known is None or (own is not None and (own.protocol != upstream or own.provider is not None)):
            return opaque
        return Opaque(opaque.kind, opaque.data, Origin(upstream, known.provider, known.model, known.account))


def _carrier(form: int, sealed: bytes) -> str:
    return SEAL_PREFIX + _text(bytes((form,)) + sealed)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
