"""Suite 1 of docs/protocol.md (section 2) over python3-cryptography."""
import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fields import Refused

P = 2**255 - 19
# The y-coordinates of the eight Ed25519 points of small order (orders 4, 1, 2, 8 and 8).
Y8 = int.from_bytes(
    bytes.fromhex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'), 'little')
SMALL_ORDER_Y = {0, 1, P - 1, Y8, P - Y8}
ZERO_NONCE = bytes(12)


def labelled(label, *fields):
    """E(label, fields …), section 2.2."""
    def prefixed(data, size):
        return len(data).to_bytes(size, 'big') + data

    def octets(field):
        if isinstance(field, int):
            return field.to_bytes(8, 'big')
        return field.encode() if isinstance(field, str) else field
    return prefixed(label.encode(), 2) + b''.join(prefixed(octets(f), 4) for f in fields)


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(ikm, salt, info, length=32):
    key, block, out = hmac_sha256(salt, ikm), b'', b''
    for counter in range(1, -(-length // 32) + 1):
        block = hmac_sha256(key, block + info + bytes([counter]))
        out += block
    return out[:length]


def verifies(public_key, message, signature):
    """Strict, cofactorless Ed25519. The library checks S < L and encode(S·B − k·A) = R."""
    y_of_key, y_of_r = (int.from_bytes(b[:32], 'little') % 2**255 for b in (public_key, signature))
    if y_of_key >= P or y_of_key in SMALL_ORDER_Y or y_of_r in SMALL_ORDER_Y:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


def sign(seed, message):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def signing_key(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def agreement_key(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def agree(secret, public_key):
    """X25519. The library raises for the low-order points, whose result is zero."""
    if len(public_key) != 32 or int.from_bytes(public_key, 'little') >= P:
        raise Refused('key-invalid')
    try:
        peer = X25519PublicKey.from_public_bytes(public_key)
        return X25519PrivateKey.from_private_bytes(secret).exchange(peer)
    except ValueError as error:
        raise Refused('key-invalid') from error


def key_stream(key, length):
    return Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(length))


def seal(key, plain):
    return ChaCha20Poly1305(key).encrypt(ZERO_NONCE, plain, None)


def unseal(key, box):
    try:
        return ChaCha20Poly1305(key).decrypt(ZERO_NONCE, box, None)
    except InvalidTag:
        return None
