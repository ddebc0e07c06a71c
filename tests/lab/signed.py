# SPDX-License-Identifier: Apache-2.0
"""A name server with signed zones: it signs each answer as it gives it, proves absence with NSEC, and forges, strips or
outdates signatures as it is told to."""
import time

import dns.dnssec
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.dns import TTL, NameServer

HOUR = 3600


class SignedServer(NameServer):
    def __init__(self, address, port):
        self._zones = {}   # zone -> (private key, DNSKEY)
        self._damage = {}  # (name, type) -> kind
        self._cuts = set()  # unsigned delegations inside signed zones
        super().__init__(address, port)

    def sign(self, zone):
        """Makes a key for the zone; returns its DS record as a line of a trust anchor file."""
        zone = dns.name.from_text(zone)
        private = ec.generate_private_key(ec.SECP256R1())
        key = dns.dnssec.make_dnskey(private.public_key(), "ECDSAP256SHA256", flags=257)
        self._zones[zone] = (private, key)
        self.add(zone.to_text(), "DNSKEY", key.to_text())
        self.add(zone.to_text(), "SOA", f"ns.{zone} host.{zone} 1 60 60 60 {TTL}")
        return f"{zone} IN DS {dns.dnssec.make_ds(zone, key, 'SHA256').to_text()}\n"

    def delegate_unsigned(self, name):
        """A zone of its own below a signed one, without a DS record."""
        self._cuts.add(dns.name.from_text(name))
        self.add(name, "NS", f"ns.{name}.")

    def damage(self, name, kind, how):
        """how: forge (signature of other data), strip (no signature), outdate (ended yesterday)."""
        self._damage[(dns.name.from_text(name), kind)] = how

    def _zone_of(self, name, kind):
        zones = [z for z in self._zones if name.is_subdomain(z)]
        zone = max(zones, key=len, default=None)
        cut = next((c for c in self._cuts if name.is_subdomain(c) and not (c == name and kind == "DS")), None)
        return None if zone is None or cut is not None else zone

    def _fill(self, reply, name, kind):
        zone = self._zone_of(name, kind)
        if zone is None:
            super()._fill(reply, name, kind)
            return
        found = self._records.get((name, kind))
        alias = self._records.get((name, "CNAME"))
        if found:
            self._put(reply.answer, zone, name, kind, found)
        elif alias:
            self._put(reply.answer, zone, name, "CNAME", alias)
            self._fill(reply, dns.name.from_text(alias[0]), kind)
        else:
            self._deny(reply, zone, name)

    def _put(self, section, zone, name, kind, texts):
        rrset = dns.rrset.from_text_list(name, TTL, "IN", kind, texts)
        section.append(rrset)
        how = self._damage.get((name, kind))
        if how == "strip":
            return
        private, key = self._zones[zone]
        now = int(time.time())
        inception, expiration = (now - 48 * HOUR, now - 24 * HOUR) if how == "outdate" else (now - HOUR, now + HOUR)
        signature = dns.dnssec.sign(rrset, private, zone, key, inception=inception, expiration=expiration)
        if how == "forge":
            signature = signature.replace(signature=signature.signature[::-1])
        section.append(dns.rrset.from_rdata(name, TTL, signature))

    def _deny(self, reply, zone, name):
        soa = self._records[(zone, "SOA")]
        self._put(reply.authority, zone, zone, "SOA", soa)
        exists = name in self._names
        if not exists:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        parent = name if exists else name.parent()
        while parent not in self._names:
            parent = parent.parent()
        proved = {self._nsec_owner(zone, name)}
        if not exists:
            proved.add(self._nsec_owner(zone, dns.name.from_text("*", parent)))
        for owner in sorted(proved):
            self._put(reply.authority, zone, owner, "NSEC", [self._nsec(zone, owner)])

    def _owners(self, zone):
        """Names with records of the zone, in canonical order."""
        names = {n for n, k in self._records if n.is_subdomain(zone) and self._zone_of(n, "DS") == zone}
        return sorted(names)

    def _nsec_owner(self, zone, name):
        return max(owner for owner in self._owners(zone) if owner <= name)

    def _nsec(self, zone, owner):
        owners = self._owners(zone)
        following = owners[(owners.index(owner) + 1) % len(owners)]
        kinds = {k for n, k in self._records if n == owner} | {"RRSIG", "NSEC"}
        return f"{following} {' '.join(sorted(kinds))}"
