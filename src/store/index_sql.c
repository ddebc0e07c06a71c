/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and statements of the index. `n` of a message is the position of its record, of a recipient that plus its
 * index, of a letter the position of its transition plus its place in it: every table but the look-ups grows at its
 * end. `live` is 1 for what the queue must load; a recipient that is not live has no destination tag any more. */
#include "store/index_impl.h"

#define INDEX_TALLY_TABLES                                                                                                \
    "CREATE TABLE tally(day INTEGER, tag BLOB, part BLOB, sealed BLOB, PRIMARY KEY(day, tag, part)) WITHOUT ROWID;"       \
    "CREATE TABLE reported(day INTEGER, tag BLOB, PRIMARY KEY(day, tag)) WITHOUT ROWID;"

#define INDEX_RECEIVED_TABLE                                                                                              \
    "CREATE TABLE received(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, at INTEGER, size INTEGER, header BLOB, sealed BLOB);"  \
    "CREATE INDEX received_by_time ON received(at);"

const char *const index_schema =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE tenant(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, accepted INTEGER, delivered INTEGER,"
    " posted INTEGER, returned INTEGER, dsn_accepted INTEGER, dsn_final INTEGER, notices_sent INTEGER,"
    " expansions INTEGER);"
    "CREATE TABLE message(n INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER, flags INTEGER, tenant INTEGER,"
    " credential BLOB, accepted INTEGER, by INTEGER, size INTEGER, message_id INTEGER, length INTEGER, header BLOB,"
    " envelope BLOB);"
    "CREATE INDEX message_by_id ON message(id);"
    "CREATE INDEX message_by_message_id ON message(message_id);"
    "CREATE TABLE recipient(n INTEGER PRIMARY KEY, message INTEGER NOT NULL, tag INTEGER, destination BLOB,"
    " notify INTEGER, state INTEGER, notice INTEGER, flags INTEGER, generation INTEGER, reason INTEGER, proof INTEGER,"
    " attempts INTEGER, next INTEGER, live INTEGER, sealed BLOB, text BLOB);"
    "CREATE INDEX recipient_by_tag ON recipient(tag);"
    "CREATE INDEX recipient_live ON recipient(live) WHERE live = 1;"
    "CREATE TABLE attempt(recipient INTEGER, number INTEGER, at INTEGER, outcome INTEGER, reason INTEGER,"
    " proof INTEGER, evidence BLOB, text BLOB, PRIMARY KEY(recipient, number)) WITHOUT ROWID;"
    "CREATE TABLE evidence(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, header BLOB, sealed BLOB);"
    "CREATE TABLE letter(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, message INTEGER, recipient INTEGER,"
    " at INTEGER, expires INTEGER, held INTEGER, gone INTEGER, length INTEGER, center BLOB, header BLOB, envelope BLOB,"
    " address BLOB, token BLOB, link BLOB, sent INTEGER);"
    "CREATE INDEX letter_by_recipient ON letter(recipient);"
    "CREATE INDEX letter_by_expiry ON letter(expires) WHERE gone = 0;"
    "CREATE INDEX letter_by_time ON letter(at);"
    "CREATE TABLE link(digest BLOB PRIMARY KEY, letter INTEGER, until INTEGER) WITHOUT ROWID;"
    "CREATE TABLE transit(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind INTEGER, letter INTEGER,"
    " created INTEGER, ended INTEGER, header BLOB, sealed BLOB);"
    "CREATE INDEX transit_open ON transit(ended) WHERE ended = 0;"
    "CREATE INDEX transit_by_time ON transit(created);"
    "CREATE TABLE credential(id BLOB PRIMARY KEY, name TEXT, record BLOB) WITHOUT ROWID;"
    "CREATE TABLE lock(subject BLOB PRIMARY KEY, until INTEGER) WITHOUT ROWID;"
    "CREATE TABLE domain(tag BLOB PRIMARY KEY, level INTEGER, at INTEGER, policy BLOB, until INTEGER) WITHOUT ROWID;"
    "CREATE INDEX domain_until ON domain(until);"
    INDEX_TALLY_TABLES INDEX_RECEIVED_TABLE
    "INSERT INTO meta VALUES('position', 0);";

/* 2: policies of domains; what is remembered of a domain ends at a time of its own. */
const char *const index_schema_2 = "ALTER TABLE domain ADD COLUMN policy BLOB;"
                                   "ALTER TABLE domain ADD COLUMN until INTEGER;"
                                   "UPDATE domain SET until = at + 7776000000000;" /* 90 days */
                                   "DROP INDEX domain_at;"
                                   "CREATE INDEX domain_until ON domain(until);";

/* 3: counts for reports about TLS. */
const char *const index_schema_3 = INDEX_TALLY_TABLES;

/* 4: reports about TLS that others have sent. */
const char *const index_schema_4 = INDEX_RECEIVED_TABLE;

#define INDEX_LETTER_COLUMNS                                                                                              \
    "SELECT l.n, l.id, l.message, m.id, l.recipient - l.message, m.tenant, r.destination, r.tag, r.generation, r.state,"  \
    " r.notice, r.flags, m.kind, m.accepted, m.flags, m.size, r.reason, l.at, l.expires, l.held, l.header, l.envelope,"   \
    " l.address, l.token, l.length, l.center, l.link, l.sent FROM letter l JOIN message m ON m.n = l.message"                             \
    " JOIN recipient r ON r.n = l.recipient "

#define INDEX_ROW_COLUMNS                                                                                                 \
    "SELECT r.n, m.id, m.kind, m.tenant, r.n - m.n, r.state, r.notice, r.reason, r.proof, r.attempts, m.accepted,"        \
    " r.next, m.header, m.envelope, r.sealed, r.text, l.id, l.center FROM recipient r JOIN message m ON m.n = r.message"  \
    " LEFT JOIN letter l ON l.recipient = r.n "

const char *const index_sql[INDEX_STATEMENTS] = {
    [INDEX_BEGIN] = "BEGIN IMMEDIATE",
    [INDEX_COMMIT] = "COMMIT",
    [INDEX_SET_POSITION] = "UPDATE meta SET value = ?1 WHERE key = 'position'",
    [INDEX_GET_POSITION] = "SELECT value FROM meta WHERE key = 'position'",
    [INDEX_TENANTS] = "SELECT n, name, accepted, delivered, posted, returned, dsn_accepted, dsn_final, notices_sent,"
                      " expansions FROM tenant ORDER BY n",
    [INDEX_ADD_TENANT] = "INSERT INTO tenant VALUES(?1, ?2, 0, 0, 0, 0, 0, 0, 0, 0)",
    [INDEX_SET_TENANT] = "UPDATE tenant SET accepted = ?2, delivered = ?3, posted = ?4, returned = ?5, dsn_accepted = ?6,"
                         " dsn_final = ?7, notices_sent = ?8, expansions = ?9 WHERE n = ?1",
    [INDEX_ADD_MESSAGE] = "INSERT INTO message VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [INDEX_ADD_RECIPIENT] = "INSERT INTO recipient VALUES(?1, ?2, ?3, ?4, ?5, 1, 0, 0, 1, 0, 0, 0, ?6, 1, ?7, NULL)",
    [INDEX_CHANGE] = "UPDATE recipient SET state = ?2, notice = ?3, flags = ?4, generation = ?5,"
                     " reason = coalesce(?6, reason), proof = coalesce(?7, proof), attempts = max(attempts, ?8), next = ?9,"
                     " live = ?10, text = coalesce(?11, text),"
                     " destination = CASE WHEN ?10 THEN destination END WHERE n = ?1",
    [INDEX_ADD_ATTEMPT] = "INSERT OR REPLACE INTO attempt VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [INDEX_ADD_EVIDENCE] = "INSERT OR IGNORE INTO evidence VALUES(NULL, ?1, ?2, ?3)",
    [INDEX_ADD_LETTER] =
        "INSERT OR IGNORE INTO letter VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0)",
    [INDEX_END_LETTER] = "UPDATE letter SET expires = 0, token = NULL, center = NULL WHERE id = ?1",
    [INDEX_DROP_TOKEN] = "UPDATE letter SET token = NULL, sent = ?2 WHERE id = ?1",
    [INDEX_SET_HELD] = "UPDATE letter SET held = ?2 WHERE id = ?1",
    [INDEX_ADD_LINK] = "INSERT OR REPLACE INTO link VALUES(?1, ?2, ?3)",
    [INDEX_SET_CENTER] = "UPDATE letter SET center = ?2 WHERE n = ?1",
    [INDEX_ADD_TRANSIT] = "INSERT OR IGNORE INTO transit VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)",
    [INDEX_END_TRANSIT] = "UPDATE transit SET ended = ?2, header = NULL, sealed = NULL WHERE id = ?1",
    [INDEX_SET_CREDENTIAL] = "INSERT OR REPLACE INTO credential VALUES(?1, ?2, ?3)",
    [INDEX_DROP_CREDENTIAL] = "DELETE FROM credential WHERE id = ?1",
    [INDEX_SET_LOCK] = "INSERT OR REPLACE INTO lock VALUES(?1, ?2)",
    /* A lower level takes the place of a higher one only when that is forgotten: a courier may have asked before the
     * higher one was written. */
    [INDEX_SET_DOMAIN] = "INSERT INTO domain VALUES(?1, ?2, ?3, NULL, ?5) ON CONFLICT(tag) DO UPDATE SET"
                         " level = excluded.level, at = excluded.at, until = max(until, excluded.until)"
                         " WHERE excluded.level >= level OR at < ?4",
    [INDEX_SET_POLICY] = "INSERT INTO domain VALUES(?1, 0, 0, ?2, ?3) ON CONFLICT(tag) DO UPDATE SET"
                         " policy = excluded.policy, until = max(until, excluded.until)",
    [INDEX_DROP_DOMAIN] = "DELETE FROM domain WHERE tag = ?1",
    [INDEX_FORGET_DOMAINS] = "DELETE FROM domain WHERE until < ?1",
    [INDEX_ADD_TALLY] = "INSERT OR IGNORE INTO tally SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS"
                        " (SELECT 1 FROM reported WHERE day = ?1 AND tag = ?2)",
    [INDEX_END_TALLY] = "DELETE FROM tally WHERE day = ?1 AND tag = ?2",
    [INDEX_SET_REPORTED] = "INSERT OR IGNORE INTO reported VALUES(?1, ?2)",
    [INDEX_FORGET_TALLIES] = "DELETE FROM tally WHERE day < ?1",
    [INDEX_FORGET_REPORTED] = "DELETE FROM reported WHERE day < ?1",
    [INDEX_TALLIES] = "SELECT tag, part, sealed FROM tally WHERE day = ?1 AND (tag, part) > (?2, ?3) ORDER BY tag, part LIMIT ?4",
    [INDEX_ADD_RECEIVED] = "INSERT OR IGNORE INTO received VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [INDEX_TRIM_RECEIVED] = "DELETE FROM received WHERE n IN (SELECT n FROM received ORDER BY at DESC, n DESC LIMIT -1 OFFSET ?1)",
    [INDEX_FORGET_RECEIVED] = "DELETE FROM received WHERE at < ?1",
    [INDEX_RECEIVED_COUNT] = "SELECT count(*) FROM received WHERE at >= ?1",
    [INDEX_RECEIVED_LIST] = "SELECT id, at, size FROM received WHERE at >= ?1 ORDER BY at DESC, n DESC",
    [INDEX_RECEIVED_ONE] = "SELECT id, at, size, header, sealed FROM received WHERE at >= ?1 AND id = ?2",
    [INDEX_LIVE] = "SELECT m.n, m.id, m.kind, m.flags, m.tenant, m.accepted, m.by, m.size, m.length, r.n - m.n, r.notify,"
                   " r.destination, r.generation, r.state, r.notice, r.flags, r.attempts, r.reason, r.next, l.n, l.id,"
                   " l.at FROM recipient r INDEXED BY recipient_live JOIN message m ON m.n = r.message"
                   " LEFT JOIN letter l ON l.recipient = r.n WHERE r.live = 1 ORDER BY r.n",
    [INDEX_OPEN_TRANSITS] = "SELECT id, kind, letter, created, header, sealed FROM transit WHERE ended = 0",
    [INDEX_TRANSIT] = "SELECT id, kind, letter, created, header, sealed FROM transit WHERE id = ?1",
    [INDEX_CREDENTIALS] = "SELECT id, name, record FROM credential",
    [INDEX_LOCKS] = "SELECT subject, until FROM lock WHERE until > ?1",
    [INDEX_DOMAIN] = "SELECT level, at, policy FROM domain WHERE tag = ?1",
    [INDEX_CONTENT_FILES] = "SELECT DISTINCT m.id FROM recipient r INDEXED BY recipient_live JOIN message m"
                            " ON m.n = r.message WHERE r.live = 1 AND r.state = 1 AND m.length > 0",
    [INDEX_LETTER_FILES] = "SELECT id FROM letter WHERE gone = 0 AND expires > ?1",
    [INDEX_LETTER_BY_ROW] = INDEX_LETTER_COLUMNS "WHERE l.n = ?1",
    [INDEX_LETTER_BY_ID] = INDEX_LETTER_COLUMNS "WHERE l.id = ?1",
    [INDEX_LETTER_BY_LINK] = INDEX_LETTER_COLUMNS "WHERE l.n = (SELECT letter FROM link WHERE digest = ?1)",
    [INDEX_EXPIRED] = "SELECT id FROM letter WHERE gone = 0 AND expires <= ?1 AND NOT EXISTS"
                      " (SELECT 1 FROM recipient r WHERE r.n = letter.recipient AND r.live = 1) LIMIT ?2",
    [INDEX_MARK_GONE] = "UPDATE letter SET gone = 1, header = NULL, envelope = NULL, address = NULL, token = NULL,"
                        " center = NULL WHERE id = ?1",
    [INDEX_MAILS] = "SELECT r.tag, r.destination FROM letter l JOIN recipient r ON r.n = l.recipient WHERE l.at >= ?1"
                    " UNION ALL SELECT r.tag, NULL FROM transit t JOIN letter l ON l.n = t.letter JOIN recipient r"
                    " ON r.n = l.recipient WHERE t.created >= ?1",
    [INDEX_QUERY_ID] = INDEX_ROW_COLUMNS "WHERE m.id = ?1 AND r.live >= ?2 ORDER BY r.n LIMIT ?3",
    [INDEX_QUERY_MESSAGE_ID] = INDEX_ROW_COLUMNS
    "WHERE m.message_id = ?1 AND r.live >= ?2 ORDER BY m.n DESC, r.n LIMIT ?3",
    [INDEX_QUERY_RECIPIENT] = INDEX_ROW_COLUMNS "WHERE r.tag = ?1 AND r.live >= ?2 ORDER BY r.n DESC LIMIT ?3",
    [INDEX_QUERY_LIVE] = INDEX_ROW_COLUMNS "WHERE r.live = 1 ORDER BY r.n DESC LIMIT ?3",
    [INDEX_QUERY_ALL] = INDEX_ROW_COLUMNS "WHERE r.live >= ?2 ORDER BY r.n DESC LIMIT ?3",
    [INDEX_ATTEMPTS] = "SELECT a.number, a.at, a.outcome, a.reason, a.proof, a.text, a.evidence, e.header, e.sealed"
                       " FROM attempt a LEFT JOIN evidence e ON e.id = a.evidence WHERE a.recipient = ?1"
                       " ORDER BY a.number",
    [INDEX_FINAL] = "SELECT m.n, (SELECT count(*) FROM recipient r WHERE r.n BETWEEN m.n AND m.n + 100 AND r.message ="
                    " m.n AND r.state = 1) FROM message m WHERE m.id = ?1",
    [INDEX_RECIPIENT] = "SELECT m.header, m.envelope, r.sealed FROM recipient r JOIN message m ON m.n = r.message"
                        " WHERE r.n = ?1",
    [INDEX_SUMS] = "SELECT m.kind, r.state, count(*) FROM recipient r JOIN message m ON m.n = r.message GROUP BY 1, 2",
};
