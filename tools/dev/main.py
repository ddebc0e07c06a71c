# SPDX-License-Identifier: Apache-2.0
"""The commands of ./dev. Each returns an exit code; the whole output of every step is kept in build/logs."""
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.dev import builds, fips, fuzz, mutants, peers, results, steps  # noqa: E402  (the path must be set first)
from tools.lint import lint  # noqa: E402

FUZZ_SECONDS_IN_TEST = 4
SANITIZER_ENV = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1", "UBSAN_OPTIONS":
                 "print_stacktrace=1:halt_on_error=1"}


def _environment():
    """What pytest and the programs under test are told."""
    env = dict(os.environ, **SANITIZER_ENV)
    env.setdefault("SEALPOST_BUILD", str(builds.directory("debug")))
    env["SEALPOST_ROOT"] = str(steps.ROOT)
    vectors = steps.ROOT.parent / "shared/vectors"
    if vectors.is_dir():  # mail and addresses collected by others; tests that want them and do not find them say so
        env.setdefault("SEALPOST_VECTORS", str(vectors))
    return env


def _build_all(names, record=None):
    """Builds each; with record, each build is one test. Returns the names that failed."""
    failed = []
    for name in names:
        ok = builds.build(name) == 0
        if record is not None:
            record.add(f"build::{name}", "passed" if ok else "failed", f"see build/logs/build-{name}.log")
        if not ok:
            failed.append(name)
    return failed


def _unit(record):
    where = builds.directory("debug")
    log = where / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    workers = str(max(2, os.cpu_count() or 2))
    code = steps.run("unit tests (address and undefined-behaviour sanitizers)",
                     ["meson", "test", "-C", where, "--no-rebuild", "--num-processes", workers,
                      "--timeout-multiplier", "4"],
                     "unit.txt", env=dict(_environment()), show=_failing_line, quiet=True)
    found = results.add_meson(record, log, where)
    text = where / "meson-logs/testlog.txt"
    if text.exists():
        (steps.LOGS / "unit.txt").write_text(text.read_text(errors="replace"))
    if found == 0 or (code != 0 and record.count("failed") == 0):
        record.add("unit::run", "failed", "no unit test ran; see build/logs/unit.txt")


def _failing_line(line):
    return line if ("FAIL" in line or "TIMEOUT" in line or "ERROR" in line) and "/" in line else None


def _pytest_line(line):
    """Failures at once, and how far it is: the dots of -q."""
    return line if line and (line.startswith(("FAILED", "ERROR")) or line.rstrip().endswith("%]")) else None


def _pytest(record, title, arguments, name):
    junit = steps.LOGS / f"{name}.xml"
    junit.unlink(missing_ok=True)
    code = steps.run(title, [sys.executable, "-m", "pytest", "-q", f"--junitxml={junit}", *arguments],
                     f"{name}.txt", env=_environment(), show=_pytest_line, quiet=True, good=(0, 5))
    found = results.add_junit(record, junit)
    if found < 0 or code not in (0, 1, 5):
        record.add(f"pytest::{name}", "failed", f"pytest ended with {code}; see build/logs/{name}.txt")
    if code not in (0, 5):  # 5: there was no such test
        steps.say(f"   whole log: build/logs/{name}.txt")


def _scenarios(record):
    workers = str(2 * max(2, os.cpu_count() or 2))  # most of their time is waiting for timers
    _pytest(record, "scenario and end-to-end tests (sanitizer build)", ["-m", "not alone", "-n", workers, "--dist", "loadfile"], "pytest")
    _pytest(record, "tests that need the machine for themselves", ["-m", "alone"], "pytest-alone")


def _lint(record=None, ran=None):
    """All checks, each a test of record; with ran (a results file), requirements must name tests that ran."""
    steps.say("== lint")
    ended = lint.run(steps.ROOT, builds.directory("release"), ran)
    for name, problems in ended.items():
        for problem in problems:
            steps.say(f"   {name}: {problem}")
        if record is not None:
            record.add(f"lint::{name}", "failed" if problems else "passed",
                       f"{len(problems)} findings" if problems else "")
    steps.say(f"   {sum(1 for p in ended.values() if not p)} of {len(ended)} checks clean")
    return 1 if any(ended.values()) else 0


def command_build(_):
    return 1 if _build_all(("release", "debug")) else 0


def command_lint(_):
    if builds.build("release") != 0:
        steps.say("   the objects could not be built: checks on them would be stale")
        return 1
    return _lint()


def command_check(_):
    record = results.Results()
    if not _build_all(("release", "debug"), record):
        _unit(record)
    _lint(record)
    return record.summary()


def _long(record):
    """What takes too long for every day: OpenSSL's FIPS provider, whose tests are there only with it; more random domains."""
    os.environ.setdefault("SEALPOST_DOMAINS", "300")
    config = fips.build()
    record.add("fips::provider", "passed" if config else "failed", "see build/logs/fips.log")
    if config:
        os.environ["SEALPOST_FIPS_CONFIG"] = str(config)


def command_test(arguments):
    started = time.monotonic()
    record = results.Results()
    if "--long" in arguments:
        _long(record)
    peers_ok = peers.fetch()
    record.add("peers::fetch", "passed" if peers_ok else "failed", "see build/logs/peers.log")
    failed = _build_all(builds.BUILDS, record)
    if "debug" not in failed:
        _unit(record)
    if not {"debug", "release"} & set(failed):
        _scenarios(record)
    if "fuzz" not in failed:
        for name, ok in fuzz.run(fuzz.targets(), FUZZ_SECONDS_IN_TEST).items():
            record.add(f"tests/fuzz/fuzz_{name}.c", "passed" if ok else "failed", f"see build/logs/fuzz-{name}.log")
    record.write()
    _lint(record, results.FILE)
    record.write()
    steps.say(f"== took {(time.monotonic() - started) / 60:.1f} minutes")
    return record.summary()


def command_fuzz(arguments):
    names = [a for a in arguments if not a.isdigit()]
    seconds = next((int(a) for a in arguments if a.isdigit()), 60)
    if "oracle" in names:
        names.remove("oracle")
        if not fuzz.oracle(seconds):
            return 1
        if not names:
            return 0
    if builds.build("fuzz") != 0:
        return 1
    unknown = set(names) - set(fuzz.targets())
    if unknown:
        steps.die(f"no fuzz target {', '.join(sorted(unknown))}; there are: {', '.join(fuzz.targets())}")
    return 0 if all(fuzz.run(names or fuzz.targets(), seconds).values()) else 1


def command_mutants(arguments):
    return mutants.main(arguments)


def _program(build, script, arguments, extra=None):
    if extra and not extra():
        return 1
    if builds.build(build) != 0:
        return 1
    env = dict(os.environ, SEALPOST_BUILD=str(builds.directory(build)), SEALPOST_ROOT=str(steps.ROOT))
    os.execve(sys.executable, [sys.executable, str(script), *arguments], env)


def command_run(arguments):
    if "--json" in arguments:  # the only thing on standard output is then the JSON
        kept = os.dup(1)
        os.dup2(2, 1)
        arguments = [*arguments, f"--json-fd={kept}"]
        os.set_inheritable(kept, True)
    return _program("release", steps.ROOT / "tools/run/main.py", arguments)


def command_bench(arguments):
    return _program("release", steps.ROOT / "tools/bench/main.py", arguments, peers.fetch)


def command_pytest(arguments):
    if builds.build("debug") != 0:
        return 1
    os.execve(sys.executable, [sys.executable, "-m", "pytest", *arguments], _environment())


def main():
    os.chdir(steps.ROOT)
    commands = {name[len("command_"):]: function for name, function in globals().items()
                if name.startswith("command_")}
    return commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
