# SPDX-License-Identifier: Apache-2.0
"""Mail and name servers that nobody here wrote, from packages unpacked under build/peers, never installed. Each runs in
mount and process namespaces of its own: its /usr, /etc, /run and /var/spool lie over the machine's, the accounts it
wants stand only in that private /etc, its folder is /mnt, and ending the outer process ends all of it."""
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab import processes
from tests.lab.net import BUILD

PEERS = BUILD / "peers"
START_SECONDS = 30
ENTER = """
set -e
mount --bind "$WORK" /mnt
mount -t overlay overlay -o lowerdir="$ROOT/usr:/usr" /usr
mount -t overlay overlay -o lowerdir=/mnt/etc:/etc /etc
[ -d /mnt/varlib ] && mount -t overlay overlay -o lowerdir=/mnt/varlib:/var/lib /var/lib
mount --bind /mnt/run /run
mount --bind /mnt/spool /var/spool
cd /mnt
"$@" &
wait $!
"""
# Numeric ids that exist only inside the namespaces.
ACCOUNTS = {"postfix": 61000, "postdrop": 61001, "labmail": 61002, "Debian-exim": 61003, "opensmtpd": 61004,
            "opensmtpq": 61005, "nsd": 61006}


def require(peer):
    """Skips the test, saying why, where a peer cannot be run."""
    if not (PEERS / peer / "root/usr").is_dir():
        pytest.skip(f"{peer} is not under build/peers: ./dev test fetches it")
    probe = subprocess.run(["unshare", "-m", "-p", "--fork", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"{peer} needs private namespaces, which this machine refuses: {probe.stderr.decode().strip()}")


class Peer:
    """A program in namespaces of its own. Subclasses write its configuration into self.etc and name its command."""
    package = ""
    command = ()

    def __init__(self, lab, host):
        require(self.package)
        self.lab, self.host = lab, host
        self.address, self.port = lab.net.address(), lab.smtp_port
        self.folder = Path(lab.folder) / f"{self.package}-{self.address}"
        for name in ("etc", "run", "spool", "mail", "tls"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        self.etc, self.log = self.folder / "etc", self.folder / "log"
        os.chown(self.folder / "mail", ACCOUNTS["labmail"], ACCOUNTS["labmail"])
        self._accounts()
        self.process = None
        lab.dns.add(host, "A", self.address)
        lab.instances_beside.append(self)

    def _accounts(self):
        users = "".join(f"{n}:x:{i}:{i}::/mnt:/bin/false\n" for n, i in ACCOUNTS.items())
        groups = "".join(f"{n}:x:{i}:\n" for n, i in ACCOUNTS.items())
        (self.etc / "passwd").write_text(Path("/etc/passwd").read_text() + users)
        (self.etc / "group").write_text(Path("/etc/group").read_text() + groups)

    def install_certificate(self, certificate):
        """Copies a pair to where the peer sees it: /mnt/tls/cert.pem and /mnt/tls/key.pem."""
        shutil.copy(certificate.chain_file, self.folder / "tls/cert.pem")
        shutil.copy(certificate.key_file, self.folder / "tls/key.pem")
        shutil.copy(self.lab.authority.root_file, self.folder / "tls/root.pem")

    def enter(self, *command):
        """The command line that runs a program of the peer inside."""
        return ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "-p", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
                "/bin/bash", "-c", ENTER, "peer", *command]

    def environment(self):
        libraries = ":".join(str(p) for p in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/postfix"))
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "WORK": str(self.folder), "LC_ALL": "C",
                "ROOT": str(PEERS / self.package / "root"), "LD_LIBRARY_PATH": libraries}

    def start(self, port=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.enter(*self.command), env=self.environment(), stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not self._listens(port or self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                text = self.log.read_text(errors="replace")[-3000:]
                self.close()
                raise RuntimeError(f"{self.package} did not start:\n{text}")
            time.sleep(0.05)
        return self

    def _listens(self, port):
        try:
            socket.create_connection((self.address, port), timeout=1).close()
            return True
        except OSError:
            return False

    def messages(self):
        """The mails delivered into its mailbox (Maildir or plain files), as bytes."""
        return [p.read_bytes() for p in sorted((self.folder / "mail").rglob("*"))
                if p.is_file() and p.parent.name != "tmp"]

    def wait_messages(self, count=1, timeout=20):
        end = time.monotonic() + timeout
        while len(self.messages()) < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.messages()

    def log_text(self):
        return self.log.read_text(errors="replace")

    def close(self):
        if self.process is None:
            return
        family = processes.descendants(self.process.pid)
        for member in family:  # our one child is the init of the namespace: with it ends all of it
            if member.alive() and member.parent() == self.process.pid:
                os.kill(member.pid, signal.SIGKILL)
        self.process.wait(10)
        processes.wait_gone(family, 10)
        self.process = None


POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = /mnt/queue
data_directory = /mnt/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = {host}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_bind_address = {address}
maillog_file = /dev/stdout
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:no local mail
relay_domains =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = /mnt/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{mail_id}
virtual_gid_maps = static:{mail_id}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
message_size_limit = 104857600
virtual_mailbox_limit = 0
smtputf8_enable = no
smtp_host_lookup = native
default_database_type = texthash
disable_dns_lookups = yes
append_dot_mydomain = no
"""
POSTFIX_MASTER = """{address}:{port}      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Postfix(Peer):
    """As a receiver (domains: what it takes, into one Maildir), and as a client that relays all through a smarthost."""
    package = "postfix"
    command = ("/usr/sbin/postfix", "-c", "/etc/postfix", "start-fg")

    def __init__(self, lab, host="mx.postfix.test", domains=("postfix.test",), certificate=None, settings=None,
                 smarthost=None, credential=None):
        """smarthost: (address, port, name on its certificate) of a STARTTLS listener, used with credential."""
        super().__init__(lab, host)
        values = {}
        if certificate:
            self.install_certificate(certificate)
            values.update({"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "/mnt/tls/cert.pem",
                           "smtpd_tls_key_file": "/mnt/tls/key.pem", "smtpd_tls_loglevel": "1"})
        if smarthost:
            values.update(self._relay(smarthost, credential))
        values.update(settings or {})
        folder = self.etc / "postfix"
        folder.mkdir()
        for name in ("queue", "data"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", ACCOUNTS["postfix"], ACCOUNTS["postfix"])
        shutil.copytree(PEERS / "postfix/root/etc/postfix", folder, dirs_exist_ok=True)
        main = POSTFIX_MAIN.format(host=host, address=self.address, domains=" ".join(domains),
                                   mail_id=ACCOUNTS["labmail"])
        main += "".join(f"{k} = {v}\n" for k, v in values.items())
        (folder / "main.cf").write_text(main)
        (folder / "master.cf").write_text(POSTFIX_MASTER.format(address=self.address, port=self.port))

    def _relay(self, smarthost, credential):
        address, port, name = smarthost
        shutil.copy(self.lab.authority.root_file, self.folder / "tls/root.pem")
        (self.folder / "password").write_text(f"[{address}]:{port} {credential.name}:{credential.password}\n")
        (self.folder / "password").chmod(0o600)
        return {"relayhost": f"[{address}]:{port}", "smtp_tls_security_level": "verify",
                "smtp_tls_verify_cert_match": name, "smtp_tls_CAfile": "/mnt/tls/root.pem",
                "smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "texthash:/mnt/password",
                "smtp_sasl_security_options": "noanonymous", "smtp_sasl_tls_security_options": "noanonymous"}


EXIM = """primary_hostname = {host}
exim_user = Debian-exim
exim_group = Debian-exim
local_interfaces = {address}
daemon_smtp_ports = {port}
log_file_path = /mnt/log-%s
log_selector = +tls_certificate_verified +tls_cipher
spool_directory = /var/spool/exim4
pid_file_path = /run/exim4.pid
domainlist local_domains = {domains}
hostlist relay_from_hosts = 127.0.0.0/8
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
disable_ipv6 = true
never_users =
queue_run_in_order = false
message_size_limit = 100M
host_lookup =
rfc1413_query_timeout = 0s
{tls}
begin acl
acl_rcpt:
  accept domains = +local_domains
  accept hosts = +relay_from_hosts
  deny message = relay not permitted
acl_data:
  accept

begin routers
{router}mine:
  driver = accept
  domains = +local_domains
  transport = box

begin transports
box:
  driver = appendfile
  directory = /mnt/mail/box
  maildir_format
  create_directory
  user = labmail
  group = labmail
  delivery_date_add = false
  envelope_to_add = false
  return_path_add = false
smarthost:
  driver = smtp
  interface = {address}
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = /mnt/tls/root.pem
  tls_verify_cert_hostnames = {smart_name}
  tls_verify_hosts = *

begin retry
* * F,1h,2s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{user}^{password}
"""
EXIM_SMART = """smart:
  driver = manualroute
  domains = ! +local_domains
  transport = smarthost
  route_list = * {address}::{port}
  self = send

"""


class Exim(Peer):
    """As a receiver, and as a client of a smarthost."""
    package = "exim"
    command = ("/usr/sbin/exim4", "-bdf", "-q2s", "-oY")

    def __init__(self, lab, host="mx.exim.test", domains=("exim.test",), certificate=None, smarthost=None,
                 credential=None):
        super().__init__(lab, host)
        tls = ""
        if certificate:
            self.install_certificate(certificate)
            (self.folder / "tls/key.pem").chmod(0o644)
            tls = ("tls_advertise_hosts = *\ntls_certificate = /mnt/tls/cert.pem\ntls_privatekey = /mnt/tls/key.pem\n")
        else:
            tls = "tls_advertise_hosts =\n"
        shutil.copy(lab.authority.root_file, self.folder / "tls/root.pem")
        router = EXIM_SMART.format(address=smarthost[0], port=smarthost[1]) if smarthost else ""
        (self.etc / "exim4").mkdir()
        (self.etc / "exim4/exim4.conf").write_text(EXIM.format(
            host=host, address=self.address, port=self.port, domains=" : ".join(domains), tls=tls, router=router,
            smart_name=smarthost[2] if smarthost else "none.test", user=credential.name if credential else "",
            password=credential.password if credential else ""))
        (self.folder / "spool/exim4").mkdir()
        os.chown(self.folder / "spool/exim4", ACCOUNTS["Debian-exim"], ACCOUNTS["Debian-exim"])
        for name in ("main", "reject", "panic"):
            (self.folder / f"log-{name}").touch()
            os.chown(self.folder / f"log-{name}", ACCOUNTS["Debian-exim"], ACCOUNTS["Debian-exim"])
        self.folder.chmod(0o777)

    def log_text(self):
        return "".join(p.read_text(errors="replace") for p in self.folder.glob("log*"))


class OpenSmtpd(Peer):
    """As a receiver. With Debian 12's OpenSSL this version offers STARTTLS and fails every handshake (OpenSMTPD issue
    1239): a real server of the kind "broken TLS". In clear text it works."""
    package = "opensmtpd"
    command = ("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")

    def __init__(self, lab, host="mx.opensmtpd.test", domains=("opensmtpd.test",), certificate=None):
        super().__init__(lab, host)
        lines, tls = [f'table domains {{ {", ".join(domains)} }}'], ""
        if certificate:
            self.install_certificate(certificate)
            (self.folder / "tls/key.pem").chmod(0o600)
            lines += [f'pki {host} cert "/mnt/tls/cert.pem"', f'pki {host} key "/mnt/tls/key.pem"']
            tls = f" tls pki {host}"
        lines += [f"listen on {self.address} port {self.port}{tls} hostname {host}",
                  "table users { \"@\" = labmail }",
                  'action "box" maildir "/mnt/mail/box" virtual <users>',
                  "match from any for domain <domains> action \"box\""]
        (self.etc / "smtpd.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "varlib/opensmtpd/empty").mkdir(parents=True)
        (self.folder / "spool/smtpd").mkdir()
        (self.folder / "spool/smtpd").chmod(0o711)


class Nsd(Peer):
    """An authoritative server for signed zones: `zone("signed.test", text)` signs with ldns-signzone."""
    package = "nsd"
    command = ("/usr/sbin/nsd", "-d", "-c", "/etc/nsd.conf")

    def __init__(self, lab):
        super().__init__(lab, "ns.nsd.test")
        self.port = lab.net.free_port(self.address)
        self.zones, self.anchors = {}, []
        (self.folder / "zones").mkdir()

    @property
    def endpoint(self):
        return f"{self.address}:{self.port}"

    @property
    def anchor_file(self):
        """DS records of every signed zone, for resolver.trust-anchor."""
        path = self.folder / "anchors"
        path.write_text("".join(self.anchors))
        return path

    def zone(self, name, records, sign=True, expired=False, extra=()):
        """Adds a zone; records are lines of a zone file below the SOA. expired: signatures that ended yesterday."""
        folder = self.folder / "zones"
        plain = folder / f"{name}zone"
        soa = f"$ORIGIN {name}\n$TTL 5\n@ SOA ns.{name} host.{name} 1 60 60 600 5\n@ NS ns.{name}\nns A {self.address}\n"
        plain.write_text(soa + "\n".join(records) + "\n")
        self.zones[name] = plain.name
        if not sign:
            return
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name], cwd=folder, check=True,
                             capture_output=True, text=True).stdout.strip()
        when = ["-i", "20200101000000", "-e", "20200201000000"] if expired else []
        subprocess.run(["ldns-signzone", "-n", *when, "-f", f"{plain}.signed", str(plain), key, *extra], cwd=folder,
                       check=True, capture_output=True)
        self.zones[name] = f"{plain.name}.signed"
        self.anchors.append((folder / f"{key}.ds").read_text())

    def start(self, port=None):
        (self.folder / "data").mkdir(exist_ok=True)
        server = (f'server:\n  ip-address: {self.address}@{self.port}\n  username: ""\n  zonesdir: /mnt/zones\n'
                  '  database: ""\n  xfrdfile: ""\n  zonelistfile: /mnt/data/zones.list\n  pidfile: ""\n'
                  "  server-count: 1\nremote-control:\n  control-enable: no\n")
        zones = "".join(f"zone:\n  name: {n}\n  zonefile: {f}\n" for n, f in self.zones.items())
        (self.etc / "nsd.conf").write_text(server + zones)
        return super().start(self.port)
