/* SPDX-License-Identifier: Apache-2.0 */
/* What a verdict costs: domain, hosts, the whole attempt and the message's needs, over facts of every kind, without the
 * certificate check, which is part of collecting facts. Prints one JSON object. Usage: bench_trust [ROUNDS] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "trust/trust_destination.h"
#include "trust/trust_verdict.h"

#define ROUNDS 200000
#define SESSIONS 6
#define NOW INT64_C(1700000000000000)

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A host that proves itself; the others are made from it. */
static struct trust_session good(void)
{
    struct trust_session s = {.dns = TRUST_DNS_OK, .dns_secure = true, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .group = "secp256r1", .bits = 256, .aead = true,
                               .ephemeral = true, .cipher = TRUST_CIPHER_AES_GCM, .extended_master = true};
    s.cert = (struct trust_cert){.checked = true, .from_us = NOW - 1, .until_us = NOW + 1};
    return s;
}

static void make_sessions(struct trust_session sessions[SESSIONS])
{
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = good();
    sessions[0].connect = TRUST_CONNECT_REFUSED;
    sessions[1].starttls = false;
    sessions[1].tls.established = false;
    sessions[2].cert.fault = TRUST_CERT_EXPIRED;
    sessions[3].dane = (struct trust_dane){.tlsa = TRUST_TLSA_USABLE, .checked = true, .fault = TRUST_CERT_UNTRUSTED};
    sessions[4].fault = SMTP_FAULT_REPLY;
    sessions[4].code = 451;
    sessions[5].dane = (struct trust_dane){.tlsa = TRUST_TLSA_USABLE, .checked = true, .matched = true, .from_us = INT64_MIN,
                                           .until_us = INT64_MAX};
}

/* One attempt: six hosts, the last one proves itself. Returns something of the result, so that nothing is left out. */
static unsigned attempt(const struct trust_domain *domain, const struct trust_session sessions[SESSIONS])
{
    static const struct trust_needs needs = {.utf8 = true, .require_tls = true, .size = 1000};
    struct trust_destination destination;
    unsigned sum = (unsigned)trust_verdict_domain(domain).reason;
    trust_destination_init(&destination);
    for (int i = 0; i < SESSIONS; i++) {
        struct trust_verdict v = trust_verdict_session(domain, &sessions[i], NOW);
        if (v.action == TRUST_SEND)
            sum += (unsigned)trust_verdict_needs(&sessions[i].caps, &needs).reason;
        else
            trust_destination_add(&destination, v);
        sum += (unsigned)v.reason;
    }
    return sum + (unsigned)trust_destination_end(&destination, domain).reason;
}

int main(int argc, char **argv)
{
    static const enum trust_profile profiles[] = {TRUST_PROFILE_STRICT, TRUST_PROFILE_NIST};
    struct trust_session sessions[SESSIONS];
    struct trust_domain domain = {.mx = TRUST_DNS_OK, .secure = true, .hosts = SESSIONS, .minimum = TRUST_LEVEL_PKIX};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
    unsigned sum = 0;
    if (rounds < 1)
        return 2;
    make_sessions(sessions);
    int64_t begin = now_ns();
    for (long i = 0; i < rounds; i++) {
        domain.profile = profiles[i % 2];
        domain.shown = (enum trust_level)(i % 5);
        sum += attempt(&domain, sessions);
    }
    double spent = (double)(now_ns() - begin) / (double)rounds;
    printf("{\"rounds\": %ld, \"attempt_ns\": %.1f, \"verdict_ns\": %.1f, \"check\": %u}\n", rounds, spent, spent / (SESSIONS + 2), sum);
    return 0;
}
