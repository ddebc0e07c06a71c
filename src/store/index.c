/* SPDX-License-Identifier: Apache-2.0 */
/* The connection, its statements, transactions and checkpoints. */
#include "store/index.h"

#include "base/mem.h"
#include "store/index_impl.h"

bool index_fail(const struct index *x, const char *what, struct err *err)
{
    return err_set(err, "the index: %s: %s", what, x->db == NULL ? "no database" : sqlite3_errmsg(x->db));
}

sqlite3_stmt *index_statement(struct index *x, enum index_statement which, struct err *err)
{
    if (x->statement[which] == NULL &&
        sqlite3_prepare_v3(x->db, index_sql[which], -1, SQLITE_PREPARE_PERSISTENT, &x->statement[which], NULL) !=
            SQLITE_OK) {
        index_fail(x, "preparing a statement", err);
        return NULL;
    }
    sqlite3_reset(x->statement[which]);
    return x->statement[which];
}

bool index_run(struct index *x, sqlite3_stmt *statement, struct err *err)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE || index_fail(x, "writing", err);
}

bool index_row(struct index *x, sqlite3_stmt *statement, bool *ret_ok, struct err *err)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return true;
    }
    *ret_ok = code == SQLITE_DONE || index_fail(x, "reading", err);
    sqlite3_reset(statement);
    return false;
}

int64_t index_tag(const struct tag *tag)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++) {
        value = value << 8 | tag->b[i];
    }
    return (int64_t)value;
}

void index_bind_blob(sqlite3_stmt *statement, int n, struct slice s)
{
    if (s.len == 0) {
        sqlite3_bind_null(statement, n);
    } else {
        sqlite3_bind_blob64(statement, n, s.data, s.len, SQLITE_STATIC);
    }
}

void index_bind(sqlite3_stmt *statement, int n, int64_t value)
{
    sqlite3_bind_int64(statement, n, value);
}

struct slice index_blob(sqlite3_stmt *statement, int n)
{
    const void *data = sqlite3_column_blob(statement, n);
    return data == NULL ? SLICE_EMPTY : slice_of(data, (size_t)sqlite3_column_bytes(statement, n));
}

void index_fixed(sqlite3_stmt *statement, int n, void *out, size_t size)
{
    struct slice s = index_blob(statement, n);
    memset(out, 0, size);
    if (s.len == size) {
        memcpy(out, s.data, size);
    }
}

struct slice index_tenant_name(const struct index *x, int64_t number)
{
    return number >= 0 && (uint64_t)number < x->tenant_count ? slice_str(x->tenant[number].name) : SLICE_EMPTY;
}

static bool index_exec(struct index *x, const char *sql, struct err *err)
{
    return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK || index_fail(x, "opening", err);
}

static int index_wal_hook(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct index *x = ctx;
    (void)db;
    (void)name;
    x->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static bool index_version(struct index *x, int *ret_version, struct err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(x->db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
        sqlite3_finalize(s);
        return index_fail(x, "reading its version", err);
    }
    *ret_version = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return true;
}

static bool index_prepare_schema(struct index *x, struct err *err)
{
    int version = 0;
    if (!index_version(x, &version, err)) {
        return false;
    }
    if (version > INDEX_SCHEMA) {
        return err_set(err, "the index has schema %d, this program knows %d; start the newer Sealpost that made it", version,
                       INDEX_SCHEMA);
    }
    return version == INDEX_SCHEMA ||
           (index_exec(x, "BEGIN IMMEDIATE", err) && (version > 0 || index_exec(x, index_schema, err)) &&
            (version != 1 || index_exec(x, index_schema_2, err)) &&
            (version == 0 || version > 2 || index_exec(x, index_schema_3, err)) && (version == 0 || index_exec(x, index_schema_4, err)) &&
            index_exec(x, "PRAGMA user_version = 4", err) && index_exec(x, "COMMIT", err));
}

static bool index_read_position(struct index *x, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_GET_POSITION, err);
    if (s == NULL || !index_row(x, s, &ok, err)) {
        return false;
    }
    x->position = (uint64_t)index_number(s, 0);
    x->committed = x->position;
    sqlite3_reset(s);
    return true;
}

static struct index_tenant *index_tenant_push(struct index *x, struct slice name)
{
    struct index_tenant *tenant = &x->tenant[x->tenant_count++];
    *tenant = (struct index_tenant){.name = mem_strndup(name.data, name.len)};
    return tenant;
}

static bool index_read_tenants(struct index *x, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_TENANTS, err);
    if (s == NULL) {
        return false;
    }
    while (x->tenant_count < RECORD_TENANTS_MAX && index_row(x, s, &ok, err)) {
        struct state_counts *c = &index_tenant_push(x, index_blob(s, 1))->counts;
        uint64_t *field[] = {&c->accepted,     &c->delivered, &c->posted,       &c->returned,
                             &c->dsn_accepted, &c->dsn_final, &c->notices_sent, &c->expansions};
        for (int i = 0; i < 8; i++) {
            *field[i] = (uint64_t)index_number(s, i + 2);
        }
    }
    return ok;
}

#define INDEX_VFS "sealpost"

/* The name as it is: see index_open(). */
static int index_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    size_t len = strlen(name);
    if (len >= (size_t)size) {
        return SQLITE_CANTOPEN;
    }
    memcpy(out, name, len + 1);
    return SQLITE_OK;
}

static bool index_vfs(struct index *x)
{
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (system == NULL) {
        return false;
    }
    x->vfs = *system;
    x->vfs.zName = INDEX_VFS;
    x->vfs.pNext = NULL;
    x->vfs.xFullPathname = index_full_path;
    return sqlite3_vfs_register(&x->vfs, 0) == SQLITE_OK;
}

bool index_open(const char *path, struct index **ret_index, struct err *err)
{
    struct index *x = mem_new(sizeof *x);
    x->tenant = mem_new_array(RECORD_TENANTS_MAX, sizeof *x->tenant);
    int code = !index_vfs(x) ? SQLITE_ERROR
                             : sqlite3_open_v2(path, &x->db,
                                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                               INDEX_VFS);
    bool ok = code == SQLITE_OK || index_fail(x, "opening", err);
    ok = ok && index_exec(x, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                             "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;"
                             "PRAGMA trusted_schema = OFF;",
                          err);
    ok = ok && index_prepare_schema(x, err) && index_read_position(x, err) && index_read_tenants(x, err);
    if (!ok) {
        index_close(&x);
        return false;
    }
    sqlite3_wal_hook(x->db, index_wal_hook, x);
    *ret_index = x;
    return true;
}

void index_close(struct index **index)
{
    struct index *x = index == NULL ? NULL : *index;
    if (x == NULL) {
        return;
    }
    if (x->open) {
        index_commit(x, NULL);
    }
    for (size_t i = 0; i < INDEX_STATEMENTS; i++) {
        sqlite3_finalize(x->statement[i]);
    }
    sqlite3_close(x->db);
    sqlite3_vfs_unregister(&x->vfs);
    for (size_t i = 0; i < x->tenant_count; i++) {
        mem_free(x->tenant[i].name);
    }
    mem_free(x->tenant);
    mem_free(x);
    *index = NULL;
}

uint64_t index_position(const struct index *x)
{
    return x->position;
}

uint64_t index_mismatches(const struct index *x)
{
    return x->mismatches;
}

uint32_t index_wal_pages(const struct index *x)
{
    return x->wal_pages;
}

int index_tenant(struct index *x, struct slice name, struct err *err)
{
    for (size_t i = 0; i < x->tenant_count; i++) {
        if (slice_eq(slice_str(x->tenant[i].name), name)) {
            return (int)i;
        }
    }
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_TENANT, err);
    if (s == NULL || x->tenant_count == RECORD_TENANTS_MAX) {
        err_set(err, "more than %u tenants", RECORD_TENANTS_MAX);
        return -1;
    }
    index_bind(s, 1, (int64_t)x->tenant_count);
    sqlite3_bind_text(s, 2, (const char *)name.data, (int)name.len, SQLITE_STATIC);
    if (!index_run(x, s, err)) {
        return -1;
    }
    index_tenant_push(x, name);
    return (int)x->tenant_count - 1;
}

static bool index_write_tenants(struct index *x, struct err *err)
{
    for (size_t i = 0; i < x->tenant_count; i++) {
        if (!x->tenant[i].dirty) {
            continue;
        }
        const struct state_counts *c = &x->tenant[i].counts;
        const uint64_t field[] = {c->accepted,     c->delivered, c->posted,       c->returned,
                                  c->dsn_accepted, c->dsn_final, c->notices_sent, c->expansions};
        sqlite3_stmt *s = index_statement(x, INDEX_SET_TENANT, err);
        if (s == NULL) {
            return false;
        }
        index_bind(s, 1, (int64_t)i);
        for (int f = 0; f < 8; f++) {
            index_bind(s, f + 2, (int64_t)field[f]);
        }
        if (!index_run(x, s, err)) {
            return false;
        }
        x->tenant[i].dirty = false;
    }
    return true;
}

bool index_commit(struct index *x, struct err *err)
{
    if (!x->open) {
        return true;
    }
    sqlite3_stmt *position = index_statement(x, INDEX_SET_POSITION, err);
    sqlite3_stmt *commit = index_statement(x, INDEX_COMMIT, err);
    if (position == NULL || commit == NULL || !index_write_tenants(x, err)) {
        return false;
    }
    index_bind(position, 1, (int64_t)x->position);
    if (!index_run(x, position, err) || !index_run(x, commit, err)) {
        return false;
    }
    x->open = false;
    x->committed = x->position;
    return true;
}

bool index_checkpoint(struct index *x, uint64_t *ret_position, struct err *err)
{
    if (!index_commit(x, err)) {
        return false;
    }
    for (size_t i = 0; i < INDEX_STATEMENTS; i++) {
        sqlite3_reset(x->statement[i]); /* rows left open for their slices: SQLite would call the database locked */
    }
    if (sqlite3_wal_checkpoint_v2(x->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK) {
        return index_fail(x, "checkpoint", err);
    }
    x->wal_pages = 0;
    *ret_position = x->committed;
    return true;
}
