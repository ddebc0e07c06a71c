/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the index, shared by its .c files: the connection, the statements by number, short names for binding
 * and reading columns. No other file includes it. */
#ifndef STORE_INDEX_IMPL_H
#define STORE_INDEX_IMPL_H

#include <sqlite3.h>

#include "store/index.h"

/* Each is prepared once, at its first use; its text stands in index_sql.c. */
enum index_statement {
    INDEX_BEGIN,
    INDEX_COMMIT,
    INDEX_SET_POSITION,
    INDEX_GET_POSITION,
    INDEX_TENANTS,
    INDEX_ADD_TENANT,
    INDEX_SET_TENANT,
    INDEX_ADD_MESSAGE,
    INDEX_ADD_RECIPIENT,
    INDEX_CHANGE,
    INDEX_ADD_ATTEMPT,
    INDEX_ADD_EVIDENCE,
    INDEX_ADD_LETTER,
    INDEX_END_LETTER,
    INDEX_DROP_TOKEN,
    INDEX_SET_HELD,
    INDEX_ADD_LINK,
    INDEX_SET_CENTER,
    INDEX_ADD_TRANSIT,
    INDEX_END_TRANSIT,
    INDEX_SET_CREDENTIAL,
    INDEX_DROP_CREDENTIAL,
    INDEX_SET_LOCK,
    INDEX_SET_DOMAIN,
    INDEX_SET_POLICY,
    INDEX_DROP_DOMAIN,
    INDEX_FORGET_DOMAINS,
    INDEX_ADD_TALLY,
    INDEX_END_TALLY,
    INDEX_SET_REPORTED,
    INDEX_FORGET_TALLIES,
    INDEX_FORGET_REPORTED,
    INDEX_TALLIES,
    INDEX_ADD_RECEIVED,
    INDEX_TRIM_RECEIVED,
    INDEX_FORGET_RECEIVED,
    INDEX_RECEIVED_COUNT,
    INDEX_RECEIVED_LIST,
    INDEX_RECEIVED_ONE,
    INDEX_LIVE,
    INDEX_OPEN_TRANSITS,
    INDEX_TRANSIT,
    INDEX_CREDENTIALS,
    INDEX_LOCKS,
    INDEX_DOMAIN,
    INDEX_CONTENT_FILES,
    INDEX_LETTER_FILES,
    INDEX_LETTER_BY_ROW,
    INDEX_LETTER_BY_ID,
    INDEX_LETTER_BY_LINK,
    INDEX_EXPIRED,
    INDEX_MARK_GONE,
    INDEX_MAILS,
    INDEX_QUERY_ID,
    INDEX_QUERY_MESSAGE_ID,
    INDEX_QUERY_RECIPIENT,
    INDEX_QUERY_LIVE,
    INDEX_QUERY_ALL,
    INDEX_ATTEMPTS,
    INDEX_FINAL,
    INDEX_RECIPIENT,
    INDEX_SUMS,
    INDEX_STATEMENTS
};

struct index_tenant {
    char *name;
    struct state_counts counts;
    bool dirty;
};

struct index {
    sqlite3_vfs vfs; /* the system's, but for names */
    sqlite3 *db;
    sqlite3_stmt *statement[INDEX_STATEMENTS];
    uint64_t position; /* applied */
    uint64_t committed;
    bool open;         /* a transaction is */
    struct index_tenant *tenant;
    size_t tenant_count;
    uint64_t mismatches;
    uint32_t wal_pages;
    int64_t memory_us;
};

/* The newest schema, and what makes it of the one before. */
extern const char *const index_schema;
extern const char *const index_schema_2;
extern const char *const index_schema_3;
extern const char *const index_schema_4;
extern const char *const index_sql[INDEX_STATEMENTS];

/* Applies a RECORD_DOMAIN. */
bool index_apply_domain(struct index *index, const struct record *record, struct err *err);

/* Applies a RECORD_TALLY. */
bool index_apply_tally(struct index *index, const struct record *record, struct err *err);

/* Applies a RECORD_RECEIVED. */
bool index_apply_received(struct index *index, const struct record *record, struct err *err);

/* A head that cannot be read: false with err. */
bool index_malformed(const struct record *record, struct err *err);

/* A statement ready to bind; NULL with err. */
sqlite3_stmt *index_statement(struct index *index, enum index_statement which, struct err *err);

/* Opens a transaction when none is. */
bool index_begin(struct index *index, struct err *err);

/* Runs a statement that returns no row, and resets it. */
bool index_run(struct index *index, sqlite3_stmt *statement, struct err *err);

/* Steps a statement: true with a row; false at the end or with *ret_ok false and err. */
bool index_row(struct index *index, sqlite3_stmt *statement, bool *ret_ok, struct err *err);

/* The tenant's number, added when new; -1 with err. */
int index_tenant(struct index *index, struct slice name, struct err *err);

/* Fails with the database's own words. */
bool index_fail(const struct index *index, const char *what, struct err *err);

/* A tag as the table holds it. */
int64_t index_tag(const struct tag *tag);

/* Binding: a blob or NULL when empty; valid until the statement ran. */
void index_bind_blob(sqlite3_stmt *statement, int n, struct slice s);
/* Binding: a number. */
void index_bind(sqlite3_stmt *statement, int n, int64_t value);

/* Column n as a blob, valid until the next step or reset. */
struct slice index_blob(sqlite3_stmt *statement, int n);
/* Column n as exactly size bytes into out; zeros when it is NULL or of another size. */
void index_fixed(sqlite3_stmt *statement, int n, void *out, size_t size);
/* Column n as a number. */
static inline int64_t index_number(sqlite3_stmt *statement, int n)
{
    return sqlite3_column_int64(statement, n);
}

/* The name of a tenant by number. */
struct slice index_tenant_name(const struct index *index, int64_t number);

#endif
