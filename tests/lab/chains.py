# SPDX-License-Identifier: Apache-2.0
"""Certificate chains that Authority.issue has no words for: each function makes the certificate of one receiver state from
(stage, host, domain). Also what an OCSP responder says of a certificate."""
import datetime
import functools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.lab.pki import Certificate, new_key

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
ANY_USAGE = ObjectIdentifier("2.5.29.37.0")
UNKNOWN = ObjectIdentifier("1.3.6.1.4.1.55555.1")  # an extension nobody knows
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


@dataclass
class Issuer:
    certificate: x509.Certificate
    key: object


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def sign(text, public, issuer, *, names=(), ca=False, path=None, digest=None, usages=SERVER, before=None, after=None,
         extra=()):
    """One certificate. issuer: an Issuer, or a private key for a self-signed one. extra: (extension, critical) pairs."""
    now = datetime.datetime.utcnow()
    own = not isinstance(issuer, Issuer)
    key = issuer if own else issuer.key
    builder = (x509.CertificateBuilder().subject_name(_name(text)).public_key(public)
               .issuer_name(_name(text) if own else issuer.certificate.subject)
               .serial_number(x509.random_serial_number())
               .not_valid_before(before or now - DAY).not_valid_after(after or now + 90 * DAY)
               .add_extension(x509.BasicConstraints(ca, path if ca else None), True)
               .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False))
    if ca and not names:
        builder = builder.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, digest or (None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()))


def key_of(kind):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return new_key(kind)


def middle_of(stage):
    return Issuer(stage.authority.middle, stage.authority.middle_key)


def root_of(stage):
    return Issuer(stage.authority.root, stage.authority.root_key)


def rsa_root(folder):
    """A second root, of RSA, for signatures that only RSA can make."""
    key = rsa.generate_private_key(65537, 2048)
    return Issuer(sign("Lab RSA Root", key.public_key(), key, ca=True), key)


def _keep(stage, host, chain, key):
    stage.chains += 1
    return Certificate(stage.authority.folder, f"chain-{stage.chains:03}-{host}", chain, key)


def leaf(stage, host, domain, *, key="p256", rsa_issuer=False, names=None, issuer=None, above=None, **more):
    """A leaf below the lab's intermediate (rsa_issuer: below the RSA root), with what sign() may say about it."""
    private = key_of(key)
    names = [n.replace("{domain}", domain) for n in names] if names else [host]
    issuer = issuer or (stage.rsa_root if rsa_issuer else middle_of(stage))
    above = above if above is not None else ([] if rsa_issuer else [stage.authority.middle])
    certificate = sign(host[:60], private.public_key(), issuer, names=names, **more)
    return _keep(stage, host, [certificate, *above], private)


def made(**words):
    """A function of (stage, host, domain) that makes such a leaf."""
    return functools.partial(leaf, **words)


def below(*, digest=None, key="p256", depth=1, leaf_digest=None, skip_ca=False, path=None, before=None, after=None,
          extra=(), reverse=False):
    """A leaf below `depth` intermediates of its own, which the keywords make bad."""
    def make(stage, host, domain):
        issuer, above = root_of(stage), []
        for number in range(depth):
            private = key_of(key)
            text = f"Lab Issuing {number} for {host}"[:60]
            certificate = sign(text, private.public_key(), issuer, ca=not skip_ca, digest=digest, before=before, after=after,
                               path=path if number == 0 else None, extra=extra)
            issuer = Issuer(certificate, private)
            above.insert(0, certificate)
        if reverse:
            above = [stage.authority.root, *reversed(above)]
        return leaf(stage, host, domain, issuer=issuer, above=above, digest=leaf_digest)
    return make


def weak_issuer(digest):
    """A leaf below an intermediate that the RSA root signed with a weak digest."""
    def make(stage, host, domain):
        private = key_of("rsa2048")
        issuer = Issuer(sign(f"Weak {host}"[:60], private.public_key(), stage.rsa_root, ca=True, digest=digest), private)
        return leaf(stage, host, domain, issuer=issuer, above=[issuer.certificate])
    return make


def tampered(stage, host, domain):
    """The last byte of the leaf's signature is another; the handshake itself is right."""
    good = leaf(stage, host, domain)
    der = bytearray(good.leaf.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    key = serialization.load_pem_private_key(good.key_file.read_bytes(), None)
    return _keep(stage, host, [x509.load_der_x509_certificate(bytes(der)), stage.authority.middle], key)


def issuer_as_leaf(stage, host, domain):
    """A server whose own certificate is one of an authority."""
    private = key_of("p256")
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = sign(host[:60], private.public_key(), middle_of(stage), names=[host], ca=True, extra=[(usage, True)])
    return _keep(stage, host, [certificate, stage.authority.middle], private)


def without_leaf_first(stage, host, domain):
    """A script that shows the issuer first."""
    from tests.lab import oldtls
    certificate = stage.receivers[host].certificate
    ders = [c.public_bytes(serialization.Encoding.DER) for c in (stage.authority.middle, certificate.leaf)]
    return oldtls.Script(chain=ders)


MUST_STAPLE = (x509.TLSFeature([x509.TLSFeatureType.status_request]), False)


def response(stage, certificate, status="good", this=None, following=None, of=None, signer=None):
    """DER of an OCSP response about a certificate of the lab's intermediate."""
    now = datetime.datetime.utcnow()
    states = {"good": ocsp.OCSPCertStatus.GOOD, "revoked": ocsp.OCSPCertStatus.REVOKED,
              "unknown": ocsp.OCSPCertStatus.UNKNOWN}
    signer = signer or middle_of(stage)
    revoked = status == "revoked"
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=of or certificate.leaf, issuer=stage.authority.middle, algorithm=hashes.SHA1(), cert_status=states[status],
        this_update=now + (this or -HOUR), next_update=now + (following or DAY),
        revocation_time=now - DAY if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def stapled(status="good", **words):
    """A script that staples such an answer; "garbage" staples no answer at all, "other" one about another certificate."""
    def make(stage, host, domain):
        from tests.lab import oldtls
        certificate = stage.receivers[host].certificate
        if status == "garbage":
            return oldtls.Script(staple=b"\x30\x03\x0a\x01\x00")
        if status == "other":
            return oldtls.Script(staple=response(stage, certificate, of=stage.authority.issue("other.test").leaf))
        if status == "foreign":
            other = stage._authority_for("other")
            return oldtls.Script(staple=response(stage, certificate, signer=Issuer(other.middle, other.middle_key)))
        return oldtls.Script(staple=response(stage, certificate, status, **words))
    return make
