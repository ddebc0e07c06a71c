/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason a verdict can have, in one table: its number (stored, never reused), its name for machines, the RFC 8460
 * result type where one fits, one sentence for a clerk, one for an engineer, one for the owner of the receiving domain.
 * Explained one by one in docs/reasons.md. */
#ifndef TRUST_TRUST_REASON_H
#define TRUST_TRUST_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(code, name, name for machines, RFC 8460 result type, clerk's sentence, engineer's sentence, what the domain's owner must mend) */
#define TRUST_REASONS(X) \
    X(0, NONE, "none", "", \
      "Nothing to report.", \
      "No reason recorded.", \
      "") \
    X(1, DELIVERED, "delivered", "", \
      "The message was handed to the recipient's mail server over a proved, encrypted connection.", \
      "2xx to the content on a session with TLS 1.2 or newer and an authenticated peer.", \
      "") \
    X(2, PROVED, "proved", "", \
      "The recipient's mail server proved who it is.", \
      "Protocol and suite within the profile, and the peer authenticated: by DANE, or by chain, dates, keys and host name.", \
      "") \
    X(10, DNS_FAILED, "dns-failed", "", \
      "The recipient's domain could not be looked up for the moment.", \
      "SERVFAIL, timeout or no usable answer to the MX or address question.", \
      "Make the name servers of the domain answer questions for MX, A and AAAA.") \
    X(11, DNS_BOGUS, "dns-bogus", "dnssec-invalid", \
      "The answer about the recipient's domain carried a false signature, which can be an attack.", \
      "DNSSEC validation of the MX or address answer failed (bogus).", \
      "Mend the DNSSEC signatures of the domain or of its mail hosts, or the DS record at the parent.") \
    X(12, DNS_MALFORMED, "dns-malformed", "", \
      "The recipient's domain is set up in a way that cannot be understood.", \
      "Malformed MX or address answer, or a CNAME loop.", \
      "Correct the MX and CNAME records of the domain; an MX record must name a host.") \
    X(13, NULL_MX, "null-mx", "", \
      "The recipient's domain says that it takes no mail at all.", \
      "Null MX (RFC 7505).", \
      "Remove the null MX record if the domain is meant to receive mail.") \
    X(14, NO_DOMAIN, "no-such-domain", "", \
      "The recipient's domain does not exist. Please check the address.", \
      "NXDOMAIN for the domain of the address.", \
      "") \
    X(15, NO_ADDRESS, "no-mail-server", "", \
      "The recipient's domain has no mail server. Please check the address.", \
      "NODATA: neither MX nor address records.", \
      "Give the domain an MX record, and the host it names an address.") \
    X(16, DANGLING, "dangling-mx", "", \
      "The mail servers named by the recipient's domain do not exist.", \
      "Every MX host is without address records.", \
      "Give the hosts of the MX records addresses, or name hosts that have them.") \
    X(17, HOST_WITHOUT_ADDRESS, "host-without-address", "", \
      "A mail server named by the recipient's domain does not exist.", \
      "This MX host has no address record.", \
      "Give this host an address, or remove its MX record.") \
    X(18, TLSA_FAILED, "tlsa-lookup-failed", "dnssec-invalid", \
      "A safety record of the recipient's mail server could not be looked up for the moment.", \
      "SERVFAIL, timeout or no usable answer to the TLSA question below a signed name (RFC 7672 section 2.1.3: delay, never less).", \
      "Make the name servers of the domain answer questions for TLSA, with a record or a signed denial.") \
    X(19, TLSA_UNUSABLE, "tlsa-unusable", "tlsa-invalid", \
      "The safety records of the recipient's mail server are set up in a way that cannot be used.", \
      "TLSA records are there, but none of usage 2 or 3 with known selector, matching and well-formed data.", \
      "Publish TLSA records that can be used, for instance 3 1 1.") \
    X(20, REFUSED, "connection-refused", "", \
      "The recipient's mail server does not answer.", \
      "Connection refused.", \
      "Let the mail server listen on port 25, and let connections reach it.") \
    X(21, TIMEOUT, "connection-timeout", "", \
      "The recipient's mail server does not answer.", \
      "Connection or reply timed out.", \
      "Let connections reach port 25, and answer within the times of RFC 5321 section 4.5.3.2.") \
    X(22, UNREACHABLE, "unreachable", "", \
      "The recipient's mail server cannot be reached.", \
      "Network or host unreachable.", \
      "Make the address of the mail server reachable from the Internet.") \
    X(23, PRIVATE_ADDRESS, "private-address", "", \
      "The recipient's domain points to an address inside a private network.", \
      "The host has only loopback, private or otherwise reserved addresses and courier.allow-private is off.", \
      "Publish public addresses for the mail server.") \
    X(24, CLOSED, "connection-closed", "", \
      "The recipient's mail server ended the conversation too early.", \
      "The connection was closed or reset before an answer.", \
      "Find out in the log of the mail server why it closes connections early.") \
    X(25, UNPROVED_4XX, "unproved-4xx", "", \
      "The recipient's mail server asks to try again later.", \
      "4xx to greeting, EHLO or STARTTLS.", \
      "Find out in the log of the mail server why it puts us off.") \
    X(26, UNPROVED_5XX, "unproved-5xx", "", \
      "The recipient's mail server does not want to talk to us.", \
      "5xx to greeting, EHLO or STARTTLS.", \
      "Find out in the log of the mail server why it refuses us.") \
    X(27, MALFORMED, "malformed-reply", "", \
      "The recipient's mail server does not follow the rules of mail.", \
      "A reply was malformed, too long, or no answer to the command.", \
      "Make the mail server answer as RFC 5321 section 4.2 says.") \
    X(28, INJECTED, "injected-reply", "starttls-not-supported", \
      "Somebody put words into the conversation with the recipient's mail server.", \
      "Data arrived before it was asked for, or in the clear behind the 220 of STARTTLS (CVE-2021-38371).", \
      "Remove what changes the conversation on the way, or update the mail server: it must say nothing behind the 220 of STARTTLS.") \
    X(30, NO_STARTTLS, "no-starttls", "starttls-not-supported", \
      "The recipient's mail server cannot encrypt.", \
      "EHLO does not offer STARTTLS.", \
      "Offer STARTTLS with TLS 1.2 or newer, and remove firewalls that hide it.") \
    X(31, TLS_OLD, "tls-too-old", "validation-failure", \
      "The recipient's mail server only knows encryption that is no longer safe.", \
      "No TLS version of 1.2 or newer in common (protocol_version).", \
      "Enable TLS 1.2 and TLS 1.3.") \
    X(32, TLS_SUITE, "tls-weak-suite", "validation-failure", \
      "The recipient's mail server only knows encryption that is too weak.", \
      "No cipher suite, group or signature algorithm of the profile in common.", \
      "Offer cipher suites with (EC)DHE and AES-GCM, and keys of 2048 bits or P-256 and more.") \
    X(33, TLS_FAILED, "tls-failed", "validation-failure", \
      "Encryption with the recipient's mail server could not be set up.", \
      "The TLS handshake failed.", \
      "Find out in the log of the mail server why the TLS handshake fails.") \
    X(40, CERT_NONE, "certificate-missing", "certificate-not-trusted", \
      "The recipient's mail server showed no certificate.", \
      "No peer certificate.", \
      "Configure a certificate for the mail server.") \
    X(41, CERT_EXPIRED, "certificate-expired", "certificate-expired", \
      "The certificate of the recipient's mail server has expired.", \
      "A certificate of the chain is past notAfter.", \
      "Renew the certificate, install it with its chain, and restart the mail server.") \
    X(42, CERT_NOT_YET, "certificate-not-yet-valid", "certificate-expired", \
      "The certificate of the recipient's mail server is not valid yet.", \
      "A certificate of the chain is before notBefore.", \
      "Install a certificate that is valid today; check the clock of the machine that issued it.") \
    X(43, CERT_SELF_SIGNED, "certificate-self-signed", "certificate-not-trusted", \
      "The recipient's mail server vouches only for itself.", \
      "Self-signed certificate that is no trust anchor.", \
      "Install a certificate of a public certificate authority, or publish DANE records.") \
    X(44, CERT_UNTRUSTED, "certificate-not-trusted", "certificate-not-trusted", \
      "The certificate of the recipient's mail server was issued by nobody we trust.", \
      "No path to a trust anchor: unknown issuer or incomplete chain.", \
      "Install a certificate of a public certificate authority, with its intermediate certificates, or publish DANE records.") \
    X(45, CERT_CHAIN, "certificate-chain-invalid", "validation-failure", \
      "The certificate of the recipient's mail server is not in order.", \
      "Path validation failed (constraints, usage of a CA, extension, signature).", \
      "Install a certificate and a chain that follow RFC 5280; the detail says which rule is broken.") \
    X(46, CERT_NAME, "certificate-host-mismatch", "certificate-host-mismatch", \
      "The certificate of the recipient's mail server is for another name.", \
      "No DNS name of subjectAltName matches the MX host name.", \
      "Install a certificate whose DNS names contain the name of the MX host.") \
    X(47, CERT_KEY, "certificate-weak-key", "validation-failure", \
      "The certificate of the recipient's mail server uses a key that is too weak.", \
      "A key of the chain is none of RSA >= 2048, P-256, P-384, P-521, Ed25519, Ed448.", \
      "Make a new key: RSA of 2048 bits or more, or P-256.") \
    X(48, CERT_SIGNATURE, "certificate-weak-signature", "validation-failure", \
      "The certificate of the recipient's mail server is signed too weakly.", \
      "A signature of the chain does not use SHA-2 or better.", \
      "Install a certificate and a chain signed with SHA-256 or better.") \
    X(49, CERT_USAGE, "certificate-wrong-usage", "validation-failure", \
      "The certificate of the recipient's mail server is made for another purpose.", \
      "extendedKeyUsage lacks serverAuth.", \
      "Install a certificate made for servers (extendedKeyUsage serverAuth).") \
    X(50, CERT_REVOKED, "certificate-revoked", "validation-failure", \
      "The certificate of the recipient's mail server was revoked.", \
      "A certificate of the chain is revoked.", \
      "Replace the revoked certificate.") \
    X(51, LEVEL_BELOW_MINIMUM, "proof-below-minimum", "validation-failure", \
      "The recipient's mail server proved less than is demanded for this domain.", \
      "The proof level is below the configured minimum.", \
      "Publish DANE records or an MTA-STS policy in mode enforce, as the sender demands.") \
    X(52, LEVEL_FELL, "proof-fell", "validation-failure", \
      "The recipient's mail server proved less than it did before, which can be an attack.", \
      "The proof level is below the best this domain has shown.", \
      "Restore what the domain had before: DANE records, DNSSEC, the MTA-STS policy, or a valid certificate.") \
    X(53, DANE_MISMATCH, "dane-mismatch", "certificate-not-trusted", \
      "The recipient's mail server is not the one that its domain vouches for, which can be an attack.", \
      "No usable TLSA record matches a certificate of the chain.", \
      "Publish TLSA records of the certificate in use; before a change publish those of the next one too.") \
    X(54, STS_HOST, "sts-host-mismatch", "validation-failure", \
      "The mail server is not one of those that the recipient's domain has named as its own, which can be an attack.", \
      "The MX host is named by no mx of the MTA-STS policy, whose mode is enforce.", \
      "Add the host to the MTA-STS policy and change its id, or remove the MX record.") \
    X(55, PIN_MISMATCH, "pin-mismatch", "validation-failure", \
      "The recipient's mail server does not show the key that was agreed for this domain, which can be an attack.", \
      "No pinned public key is in the verified path.", \
      "") \
    X(56, CERT_STAPLE, "certificate-staple-missing", "validation-failure", \
      "The certificate of the recipient's mail server comes without the confirmation that it demands itself.", \
      "The certificate must be stapled (RFC 7633), and no OCSP staple says good.", \
      "Enable OCSP stapling, or use a certificate that does not demand it.") \
    X(58, NO_REQUIRETLS, "no-requiretls", "", \
      "The recipient's mail server cannot promise to pass the message on over encrypted connections only.", \
      "REQUIRETLS (RFC 8689) is needed and not offered, or was refused (5.7.30).", \
      "Enable REQUIRETLS (RFC 8689).") \
    X(60, PROVED_4XX, "server-4xx", "", \
      "The recipient's mail server asks to try again later.", \
      "4xx on a proved session.", \
      "") \
    X(61, PROVED_5XX, "server-5xx", "", \
      "The recipient's mail server refused the message.", \
      "5xx on a proved session.", \
      "") \
    X(62, PROVED_5XX_HELLO, "server-5xx-hello", "", \
      "The recipient's mail server does not want to talk to us.", \
      "5xx to EHLO on a proved session.", \
      "Find out in the log of the mail server why it refuses us after STARTTLS.") \
    X(63, NO_UTF8, "no-smtputf8", "", \
      "The recipient's mail server cannot take addresses or headers with letters beyond English.", \
      "SMTPUTF8 is needed and not offered, or was refused.", \
      "Enable SMTPUTF8 (RFC 6531).") \
    X(64, NO_8BIT, "no-8bitmime", "", \
      "The recipient's mail server cannot take the message without changing it.", \
      "8BITMIME is needed and not offered, or was refused.", \
      "Enable 8BITMIME (RFC 6152).") \
    X(65, TOO_BIG, "too-big", "", \
      "The message is too big for the recipient's mail server.", \
      "SIZE exceeded.", \
      "Raise the message size limit of the mail server.") \
    X(66, LOST_BEFORE_END, "lost-before-end", "", \
      "The conversation broke off while the message was being handed over.", \
      "The session ended before the end of the content; the peer has not taken the message.", \
      "Find out in the log of the mail server why it ended the conversation.") \
    X(67, LOST_AFTER_END, "lost-after-end", "", \
      "The conversation broke off before the recipient's mail server confirmed the message.", \
      "The session ended after the end of the content and before its answer; the next try may make a duplicate.", \
      "Find out why the mail server does not answer the end of the content within ten minutes.") \
    X(68, LOCAL, "local-failure", "", \
      "The message could not be read here for the moment.", \
      "Our own content could not be read or was not fit for the wire.", \
      "") \
    X(69, LOCAL_CONNECT, "local-connection-failure", "", \
      "The recipient's mail server could not be reached from here for the moment.", \
      "Our own side could not open or secure the connection (descriptors, memory, the TLS library).", \
      "") \
    X(70, DEADLINE, "deadline", "", \
      "The message could not be handed over in time.", \
      "The holding limit or the sender's DELIVERBY time was reached.", \
      "") \
    X(71, NOTICE_REFUSED, "notice-refused", "", \
      "The recipient could not be told that a message is waiting: the mail server refused the notice.", \
      "Every host said 5xx to the notice in two tries.", \
      "") \
    X(72, NOTICE_EXPIRED, "notice-expired", "", \
      "The recipient could not be told in time that a message is waiting.", \
      "The notice was not delivered within notice.lifetime.", \
      "") \
    X(73, NOTICE_HELD, "notice-held", "", \
      "The notice is held back because of a sign of attack. The operator can release it.", \
      "Posting was caused by a sign of attack and no proved session is to be had.", \
      "") \
    X(74, NOTICE_SENT, "notice-sent", "", \
      "The recipient was told that a message is waiting.", \
      "2xx to the notice.", \
      "") \
    X(75, NOTICE_LIMIT, "notice-limit", "", \
      "The recipient has had as many notices today as are allowed.", \
      "Daily limit of notices and codes reached.", \
      "") \
    X(76, LETTER_EXPIRED, "letter-expired", "", \
      "The message waited for the recipient until its time was over.", \
      "The letter reached the end of its lifetime.", \
      "") \
    X(77, UNDELIVERABLE_REPORT, "report-undeliverable", "", \
      "A report to the sender could not be delivered.", \
      "A DSN ended without delivery; an operator alarm was raised.", \
      "") \
    X(80, STS_DNS_FAILED, "sts-dns-failed", "sts-policy-fetch-error", \
      "Whether the recipient's domain has safety rules could not be looked up for the moment.", \
      "The TXT question at _mta-sts failed.", \
      "Make the name servers of the domain answer questions for TXT at _mta-sts.") \
    X(81, STS_RECORD_INVALID, "sts-record-invalid", "sts-policy-invalid", \
      "The safety rules of the recipient's domain are announced in a wrong form.", \
      "The TXT record at _mta-sts is not exactly one, or its syntax is wrong (RFC 8461 section 3.1).", \
      "Publish exactly one TXT record at _mta-sts: v=STSv1; id=...;") \
    X(82, STS_FETCH_FAILED, "sts-fetch-failed", "sts-policy-fetch-error", \
      "The safety rules of the recipient's domain could not be fetched.", \
      "The MTA-STS policy could not be fetched: connection, status, redirect, size, time or content type (RFC 8461 section 3.3).", \
      "Serve https://mta-sts.DOMAIN/.well-known/mta-sts.txt with status 200 and type text/plain, without redirects.") \
    X(83, STS_CERT_FAILED, "sts-certificate-failed", "sts-webpki-invalid", \
      "The server with the safety rules of the recipient's domain did not prove who it is.", \
      "The policy host has no valid certificate for mta-sts.DOMAIN.", \
      "Install a public certificate for mta-sts.DOMAIN on the policy host.") \
    X(84, STS_POLICY_INVALID, "sts-policy-invalid", "sts-policy-invalid", \
      "The safety rules of the recipient's domain are written in a wrong form.", \
      "The MTA-STS policy cannot be parsed (RFC 8461 section 3.2).", \
      "Correct the policy file: version, mode, mx and max_age, one a line.") \
    X(85, STS_VANISHED, "sts-policy-vanished", "", \
      "The recipient's domain no longer shows its safety rules; those kept from before still hold.", \
      "TXT record or policy host are gone while the kept MTA-STS policy has not ended.", \
      "Restore the record and the policy; to leave MTA-STS publish mode none first (RFC 8461 section 8.3).") \
    X(86, CERT_EXPIRING, "certificate-expiring", "", \
      "The certificate of a mail server that takes much of our mail ends soon.", \
      "The certificate ends within two weeks and no newer one was seen.", \
      "Renew the certificate before it ends.") \
    X(87, RESOLVER_FAILING, "resolver-failing", "", \
      "Names cannot be looked up here for the moment.", \
      "Most questions of our own resolver fail.", \
      "")

enum trust_reason {
#define TRUST_REASON_ENUM(code, name, text, rfc8460, clerk, engineer, mend) TRUST_REASON_##name = code,
    TRUST_REASONS(TRUST_REASON_ENUM)
#undef TRUST_REASON_ENUM
};

/* The name for machines ("certificate-expired"); "unknown" for a number that is not in the table. */
const char *trust_reason_name(uint16_t reason);

/* The RFC 8460 section 4.3 result type, or "". */
const char *trust_reason_rfc8460(uint16_t reason);

/* One sentence that a clinic's clerk understands. */
const char *trust_reason_clerk(uint16_t reason);

/* One sentence for whoever runs the servers. */
const char *trust_reason_engineer(uint16_t reason);

/* One sentence for the owner of the receiving domain: what to mend; "" when nothing is theirs. */
const char *trust_reason_mend(uint16_t reason);

/* Where the reason is explained: "docs/reasons.md#certificate-expired"; "docs/reasons.md" for an unknown number. */
const char *trust_reason_anchor(uint16_t reason);

/* The number of a name for machines; false for a name that is not in the table. */
bool trust_reason_find(const char *name, uint16_t *ret_reason);

/* Rows of the table, by position: for whoever lists them all. False behind the last. */
bool trust_reason_at(size_t index, uint16_t *ret_reason);

#endif
