# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets that tests/fuzz/meson.build builds: seeds and dictionary from the tree, new inputs in build/. Beside
them the oracle: random facts, judged by the product and by the model in tests/oracle."""
import os
import subprocess
import sys

from tools.dev import builds, steps

SOURCES = steps.ROOT / "tests/fuzz"


def targets():
    """Names of the targets that were built, in order."""
    where = builds.directory("fuzz") / "tests/fuzz"
    if not where.exists():
        return []
    return sorted(p.name[len("fuzz_"):] for p in where.iterdir() if p.name.startswith("fuzz_") and p.is_file())


def _command(name, seconds):
    corpus = steps.BUILD / "corpus" / name
    findings = steps.BUILD / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    command = [builds.directory("fuzz") / "tests/fuzz" / f"fuzz_{name}", f"-max_total_time={seconds}", "-timeout=10",
               "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={findings}/{name}-"]
    dictionary = SOURCES / f"{name}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    command.append(corpus)
    seeds = SOURCES / "seeds" / name
    if seeds.exists():
        command.append(seeds)
    return [str(c) for c in command]


def _start(name, seconds):
    log = open(steps.LOGS / f"fuzz-{name}.log", "w", encoding="utf-8")
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1")
    return subprocess.Popen(_command(name, seconds), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                            env=env, cwd=steps.ROOT)


def run(names, seconds):
    """Runs each named target for so many seconds, two at a time; returns {name: True when nothing was found}."""
    steps.say(f"== fuzz {len(names)} targets, {seconds} s each")
    waiting, running, ended = list(names), {}, {}
    while waiting or running:
        while waiting and len(running) < 2:
            name = waiting.pop(0)
            running[name] = _start(name, seconds)
        name, process = next(iter(running.items()))
        ended[name] = process.wait() == 0
        del running[name]
        steps.say(f"   {name}: {'nothing found' if ended[name] else 'FAILED'}")
        if not ended[name]:
            steps.tail(steps.LOGS / f"fuzz-{name}.log", 30)
    return ended


def oracle(seconds):
    """Compares verdicts for so many seconds; True when nothing was found."""
    if builds.build("debug") != 0:
        return False
    judge = builds.directory("debug") / "tests/unit/trust/trust_judge"
    return steps.run(f"oracle, {seconds} s", [sys.executable, "-m", "tests.oracle.compare", judge, seconds], "fuzz-oracle.log",
                     show=lambda line: line) == 0
