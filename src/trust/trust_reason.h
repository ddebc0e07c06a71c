/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason a verdict can have, in one table: its number (stored, never reused), its name for machines, the RFC 8460
 * result type where one fits, one sentence for a clerk and one for an engineer. */
#ifndef TRUST_TRUST_REASON_H
#define TRUST_TRUST_REASON_H

#include <stdint.h>

/* X(code, name, RFC 8460 result type, clerk's sentence, engineer's sentence) */
#define TRUST_REASONS(X)                                                                                                \
    X(0, NONE, "none", "", "Nothing to report.", "No reason recorded.")                                                 \
    X(1, DELIVERED, "delivered", "", "The message was handed to the recipient's mail server over a proved, encrypted connection.", \
      "2xx to the content on a session with TLS 1.2 or newer and a verified certificate.")                             \
    X(2, PROVED, "proved", "", "The recipient's mail server proved who it is.",                                         \
      "Certificate chain, dates, keys and host name verified; protocol and suite within the profile.")                  \
    X(10, DNS_FAILED, "dns-failed", "", "The recipient's domain could not be looked up for the moment.",                \
      "SERVFAIL, timeout or no usable answer to the MX or address question.")                                           \
    X(11, DNS_BOGUS, "dns-bogus", "dnssec-invalid", "The answer about the recipient's domain carried a false signature, which can be an attack.", \
      "DNSSEC validation of the MX or address answer failed (bogus).")                                                  \
    X(12, DNS_MALFORMED, "dns-malformed", "", "The recipient's domain is set up in a way that cannot be understood.",   \
      "Malformed MX or address answer, or a CNAME loop.")                                                               \
    X(13, NULL_MX, "null-mx", "", "The recipient's domain says that it takes no mail at all.", "Null MX (RFC 7505).")   \
    X(14, NO_DOMAIN, "no-such-domain", "", "The recipient's domain does not exist. Please check the address.",          \
      "NXDOMAIN for the domain of the address.")                                                                        \
    X(15, NO_ADDRESS, "no-mail-server", "", "The recipient's domain has no mail server. Please check the address.",     \
      "NODATA: neither MX nor address records.")                                                                        \
    X(16, DANGLING, "dangling-mx", "", "The mail servers named by the recipient's domain do not exist.",                \
      "Every MX host is without address records.")                                                                      \
    X(17, HOST_WITHOUT_ADDRESS, "host-without-address", "", "A mail server named by the recipient's domain does not exist.", \
      "This MX host has no address record.")                                                                            \
    X(20, REFUSED, "connection-refused", "", "The recipient's mail server does not answer.", "Connection refused.")      \
    X(21, TIMEOUT, "connection-timeout", "", "The recipient's mail server does not answer.", "Connection or reply timed out.") \
    X(22, UNREACHABLE, "unreachable", "", "The recipient's mail server cannot be reached.", "Network or host unreachable.") \
    X(23, PRIVATE_ADDRESS, "private-address", "", "The recipient's domain points to an address inside a private network.", \
      "The host has only loopback, private or otherwise reserved addresses and courier.allow-private is off.")          \
    X(24, CLOSED, "connection-closed", "", "The recipient's mail server ended the conversation too early.",             \
      "The connection was closed or reset before an answer.")                                                           \
    X(25, UNPROVED_4XX, "unproved-4xx", "", "The recipient's mail server asks to try again later.",                     \
      "4xx to greeting, EHLO or STARTTLS.")                                                                             \
    X(26, UNPROVED_5XX, "unproved-5xx", "", "The recipient's mail server does not want to talk to us.",                 \
      "5xx to greeting, EHLO or STARTTLS.")                                                                             \
    X(27, MALFORMED, "malformed-reply", "", "The recipient's mail server does not follow the rules of mail.",           \
      "A reply was malformed, too long, or no answer to the command.")                                                  \
    X(28, INJECTED, "injected-reply", "starttls-not-supported", "Somebody put words into the conversation with the recipient's mail server.", \
      "Data arrived before it was asked for, or in the clear behind the 220 of STARTTLS (CVE-2021-38371).")             \
    X(30, NO_STARTTLS, "no-starttls", "starttls-not-supported", "The recipient's mail server cannot encrypt.",          \
      "EHLO does not offer STARTTLS.")                                                                                  \
    X(31, TLS_OLD, "tls-too-old", "validation-failure", "The recipient's mail server only knows encryption that is no longer safe.", \
      "No TLS version of 1.2 or newer in common (protocol_version).")                                                   \
    X(32, TLS_SUITE, "tls-weak-suite", "validation-failure", "The recipient's mail server only knows encryption that is too weak.", \
      "No cipher suite, group or signature algorithm of the profile in common.")                                        \
    X(33, TLS_FAILED, "tls-failed", "validation-failure", "Encryption with the recipient's mail server could not be set up.", \
      "The TLS handshake failed.")                                                                                      \
    X(40, CERT_NONE, "certificate-missing", "certificate-not-trusted", "The recipient's mail server showed no certificate.", \
      "No peer certificate.")                                                                                           \
    X(41, CERT_EXPIRED, "certificate-expired", "certificate-expired", "The certificate of the recipient's mail server has expired.", \
      "A certificate of the chain is past notAfter.")                                                                   \
    X(42, CERT_NOT_YET, "certificate-not-yet-valid", "certificate-expired", "The certificate of the recipient's mail server is not valid yet.", \
      "A certificate of the chain is before notBefore.")                                                                \
    X(43, CERT_SELF_SIGNED, "certificate-self-signed", "certificate-not-trusted", "The recipient's mail server vouches only for itself.", \
      "Self-signed certificate that is no trust anchor.")                                                               \
    X(44, CERT_UNTRUSTED, "certificate-not-trusted", "certificate-not-trusted", "The certificate of the recipient's mail server was issued by nobody we trust.", \
      "No path to a trust anchor: unknown issuer or incomplete chain.")                                                 \
    X(45, CERT_CHAIN, "certificate-chain-invalid", "validation-failure", "The certificate of the recipient's mail server is not in order.", \
      "Path validation failed (constraints, usage of a CA, extension, signature).")                                     \
    X(46, CERT_NAME, "certificate-host-mismatch", "certificate-host-mismatch", "The certificate of the recipient's mail server is for another name.", \
      "No DNS name of subjectAltName matches the MX host name.")                                                        \
    X(47, CERT_KEY, "certificate-weak-key", "validation-failure", "The certificate of the recipient's mail server uses a key that is too weak.", \
      "A key of the chain is none of RSA >= 2048, P-256, P-384, P-521, Ed25519, Ed448.")                                \
    X(48, CERT_SIGNATURE, "certificate-weak-signature", "validation-failure", "The certificate of the recipient's mail server is signed too weakly.", \
      "A signature of the chain does not use SHA-2 or better.")                                                         \
    X(49, CERT_USAGE, "certificate-wrong-usage", "validation-failure", "The certificate of the recipient's mail server is made for another purpose.", \
      "extendedKeyUsage lacks serverAuth.")                                                                             \
    X(50, CERT_REVOKED, "certificate-revoked", "validation-failure", "The certificate of the recipient's mail server was revoked.", \
      "A certificate of the chain is revoked.")                                                                         \
    X(51, LEVEL_BELOW_MINIMUM, "proof-below-minimum", "validation-failure", "The recipient's mail server proved less than is demanded for this domain.", \
      "The proof level is below the configured minimum.")                                                               \
    X(52, LEVEL_FELL, "proof-fell", "validation-failure", "The recipient's mail server proved less than it did before, which can be an attack.", \
      "The proof level is below the best this domain has shown.")                                                       \
    X(60, PROVED_4XX, "server-4xx", "", "The recipient's mail server asks to try again later.", "4xx on a proved session.") \
    X(61, PROVED_5XX, "server-5xx", "", "The recipient's mail server refused the message.", "5xx on a proved session.")  \
    X(62, PROVED_5XX_HELLO, "server-5xx-hello", "", "The recipient's mail server does not want to talk to us.",         \
      "5xx to EHLO on a proved session.")                                                                               \
    X(63, NO_UTF8, "no-smtputf8", "", "The recipient's mail server cannot take addresses or headers with letters beyond English.", \
      "SMTPUTF8 is needed and not offered, or was refused.")                                                            \
    X(64, NO_8BIT, "no-8bitmime", "", "The recipient's mail server cannot take the message without changing it.",       \
      "8BITMIME is needed and not offered, or was refused.")                                                            \
    X(65, TOO_BIG, "too-big", "", "The message is too big for the recipient's mail server.", "SIZE exceeded.")          \
    X(66, LOST_BEFORE_END, "lost-before-end", "", "The conversation broke off while the message was being handed over.", \
      "The session ended before the end of the content; the peer has not taken the message.")                           \
    X(67, LOST_AFTER_END, "lost-after-end", "", "The conversation broke off before the recipient's mail server confirmed the message.", \
      "The session ended after the end of the content and before its answer; the next try may make a duplicate.")       \
    X(68, LOCAL, "local-failure", "", "The message could not be read here for the moment.",                             \
      "Our own content could not be read or was not fit for the wire.")                                                 \
    X(70, DEADLINE, "deadline", "", "The message could not be handed over in time.", "The holding limit or the sender's DELIVERBY time was reached.") \
    X(71, NOTICE_REFUSED, "notice-refused", "", "The recipient could not be told that a message is waiting: the mail server refused the notice.", \
      "Every host said 5xx to the notice in two tries.")                                                                \
    X(72, NOTICE_EXPIRED, "notice-expired", "", "The recipient could not be told in time that a message is waiting.",   \
      "The notice was not delivered within notice.lifetime.")                                                           \
    X(73, NOTICE_HELD, "notice-held", "", "The notice is held back because of a sign of attack. The operator can release it.", \
      "Posting was caused by a sign of attack and no proved session is to be had.")                                     \
    X(74, NOTICE_SENT, "notice-sent", "", "The recipient was told that a message is waiting.", "2xx to the notice.")     \
    X(75, NOTICE_LIMIT, "notice-limit", "", "The recipient has had as many notices today as are allowed.",              \
      "Daily limit of notices and codes reached.")                                                                      \
    X(76, LETTER_EXPIRED, "letter-expired", "", "The message waited for the recipient until its time was over.",        \
      "The letter reached the end of its lifetime.")                                                                    \
    X(77, UNDELIVERABLE_REPORT, "report-undeliverable", "", "A report to the sender could not be delivered.",           \
      "A DSN ended without delivery; an operator alarm was raised.")

enum trust_reason {
#define TRUST_REASON_ENUM(code, name, text, rfc8460, clerk, engineer) TRUST_REASON_##name = code,
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

#endif
