# SPDX-License-Identifier: Apache-2.0
"""One lab: addresses, authority, name server, receivers by name. `lab.receiver("tls13")` makes the domain tls13.test,
its MX and the host behind it, in one of the states below."""
import os
import shutil
import tempfile

from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab.dns import NameServer
from tests.lab.net import RUN, Net
from tests.lab.pki import Authority
from tests.lab.receiver import Receiver

# state -> (keywords for Authority.issue or None for no certificate, keywords for Receiver, what must become of mail)
STATES = {
    "no-tls": (None, {}, "posted"),
    "tls10": ({}, {"minimum": "1.0", "maximum": "1.0"}, "posted"),
    "tls11": ({}, {"minimum": "1.1", "maximum": "1.1"}, "posted"),
    "tls12": ({}, {"minimum": "1.2", "maximum": "1.2"}, "delivered"),
    "tls13": ({}, {"minimum": "1.3", "maximum": "1.3"}, "delivered"),
    "self-signed": ({"self_signed": True}, {}, "posted"),
    "expired": ({"expired": True}, {}, "posted"),
    "not-yet-valid": ({"future": True}, {}, "posted"),
    "wrong-name": ({"names": ["other.example.test"]}, {}, "posted"),
    "common-name-only": ({"common_name_only": True}, {}, "posted"),
    "partial-wildcard": ({"names": ["m*.{domain}"]}, {}, "posted"),
    "wildcard": ({"names": ["*.{domain}"]}, {}, "delivered"),
    "unknown-authority": ({"authority": "other"}, {}, "posted"),
    "no-intermediate": ({"chain": False}, {}, "posted"),
    "weak-key": ({"key": "rsa1024"}, {}, "posted"),
    "client-certificate": ({"usage": "client"}, {}, "posted"),
    "weak-suite": ({"key": "rsa2048"}, {"maximum": "1.2", "ciphers": "ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0"},
                   "posted"),
    "rsa": ({"key": "rsa2048"}, {}, "delivered"),
    "starttls-refused": ({}, {"replies": {"starttls": "454 4.7.0 not now"}}, "later"),
    "starttls-rejected": ({}, {"replies": {"starttls": "554 5.7.3 never"}}, "posted"),
    "starttls-injected": ({}, {"after_starttls": b"250-inject.test\r\n250 PIPELINING\r\n"}, "posted"),
}
SEVEN = ["no-tls", "tls10", "tls11", "tls12", "tls13", "self-signed", "expired"]


class Lab:
    name_server = NameServer

    def __init__(self, folder=None):
        RUN.mkdir(parents=True, exist_ok=True)
        self.net = Net()
        self._own_folder = folder is None
        self.folder = tempfile.mkdtemp(prefix="lab-", dir=RUN) if folder is None else str(folder)
        os.chmod(self.folder, 0o755)  # roles under other user ids walk through it
        self.authority = Authority(f"{self.folder}/ca")
        self._other = None
        address = self.net.address()
        self.dns = self.name_server(address, self.net.free_port(address))
        self.receivers = {}
        self.instances = []
        self.instances_beside = []  # programs of others (tests/lab/peers.py)

    @property
    def smtp_port(self):
        """The port on which every receiver of this lab listens."""
        return self.net.smtp_port

    def _authority_for(self, which):
        if which != "other":
            return self.authority
        if self._other is None:
            self._other = Authority(f"{self.folder}/other-ca", "Unknown")
        return self._other

    def certificate(self, host, domain=None, names=None, authority=None, usage=None, **issue):
        """A certificate for host, with what STATES may say about it."""
        names = [n.replace("{domain}", domain or "") for n in names] if names else [host]
        if usage == "client":
            issue["usage"] = ExtendedKeyUsageOID.CLIENT_AUTH
        return self._authority_for(authority).issue(*names, **issue)

    def host(self, host, state="tls13", domain=None, address=None, **manner):
        """A receiver in a state, with its address record but no MX."""
        issue, usual, _ = STATES[state]
        address = address or self.net.address()
        certificate = None if issue is None else self.certificate(host, domain or host.partition(".")[2], **issue)
        receiver = Receiver(address, self.smtp_port, certificate, host=host, **{**usual, **manner})
        self.dns.add(host, "AAAA" if ":" in address else "A", address)
        self.receivers[host] = receiver
        return receiver

    def receiver(self, name, state=None, **manner):
        """The domain <name>.test with one MX in a state (the name itself where it is one)."""
        domain, state = f"{name}.test", state or (name if name in STATES else "tls13")
        receiver = self.host(f"mx.{domain}", state, domain, **manner)
        receiver.domain, receiver.state, receiver.expected = domain, state, STATES[state][2]
        self.dns.add(domain, "MX", f"10 mx.{domain}.")
        return receiver

    def seven(self):
        """The receivers of the fourteen tests, one in each state."""
        return [self.receiver(state) for state in SEVEN]

    def sealpost(self, **settings):
        """A running Sealpost that uses this lab (tests/lab/sealpost.py)."""
        from tests.lab.sealpost import Sealpost
        instance = Sealpost(self, **settings)
        self.instances.append(instance)
        return instance

    def check_and_stop(self):
        """What must hold of every Sealpost when a test is over: its counts agree, and no sanitizer has spoken."""
        for instance in self.instances:
            if instance.process is not None:
                instance.check()
                instance.stop()
            assert not instance.sanitizer_reports(), instance.sanitizer_reports()

    def close(self):
        for instance in self.instances:
            instance.close()
        for other in [*self.instances_beside, *self.receivers.values()]:
            other.close()
        self.dns.close()
        self.net.close()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
