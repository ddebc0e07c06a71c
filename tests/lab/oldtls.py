# SPDX-License-Identifier: Apache-2.0
"""A scripted TLS server and client for what the machine's own library no longer speaks or cannot be told to do: SSLv3,
RC4, 3DES, export keys, no encryption at all, compression, records of a few bytes, a HelloRequest in mid-session, stapled
answers, a chain in the wrong order, no secure renegotiation. SSLv3 to TLS 1.2 (RFC 6101, 2246, 4346, 5246). The ciphers are
real; the client is the control that proves the server right."""
import hashlib
import hmac
import os
import socket
import ssl
import struct
import zlib
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SSL3, TLS10, TLS11, TLS12 = 0x0300, 0x0301, 0x0302, 0x0303
VERSION_NAMES = {SSL3: "SSLv3", TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2"}
CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
HELLO_REQUEST, CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY, HELLO_DONE, CLIENT_KEY, FINISHED, STATUS = (
    0, 1, 2, 11, 12, 14, 16, 20, 22)
CLOSE_NOTIFY, UNEXPECTED, BAD_MAC, HANDSHAKE_FAILURE, ILLEGAL, PROTOCOL_VERSION, NO_RENEGOTIATION = 0, 10, 20, 40, 47, 70, 100
SECURE_RENEGOTIATION, STATUS_REQUEST, SCSV = 0xff01, 5, 0x00ff
P256 = 23
RECORD_MAX = 16384
# A safe prime of 768 bits (RFC 2409 section 6.1): long since too short. The generator is 2.
SHORT_PRIME = int("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A"
                  "431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3620FFFFFFFFFFFFFFFF", 16)


@dataclass(frozen=True)
class Suite:
    number: int
    name: str
    exchange: str  # rsa, export, dhe, ecdhe
    cipher: str    # rc4, 3des, aes, null, gcm
    key: int       # bytes of key material
    iv: int
    mac: str = ""  # md5, sha1; none with gcm


SUITES = {s.name: s for s in (
    Suite(0x0002, "NULL-SHA", "rsa", "null", 0, 0, "sha1"),
    Suite(0x0003, "EXP-RC4-MD5", "export", "rc4", 5, 0, "md5"),
    Suite(0x0004, "RC4-MD5", "rsa", "rc4", 16, 0, "md5"),
    Suite(0x0005, "RC4-SHA", "rsa", "rc4", 16, 0, "sha1"),
    Suite(0x000a, "DES-CBC3-SHA", "rsa", "3des", 24, 8, "sha1"),
    Suite(0x002f, "AES128-SHA", "rsa", "aes", 16, 16, "sha1"),
    Suite(0x009e, "DHE-RSA-AES128-GCM-SHA256", "dhe", "gcm", 16, 4),
    Suite(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "ecdhe", "gcm", 16, 4),
    Suite(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "ecdhe", "gcm", 16, 4))}


class TlsFailed(ssl.SSLError):
    """The handshake or a record went wrong; the text says how."""

    def __init__(self, text):
        super().__init__(1, text)


@dataclass
class Script:
    """What a server does. Suites and versions are all it has, best first. forced: it answers with them even when the client
    did not offer them."""
    suites: tuple = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256")
    versions: tuple = (TLS12,)
    forced: bool = False
    compression: bool = False
    fragment: int = RECORD_MAX       # bytes of the longest record it sends
    secure_renegotiation: bool = True
    renegotiates: bool = False       # sends a HelloRequest behind the handshake
    insists: bool = False            # and closes when it is declined
    staple: bytes | None = None      # OCSP response, for clients that ask
    chain: list = field(default_factory=list)  # DER certificates in this order, instead of the certificate's own chain


# --- small things

def _p_hash(name, secret, seed, size):
    out, a = b"", seed
    while len(out) < size:
        a = hmac.digest(secret, a, name)
        out += hmac.digest(secret, a + seed, name)
    return out[:size]


def _prf(version, secret, label, seed, size):
    """The key maker of each version; SSLv3 has no label."""
    if version == SSL3:
        out = b"".join(hashlib.md5(secret + hashlib.sha1(bytes([65 + n]) * (n + 1) + secret + seed).digest()).digest()
                       for n in range(16))
        return out[:size]
    if version == TLS12:
        return _p_hash("sha256", secret, label + seed, size)
    half = (len(secret) + 1) // 2
    one, two = _p_hash("md5", secret[:half], label + seed, size), _p_hash("sha1", secret[-half:], label + seed, size)
    return bytes(a ^ b for a, b in zip(one, two))


def _vector(data, width):
    return len(data).to_bytes(width, "big") + data


def _bytes(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _numbers(*numbers):
    return b"".join(_vector(_bytes(n), 2) for n in numbers)


def _rc4(key):
    """RC4 as a generator of key stream bytes."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    while True:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        yield state[(state[i] + state[j]) % 256]


def _read_numbers(body, count):
    """(numbers, where they end)"""
    at, numbers = 0, []
    for _ in range(count):
        size = struct.unpack("!H", body[at:at + 2])[0]
        numbers.append(int.from_bytes(body[at + 2:at + 2 + size], "big"))
        at += 2 + size
    return numbers, at


def _raw_signature(key, digest):
    """PKCS #1 v1.5 over MD5 and SHA-1 one behind the other, without an algorithm's name (RFC 2246 7.4.3)."""
    size = key.key_size // 8
    block = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    numbers = key.private_numbers()
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")


def _raw_signature_good(public, signature, digest):
    numbers = public.public_numbers()
    block = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(public.key_size // 8, "big")
    return block.endswith(b"\xff\0" + digest)


class Direction:
    """One way of a connection after ChangeCipherSpec."""

    def __init__(self, suite, version, mac_key, key, iv, compression):
        self.suite, self.version, self.mac_key, self.key, self.iv = suite, version, mac_key, key, iv
        self.number = 0
        self.stream = _rc4(key) if suite.cipher == "rc4" else None
        self.block = {"3des": 8, "aes": 16}.get(suite.cipher, 0)
        self.deflate = zlib.compressobj() if compression else None
        self.inflate = zlib.decompressobj() if compression else None

    def _mac(self, kind, data):
        suite, number = self.suite, struct.pack("!Q", self.number)
        if self.version == SSL3:
            pad = 48 if suite.mac == "md5" else 40
            head = number + struct.pack("!BH", kind, len(data))
            inner = hashlib.new(suite.mac, self.mac_key + b"\x36" * pad + head + data).digest()
            return hashlib.new(suite.mac, self.mac_key + b"\x5c" * pad + inner).digest()
        return hmac.digest(self.mac_key, number + struct.pack("!BHH", kind, self.version, len(data)) + data, suite.mac)

    def _cbc(self, iv):
        algorithm = algorithms.TripleDES if self.suite.cipher == "3des" else algorithms.AES
        return Cipher(algorithm(self.key), modes.CBC(iv))

    def _additional(self, kind, size):
        return struct.pack("!QBHH", self.number, kind, self.version, size)

    def seal(self, kind, data):
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        if self.suite.cipher == "gcm":
            nonce = struct.pack("!Q", self.number)
            out = nonce + AESGCM(self.key).encrypt(self.iv + nonce, data, self._additional(kind, len(data)))
        else:
            out = self._enciphered(data + self._mac(kind, data))
        self.number += 1
        return out

    def _enciphered(self, data):
        if self.stream:
            return bytes(a ^ b for a, b in zip(data, self.stream))
        if not self.block:
            return data
        count = self.block - 1 - len(data) % self.block
        data += bytes([count]) * (count + 1)
        explicit = os.urandom(self.block) if self.version >= TLS11 else b""
        cipher = self._cbc(explicit or self.iv).encryptor()
        out = cipher.update(data) + cipher.finalize()
        self.iv = out[-self.block:]
        return explicit + out

    def open(self, kind, data):
        if self.suite.cipher == "gcm":
            plain = AESGCM(self.key).decrypt(self.iv + data[:8], data[8:], self._additional(kind, len(data) - 24))
        else:
            plain = self._deciphered(data)
            size = hashlib.new(self.suite.mac).digest_size
            plain, mac = plain[:-size], plain[-size:]
            if mac != self._mac(kind, plain):
                raise TlsFailed("a record's MAC is wrong")
        self.number += 1
        return self.inflate.decompress(plain) if self.inflate else plain

    def _deciphered(self, data):
        if self.stream:
            return bytes(a ^ b for a, b in zip(data, self.stream))
        if not self.block:
            return data
        iv, body = (data[:self.block], data[self.block:]) if self.version >= TLS11 else (self.iv, data)
        cipher = self._cbc(iv).decryptor()
        plain = cipher.update(body) + cipher.finalize()
        self.iv = body[-self.block:]
        return plain[:-1 - plain[-1]]


# --- both ends

class Connection:
    """Records, handshake messages and keys of one end. Afterwards it looks like a socket."""

    def __init__(self, sock, fragment=RECORD_MAX):
        self.socket, self.fragment = sock, fragment
        self.number, self.suite, self.compression = SSL3, None, False
        self.reading = self.writing = None
        self.input, self.messages, self.data, self.transcript = b"", b"", b"", b""
        self.client_random = self.server_random = self.master = b""
        self.closed = False

    # records

    def _exactly(self, size):
        while len(self.input) < size:
            piece = self.socket.recv(65536)
            if not piece:
                raise TlsFailed("the other side closed the connection")
            self.input += piece
        data, self.input = self.input[:size], self.input[size:]
        return data

    def read_record(self):
        kind, _, size = struct.unpack("!BHH", self._exactly(5))
        if kind not in (CHANGE, ALERT, HANDSHAKE, DATA) or size > RECORD_MAX + 2048:
            raise TlsFailed(f"no record: type {kind}")
        data = self._exactly(size)
        return kind, self.reading.open(kind, data) if self.reading else data

    def write_record(self, kind, data):
        for start in range(0, len(data), self.fragment):
            piece = data[start:start + self.fragment]
            sealed = self.writing.seal(kind, piece) if self.writing else piece
            self.socket.sendall(struct.pack("!BHH", kind, self.number, len(sealed)) + sealed)

    def alert(self, code, fatal=True):
        try:
            self.write_record(ALERT, bytes([2 if fatal else 1, code]))
        except OSError:
            pass

    def fail(self, code, text):
        self.alert(code)
        raise TlsFailed(text)

    # handshake messages

    def read_message(self):
        while len(self.messages) < 4 or len(self.messages) < 4 + int.from_bytes(self.messages[1:4], "big"):
            kind, data = self.read_record()
            if kind == ALERT:
                raise TlsFailed(f"alert {data[1]} from the other side")
            if kind != HANDSHAKE:
                self.fail(UNEXPECTED, f"record of type {kind} inside the handshake")
            self.messages += data
        size = 4 + int.from_bytes(self.messages[1:4], "big")
        message, self.messages = self.messages[:size], self.messages[size:]
        return message[0], message[4:], message

    def want_message(self, kind):
        got, body, whole = self.read_message()
        if got != kind:
            self.fail(UNEXPECTED, f"handshake message {got} instead of {kind}")
        if kind != FINISHED:  # a Finished is added once it was compared
            self.transcript += whole
        return body

    def write_message(self, kind, body):
        whole = bytes([kind]) + _vector(body, 3)
        if kind != HELLO_REQUEST:
            self.transcript += whole
        self.write_record(HANDSHAKE, whole)

    def read_change(self):
        kind, data = self.read_record()
        if kind == ALERT:
            raise TlsFailed(f"alert {data[1]} from the other side")
        if kind != CHANGE:
            self.fail(UNEXPECTED, "no ChangeCipherSpec")

    # keys

    def derive(self, secret):
        randoms = self.client_random + self.server_random
        self.master = _prf(self.number, secret, b"master secret", randoms, 48)

    def directions(self):
        """(client's, server's) way of writing."""
        suite, mac = self.suite, hashlib.new(self.suite.mac).digest_size if self.suite.mac else 0
        size = 2 * (mac + suite.key + suite.iv)
        block = _prf(self.number, self.master, b"key expansion", self.server_random + self.client_random, size)
        parts, at = [], 0
        for length in (mac, mac, suite.key, suite.key, suite.iv, suite.iv):
            parts.append(block[at:at + length])
            at += length
        keys = list(parts[2:4])
        if suite.exchange == "export":
            keys = [self._export_key(keys[0], b"client write key", True), self._export_key(keys[1], b"server write key", False)]
        return tuple(Direction(suite, self.number, parts[n], keys[n], parts[4 + n], self.compression) for n in (0, 1))

    def _export_key(self, key, label, client):
        randoms = self.client_random + self.server_random
        if self.number == SSL3:
            order = randoms if client else self.server_random + self.client_random
            return hashlib.md5(key + order).digest()
        return _prf(self.number, key, label, randoms, 16)

    def finished(self, client):
        """verify_data of one side over what was said so far."""
        if self.number == SSL3:
            out, sender = b"", b"CLNT" if client else b"SRVR"
            for name, pad in (("md5", 48), ("sha1", 40)):
                inner = hashlib.new(name, self.transcript + sender + self.master + b"\x36" * pad).digest()
                out += hashlib.new(name, self.master + b"\x5c" * pad + inner).digest()
            return out
        digest = (hashlib.sha256(self.transcript).digest() if self.number == TLS12 else
                  hashlib.md5(self.transcript).digest() + hashlib.sha1(self.transcript).digest())
        return _prf(self.number, self.master, b"client finished" if client else b"server finished", digest, 12)

    def take_finished(self, client):
        wanted = self.finished(client)
        body = self.want_message(FINISHED)
        if body != wanted:
            self.fail(BAD_MAC, "Finished does not match")
        self.transcript += bytes([FINISHED]) + _vector(body, 3)

    def signed_digest(self, parameters):
        """(hash for cryptography or None, bytes) that a ServerKeyExchange signs."""
        whole = self.client_random + self.server_random + parameters
        if self.number == TLS12:
            return hashes.SHA256(), whole
        return None, hashlib.md5(whole).digest() + hashlib.sha1(whole).digest()

    # what a socket can

    def recv(self, size):
        while not self.data and not self.closed:
            kind, data = self.read_record()
            if kind == DATA:
                self.data += data
            elif kind == ALERT:
                self.take_alert(data)
            elif kind != HANDSHAKE:
                self.fail(UNEXPECTED, f"record of type {kind}")
        out, self.data = self.data[:size], self.data[size:]
        return out

    def take_alert(self, data):
        if data[0] == 2:
            raise TlsFailed(f"alert {data[1]} from the other side")
        if data[1] == CLOSE_NOTIFY:
            self.closed = True

    def sendall(self, data):
        self.write_record(DATA, bytes(data))

    def version(self):
        return VERSION_NAMES[self.number]

    def cipher(self):
        return (self.suite.name, self.version(), self.suite.key * 8)

    def unwrap(self):
        self.alert(CLOSE_NOTIFY, fatal=False)
        return self.socket

    def close(self):
        self.socket.close()

    def setsockopt(self, *arguments):
        self.socket.setsockopt(*arguments)


# --- the server

class Server:
    """Stands in the place of an ssl.SSLContext of a Receiver."""

    def __init__(self, certificate, script=None):
        self.script = script or Script()
        self.key = serialization.load_pem_private_key(certificate.key_file.read_bytes(), None)
        pem = certificate.chain_file.read_bytes()
        marker = b"-----END CERTIFICATE-----\n"
        own = [x509.load_pem_x509_certificate(p + marker) for p in pem.split(marker) if p.strip()]
        self.chain = self.script.chain or [c.public_bytes(serialization.Encoding.DER) for c in own]
        self.export_key = rsa.generate_private_key(65537, 512) if "EXP-RC4-MD5" in self.script.suites else None

    def wrap_socket(self, sock, server_side=True):
        assert server_side
        return _Serving(sock, self).shake()


class _Serving(Connection):
    def __init__(self, sock, server):
        super().__init__(sock, server.script.fragment)
        self.server, self.script = server, server.script
        self.declined = False

    def shake(self):
        offer = _read_client_hello(self.want_message(CLIENT_HELLO))
        self._choose(offer)
        self._hello(offer)
        self.write_message(CERTIFICATE, _vector(b"".join(_vector(c, 3) for c in self.server.chain), 3))
        if self.script.staple is not None and STATUS_REQUEST in offer.extensions:
            self.write_message(STATUS, b"\1" + _vector(self.script.staple, 3))
        private = self._server_key()
        self.write_message(HELLO_DONE, b"")
        self.derive(self._secret(self.want_message(CLIENT_KEY), private))
        client, mine = self.directions()
        self.read_change()
        self.reading = client
        self.take_finished(client=True)
        self.write_record(CHANGE, b"\1")
        self.writing = mine
        self.write_message(FINISHED, self.finished(client=False))
        if self.script.renegotiates:
            self.write_message(HELLO_REQUEST, b"")
        return self

    def _choose(self, offer):
        script = self.script
        self.client_random, self.server_random = offer.random, os.urandom(32)
        usable = [v for v in script.versions if v <= offer.version]
        if not usable:
            self.fail(PROTOCOL_VERSION, "no version in common")
        self.number = usable[0]
        fits = [SUITES[n] for n in script.suites if self._fits_key(SUITES[n])]
        offered = fits if script.forced else [s for s in fits if s.number in offer.suites]
        if not offered:
            self.fail(HANDSHAKE_FAILURE, "no suite in common")
        self.suite = offered[0]
        self.compression = script.compression and (script.forced or 1 in offer.compressions)

    def _fits_key(self, suite):
        return suite.exchange != "ecdhe" or ("ECDSA" in suite.name) == isinstance(self.server.key, ec.EllipticCurvePrivateKey)

    def _hello(self, offer):
        extensions = b""
        if self.script.secure_renegotiation and (SECURE_RENEGOTIATION in offer.extensions or SCSV in offer.suites):
            extensions += struct.pack("!HHB", SECURE_RENEGOTIATION, 1, 0)
        if self.script.staple is not None and STATUS_REQUEST in offer.extensions:
            extensions += struct.pack("!HH", STATUS_REQUEST, 0)
        body = struct.pack("!H", self.number) + self.server_random + b"\0"
        body += struct.pack("!HB", self.suite.number, 1 if self.compression else 0)
        self.write_message(SERVER_HELLO, body + (_vector(extensions, 2) if extensions else b""))

    def _server_key(self):
        if self.suite.exchange == "rsa":
            return self.server.key
        if self.suite.exchange == "export":
            private = self.server.export_key
            numbers = private.public_key().public_numbers()
            parameters = _numbers(numbers.n, numbers.e)
        elif self.suite.exchange == "dhe":
            private = int.from_bytes(os.urandom(64), "big")
            parameters = _numbers(SHORT_PRIME, 2, pow(2, private, SHORT_PRIME))
        else:
            private = ec.generate_private_key(ec.SECP256R1())
            point = private.public_key().public_bytes(serialization.Encoding.X962,
                                                      serialization.PublicFormat.UncompressedPoint)
            parameters = b"\3" + struct.pack("!H", P256) + _vector(point, 1)
        self.write_message(SERVER_KEY, parameters + self._signature(parameters))
        return private

    def _signature(self, parameters):
        algorithm, data = self.signed_digest(parameters)
        key = self.server.key
        if algorithm is None:
            return _vector(_raw_signature(key, data), 2)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return b"\4\3" + _vector(key.sign(data, ec.ECDSA(algorithm)), 2)
        return b"\4\1" + _vector(key.sign(data, padding.PKCS1v15(), algorithm), 2)

    def _secret(self, body, private):
        if self.suite.exchange == "ecdhe":
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), body[1:1 + body[0]])
            return private.exchange(ec.ECDH(), point)
        if self.suite.exchange == "dhe":
            return _bytes(pow(int.from_bytes(body[2:], "big"), private, SHORT_PRIME))
        return private.decrypt(body if self.number == SSL3 else body[2:], padding.PKCS1v15())

    def take_alert(self, data):
        if data[1] == NO_RENEGOTIATION:
            self.declined = True
            if self.script.insists:
                self.fail(HANDSHAKE_FAILURE, "the client does not renegotiate")
            return
        super().take_alert(data)


@dataclass
class _Offer:
    version: int
    random: bytes
    suites: list
    compressions: list
    extensions: set


def _read_client_hello(body):
    version, random, at = struct.unpack("!H", body[:2])[0], body[2:34], 34
    at += 1 + body[at]
    size = struct.unpack("!H", body[at:at + 2])[0]
    suites = list(struct.unpack(f"!{size // 2}H", body[at + 2:at + 2 + size]))
    at += 2 + size
    compressions = list(body[at + 1:at + 1 + body[at]])
    at += 1 + body[at] + 2
    extensions = set()
    while at + 4 <= len(body):
        kind, size = struct.unpack("!HH", body[at:at + 4])
        extensions.add(kind)
        at += 4 + size
    return _Offer(version, random, suites, compressions, extensions)


# --- the control

class Client(Connection):
    """Completes a handshake with whatever it is told to offer. It trusts any certificate, checks every signature and both
    Finished messages, and keeps the staple it was shown."""

    def __init__(self, sock, suites, version=TLS12, compression=False):
        super().__init__(sock)
        self.offered, self.offered_version, self.offers_compression = [SUITES[n] for n in suites], version, compression
        self.public, self.staple, self.export_public = None, None, None

    def shake(self):
        self.client_random = os.urandom(32)
        suites = b"".join(struct.pack("!H", s.number) for s in self.offered) + struct.pack("!H", SCSV)
        groups, algorithms_ = struct.pack("!HH", 2, P256), struct.pack("!HHH", 4, 0x0403, 0x0401)
        extensions = b"" if self.offered_version == SSL3 else b"".join(
            struct.pack("!HH", kind, len(data)) + data for kind, data in
            ((10, groups), (11, b"\1\0"), (13, algorithms_), (STATUS_REQUEST, b"\1\0\0\0\0")))
        body = struct.pack("!H", self.offered_version) + self.client_random + b"\0" + _vector(suites, 2)
        body += _vector(b"\1\0" if self.offers_compression else b"\0", 1) + (_vector(extensions, 2) if extensions else b"")
        self.write_message(CLIENT_HELLO, body)
        self._take_hello(self.want_message(SERVER_HELLO))
        self._take_certificate(self.want_message(CERTIFICATE))
        exchange = self._exchange()
        mine, server = None, None
        self.write_message(CLIENT_KEY, exchange)
        mine, server = self.directions_after()
        self.write_record(CHANGE, b"\1")
        self.writing = mine
        self.write_message(FINISHED, self.finished(client=True))
        self.read_change()
        self.reading = server
        self.take_finished(client=False)
        return self

    def directions_after(self):
        self.derive(self.secret)
        return self.directions()

    def _take_hello(self, body):
        self.number, self.server_random = struct.unpack("!H", body[:2])[0], body[2:34]
        at = 35 + body[34]
        chosen, compression = struct.unpack("!HB", body[at:at + 3])
        self.suite = next((s for s in self.offered if s.number == chosen), None)
        if self.suite is None:
            self.fail(ILLEGAL, f"suite {chosen:04x} was not offered")
        self.compression = compression == 1

    def _take_certificate(self, body):
        size = int.from_bytes(body[3:6], "big")
        self.public = x509.load_der_x509_certificate(body[6:6 + size]).public_key()

    def _exchange(self):
        """Reads up to ServerHelloDone; returns the ClientKeyExchange and keeps the secret."""
        parameters = None
        while True:
            kind, body, whole = self.read_message()
            self.transcript += whole
            if kind == STATUS:
                self.staple = body[4:]
            elif kind == SERVER_KEY:
                parameters = body
            elif kind == HELLO_DONE:
                break
            else:
                self.fail(UNEXPECTED, f"handshake message {kind}")
        if self.suite.exchange == "ecdhe":
            return self._exchange_ecdhe(parameters)
        if self.suite.exchange == "dhe":
            return self._exchange_dhe(parameters)
        public = self._export_public(parameters) if self.suite.exchange == "export" else self.public
        self.secret = struct.pack("!H", self.offered_version) + os.urandom(46)
        sealed = public.encrypt(self.secret, padding.PKCS1v15())
        return sealed if self.number == SSL3 else _vector(sealed, 2)

    def _verify(self, parameters, signature):
        algorithm, data = self.signed_digest(parameters)
        if isinstance(self.public, ec.EllipticCurvePublicKey):
            self.public.verify(signature, data, ec.ECDSA(algorithm))
        else:
            self.public.verify(signature, data, padding.PKCS1v15(), algorithm)

    def _exchange_dhe(self, body):
        (prime, generator, theirs), at = _read_numbers(body, 3)
        self._verify(body[:at], body[at + 4:])
        private = int.from_bytes(os.urandom(64), "big")
        self.secret = _bytes(pow(theirs, private, prime))
        return _numbers(pow(generator, private, prime))

    def _exchange_ecdhe(self, body):
        size = body[3]
        parameters = body[:4 + size]
        self._verify(parameters, body[8 + size:])
        private = ec.generate_private_key(ec.SECP256R1())
        self.secret = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), parameters[4:]))
        point = private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return _vector(point, 1)

    def _export_public(self, body):
        numbers, at = _read_numbers(body, 2)
        digest = self.signed_digest(body[:at])[1]
        if not _raw_signature_good(self.public, body[at + 2:], digest):
            self.fail(HANDSHAKE_FAILURE, "signature of the export key is wrong")
        return rsa.RSAPublicNumbers(numbers[1], numbers[0]).public_key()


def connect(address, port, *arguments, timeout=20, **options):
    """A control client on a socket of its own, before its handshake."""
    return Client(socket.create_connection((address, port), timeout=timeout), *arguments, **options)


# --- no TLS at all

class Silent:
    """Says nothing where a handshake should be, until the other side goes."""

    def wrap_socket(self, sock, server_side=True):
        assert server_side
        while sock.recv(4096):
            pass
        raise TlsFailed("the client went")


class Garbage:
    """Sends text where a ServerHello should be."""

    def wrap_socket(self, sock, server_side=True):
        assert server_side
        sock.recv(4096)
        sock.sendall(b"220 this is not TLS\r\n" * 10)
        while sock.recv(4096):
            pass
        raise TlsFailed("the client went")
