# SPDX-License-Identifier: Apache-2.0
"""How a receiver encrypts: versions, suites, groups, and everything a handshake can do. What Debian's OpenSSL no longer
speaks comes from the scripted server of tests/lab/oldtls.py, with a scripted client as the control."""
import subprocess
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dh

from tests.lab import chains, oldtls
from tests.lab.receiver import Reply
from tests.lab.states.state import Host, State

RSA = {"key": "rsa2048"}
NO_EXTENDED_MASTER_SECRET = 0x1
OAKLEY = int("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
             "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
             "49286651ECE65381FFFFFFFFFFFFFFFF", 16)  # RFC 2409 section 6.2: 1024 bits, too short today


def _short_dh(context):
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(dh.DHParameterNumbers(OAKLEY, 2).parameters().parameter_bytes(
            serialization.Encoding.PEM, serialization.ParameterFormat.PKCS3))
        file.flush()
        context.load_dh_params(file.name)


def _curve(name):
    return lambda context: context.set_ecdh_curve(name)


def _without_extended_master(context):
    context.options |= NO_EXTENDED_MASTER_SECRET


def _old(suites, version=oldtls.TLS12, compression=False):
    """The scripted control."""
    return lambda raw: oldtls.Client(raw, suites, version, compression).shake()


class _Shaken:
    """A session whose handshake is done, and of which no more can be asked."""

    def sendall(self, data):
        pass

    def recv(self, _size):
        return b"250 enough\r\n"


def _one_handshake(raw):
    oldtls.Client(raw, ["ECDHE-ECDSA-AES128-GCM-SHA256"]).shake()
    return _Shaken()


class _Process:
    """What a program of OpenSSL writes and reads, as a socket."""

    def __init__(self, raw, arguments):
        address, port = raw.getpeername()[:2]
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{address}:{port}", "-starttls", "smtp", "-name", "control.test", "-quiet",
             *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def sendall(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def recv(self, _size):
        line = self.process.stdout.readline()
        if line.startswith(b"221") or not line:
            self.process.stdin.close()
            self.process.wait(10)
            self.process.stdout.close()
        return line


def _program(*arguments):
    return lambda raw: _Process(raw, arguments)


def _good(name, /, why="", tls=None, level="pkix", **host):
    return State(name, "delivered", "delivered", level, why, hosts=(Host(tls=tls or {}, **host),))


def _bad(name, reason, /, why="", notice="clear", tls=None, **host):
    return State(name, "posted", reason, None, why, hosts=(Host(tls=tls or {}, **host),), notice=notice)


def _one(suite):
    return {"maximum": "1.2", "ciphers": f"{suite}:@SECLEVEL=0"}


def _scripted(name, reason, suite, versions=(oldtls.TLS12,), notice="clear", **script):
    """A server that has one old suite, and a client that completes its handshake."""
    compression = script.get("compression", False)
    return _bad(name, reason, notice=notice, certificate=RSA, script=oldtls.Script(suites=(suite,), versions=versions, **script),
                control=_old((suite,), versions[0], compression))


STATES = [
    State("no-tls", "posted", "no-starttls", hosts=(Host(certificate=None),), notice="clear"),
    _bad("tls10", "tls-too-old", tls={"minimum": "1.0", "maximum": "1.0"}),
    _bad("tls11", "tls-too-old", tls={"minimum": "1.1", "maximum": "1.1"}),
    _good("tls12", tls={"maximum": "1.2"}),
    _good("tls13", tls={"minimum": "1.3"}),
    _good("tls10-to-13", "old versions beside new ones do no harm", tls={"minimum": "1.0"}),
    # suites
    _bad("cbc-only", "tls-weak-suite", tls=_one("ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-SHA"), certificate=RSA),
    _bad("no-forward-secrecy", "tls-weak-suite", tls=_one("AES128-GCM-SHA256"), certificate=RSA),
    _bad("null-encryption", "tls-weak-suite", tls=_one("ECDHE-RSA-NULL-SHA:NULL-SHA256"), certificate=RSA,
         control=_program("-tls1_2", "-cipher", "eNULL:@SECLEVEL=0")),
    _bad("anonymous", "tls-weak-suite", tls=_one("ADH-AES128-GCM-SHA256:AECDH-AES128-SHA"), certificate=RSA,
         tweak=_short_dh, control=_program("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")),
    _good("chacha20-only", tls=_one("ECDHE-ECDSA-CHACHA20-POLY1305")),
    _good("aes256-gcm-rsa", tls=_one("ECDHE-RSA-AES256-GCM-SHA384"), certificate=RSA),
    _bad("weak-dh-1024", "tls-weak-suite", tls=_one("DHE-RSA-AES128-GCM-SHA256"), certificate=RSA, tweak=_short_dh),
    _scripted("weak-dh-768", "tls-weak-suite", "DHE-RSA-AES128-GCM-SHA256"),
    _scripted("rc4", "tls-weak-suite", "RC4-SHA"),
    _scripted("rc4-md5", "tls-weak-suite", "RC4-MD5"),
    _scripted("rc4-forced", "tls-failed", "RC4-SHA", forced=True),
    _scripted("3des", "tls-weak-suite", "DES-CBC3-SHA"),
    _scripted("export", "tls-weak-suite", "EXP-RC4-MD5", (oldtls.TLS10, oldtls.SSL3)),
    _scripted("null-scripted", "tls-weak-suite", "NULL-SHA"),
    _scripted("sslv3", "tls-weak-suite", "RC4-SHA", (oldtls.SSL3,)),
    _scripted("sslv3-forced", "tls-too-old", "DES-CBC3-SHA", (oldtls.SSL3,), forced=True),
    _scripted("tls10-forced", "tls-too-old", "AES128-SHA", (oldtls.TLS10,), forced=True),
    # groups and keys
    _bad("p-224", "tls-weak-suite", "key and group that nobody takes", tls={"maximum": "1.2"}, certificate={"key": "p224"},
         control=_program("-tls1_2", "-curves", "P-256:P-224", "-cipher", "ALL:@SECLEVEL=0")),
    _bad("group-secp256k1", "tls-weak-suite", tweak=_curve("secp256k1"), tls={"maximum": "1.2"},
         control=_program("-tls1_2", "-curves", "secp256k1:P-256", "-cipher", "ALL:@SECLEVEL=0")),
    _good("hello-retry-request", "the first key share is of another group", tls={"minimum": "1.3"},
          tweak=_curve("secp384r1")),
    _good("p-384-group-at-tls12", tls={"maximum": "1.2"}, tweak=_curve("secp384r1")),
    _good("p-521-group", tls={"minimum": "1.3"}, tweak=_curve("secp521r1")),
    # what a handshake can do
    _good("no-extended-master-secret", "TLS 1.2 as of 2008", tls={"maximum": "1.2"}, tweak=_without_extended_master),
    _good("scripted-tls12", "the scripted server, well-behaved", script=oldtls.Script()),
    _good("scripted-tls12-rsa", certificate=RSA, script=oldtls.Script()),
    _good("renegotiation-asked", "a HelloRequest is declined, the session goes on", script=oldtls.Script(renegotiates=True)),
    State("renegotiation-insisted", "later", "connection-closed|lost-before-end|lost-after-end", hosts=(
        Host(script=oldtls.Script(renegotiates=True, insists=True), control=_one_handshake),)),
    _bad("no-secure-renegotiation", "tls-weak-suite", "RFC 5746 is missing", script=oldtls.Script(secure_renegotiation=False)),
    _scripted("compression", "tls-failed", "ECDHE-RSA-AES128-GCM-SHA256", compression=True, forced=True),
    _good("tiny-records", "16 bytes in each", script=oldtls.Script(fragment=16)),
    _good("one-byte-records", script=oldtls.Script(fragment=1)),
    _bad("leaf-not-first", "tls-failed", "the issuer's certificate first: its key signed nothing",
         script=chains.without_leaf_first, control=None),
    State("handshake-closed", "posted", "tls-failed", notice="clear", why="old servers end the connection instead",
          hosts=(Host(manner={"replies": {"starttls": Reply("220 go ahead", close=True)}}, control=None),)),
    State("handshake-garbage", "posted", "tls-failed", notice="clear", why="text where a ServerHello should be",
          hosts=(Host(script="garbage", control=None),)),
    State("handshake-silent", "later", "connection-timeout", hosts=(Host(script="silent", control=None),)),
]
