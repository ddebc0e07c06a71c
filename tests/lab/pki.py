# SPDX-License-Identifier: Apache-2.0
"""A certificate authority and certificates in every state a receiver can show: valid, expired, not yet valid,
self-signed, wrong name, unknown authority, missing intermediate, weak key, weak signature, no serverAuth, only CN."""
import datetime
import ipaddress
import ssl
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def _alternative(name):
    """A subject alternative name: of an address where the name is one."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def new_key(kind="p256"):
    """A private key: p256, p384, or rsa<bits>."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p224": ec.SECP224R1}[kind]())


class Certificate:
    """A chain file and a key file on disk."""

    def __init__(self, folder, label, chain, key):
        self.leaf = chain[0]
        self.chain_file, self.key_file = Path(folder) / f"{label}.pem", Path(folder) / f"{label}.key"
        self.chain_file.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))
        self.key_file.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.key_file.chmod(0o600)

    def fingerprint(self):
        return self.leaf.fingerprint(hashes.SHA256()).hex()


class Authority:
    """A root, an intermediate below it, and what they issue. `root_file` is what a client is told to trust."""

    def __init__(self, folder, name="Lab"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._count = 0
        self.root_key, self.middle_key = new_key(), new_key()
        self.root = self._sign(_name(f"{name} Root"), self.root_key.public_key(), _name(f"{name} Root"), self.root_key,
                               ca=True)
        self.middle = self._sign(_name(f"{name} Issuing"), self.middle_key.public_key(), self.root.subject,
                                 self.root_key, ca=True)
        self.root_file = self.folder / "root.pem"
        self.root_file.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, issuer, issuer_key, ca=False, names=(), before=None, after=None,
              digest=None, usage=ExtendedKeyUsageOID.SERVER_AUTH, common_name_only=False):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(before or now - DAY).not_valid_after(after or now + 365 * DAY)
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if ca:
            usages = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                                    "key_agreement", "encipher_only", "decipher_only"], False)
            builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usages), critical=True)
        elif usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names and not common_name_only:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), False)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                                        critical=False)
        return builder.sign(issuer_key, digest or hashes.SHA256())

    def issue(self, *names, key="p256", self_signed=False, expired=False, future=False, chain=True, digest=None,
              usage=ExtendedKeyUsageOID.SERVER_AUTH, common_name_only=False, seconds=None):
        """A certificate for names; the keywords say what is wrong with it. seconds: it ends so soon."""
        now = datetime.datetime.utcnow()
        private = new_key(key)
        before, after = None, None
        if expired:
            before, after = now - 60 * DAY, now - 2 * DAY
        elif future:
            before, after = now + 2 * DAY, now + 60 * DAY
        elif seconds is not None:
            after = now + datetime.timedelta(seconds=seconds)
        subject = _name(names[0])
        issuer, issuer_key = (subject, private) if self_signed else (self.middle.subject, self.middle_key)
        leaf = self._sign(subject, private.public_key(), issuer, issuer_key, names=names, before=before, after=after,
                          digest=digest, usage=usage, common_name_only=common_name_only)
        self._count += 1
        whole = [leaf] if self_signed or not chain else [leaf, self.middle]
        return Certificate(self.folder, f"{self._count:03}-{names[0].replace('*', 'any')}", whole, private)


VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}


def server_context(certificate, minimum="1.2", maximum="1.3", ciphers=None):
    """A server's TLS context. Versions below 1.2 need security level 0, or OpenSSL will not speak them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers or ("ALL:@SECLEVEL=0" if minimum in ("1.0", "1.1") else "DEFAULT:@SECLEVEL=0"))
    with warnings.catch_warnings():  # Python warns about old versions; that they are old is the point here
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = VERSIONS[minimum], VERSIONS[maximum]
    context.load_cert_chain(certificate.chain_file, certificate.key_file)
    return context
