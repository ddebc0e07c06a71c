# SPDX-License-Identifier: Apache-2.0
"""What a receiver state is made of: one description of DNS, certificates, TLS, manner and policy, and what must become of a
letter to it. tests/lab/stage.py builds it. In texts, {domain}, {mx} (the first host) and {port} are filled in."""
from dataclasses import dataclass, field


@dataclass
class Host:
    """One mail server."""
    name: str = "mx"             # labels below the domain, "" the domain itself; a name with a dot at its end as it is
    certificate: object = field(default_factory=dict)  # keywords for Lab.certificate, a function of chains.py, or None: no TLS
    tls: dict = field(default_factory=dict)      # minimum, maximum, ciphers of its TLS context
    tweak: object = None         # function(ssl.SSLContext): what these words cannot say
    script: object = None        # oldtls.Script, or a function(stage, host, domain) that makes one: speaks in place of it
    manner: dict = field(default_factory=dict)   # keywords for Receiver
    at: str = "4"                # 4, 6; dead: nobody listens; full: never answers; nowhere: no route; none: no address
    alias: str = ""              # name the host is a CNAME of; the address is there
    preference: int = 10
    tlsa: tuple = ()             # "3 1 1 own"; own, middle, root, or other: whose digest; or hex as it is
    tlsa_at: str = ""            # name below which they are, instead of the host's
    proved: bool | None = None   # may see the letter; None: when the fate is delivered
    control: object = "python"   # what completes its handshake: python, openssl, or a function(address, port, greet)


@dataclass
class Letter:
    """How the letter is submitted."""
    recipients: tuple = ("patient",)
    options: tuple = ()          # of MAIL
    body: str = ""               # more lines
    repeat: int = 0              # of a line of 100 bytes


@dataclass
class Then:
    """A second letter, after change(live) and a pause longer than the lab's TTL."""
    change: object
    fate: str
    reason: str
    level: str | None = None
    notice: str | None = None
    restart: bool = False


@dataclass
class State:
    name: str
    fate: object                 # delivered, posted, returned, later; or {recipient: fate}
    reason: str                  # or several with | between, where two ends of a connection race
    level: str | None = None     # of proof, when it was delivered
    why: str = ""
    hosts: tuple = field(default_factory=lambda: (Host(),))
    zone: str = "plain"          # plain; signed: by signed.py as it answers; nsd: by ldns-signzone, served by NSD
    mx: tuple | None = None      # MX records instead of one for each host
    records: tuple = ()          # (owner, type, rdata) beside them
    faults: tuple = ()           # (owner, type or None, how): dns.py
    damage: tuple = ()           # (owner, type, how): signed.py
    unsigned: tuple = ()         # names below the zone that are delegated without DS
    policy: dict | None = None   # keywords for PolicyHost.publish
    demand: str = ""             # lines of a domain section in the configuration
    letter: Letter = field(default_factory=Letter)
    address: str = ""            # domain part of the address instead of the domain: an address literal
    ends: str = "posted"         # of later: posted or returned, at the holding limit
    retried: bool = False        # delivered, but not at the first try
    notice: str | None = None    # how the notice came: clear, tls, proved, held; None: not asked
    wire: str = ""               # text that must stand in the envelope or session of the delivery
    copies: int = 1              # of a delivered letter that the receiver was sent
    then: Then | None = None
    group: str = ""
