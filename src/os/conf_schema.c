/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all configuration keys. There is no key that weakens TLS or the proof of a peer (P6). */
#include "os/conf_schema.h"

#include <string.h>

#include "base/clock.h"

#define SECOND CLOCK_US_PER_S
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MIB (INT64_C(1024) * 1024)

#define KEY(section, name, kind, member, fallback, least, most, help) \
    {(section), (name), (kind), offsetof(struct conf, member), 0, (fallback), (least), (most), (help), NULL}
#define SUB(name, kind, member, fallback, help) \
    {"submission", (name), (kind), offsetof(struct conf_submission, member), 0, (fallback), 0, 0, (help), NULL}
#define DEMAND(section, name, kind, member, help) \
    {(section), (name), (kind), offsetof(struct conf_demand, member), 0, NULL, 0, 0, (help), NULL}
#define CHOICE(section, name, type, member, fallback, least, choices, help) \
    {(section), (name), CONF_CHOICE, offsetof(type, member), 0, (fallback), (least), 0, (help), (choices)}
#define LEVELS "pkix|pkix+dnssec|sts|dane"

static const struct conf_key schema[] = {
    KEY("", "hostname", CONF_STRING, hostname, NULL, 0, 0,
        "Name of this relay: in greetings, Received fields and, unless courier.helo says otherwise, EHLO."),
    KEY("", "directory", CONF_PATH, directory, ".", 0, 0,
        "Folder of all state: store, keys and run below it. Default: the folder of the configuration file."),
    KEY("", "operator", CONF_STRING, operator_name, "the sender's organisation", 0, 0,
        "Name of the organisation, shown to recipients in notices and pages. Nothing private."),
    KEY("", "postmaster", CONF_STRING, postmaster, NULL, 0, 0,
        "Mailbox of the operator, shown on pages and used as From: of returned-mail reports."),
    KEY("", "log-level", CONF_STRING, log_level, "info", 0, 0, "Least level that is logged: debug, info, warn, error, alarm."),

    SUB("listen", CONF_LISTEN, listen, NULL, "Addresses to listen on, such as {\"127.0.0.1:465\", \"[::1]:465\"}."),
    SUB("mode", CONF_MODE, starttls, "tls",
        "\"tls\": TLS from the first byte (port 465, preferred); \"starttls\": STARTTLS before anything else (port 587)."),
    SUB("certificate", CONF_PATH, certificate, NULL, "PEM file: certificate and chain shown to clients."),
    SUB("key", CONF_PATH, key, NULL, "PEM file: private key. Read by the supervisor only and handed over as a descriptor."),

    KEY("limits", "message-size", CONF_SIZE, message_max, "50MiB", 1024, 1024 * MIB, "Largest message accepted (SIZE)."),
    KEY("limits", "sessions", CONF_COUNT, sessions_max, "1000", 1, 100000, "Open sessions of one intake process; more are told 421."),
    KEY("limits", "recipients", CONF_COUNT, recipients_max, "100", 1, 100, "Recipients of one message."),
    KEY("limits", "disk-reserve", CONF_SIZE, store_reserve, "256MiB", 0, 1024 * 1024 * MIB,
        "Below this free space new mail is answered 452, while delivery goes on."),
    KEY("limits", "queue", CONF_COUNT, queue_max, "1000000", 1, 10000000, "Messages held at most; more are answered 452."),

    KEY("resolver", "forward", CONF_SERVERS, resolver_forward, NULL, 0, 0,
        "DNS servers to ask, such as {\"127.0.0.1:53\"}; empty: ask from the root. /etc/resolv.conf is never read."),
    KEY("resolver", "trust-anchor", CONF_PATH, resolver_trust_anchor, NULL, 0, 0,
        "File with DS or DNSKEY records trusted for DNSSEC. Without it every answer counts as insecure."),
    KEY("resolver", "sts-port", CONF_COUNT, resolver_sts_port, "443", 1, 65535,
        "Port at which MTA-STS policies are fetched. 443 on the internet; laboratories use others."),

    KEY("trust", "ca-file", CONF_PATH, trust_ca_file, "/etc/ssl/certs/ca-certificates.crt", 0, 0,
        "PEM bundle of the authorities that may vouch for receiving servers."),
    CHOICE("trust", "profile", struct conf, trust_profile, "strict", 0, "strict|nist|fips",
        "What is asked of protocol, cipher, group and keys. strict: TLS 1.3, or TLS 1.2 with forward secrecy and AEAD; nist: "
        "SP 800-52r2; fips: the same, made by OpenSSL's FIPS provider, without which the start is refused."),
    KEY("trust", "fips-config", CONF_PATH, trust_fips_config, "/etc/ssl/fipsmodule.cnf", 0, 0,
        "File that `openssl fipsinstall` wrote for OpenSSL's FIPS provider; read with profile \"fips\" only."),
    CHOICE("trust", "minimum", struct conf, trust_minimum, "pkix", 1, LEVELS,
        "Least proof of a receiving server. Tenant, domain, credential and message can each raise it, never lower it; what "
        "cannot be proved so high is posted to the Message Center."),
    KEY("trust", "memory", CONF_DURATION, trust_memory, "90d", 1000 * 1000, 3650 * DAY,
        "How long the best proof a domain has shown is remembered after it was last shown: until then less is not believed."),

    CHOICE("domain", "minimum", struct conf_demand, minimum, NULL, 1, LEVELS, "Least proof of the domain's servers."),
    DEMAND("domain", "pins", CONF_PINS, pins,
        "Keys, one of which must be in the verified chain: \"sha256:BASE64\" of the server's public key (SubjectPublicKeyInfo), "
        "\"ca-sha256:BASE64\" of an authority's. At least two, so that one is a spare."),
    DEMAND("domain", "pins-until", CONF_DATE, pins_until,
        "Last day (UTC) on which the pins hold, such as \"2027-03-01\"; past that they have no effect, and that is alarmed."),

    CHOICE("tenant", "minimum", struct conf_demand, minimum, NULL, 1, LEVELS, "Least proof for mail of this tenant."),

    KEY("courier", "port", CONF_COUNT, courier_port, "25", 1, 65535, "Port of receiving servers."),
    KEY("courier", "source", CONF_SOURCES, courier_source, NULL, 0, 0, "Local addresses to send from, one of each family at most."),
    KEY("courier", "helo", CONF_STRING, courier_helo, NULL, 0, 0, "EHLO name of protected mail. Default: hostname."),
    KEY("courier", "allow-private", CONF_BOOL, courier_allow_private, "false", 0, 0,
        "Whether loopback and private addresses may be receivers."),
    {"courier", "retry", CONF_DURATIONS, offsetof(struct conf, courier_retry), offsetof(struct conf, courier_retry_count),
     "1m 5m 15m 30m", 100 * 1000, DAY, "Waits before the next attempts; the last one repeats.", NULL},
    KEY("courier", "hold", CONF_DURATION, courier_hold, "4h", 100 * 1000, 5 * DAY,
        "Holding limit: what could not be delivered by then is posted to the Message Center."),
    KEY("courier", "connect-timeout", CONF_DURATION, courier_connect_timeout, "30s", 100 * 1000, 5 * MINUTE,
        "How long a connection and its handshake may take."),
    KEY("courier", "command-timeout", CONF_DURATION, courier_command_timeout, "5m", 100 * 1000, 10 * MINUTE,
        "How long a reply may take (twice as long after the final dot)."),
    KEY("courier", "per-destination", CONF_COUNT, courier_per_destination, "20", 1, 1000, "Messages in delivery to one destination at once."),

    KEY("notice", "from", CONF_STRING, notice_from, NULL, 0, 0, "From: of notices and codes: the operator's address, never the author's."),
    KEY("notice", "reverse-path", CONF_STRING, notice_reverse_path, "", 0, 0,
        "Envelope sender of notices and codes; empty: the null path."),
    KEY("notice", "helo", CONF_STRING, notice_helo, NULL, 0, 0, "EHLO name of the notice route. Default: hostname."),
    KEY("notice", "subject", CONF_STRING, notice_subject, "You have a secure message", 0, 0, "Subject of notices. Nothing private."),
    KEY("notice", "text", CONF_STRING, notice_text,
        "{operator} has sent you a secure message.\n\nTo read it, open this address and follow the steps:\n\n{link}\n\n"
        "The message can be read until {expires}.\n",
        0, 0, "Text of notices: {link}, {expires} and {operator} are filled in, nothing else can be."),
    KEY("notice", "lifetime", CONF_DURATION, notice_lifetime, "5d", 100 * 1000, 30 * DAY,
        "A notice not delivered within it withdraws its letter, and the sender is told."),
    KEY("notice", "refusal-gap", CONF_DURATION, notice_refusal_gap, "1h", 100 * 1000, DAY,
        "Time between the two refusals by every host that end a notice."),
    KEY("notice", "daily-recipient", CONF_COUNT, notice_daily_recipient, "50", 1, 100000, "Notices and codes to one recipient in 24 hours."),
    KEY("notice", "daily-domain", CONF_COUNT, notice_daily_domain, "10000", 1, 10000000, "Notices and codes to one domain in 24 hours."),

    KEY("center", "listen", CONF_LISTEN, center_listen, NULL, 0, 0, "Addresses of the Message Center (HTTPS)."),
    KEY("center", "base-url", CONF_STRING, center_base_url, NULL, 0, 0,
        "Address of the Message Center in links, such as \"https://mail.clinic.example\", without a slash at its end."),
    KEY("center", "certificate", CONF_PATH, center_certificate, NULL, 0, 0, "PEM file: certificate and chain of the Message Center."),
    KEY("center", "key", CONF_PATH, center_key, NULL, 0, 0, "PEM file: its private key."),
    KEY("center", "letter-lifetime", CONF_DURATION, center_letter_lifetime, "30d", 1000 * 1000, 365 * DAY, "How long a letter can be read."),
    KEY("center", "link-lifetime", CONF_DURATION, center_link_lifetime, "30d", 1000 * 1000, 365 * DAY,
        "How long a link opens its letter; a new one can be asked for."),
    KEY("center", "code-lifetime", CONF_DURATION, center_code_lifetime, "30m", 1000 * 1000, DAY, "How long a one-time code is valid."),
    KEY("center", "session-idle", CONF_DURATION, center_session_idle, "15m", 1000 * 1000, DAY, "Automatic log-off of a reader."),
    KEY("center", "code-tries", CONF_COUNT, center_code_tries, "5", 1, 20, "Wrong codes before a code is void."),

    KEY("report", "contact", CONF_STRING, report_contact, NULL, 0, 0,
        "Mailbox that reports about TLS (RFC 8460) name as their sender's. While it is not set, nothing is counted and nothing is sent."),
    KEY("report", "organization", CONF_STRING, report_organization, NULL, 0, 0, "Name of the reporting organisation. Default: operator."),
    KEY("report", "domain", CONF_STRING, report_domain, NULL, 0, 0,
        "Domain that submits and signs the reports. Default: the domain of contact."),
    KEY("report", "selector", CONF_STRING, report_selector, "sealpost", 0, 0,
        "Selector of the DKIM key; `sealpost report key` prints the record to publish."),
    KEY("report", "spread", CONF_DURATION, report_spread, "4h", 0, 12 * HOUR,
        "Reports of a day leave at a random moment within this time after midnight UTC."),
    KEY("report", "count-every", CONF_DURATION, report_count_every, "5m", 100 * 1000, HOUR,
        "How often couriers hand over what they counted; a courier that dies loses the counts since."),
    KEY("report", "daily", CONF_COUNT, report_daily, "1000", 1, 5000,
        "Reports of others that the Message Center takes at /tlsrpt in a day (UTC), while contact is set; anybody may send there."),

    KEY("keys", "escrow", CONF_PATHS, keys_escrow, NULL, 0, 0,
        "PEM files of the public escrow keys (RSA, 3072 bits or more). Their private halves are kept off this machine."),

    KEY("roles", "uid", CONF_COUNT, roles_uid, "61440", 1, 4000000000, "First of the numeric user ids of the processes; no accounts are needed."),
    KEY("roles", "intake", CONF_COUNT, roles_intake, "0", 0, 64, "Intake processes; 0: one per core."),
    KEY("roles", "courier", CONF_COUNT, roles_courier, "0", 0, 64, "Courier processes; 0: one per core."),
    KEY("roles", "web", CONF_COUNT, roles_web, "1", 1, 64, "Message Center processes."),
};

static const struct {
    const char *section;
    const char *help;
} sections[] = {
    {"submission", "A listener for applications and mail programs. May stand several times."},
    {"limits", "Bounds. Reaching one is answered with a sentence, never with growth."},
    {"resolver", "DNS, for everything."},
    {"trust", "What a receiving server's proof is measured by. There is no way to go below TLS 1.2 with a verified peer."},
    {"domain", "Demands on one recipient domain, its name as title: `domain \"example.org\" { minimum = \"dane\" }`. A title with a "
               "dot in front, \".example.org\", covers every name below it and not itself. May stand 1000 times."},
    {"tenant", "Demands of one tenant, its name as title: `tenant \"default\" { minimum = \"sts\" }`. May stand 1000 times."},
    {"courier", "Delivery."},
    {"notice", "Mail that Sealpost itself sends to recipients: notices and codes, without private text."},
    {"center", "The Message Center, where recipients read what could not be delivered safely."},
    {"report", "Reports about TLS to the domains that ask for them (RFC 8460): how many connections proved themselves, and why "
               "others did not. No message, no person is in them. Off until contact is set."},
    {"keys", "Keys."},
    {"roles", "Processes."},
};

const struct conf_key *conf_schema(size_t *ret_count)
{
    *ret_count = sizeof(schema) / sizeof(*schema);
    return schema;
}

const char *conf_section_help(const char *section)
{
    for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
        if (strcmp(sections[i].section, section) == 0) {
            return sections[i].help;
        }
    }
    return "";
}

#define NAME_MAX_COMPARED 31u

/* Levenshtein distance; names longer than the limit count as far away. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_COMPARED + 1];
    size_t la = strlen(a);
    size_t lb = strlen(b);

    if (la > NAME_MAX_COMPARED || lb > NAME_MAX_COMPARED) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            corner = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
        }
    }
    return row[lb];
}

static void nearer(const char *candidate, const char *name, size_t *best, const char **ret)
{
    size_t d = distance(candidate, name);

    if (d < *best) {
        *best = d;
        *ret = candidate;
    }
}

const char *conf_nearest(const char *section, const char *name)
{
    size_t best = 4;
    const char *ret = NULL;

    for (size_t i = 0; i < sizeof(schema) / sizeof(*schema); i++) {
        if (strcmp(schema[i].section, section) == 0) {
            nearer(schema[i].name, name, &best, &ret);
        }
    }
    for (size_t i = 0; *section == '\0' && i < sizeof(sections) / sizeof(*sections); i++) {
        nearer(sections[i].section, name, &best, &ret);
    }
    return ret;
}
