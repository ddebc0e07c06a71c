/* SPDX-License-Identifier: Apache-2.0 */
/* All messages between roles: types, shapes, sizes, deadlines. Each payload is one struct with one layout table
 * (msg.c); lists are blobs of structs one behind another, read with layout_next(). Every request has one answer of
 * the same type number. Whoever receives a type that is not on its list drops the peer.
 *
 * Sealed fields (envelope, recipient, text, token, code, evidence) are of the kinds in mail/envelope.h, sealed by
 * keys/sealed_field.h under the field key of their id. Tags are HMAC-SHA-256 cut to 16 bytes: of the Message-ID without
 * brackets, of mail_address_canonical(), of the domain as lower-case A-label. */
#ifndef OS_MSG_H
#define OS_MSG_H

#include "base/layout.h"

#define MSG_VERSION 1

/* Limits of fields, in bytes. One frame is at most CHAN_PAYLOAD_MAX. */
#define MSG_TENANT_MAX 64u
#define MSG_NAME_MAX 255u       /* credential, host and domain names */
#define MSG_HEADER_MAX 4096u    /* sealed-message header: context and wrapped keys (several escrow keys) */
#define MSG_ENVELOPE_MAX 2048u  /* sealed mail_envelope */
#define MSG_RECIPIENT_MAX 1400u /* sealed mail_recipient */
#define MSG_RECIPIENTS_MAX 100u /* recipients of one message: RFC 5321 asks for 100; all fit one frame */
#define MSG_INLINE_MAX 69632u   /* sealed content carried inside a frame or record: 64 KB and the frames' overhead */
#define MSG_TEXT_MAX 3072u      /* sealed or plain texts: replies, reasons */
#define MSG_EVIDENCE_MAX 24576u /* one sealed evidence record */
#define MSG_LIST_MAX 196608u    /* a list of structs */
#define MSG_SENDERS_MAX 8192u   /* addresses and domains a credential may use */
#define MSG_BATCH_MAX 64u       /* sealed headers in one batch */
#define MSG_CONF_MAX 131072u
#define MSG_PATH_MAX 4096u      /* path of the configuration file */
#define MSG_COUNTS_MAX 256u     /* u32 for each enum role_kind */
#define MSG_PASSWORD_MAX 1024u  /* PLAIN and LOGIN passwords; ours are far shorter */
#define MSG_ADDRESS_MAX 16u     /* a client's IPv4 or IPv6 address */
#define MSG_ADDRESSES_MAX 1088u /* 64 msg_address of one host */
#define MSG_SALT_MAX 64u
#define MSG_PROOF_MAX 32u   /* SCRAM-SHA-256 proof and signature */
#define MSG_SCRAM_MAX 4096u /* SCRAM auth message: both nonces and an escaped name */
#define MSG_RECORD_MAX 16384u /* a credential record: its senders and the verifiers */
#define MSG_LINES_MAX 65536u  /* a report in lines, the list of alarms */
#define MSG_POLICY_ID_MAX 32u     /* RFC 8461 section 3.1 */
#define MSG_POLICY_HOSTS_MAX 16384u /* mx patterns of a policy, LF between: 64 names */
#define MSG_POLICY_MAX 16640u     /* a msg_policy on the wire */
#define MSG_POLICY_SEALED_MAX 16704u /* the same as a sealed field */
#define MSG_TLSA_DATA_MAX 4096u   /* one TLSA record: a whole certificate or a digest */
#define MSG_TLSA_MAX 32768u       /* msg_tlsa of one host: two dozen digests, or some certificates */

#define MSG_TALLY_MAX 73728u      /* a sealed tally: TLSRPT_TALLY_MAX, the domain's name, and what sealing adds */
#define MSG_RECEIVED_MAX 66048u     /* a report of a stranger, sealed: HTTP_FORM_BODY_MAX and what sealing adds */
#define MSG_URL_MAX 512u
#define MSG_POST_MAX 131072u      /* a compressed report: the largest of ours takes a tenth */
#define MSG_SIGNATURE_MAX 1024u   /* RSA signature or public key, DER */

#define MSG_DEADLINE_US INT64_C(10000000) /* keyd and resolver questions; a commit has no deadline */

enum msg_type {
    /* supervisor > role */
    MSG_BOOT = 1,  /* msg_boot */
    MSG_FD = 2,    /* msg_fd + descriptor */
    MSG_START = 3, /* empty: everything was handed over, enter the sandbox */
    MSG_PEER = 4,  /* msg_peer + descriptor of a fresh channel */
    MSG_GONE = 5,  /* msg_peer: that process is confirmed dead */
    MSG_RELOAD = 6, /* msg_conf */
    MSG_DRAIN = 7, /* empty */
    /* role > supervisor */
    MSG_READY = 8, /* empty */
    MSG_ALARM = 9, /* msg_text: somebody must act; also courier > store, for `sealpost status` */

    /* intake, courier, web > keyd */
    MSG_KEY_BATCH = 20,        /* msg_batch_ask > msg_batch */
    MSG_AUTH_PLAIN = 21,   /* msg_auth_plain > msg_auth_answer */
    MSG_SCRAM_START = 22,  /* msg_scram_start > msg_scram_challenge */
    MSG_SCRAM_FINISH = 23, /* msg_scram_finish > msg_auth_answer */
    MSG_KEY_OPEN = 24,     /* courier: msg_key_open > msg_keys */
    MSG_LETTER_OPEN = 25,  /* web: msg_letter_open > msg_keys; needs a grant */
    MSG_CENTER_KEYS = 26,  /* web: empty > msg_center_keys */
    MSG_DOMAIN_KEY = 27,   /* courier: empty > msg_domain_key */
    MSG_DKIM_SIGN = 28,    /* courier: msg_dkim_ask > msg_dkim */
    /* store > keyd */
    MSG_GRANT = 30,           /* msg_grant > msg_status */
    MSG_UNGRANT = 31,         /* msg_grant, no answer */
    MSG_CREDENTIAL = 32,      /* msg_credential, no answer; all of them when keyd starts */
    MSG_CREDENTIALS_END = 33, /* empty: all were sent; only now keyd answers AUTH */
    MSG_OPERATOR_GRANT = 34,  /* msg_operator_grant > msg_status */
    /* keyd > store */
    MSG_LOCK = 35, /* msg_lock, no answer: to be journaled, sent back at start */
    /* keyd > intake */
    MSG_CREDENTIAL_GONE = 36, /* msg_credential without record, no answer: its sessions end */

    /* intake, courier > store */
    MSG_OPEN = 40,     /* msg_open > msg_status + descriptor (append-only) */
    MSG_DROP = 41,     /* msg_open, no answer: the file is not wanted */
    MSG_COMMIT = 42,   /* msg_message > msg_status, after the flush */
    /* store > courier */
    MSG_LEASE = 50, /* msg_lease (+ read-only descriptor of large content), no answer: ends by MSG_COMPLETE */
    /* courier > store */
    MSG_COMPLETE = 51, /* msg_complete > msg_status, when durable */
    MSG_HELD = 52,     /* msg_held, first frame on a new channel: nothing more will come of older leases */
    MSG_SHOWN = 53,    /* msg_shown_ask > msg_shown: the best proof a domain has shown */
    MSG_REMEMBER = 54, /* msg_remember, no answer: a domain has shown this proof */
    /* store > courier */
    MSG_FORGOTTEN = 55, /* msg_shown_ask, no answer: the operator ended what was remembered of a domain */
    /* courier > store: counts for reports about TLS */
    MSG_TALLY = 56,      /* msg_tally > msg_status, when durable */
    MSG_TALLY_TAKE = 57, /* msg_tally_take > msg_tally_taken */
    MSG_TALLY_DONE = 58, /* msg_tally_done > msg_status, when durable: one domain's day is at its end */
    /* store > courier */
    MSG_REPORT_NOW = 59, /* msg_report_now > msg_status: counts are handed over and durable; with a day, its reports begin */
    /* courier > resolver */
    MSG_DOSSIER = 60, /* msg_dossier_ask > msg_dossier */
    MSG_TXT = 61,     /* msg_txt_ask > msg_txt */
    MSG_POST = 62,    /* msg_post > msg_status */

    /* web > store */
    MSG_CENTER_SEND = 70,   /* msg_center_send > msg_status */
    MSG_CENTER_VERIFY = 71, /* msg_center_verify > msg_center_access */
    MSG_CENTER_LETTER = 72, /* msg_center_ask > msg_center_letter + read-only descriptor of the sealed content */
    MSG_CENTER_LOGOUT = 73, /* msg_center_ask > msg_status */
    MSG_CENTER_REPORT = 74, /* msg_received > msg_status, when durable: a stranger's report about TLS */
    /* web > scrub */
    MSG_SCRUB = 75, /* empty + descriptor: one end of a stream pair for a throw-away child > msg_status */

    /* cli > store (control socket) */
    MSG_CTL_QUERY = 80,      /* msg_ctl_query > msg_ctl_grant; before it MSG_CTL_ROW and MSG_CTL_ATTEMPT frames */
    MSG_CTL_ROW = 81,        /* store > cli: msg_row */
    MSG_CTL_ATTEMPT = 82,    /* store > cli: msg_attempt */
    MSG_CTL_WAIT = 83,       /* msg_ctl_wait > msg_status when every recipient of the message is final */
    MSG_CTL_RETRY = 84,      /* msg_ctl_target > msg_status (zero id: all) */
    MSG_CTL_RELEASE = 85,    /* msg_ctl_target (letter or message) > msg_status: a held notice may leave */
    MSG_CTL_STATUS = 86,     /* empty > msg_ctl_counts */
    MSG_CTL_CHECK = 87,      /* msg_ctl_check > msg_ctl_report */
    MSG_CTL_CREDENTIAL = 88, /* msg_credential > msg_status */
    MSG_CTL_CREDENTIALS = 89, /* empty > msg_ctl_list of msg_credential */
    MSG_CTL_DOMAIN = 95,      /* msg_ctl_domain > msg_shown; with forget > msg_status, UNKNOWN when there was nothing */
    MSG_CTL_REPORT = 96,      /* msg_report_now > msg_status: the day's reports begin now */
    MSG_CTL_REPORTS = 98,     /* msg_ctl_target (zero id: all, without their bytes) > msg_ctl_grant; before it MSG_CTL_RECEIVED */
    MSG_CTL_RECEIVED = 99,    /* store > cli: msg_received */
    /* cli > keyd (control socket) */
    MSG_CLI_TAG = 90,        /* msg_cli_tag > msg_cli_tags */
    MSG_CLI_OPEN = 91,       /* msg_cli_open > msg_keys (field key only) */
    MSG_CLI_CREDENTIAL = 92, /* msg_cli_credential > msg_cli_password */
    MSG_CLI_USER = 93,       /* msg_cli_user > msg_cli_described */
    MSG_CLI_POLICY = 94,     /* msg_cli_policy > msg_cli_policy_open */
    MSG_CLI_DKIM = 97,   /* empty > msg_dkim: the public key */
};

/* Answer codes shared by all. */
enum msg_code {
    MSG_OK = 0,
    MSG_REFUSED = 1,     /* not allowed, or not so */
    MSG_UNKNOWN = 2,     /* no such thing */
    MSG_BUSY = 3,        /* a limit: try again */
    MSG_FULL = 4,        /* space or queue limit: 452 */
    MSG_LOCKED = 5,      /* too many tries */
    MSG_UNAVAILABLE = 6, /* the part asked is not ready */
    MSG_BROKEN = 7,      /* damage found; alarmed */
    MSG_EXPIRED = 8,
};

struct msg_status {
    uint8_t code;
    struct slice text; /* for people, may be empty */
};
struct msg_text {
    struct slice text;
};
struct msg_conf {
    struct slice name; /* path of the file, for errors and relative paths */
    struct slice text;
};
struct msg_boot {
    uint8_t kind;         /* enum role_kind */
    uint32_t index;
    uint64_t epoch;
    struct slice counts;  /* u32 for each enum role_kind */
    struct slice name;    /* configuration file */
    struct slice text;    /* its content */
};
struct msg_fd {
    uint8_t what; /* enum role_fd */
    uint32_t index;
};
struct msg_peer {
    uint8_t kind;
    uint32_t index;
};

/* --- keyd --- */

/* Which key wraps the new data keys, and who may open them later. */
enum msg_purpose {
    MSG_PURPOSE_MAIL = 1,     /* working key of tenant and day, and escrow; opened by couriers */
    MSG_PURPOSE_LETTER = 2,   /* key of the day of expiry, no escrow; opened by couriers, and by web with a grant */
    MSG_PURPOSE_TRANSIT = 3,  /* codes and links on their way: made by web, opened by couriers */
    MSG_PURPOSE_EVIDENCE = 4, /* as mail; written by couriers, opened for the operator */
    MSG_PURPOSE_REPORT = 5,   /* key of evidence of the Message Center; written by web, opened for the operator */
};
struct msg_batch_ask {
    uint8_t purpose;
    struct slice tenant;
    uint16_t count; /* 1..MSG_BATCH_MAX */
    uint32_t day;   /* LETTER: day of expiry (clock_day); otherwise 0 */
};
struct msg_batch {
    uint8_t code;
    struct key message_id_key;  /* HMAC keys of look-up tags, this tenant */
    struct key recipient_key;
    struct key destination_key; /* all tenants, new daily */
    uint32_t destination_day;   /* the day it is for; ask again on another day */
    struct slice items;         /* msg_batch_item */
};
struct msg_batch_item {
    struct id id;
    struct key content_key; /* derived key of the sealed message (AES-256-GCM) */
    struct key field_key;   /* for sealed fields of the same id */
    struct slice header;
};
struct msg_auth_plain {
    struct slice name;
    struct slice password;
    struct slice address; /* of the client: 4 or 16 bytes */
};
struct msg_auth_answer {
    uint8_t code;          /* OK, REFUSED, LOCKED, BUSY, UNAVAILABLE */
    int64_t delay_us;      /* wait this long before telling the client */
    struct id credential;
    struct slice tenant;
    struct slice senders;  /* blob16 strings: "a@b.example" or "@b.example" */
    uint8_t minimum;       /* enum trust_level demanded for what it sends; 0: none */
    struct slice server_signature; /* SCRAM: 32 bytes */
};
struct msg_scram_start {
    struct slice name;
    struct slice address;
};
struct msg_scram_challenge {
    uint8_t code;
    struct slice salt;
    uint32_t iterations;
};
struct msg_scram_finish {
    struct slice name;
    struct slice address;
    struct slice auth_message;
    struct slice proof; /* 32 bytes */
};
struct msg_key_open {
    struct slice header;
};
struct msg_keys {
    uint8_t code;
    struct id id;
    struct key content_key; /* zero where only fields may be opened */
    struct key field_key;
};
struct msg_letter_open {
    struct digest session;
    struct id letter;
    struct slice header;
};
struct msg_center_keys {
    struct key code_key; /* HMAC key of code tags */
};
struct msg_grant {
    struct digest session;
    struct id letter;
    uint32_t seconds;
};
struct msg_operator_grant {
    struct digest grant;
    uint32_t seconds;
};
struct msg_credential {
    struct id id;
    bool removed;
    struct slice name;
    struct slice record; /* keys/credentials.h, sealed by keyd where it must be */
};
struct msg_lock {
    struct digest subject;
    int64_t until_us;
};

/* --- store --- */

struct msg_open {
    struct id id;
    uint64_t limit;
};

enum msg_message_kind { MSG_KIND_MAIL = 1, MSG_KIND_DSN = 2 };
enum msg_flag {
    MSG_FLAG_8BIT = 1,
    MSG_FLAG_UTF8 = 2,
    MSG_FLAG_ATTACK = 4, /* an attempt saw a sign of attack: the notice needs proof */
    MSG_FLAG_RELEASED = 8, /* NOTICE, CODE: the operator has released it: it may leave without proof */
};

/* An accepted message: the commit of intake, or a DSN of a courier. */
struct msg_message {
    struct id id;
    uint8_t kind;
    uint32_t flags;
    struct slice tenant;
    struct id credential;
    int64_t accepted_us;
    int64_t by_us;          /* DELIVERBY: post or return at this time at the latest; 0: none */
    uint64_t size;          /* of the plaintext */
    struct tag message_id;
    struct slice header;
    struct slice envelope;   /* sealed struct mail_envelope */
    struct slice recipients; /* msg_recipient */
    struct slice content;    /* sealed frames; empty when in a file */
    uint64_t content_length; /* of the file; 0 when inline */
    struct tag content_tail; /* last AES-GCM tag */
};
struct msg_recipient {
    uint16_t index;
    uint8_t notify;       /* enum mail_notify bits */
    struct tag destination;
    struct tag recipient;
    struct digest name;   /* SHA-256(salt, address) for the audit leaf */
    struct slice sealed;  /* struct mail_recipient */
};

enum msg_lease_kind {
    MSG_LEASE_MAIL = 1,   /* deliver, or post, or return */
    MSG_LEASE_NOTICE = 2, /* a letter's notice: header, envelope, recipient of the letter; extra = sealed link token */
    MSG_LEASE_CODE = 3,   /* a code or new link: letter's fields, and a transit object in extra_id, extra_header, extra */
    MSG_LEASE_REPORT = 5, /* never from the store: a courier's own mail, a report about TLS */
    MSG_LEASE_RETURN = 4, /* a withdrawn letter: compose the DSN; reason tells why */
};
struct msg_lease {
    uint64_t lease;
    uint64_t epoch;
    uint8_t kind;
    uint8_t message_kind;
    uint32_t flags;
    struct slice tenant;
    struct id message; /* or letter */
    uint32_t attempt;  /* from 1 */
    bool must_end;     /* the holding limit is reached: "later" is not an answer any more */
    bool refused_before; /* NOTICE: every host refused it in the try before this one */
    uint16_t reason;   /* RETURN */
    int64_t accepted_us;
    int64_t by_us;
    int64_t expires_us; /* NOTICE, CODE: of the link or code */
    uint64_t size;
    struct slice header;
    struct slice envelope;
    struct slice recipients; /* msg_lease_recipient */
    struct slice content;
    uint64_t content_length; /* when a descriptor comes along */
    struct id extra_id;
    struct slice extra_header;
    struct slice extra;
};
struct msg_lease_recipient {
    uint16_t index;
    uint32_t generation;
    uint8_t notify;
    struct slice sealed;
};

enum msg_outcome {
    MSG_OUT_DELIVERED = 1, /* NOTICE, CODE: sent */
    MSG_OUT_LATER = 2,
    MSG_OUT_POSTED = 3,
    MSG_OUT_RETURNED = 4,
    MSG_OUT_REFUSED = 5,   /* NOTICE, CODE: every host said 5xx */
    MSG_OUT_HELD = 6,      /* NOTICE: must not leave without proof; waits for the operator */
};
/* The end of a lease, whole or in parts: it is over when each of its recipients has had its result. */
struct msg_complete {
    uint64_t lease;
    uint64_t epoch;
    uint8_t kind;      /* enum msg_lease_kind and */
    struct id message; /* message (or letter), as in the lease: a store started since then finds the job by these */
    struct slice evidence; /* msg_evidence */
    struct slice results;  /* msg_result */
    struct slice letters;  /* msg_letter, for POSTED */
    struct slice dsn;      /* one msg_message or empty */
};
struct msg_result {
    uint16_t index;
    uint32_t generation;
    uint8_t outcome;
    uint16_t reason;    /* trust/trust_reason.h */
    uint8_t proof;      /* enum trust_level */
    struct id evidence; /* zero: none */
    struct slice text;  /* sealed under the message's field key: the peer's reply, the reason in words */
};
struct msg_evidence {
    struct id id;
    struct slice header;
    struct slice sealed; /* sealed field of that id */
};
struct msg_letter {
    uint16_t index; /* recipient */
    struct id id;
    bool held;      /* sign of attack: no notice without proof or release */
    int64_t expires_us;
    struct digest link;     /* SHA-256 of the token */
    struct slice header;
    struct slice envelope;
    struct slice recipient;
    struct slice token;     /* sealed; kept until the notice is sent */
    uint64_t content_length; /* the file letters/<id>, filled through MSG_OPEN */
    struct tag content_tail;
};
/* Domain memory: what was proved, by a tag whose key the store does not hold. */
struct msg_domain_key {
    struct key key;  /* HMAC key of the tags */
    struct key seal; /* seals policies: field key of keys/sealed_field, id and kind see mail/envelope.h */
};
struct msg_shown_ask {
    struct tag domain;
};
struct msg_shown {
    uint8_t level; /* enum trust_level; 0: nothing is remembered */
    int64_t at_us; /* when it was last shown */
    struct slice policy; /* sealed msg_policy, whatever its age; empty: none */
};
struct msg_remember {
    struct tag domain;
    uint8_t level;       /* 0: nothing was proved, keep what is known */
    bool has_policy;     /* policy replaces the kept one */
    struct slice policy; /* sealed msg_policy; empty with has_policy: forget it */
};
struct msg_held {
    uint64_t epoch; /* of the store's earlier run that leased to us; 0: none */
};

/* Counts of one courier about one domain on one day. `part` makes a second telling harmless. */
struct msg_tally {
    struct id part;
    struct tag domain;
    uint32_t day;        /* clock_day() */
    struct slice sealed; /* sealed field: id the tag, kind MAIL_FIELD_TALLY, index the day */
};
/* What comes after that place, by domain and part. */
struct msg_tally_take {
    uint32_t day;
    struct tag domain;
    struct id part;
};
struct msg_tally_taken {
    struct tag domain;  /* zero with no parts: there is nothing more of that day */
    struct slice parts; /* msg_tally of one domain, as many as fit */
};
struct msg_tally_done {
    struct tag domain;
    uint32_t day;
};
struct msg_report_now {
    uint32_t day; /* 0: only hand over the counts */
};
/* A signature over a report (RFC 6376, rsa-sha256), or the public key. */
struct msg_dkim_ask {
    struct digest digest;
};
struct msg_dkim {
    uint8_t code;
    struct slice bytes; /* the signature, or SubjectPublicKeyInfo */
};

/* --- resolver --- */

struct msg_txt_ask {
    struct slice name;
};
struct msg_txt {
    uint8_t status;       /* enum msg_dns */
    struct slice records; /* msg_text: the strings of each record joined */
};
/* A compressed report about TLS for an https address (RFC 8460 section 5.4). */
struct msg_post {
    struct slice url;
    struct slice body;
};

enum msg_dns {
    MSG_DNS_OK = 0,
    MSG_DNS_NXDOMAIN = 1,
    MSG_DNS_NODATA = 2,
    MSG_DNS_SERVFAIL = 3,
    MSG_DNS_TIMEOUT = 4,
    MSG_DNS_BOGUS = 5,
    MSG_DNS_MALFORMED = 6,
    MSG_DNS_NULL_MX = 7,
    MSG_DNS_LOOP = 8, /* CNAME loop or chain too long */
};
struct msg_dossier_ask {
    struct slice domain; /* A-label form, lower case: the domain of the address, never an alias's target */
    struct slice policy; /* msg_policy that is kept of it; empty: none */
    bool fresh;          /* look everything up again: for people who mend their domain and ask again */
    bool forget;         /* the operator ended what was remembered: drop the policy that the resolver keeps, too */
};
/* An MTA-STS policy as fetched (RFC 8461). */
struct msg_policy {
    uint8_t mode;       /* 0 none, 1 testing, 2 enforce (enum trust_sts_mode) */
    struct slice id;    /* of the TXT record it was fetched for */
    int64_t fetched_us; /* UTC; max_age counts from here */
    uint32_t max_age_s;
    struct slice hosts; /* mx patterns, lower case, LF between: "mx.example.org", "*.example.org" */
};
struct msg_dossier {
    uint8_t status; /* of the MX question (or of the implicit MX) */
    bool secure;    /* MX answer or its denial validated */
    bool implicit;  /* no MX: the domain itself */
    int64_t expires_us;
    struct slice hosts; /* msg_dossier_host, by preference */
    uint8_t sts_look;   /* enum trust_sts_look */
    struct slice policy; /* msg_policy in force (mode none too); empty: none */
    bool policy_changed; /* keep it: it is new, fetched again, or gone (empty: forget the kept one) */
    struct slice sts_detail; /* what went wrong, one sentence for the domain's owner; empty: nothing */
};
struct msg_dossier_host {
    uint16_t preference;
    uint8_t status; /* of the address questions together */
    bool secure;
    struct slice name;
    struct slice addresses; /* msg_address */
    struct slice canonical; /* where secure aliases of name end; empty: name itself */
    uint8_t tlsa_state;     /* enum trust_tlsa_state; USABLE here means: there are records, whatever they are */
    struct slice tlsa_base; /* name below which they were found: canonical or name */
    struct slice tlsa;      /* msg_tlsa */
};
struct msg_tlsa {
    uint8_t usage;
    uint8_t selector;
    uint8_t matching;
    struct slice data;
};
struct msg_address {
    uint8_t family; /* 4 or 6 */
    struct tag bytes; /* 4 bytes first for IPv4 */
};

/* --- Message Center --- */

enum msg_center_kind { MSG_CENTER_CODE = 1, MSG_CENTER_LINK = 2 };
struct msg_center_send {
    uint8_t kind;
    struct digest link;     /* SHA-256 of the token in the URL */
    struct digest session;  /* SHA-256 of the browser session's secret */
    struct tag code;        /* CODE: HMAC(code_key, link, session, code) */
    struct digest new_link; /* LINK: SHA-256 of the new token */
    struct id id;           /* transit object that carries code or token for the courier */
    struct slice header;
    struct slice sealed;
};
struct msg_center_verify {
    struct digest link;
    struct digest session;
    struct tag code;
};
struct msg_center_access {
    uint8_t code;
    struct id letter;
    int64_t expires_us; /* of the letter */
};
struct msg_center_ask {
    struct digest session;
    struct id letter;
};
struct msg_center_letter {
    uint8_t code;
    int64_t expires_us;
    struct slice header;
    struct slice envelope;
    struct slice recipient;
    uint64_t content_length;
};

/* --- cli --- */

struct msg_ctl_query {
    struct id id;          /* zero: not asked for */
    bool by_message_id;
    struct tag message_id;
    bool by_recipient;
    struct tag recipient;
    bool attempts;         /* trace: attempts and evidence too */
    bool open_only;        /* queue: only what is not final */
    uint32_t limit;
};
struct msg_ctl_grant {
    uint8_t code;
    struct digest grant;
    uint32_t rows;
    bool more; /* limit reached */
};
struct msg_row {
    struct id message;
    uint8_t kind;
    struct slice tenant;
    uint16_t index;
    uint8_t state;  /* enum state */
    uint8_t notice; /* enum state_notice; 0: none */
    uint16_t reason;
    uint8_t proof;
    uint32_t attempts;
    int64_t accepted_us;
    int64_t next_us;
    struct id letter;
    int64_t opened_us; /* first reading of the letter; 0: never */
    struct slice header;    /* the message's: opens envelope and recipient; empty once its key is gone */
    struct slice envelope;
    struct slice recipient;
    struct slice text;
};
struct msg_attempt {
    struct id message;
    uint16_t index;
    uint32_t number;
    int64_t at_us;
    uint8_t outcome;
    uint16_t reason;
    uint8_t proof;
    struct slice text;
    struct id evidence;
    struct slice evidence_header;
    struct slice evidence_sealed;
};
struct msg_ctl_wait {
    struct id id;
    int64_t timeout_us;
};
struct msg_ctl_target {
    struct id id;
};
struct msg_ctl_check {
    bool deep;
};
struct msg_ctl_report {
    uint8_t code;
    struct slice text; /* lines */
};
/* Recipients since the first start, and what is there now. */
struct msg_ctl_counts {
    uint64_t accepted;
    uint64_t delivered;
    uint64_t posted;
    uint64_t returned;
    uint64_t queued;
    uint64_t dsn_accepted;
    uint64_t dsn_final;
    uint64_t notices_sent;
    uint64_t notices_pending;
    uint64_t notices_held;
    uint64_t messages_held;
    uint64_t journal_bytes;
    uint64_t waves;
    uint64_t flushes;
    uint64_t free_bytes;
    struct slice alarms; /* lines */
};
/* A report about TLS that somebody has sent to the Message Center; in a list without header and sealed. */
struct msg_received {
    struct id id;
    int64_t at_us; /* from web: not looked at */
    uint32_t size; /* as it came */
    struct slice header;
    struct slice sealed; /* MAIL_FIELD_REPORT */
};
struct msg_ctl_list {
    struct slice items;
};
struct msg_ctl_domain {
    struct tag domain; /* MSG_CLI_TAG, table 3 */
    bool forget;       /* its level and its kept policy, at every courier too */
};
struct msg_cli_tag {
    uint8_t table; /* 1: message id, 2: recipient, 3: domain in domain memory (all tenants; lower-case A-labels) */
    struct slice tenant;
    struct slice text; /* canonical */
};
struct msg_cli_tags {
    uint8_t code;
    struct tag tag;
};
struct msg_cli_open {
    struct digest grant;
    struct slice header;
};
struct msg_cli_credential {
    struct slice name;
    struct slice tenant;
    struct slice senders; /* blob16 strings; not looked at when changing */
    uint8_t minimum;      /* enum trust_level; 0: none */
    bool change;          /* there is such a credential: only its minimum is to become another; no new password */
};
struct msg_cli_user {
    struct slice name;
};
/* What is shown of a credential. */
struct msg_cli_described {
    uint8_t code;
    uint8_t minimum;
};
/* A kept MTA-STS policy, as it stands in msg_shown; the operator may read what any resolver can. */
struct msg_cli_policy {
    struct tag domain;
    struct slice sealed;
};
struct msg_cli_policy_open {
    uint8_t code;
    struct slice policy; /* msg_policy */
};
struct msg_cli_password {
    uint8_t code;
    struct id id;
    struct slice password; /* shown once */
    struct slice record;
    struct slice text;
};

extern const struct layout msg_status_layout, msg_text_layout, msg_conf_layout, msg_boot_layout, msg_fd_layout,
    msg_peer_layout, msg_batch_ask_layout, msg_batch_layout, msg_batch_item_layout, msg_auth_plain_layout,
    msg_auth_answer_layout, msg_scram_start_layout, msg_scram_challenge_layout, msg_scram_finish_layout,
    msg_key_open_layout, msg_keys_layout, msg_letter_open_layout, msg_center_keys_layout, msg_grant_layout,
    msg_operator_grant_layout, msg_credential_layout, msg_lock_layout, msg_open_layout, msg_message_layout,
    msg_recipient_layout, msg_lease_layout, msg_lease_recipient_layout, msg_complete_layout, msg_result_layout,
    msg_evidence_layout, msg_letter_layout, msg_held_layout, msg_domain_key_layout, msg_shown_ask_layout,
    msg_shown_layout, msg_remember_layout, msg_dossier_ask_layout, msg_dossier_layout,
    msg_dossier_host_layout, msg_address_layout, msg_policy_layout, msg_tlsa_layout, msg_center_send_layout, msg_center_verify_layout,
    msg_center_access_layout, msg_center_ask_layout, msg_center_letter_layout, msg_ctl_query_layout,
    msg_ctl_grant_layout, msg_row_layout, msg_attempt_layout, msg_ctl_wait_layout, msg_ctl_target_layout,
    msg_ctl_check_layout, msg_ctl_domain_layout, msg_ctl_report_layout, msg_ctl_counts_layout, msg_ctl_list_layout, msg_cli_tag_layout,
    msg_cli_tags_layout, msg_cli_open_layout, msg_cli_credential_layout, msg_cli_user_layout, msg_cli_described_layout, msg_cli_policy_layout, msg_cli_policy_open_layout,
    msg_cli_password_layout, msg_tally_layout, msg_tally_take_layout, msg_tally_taken_layout, msg_tally_done_layout,
    msg_report_now_layout, msg_received_layout, msg_dkim_ask_layout, msg_dkim_layout, msg_txt_ask_layout, msg_txt_layout, msg_post_layout;

#endif
