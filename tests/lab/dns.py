# SPDX-License-Identifier: Apache-2.0
"""A small name server for the zones of the lab (UDP and TCP): it answers what it was told to, fails as it was told to,
and keeps a list of what it was asked."""
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

UDP_MAX = 1232
TTL = 5


class NameServer:
    def __init__(self, address, port):
        self.address, self.port = address, port
        self._records = {}   # (name, type) -> [rdata text]
        self._names = set()  # names that exist, with the empty ones above them
        self._faults = {}    # (name, type or None) -> kind
        self.queries = []    # (time, name, type)
        self._lock = threading.Lock()
        self._open = True
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, port))
        self._tcp = socket.create_server((address, port))
        for loop in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=loop, daemon=True).start()

    @property
    def endpoint(self):
        return f"{self.address}:{self.port}"

    def add(self, name, kind, *texts):
        """Adds records: add("a.test", "MX", "10 mx.a.test.")."""
        name = dns.name.from_text(name)
        with self._lock:
            self._records.setdefault((name, kind), []).extend(texts)
            while name != dns.name.root:
                self._names.add(name)
                name = name.parent()

    def remove(self, name, kind):
        with self._lock:
            self._records.pop((dns.name.from_text(name), kind), None)

    def fail(self, name, how, kind=None):
        """how: servfail, refused, timeout, truncate, garbage; None mends it. kind None means every type."""
        with self._lock:
            key = (dns.name.from_text(name), kind)
            if how is None:
                self._faults.pop(key, None)
            else:
                self._faults[key] = how

    def mail_domain(self, domain, *hosts, address=None):
        """A domain whose mail goes to hosts, in this order of preference; address is given to each host."""
        for number, host in enumerate(hosts):
            self.add(domain, "MX", f"{(number + 1) * 10} {host}.")
            if address:
                self.add(host, "A", address)

    def asked(self, name, kind=None):
        """How often a name was asked for."""
        wanted = dns.name.from_text(name)
        return sum(1 for _, n, k in self.queries if n == wanted and kind in (None, k))

    def close(self):
        self._open = False
        for one in (self._udp, self._tcp):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _serve_udp(self):
        while self._open:
            try:
                data, peer = self._udp.recvfrom(4096)
                reply = self._answer(data, False)
                if reply:
                    self._udp.sendto(reply, peer)
            except OSError:
                return

    def _serve_tcp(self):
        while self._open:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                stream = connection.makefile("rb")
                while head := stream.read(2):
                    reply = self._answer(stream.read(struct.unpack("!H", head)[0]), True)
                    if not reply:
                        return
                    connection.sendall(struct.pack("!H", len(reply)) + reply)
            except OSError:
                return

    def _answer(self, data, tcp):
        try:
            query = dns.message.from_wire(data)
            question = query.question[0]
        except Exception:  # whatever was sent is no question
            return None
        name = dns.name.Name([label.lower() for label in question.name.labels])
        kind = dns.rdatatype.to_text(question.rdtype)
        with self._lock:
            self.queries.append((time.time(), name, kind))
            fault = self._faults.get((name, kind)) or self._faults.get((name, None))
            return self._reply(query, name, kind, fault, tcp)

    def _reply(self, query, name, kind, fault, tcp):
        if fault == "timeout":
            return None
        if fault == "garbage":
            return query.id.to_bytes(2, "big") + b"\x84\x00\x00\x01\x00\xff" + b"\xc0" * 40
        reply = dns.message.make_response(query, recursion_available=True, our_payload=UDP_MAX)
        reply.flags |= dns.flags.AA
        if fault in ("servfail", "refused"):
            reply.set_rcode(dns.rcode.from_text(fault.upper()))
        elif fault == "truncate" and not tcp:
            reply.flags |= dns.flags.TC
        else:
            self._fill(reply, name, kind)
        wire = reply.to_wire(max_size=65535)
        if not tcp and len(wire) > UDP_MAX:
            reply.answer, reply.authority = [], []
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        return wire

    def _fill(self, reply, name, kind):
        """Answer, alias chain inside our data, no such name, or no such type."""
        for _ in range(12):
            found = self._records.get((name, kind))
            if found:
                reply.answer.append(dns.rrset.from_text_list(name, TTL, "IN", kind, found))
                return
            alias = self._records.get((name, "CNAME"))
            if not alias:
                break
            reply.answer.append(dns.rrset.from_text_list(name, TTL, "IN", "CNAME", alias))
            name = dns.name.from_text(alias[0])
        if name not in self._names:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        top = dns.name.Name(name.labels[-2:]) if len(name.labels) > 1 else dns.name.root
        reply.authority.append(dns.rrset.from_text(top, TTL, "IN", "SOA", f"ns.{top} host.{top} 1 60 60 60 {TTL}"))
