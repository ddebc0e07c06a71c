# SPDX-License-Identifier: Apache-2.0
"""./dev run: Sealpost beside the seven receivers of the fourteen tests, on loopback addresses, below build/run. Sends a
real message to each, shows what became of it as the receivers saw it, and stays up so that you can send your own."""
import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab import Lab  # noqa: E402  (the path must be set first)
from tests.lab.sealpost import CommandFailed  # noqa: E402
from tools.run.judge import Judge  # noqa: E402
from tools.run.letters import AUTHOR, compose  # noqa: E402
from tools.run.show import mail  # noqa: E402
from tools.run.table import READ, Table  # noqa: E402

DEADLINE = 120
USER = "clinic-app"
SETTINGS = {"courier.retry": ["2s", "4s"], "courier.hold": "60s", "log-level": "info",
            "roles.intake": None, "roles.courier": None}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="do not stay; exit 0 only if every row is right")
    parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")
    parser.add_argument("--json-fd", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def send_all(instance, receivers):
    """Submits one message to each receiver; returns their judges."""
    credential = instance.user(USER, instance.domain)
    sender = f"{AUTHOR}@{instance.domain}"
    judges = []
    with instance.smtp(credential) as client:
        for receiver in receivers:
            sent = compose(sender, f"patient@{receiver.domain}")
            message_id = instance.submit(sent.recipient, sent.content, sender, client=client,
                                         mail_options=["BODY=8BITMIME"])
            judges.append(Judge(instance, receiver, sent, sender, message_id, time.time()))
    return judges


def watch(judges, table):
    """Looks until every row is complete or the time is over."""
    end = time.monotonic() + DEADLINE
    rows = [j.row for j in judges]
    table.show(rows)
    while not all([j.look() for j in judges]) and time.monotonic() < end:
        table.show(rows)
        time.sleep(0.1)
    for row in rows:
        if not row.done:
            row.problems.append(f"nothing came within {DEADLINE} s")
    table.show(rows, last=True)
    return rows


def how_to_send(instance, say):
    credential = instance.user(USER)
    root = instance.lab.authority.root_file
    say(f"""
Send your own (recipients: anyone@ one of {', '.join(r + '.test' for r in ('tls13', 'expired', 'no-tls'))}, ...):

  swaks --server {instance.address} --port {instance.tls_port} --tls-on-connect --tls-ca-path {root} \\
        --auth-user {credential.name} --auth-password {credential.password} \\
        --from you@{instance.domain} --to someone@self-signed.test

  TLS:       {instance.address} port {instance.tls_port}   (STARTTLS: port {instance.starttls_port})
  user:      {credential.name}
  password:  {credential.password}
  authority: {root}

Mail to a domain that is not there (--to someone@nowhere.test) comes back: mx.{instance.domain} shows the report.

Message Center: {instance.base_url}
Look inside:    {instance_command(instance)} queue
""")


def instance_command(instance):
    from tests.lab.sealpost import program
    return f"{os.path.relpath(program('sealpost'))} -c {os.path.relpath(instance.conf)}"


def show_notice(judges, say):
    """One notice whole, so that anybody can see that it says nothing private."""
    posted = next((j for j in judges if j.notice), None)
    if posted:
        say(f"\nThe notice that {posted.receiver.host} got, with all its fields:\n\n"
            + mail(posted.notice.data, whole=True))


def stay(instance, receivers, say):
    """Tells what arrives at the receivers, the sender's own mailbox among them, until Ctrl-C."""
    say(f"Staying up; what reaches the receivers, and mx.{instance.domain} where your own mailbox is, is shown here. "
        "Ctrl-C ends it.")
    seen = {r.host: len(r.messages) for r in receivers}
    while instance.process.poll() is None:
        for receiver in receivers:
            for message in receiver.messages[seen[receiver.host]:]:
                seen[receiver.host] += 1
                say(f"\n-- {receiver.host} received for {', '.join(message.recipients)} over "
                    f"{message.tls or 'clear text'}:\n" + mail(message.data))
        time.sleep(0.3)
    say("sealpostd has ended; its log is " + os.path.relpath(instance.log))
    return 1


def finish(instance):
    """The end of a run: the conservation check, then a stop that leaves nothing."""
    try:
        instance.check()
        instance.stop()
    except (AssertionError, CommandFailed) as error:
        return [str(error)]
    return []


def session(options, say, out):
    with Lab() as lab:
        receivers = lab.seven()
        say("== start seven receivers, their name server and authority, and Sealpost")
        instance = lab.sealpost(settings=SETTINGS)
        say(f"   ready; folder {os.path.relpath(instance.folder)}\n")
        judges = send_all(instance, receivers)
        rows = watch(judges, Table(out))
        right = sum(r.right for r in rows)
        say(f"\n{READ}")
        show_notice(judges, say)
        say(f"\n{right} of {len(rows)} rows are right")
        result = {"rows": [r.as_json() for r in rows]}
        code = 0 if right == len(rows) else 1
        if not options.once:
            how_to_send(instance, say)
            try:
                code = stay(instance, list(lab.receivers.values()), say)
            except KeyboardInterrupt:
                say("\nstopping")
        problems = finish(instance)
        for problem in problems:
            say(problem)
        return (1 if problems else code), {**result, "ok": code == 0 and not problems, "problems": problems}


def main():
    options = arguments()
    out = sys.stderr if options.json else sys.stdout
    # Also where whoever started us ignores SIGINT, as a shell does for what it puts into the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)

    def say(text):
        print(text, file=out, flush=True)
    try:
        code, result = session(options, say, out)
    except CommandFailed as error:
        say(f"dev run: {error}")
        code, result = 1, {"ok": False, "rows": [], "problems": [str(error)]}
    except KeyboardInterrupt:
        return 130
    if options.json:
        with os.fdopen(options.json_fd, "w", closefd=False) as channel:
            channel.write(json.dumps(result, indent=1) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
