# SPDX-License-Identifier: Apache-2.0
"""Builds receiver states (tests/lab/states) in one lab: DNS with signed zones, certificates, receivers, policy host, and a
Sealpost that is to meet them. tests/lab/observe.py sends the letters and writes down what the receivers saw."""
import base64
import copy
import socket
import struct
import warnings
from dataclasses import dataclass, field

import dns.message
import dns.name
from cryptography.hazmat.primitives import hashes, serialization

from tests.lab import chains, oldtls, peers
from tests.lab.policy import PolicyHost
from tests.lab.receiver import Receiver
from tests.lab.sealpost import Sealpost
from tests.lab.signed import SignedServer
from tests.lab.states.state import Host
from tests.lab.world import Lab

PLAIN, SIGNED, NSD = "test", "secure.test", "nsd.test"
ZONES = {"plain": PLAIN, "signed": SIGNED, "nsd": NSD}
SETTINGS = {"courier.hold": "20s", "courier.retry": ["500ms", "1s", "2s", "4s"], "courier.connect-timeout": "8s",
            "courier.command-timeout": "8s", "notice.refusal-gap": "10m", "log-level": "info"}
NO_TLS = {"silent": oldtls.Silent, "garbage": oldtls.Garbage}


class StageServer(SignedServer):
    """The lab's name server; what is below a relayed zone it asks another server for, byte for byte."""

    def __init__(self, address, port):
        self._relayed, self._sorted = {}, {}
        super().__init__(address, port)

    def add(self, name, kind, *texts):
        super().add(name, kind, *texts)
        self._sorted.clear()

    def remove(self, name, kind):
        super().remove(name, kind)
        self._sorted.clear()

    def _owners(self, zone):
        """Sorted once: hundreds of names for every denial would keep those waiting who ask for something else."""
        names = self._sorted.get(zone)
        if names is None:
            names = self._sorted[zone] = super()._owners(zone)
        return names

    def relay(self, zone, address, port):
        self._relayed[dns.name.from_text(zone)] = (address, port)

    def _answer(self, data, tcp):
        try:
            name = dns.message.from_wire(data).question[0].name
        except Exception:  # whatever was sent is no question
            return None
        for zone, (address, port) in self._relayed.items():
            if name.is_subdomain(zone):
                return _ask(address, port, data, tcp)
        return super()._answer(data, tcp)


def _ask(address, port, data, tcp):
    """The other server's answer, marked as one of a server that looks things up for others."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as asked:
            asked.settimeout(5)
            asked.connect((address, port))
            asked.sendall(struct.pack("!H", len(data)) + data if tcp else data)
            if tcp:
                stream = asked.makefile("rb")
                reply = stream.read(struct.unpack("!H", stream.read(2))[0])
            else:
                reply = asked.recv(65535)
    except (OSError, struct.error):
        return None
    return reply[:3] + bytes([reply[3] | 0x80]) + reply[4:]


@dataclass
class Live:
    """A state that stands in the lab."""
    state: object
    stage: object
    domain: str
    receivers: list = field(default_factory=list)  # one for each host, or None
    id: str = ""
    lines: list = field(default_factory=list)      # of the letter, each with a mark of its own
    since: float = 0                               # when it was submitted
    refused: str = ""                              # what submission said instead of taking it

    @property
    def author(self):
        return f"from-{self.state.name}@clinic.test"

    def words(self):
        return {"domain": self.domain, "mx": next((self.host_name(h) for h in self.state.hosts), self.domain), "port": self.stage.smtp_port, "literal": self.literal()}

    def literal(self):
        return next((r.address for r in self.receivers if r), "")

    def host_name(self, host):
        """The host's whole name, without a dot at its end."""
        if host.name.endswith("."):
            return host.name[:-1]
        return f"{host.name}.{self.domain}" if host.name else self.domain


class Stage(Lab):
    name_server = StageServer

    def __init__(self, folder=None):
        super().__init__(folder)
        self.chains, self.live, self._full = 0, {}, []
        self.rsa_root = chains.rsa_root(self.folder)
        self.policies = PolicyHost(self)
        self.anchors = self.dns.sign(SIGNED)
        self.nsd_lines, self.nsd = [], None
        self.with_nsd = (peers.PEERS / "nsd/root/usr").is_dir()
        if not self.with_nsd:  # the states stay the same, signed by signed.py
            warnings.warn("NSD is not under build/peers: its zone is signed and served by the lab itself", stacklevel=1)
            self.anchors += self.dns.sign(NSD)

    # building

    def build(self, states):
        for state in states:
            self.live[state.name] = self._build(state)
        if self.with_nsd:
            self._start_nsd()

    def _start_nsd(self):
        self.nsd = peers.Nsd(self)
        self.nsd.zone(f"{NSD}.", self.nsd_lines)
        self.nsd.start()
        self.dns.relay(NSD, self.nsd.address, self.nsd.port)
        self.anchors += self.nsd.anchor_file.read_text()

    def record(self, owner, kind, text):
        if self.with_nsd and f".{owner}".endswith(f".{NSD}"):
            self.nsd_lines.append(f"{owner}. {kind} {text}")
        else:
            self.dns.add(owner, kind, text)

    def _build(self, state):
        live = Live(state, self, f"{state.name}.{ZONES[state.zone]}")
        for name in state.unsigned:
            self.dns.delegate_unsigned(name.format(domain=live.domain))
        for host in state.hosts:
            live.receivers.append(self._host(live, host))
        mx = [f"{h.preference} {live.host_name(h)}." for h in state.hosts] if state.mx is None else state.mx
        for text in mx:
            self.record(live.domain, "MX", text.format(**live.words()))
        for owner, kind, text in state.records:
            self.record(owner.format(**live.words()), kind, text.format(**live.words()))
        for owner, kind, how in state.faults:
            self.dns.fail(owner.format(**live.words()), how, kind)
        for owner, kind, how in state.damage:
            self.dns.damage(owner.format(**live.words()), kind, how)
        if state.policy is not None:
            self.publish(live, **state.policy)
        return live

    def publish(self, live, **policy):
        if "mx" in policy:
            policy["mx"] = [m.format(**live.words()) for m in policy["mx"]]
        if "text" in policy:
            policy["text"] = policy["text"].format(**live.words())
        self.policies.publish(live.domain, **policy)

    def _host(self, live, host):
        name = live.host_name(host)
        address = "::1" if host.at == "6" else self.net.address()
        certificate = host.certificate
        if callable(certificate):
            certificate = certificate(self, name, live.domain)
        elif certificate is not None:
            certificate = self.certificate(name, live.domain, **certificate)
        receiver = None
        if host.at in ("4", "6"):
            receiver = self._receiver(live, host, name, address, certificate)
        elif host.at == "full":
            self._full.append(_full_listener(address, self.smtp_port))
        self._addresses(name, host, address, live)
        self._tlsa(host, host.tlsa_at.format(domain=live.domain) or name, certificate)
        return receiver

    def _receiver(self, live, host, name, address, certificate):
        manner = copy.deepcopy(host.manner)  # some behave once only: once on each stage
        receiver = Receiver(address, self.smtp_port, certificate, host=name, autostart=False, **host.tls, **manner)
        self.receivers[name] = receiver
        if host.tweak:
            host.tweak(receiver.context)
        script = host.script(self, name, live.domain) if callable(host.script) else host.script
        if isinstance(script, str):
            receiver.context = NO_TLS[script]()
        elif script is not None:
            receiver.context = oldtls.Server(certificate, script)
        return receiver.start()

    def _addresses(self, name, host, address, live):
        owner = live.host_name(Host(f"{host.alias.format(domain=live.domain).rstrip('.')}.")) if host.alias else name
        if host.alias:
            self.record(name, "CNAME", f"{owner}.")
        if host.at == "nowhere":
            self.record(owner, "AAAA", "2001:db8::25")
        elif host.at != "none":
            self.record(owner, "AAAA" if ":" in address else "A", address)

    def _tlsa(self, host, base, certificate):
        for text in host.tlsa:
            usage, selector, matching, what = text.split()
            data = self._association(certificate, int(selector), int(matching), what)
            for port in sorted({25, self.smtp_port}):
                self.record(f"_{port}._tcp.{base}", "TLSA", f"{usage} {selector} {matching} {data}")

    def _association(self, certificate, selector, matching, what):
        known = {"middle": self.authority.middle, "root": self.authority.root}
        if what == "own":
            shown = certificate.leaf
        elif what == "other":
            shown = self.authority.issue("other.test").leaf
        elif what in known:
            shown = known[what]
        else:
            return what
        data = (shown.public_bytes(serialization.Encoding.DER) if selector == 0 else shown.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
        digests = {1: hashes.SHA256, 2: hashes.SHA512}
        if matching in digests:
            digest = hashes.Hash(digests[matching]())
            digest.update(data)
            data = digest.finalize()
        return data.hex()

    # running

    def relay(self, **settings):
        """A running Sealpost that trusts both roots and the signed zones."""
        anchors, roots = f"{self.folder}/anchors", f"{self.folder}/roots.pem"
        with open(anchors, "w", encoding="ascii") as out:
            out.write(self.anchors)
        with open(roots, "wb") as out:
            for root in (self.authority.root, self.rsa_root.certificate):
                out.write(root.public_bytes(serialization.Encoding.PEM))
        words = {**SETTINGS, "resolver.trust-anchor": anchors, "trust.ca-file": roots,
                 "resolver.sts-port": self.policies.port, **settings}
        one = Sealpost(self, settings=words, start=False)
        self.instances.append(one)
        demands = "".join(f'domain "{live.domain}" {{\n    {live.state.demand.format(**self.pins(live))}\n}}\n'
                          for live in self.live.values() if live.state.demand)
        with open(one.conf, "a", encoding="utf-8") as out:
            out.write(demands)
        return one.start()

    def pins(self, live):
        """Words for pins: of the first host's key, of its issuer's, and of strangers."""
        found_ = {"nobody": "0" * 43 + "=", "someone": "1" * 42 + "0="}
        receiver = next((r for r in live.receivers if r and r.certificate), None)
        for word, certificate in (("own", receiver and receiver.certificate.leaf), ("issuer", self.authority.middle)):
            if certificate is None:
                continue
            digest = hashes.Hash(hashes.SHA256())
            digest.update(certificate.public_key().public_bytes(serialization.Encoding.DER,
                                                                serialization.PublicFormat.SubjectPublicKeyInfo))
            found_[word] = base64.b64encode(digest.finalize()).decode()
        return found_

    def close(self):
        self.policies.close()
        for sockets in self._full:
            for one in sockets:
                one.close()
        super().close()


def _full_listener(address, port):
    """A listener whose queue is full: further connections are neither taken nor refused."""
    listener = socket.socket()
    listener.bind((address, port))
    listener.listen(0)
    waiting = []
    for _ in range(3):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, port))
        waiting.append(one)
    return [listener, *waiting]
