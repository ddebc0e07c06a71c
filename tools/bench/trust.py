# SPDX-License-Identifier: Apache-2.0
"""What proof costs: a verdict, the memory of many destinations in resolver and courier, a survey of many domains."""
import csv
import json
import resource
import subprocess
import time

from tests.lab import processes
from tests.lab.sealpost import program
from tools.bench import measure, programs, systems

SURVEY_SINKS = 25  # `explain` opens at most two connections to one address
SECONDS = 300
BUDGET = {"verdict_us": 20, "destinations_mib": 150}


def _run(tool, *arguments):
    done = subprocess.run([str(tool), *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def verdict(tools, result):
    """Microseconds of one verdict."""
    _, found = _run(tools["bench_trust"])
    result["verdict_us"] = found["verdict_ns"] / 1000
    result["attempt_us"] = found["attempt_ns"] / 1000


def _roles_kib(pid, names):
    """PSS of one process of each of these roles, and of the program a role is."""
    found = {}
    for process in processes.descendants(pid):
        label = measure.label(process)
        if label in names:
            found[label] = measure.process_pss_kib(process.pid)
    return found


def destinations(tools, pid, count, result, problems):
    """MiB of a resolver and a courier that know `count` domains: both as they are now, and what their caches add."""
    code, found = _run(tools["bench_destinations"], count)
    if code != 0:
        problems.append(f"the caches of {count} destinations are not whole: {found}")
    base = _roles_kib(pid, {"resolver", "courier"})
    caches = {k: v for k, v in found.items() if k.endswith("_kib")}
    result["destinations"] = {"domains": count, "caches_kib": caches, "processes_kib": base}
    result["destinations_mib"] = (sum(caches.values()) + sum(base.values())) / 1024


def survey(lab, tools, build, instance, count, result, problems):
    """Seconds that `sealpost explain --file` takes for domains nobody has asked for yet, each with a host of its own."""
    certificate = lab.certificate("any.survey.test", names=["*.survey.test"])
    addresses = [lab.net.address() for _ in range(SURVEY_SINKS)]
    sinks = [programs.Sink(tools["bench_sink"], a, lab.smtp_port, certificate, systems.SENDER, 1, 1, 100) for a in addresses]
    names = f"{lab.folder}/survey.txt"
    try:
        for number in range(count):
            lab.dns.mail_domain(f"s{number}.test", f"mx{number}.survey.test", address=addresses[number % SURVEY_SINKS])
        with open(names, "w", encoding="ascii") as text:
            text.write("".join(f"s{number}.test\n" for number in range(count)))
        asked, before, begin = len(lab.dns.queries), resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run([str(program("sealpost", build)), "-c", str(instance.conf), "explain", "--file", names, "--csv",
                               f"{names}.csv"], capture_output=True, text=True, timeout=SECONDS, check=False)
        wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    finally:
        for sink in sinks:
            sink.close()
    with open(f"{names}.csv", encoding="utf-8", newline="") as text:
        delivered = sum(row["end"] == "delivered" for row in csv.DictReader(text))
    if done.returncode != 0 or delivered != count:  # a domain that was not looked at makes the figure worthless
        problems.append(f"the survey found {delivered} of {count} domains good: {done.stdout[-500:]}{done.stderr[-500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result["survey"] = {"domains": count, "seconds": wall, "cpu_seconds": cpu, "questions": len(lab.dns.queries) - asked}


def lines(result):
    """The figures as text, with what the house builds for."""
    if not result:
        return
    yield "what proof costs"
    yield f"  a verdict                                  {result['verdict_us']:.3f} us (to build for: < {BUDGET['verdict_us']} us)"
    many = result["destinations"]
    parts = ", ".join(f"{k[:-4]} {v / 1024:.1f}" for k, v in many["caches_kib"].items())
    own = ", ".join(f"{k} {v / 1024:.1f}" for k, v in many["processes_kib"].items())
    yield (f"  memory of {many['domains']} destinations, STS and DANE   {result['destinations_mib']:.1f} MiB "
           f"(to build for: < {BUDGET['destinations_mib']} MiB)")
    yield f"    caches: {parts}; the processes themselves: {own}"
    one = result["survey"]
    yield (f"  explain --file of {one['domains']} domains, cold         {one['seconds']:.1f} s, {one['cpu_seconds']:.1f} s of it CPU "
           f"of its processes, {one['questions']} questions to the lab's name server")
