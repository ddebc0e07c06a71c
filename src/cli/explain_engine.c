/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the questions. */
#include "cli/explain_engine.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "cli/explain_resolver.h"
#include "net/tls_library.h"
#include "os/sandbox.h"

#define DOSSIER_US (90 * CLOCK_US_PER_S) /* name servers that are silent, and a policy host that is */
#define FILES_MAX 1024u                  /* connections, channels, outputs */

enum job_state { JOB_DOSSIER, JOB_PROBE, JOB_OTHERS, JOB_OVER };

/* One domain under way. */
struct job {
    struct list link;
    struct explain_engine *engine;
    struct explain *explain;
    explain_done_fn *done;
    void *ctx;
    enum job_state state;
    unsigned profile; /* OTHERS: that is looked at */
    uint64_t call;
};

struct explain_engine {
    struct loop *loop;
    const struct conf *conf;
    struct conf patient; /* conf with shorter waits; shares everything with it */
    bool fresh;
    struct explain_resolver *resolver;
    struct tls_scratch *scratch;
    struct tls_library *library[EXPLAIN_PROFILES];
    struct tls_client *tls[EXPLAIN_PROFILES]; /* NULL: not looked at */
    struct peer_home home[EXPLAIN_PROFILES];
    struct explain_pool *pool;
    struct list jobs;
    struct loop_idle *turn;
    bool resting;
};

static void step_all(void *ctx);

/* --- making --- */

static bool open_profile(struct explain_engine *engine, enum trust_profile profile, struct err *err)
{
    const struct conf *conf = engine->conf;

    engine->library[profile] = tls_library_create((enum tls_profile)profile, conf->trust_fips_config, err);
    if (engine->library[profile] == NULL) {
        return false;
    }
    engine->tls[profile] = tls_client_open(engine->library[profile], conf->trust_ca_file, err);
    engine->home[profile] = (struct peer_home){engine->loop, engine->scratch, engine->tls[profile], &engine->patient};
    return engine->tls[profile] != NULL;
}

/* The demanded profile must be there; the others are looked at where this machine has them. */
static bool open_profiles(struct explain_engine *engine, bool others, struct err *err)
{
    if (!open_profile(engine, (enum trust_profile)engine->conf->trust_profile, err)) {
        return false;
    }
    for (unsigned p = 0; others && p < EXPLAIN_PROFILES; p++) {
        if (engine->tls[p] == NULL && !open_profile(engine, (enum trust_profile)p, NULL)) {
            tls_client_free(&engine->tls[p]);
            tls_library_free(&engine->library[p]);
        }
    }
    return true;
}

struct explain_engine *explain_engine_create(struct loop *loop, const struct conf *conf, const char *conf_path, bool others,
                                             bool fresh, struct err *err)
{
    struct explain_engine *engine = mem_new(sizeof(*engine));

    engine->loop = loop;
    engine->conf = conf;
    engine->fresh = fresh;
    engine->patient = *conf;
    if (engine->patient.courier_command_timeout > EXPLAIN_PATIENCE_US) {
        engine->patient.courier_command_timeout = EXPLAIN_PATIENCE_US;
    }
    if (engine->patient.courier_connect_timeout > EXPLAIN_PATIENCE_US) {
        engine->patient.courier_connect_timeout = EXPLAIN_PATIENCE_US;
    }
    list_init(&engine->jobs);
    engine->scratch = tls_scratch_create();
    engine->pool = explain_pool_create(loop, engine->home, step_all, engine);
    engine->turn = loop_idle_create(loop, step_all, engine);
    if (open_profiles(engine, others, err)) {
        engine->resolver = explain_resolver_start(loop, conf, conf_path, err);
    }
    if (engine->resolver == NULL) {
        explain_engine_free(&engine);
    }
    return engine;
}

void explain_engine_free(struct explain_engine **engine)
{
    struct explain_engine *e = engine == NULL ? NULL : *engine;

    if (e == NULL) {
        return;
    }
    LIST_FOR(it, tmp, &e->jobs)
    {
        struct job *job = LIST_ENTRY(it, struct job, link);
        if (job->call != 0 && explain_resolver_chan(e->resolver) != NULL) {
            chan_call_forget(explain_resolver_chan(e->resolver), job->call);
        }
        list_remove(&job->link);
        mem_free(job);
    }
    explain_pool_free(&e->pool);
    explain_resolver_free(&e->resolver);
    loop_idle_free(&e->turn);
    tls_scratch_free(&e->scratch);
    for (unsigned p = 0; p < EXPLAIN_PROFILES; p++) {
        tls_client_free(&e->tls[p]);
        tls_library_free(&e->library[p]);
    }
    mem_free(e);
    *engine = NULL;
}

bool explain_engine_drop(struct explain_engine *engine, struct err *err)
{
    uint32_t own = (uint32_t)engine->conf->roles_uid + ROLE_COURIER;
    bool root = geteuid() == 0;
    struct sandbox sandbox = {.uid = root ? own : UINT32_MAX, .gid = root ? own : UINT32_MAX, .groups = SANDBOX_NET_CLIENT,
                              .files_max = FILES_MAX};

    return sandbox_enter(&sandbox, err) || err_prefix(err, "no mail server is looked at outside of a sandbox: ");
}

/* --- one domain --- */

/* The one place that changes the state. */
static void job_become(struct job *job, enum job_state state)
{
    struct explain_engine *engine = job->engine;
    struct explain *explain = job->explain;
    const char *helo = engine->conf->courier_helo != NULL ? engine->conf->courier_helo : engine->conf->hostname;

    job->state = state;
    if (state == JOB_PROBE) {
        explain_probe_all(explain, engine->pool, helo, explain->demanded, explain->demanded);
    } else if (state == JOB_OTHERS) {
        explain->profiles[job->profile] = true;
        explain_probe_all(explain, engine->pool, helo, (enum trust_profile)job->profile, explain->demanded);
    }
    loop_idle_request(engine->turn);
}

static void on_dossier(void *ctx, const struct chan_frame *answer)
{
    struct job *job = ctx;

    job->call = 0;
    if (answer != NULL) {
        explain_take_dossier(job->explain, answer->payload, job->engine->conf->courier_allow_private);
    } else {
        explain_take_silence(job->explain);
    }
    job_become(job, JOB_PROBE);
}

static void ask_dossier(struct job *job)
{
    struct explain_engine *engine = job->engine;
    struct msg_dossier_ask ask = {.domain = slice_str(job->explain->domain.ascii),
        .policy = job->explain->known.policy, .fresh = engine->fresh};
    struct chan *chan = explain_resolver_chan(engine->resolver);
    struct buf payload;

    if (chan == NULL) {
        on_dossier(job, NULL);
        return;
    }
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    layout_write(&msg_dossier_ask_layout, &payload, &ask);
    job->call = chan_call(chan, MSG_DOSSIER, buf_slice(&payload), -1, DOSSIER_US, on_dossier, job);
    buf_free(&payload);
}

void explain_engine_start(struct explain_engine *engine, struct explain *explain, explain_done_fn *done, void *ctx)
{
    struct job *job = mem_new(sizeof(*job));

    job->engine = engine;
    job->explain = explain;
    job->done = done;
    job->ctx = ctx;
    list_init(&job->link);
    list_push(&engine->jobs, &job->link);
    if (explain->domain.kind == MAIL_DOMAIN_NAME) {
        ask_dossier(job);
    } else {
        explain_take_literal(explain, engine->conf->courier_allow_private);
        job_become(job, JOB_PROBE);
    }
}

/* The next profile behind one, or EXPLAIN_PROFILES. */
static unsigned next_profile(const struct job *job, unsigned from)
{
    while (from < EXPLAIN_PROFILES && (from == job->explain->demanded || job->engine->tls[from] == NULL)) {
        from++;
    }
    return from;
}

/* True when the job has moved on. */
static bool step(struct job *job)
{
    unsigned looked = job->state == JOB_PROBE ? job->explain->demanded : job->profile;

    if (job->state == JOB_DOSSIER || !explain_probed(job->explain, (enum trust_profile)looked)) {
        return false;
    }
    explain_judge(job->explain, (enum trust_profile)looked, clock_utc_us());
    job->profile = next_profile(job, job->state == JOB_PROBE ? 0 : job->profile + 1);
    job_become(job, job->profile < EXPLAIN_PROFILES ? JOB_OTHERS : JOB_OVER);
    return true;
}

static void step_all(void *ctx)
{
    struct explain_engine *engine = ctx;

    LIST_FOR(it, tmp, &engine->jobs)
    {
        struct job *job = LIST_ENTRY(it, struct job, link);
        while (job->state != JOB_OVER && step(job)) {
        }
        if (job->state == JOB_OVER) {
            explain_done_fn *done = job->done;
            void *done_ctx = job->ctx;
            struct explain *explain = job->explain;
            list_remove(&job->link);
            mem_free(job);
            done(done_ctx, explain);
        }
    }
    if (engine->resting && explain_pool_is_idle(engine->pool)) {
        loop_stop(engine->loop);
    }
}

/* --- between domains --- */

void explain_engine_forget(struct explain_engine *engine)
{
    explain_pool_free(&engine->pool);
    engine->pool = explain_pool_create(engine->loop, engine->home, step_all, engine);
}

void explain_engine_rest(struct explain_engine *engine)
{
    engine->resting = true;
    while (!explain_pool_is_idle(engine->pool)) {
        loop_run(engine->loop);
    }
    engine->resting = false;
    explain_resolver_end(engine->resolver);
}

bool explain_engine_is_well(const struct explain_engine *engine)
{
    return explain_resolver_chan(engine->resolver) != NULL;
}

size_t explain_engine_connections(const struct explain_engine *engine)
{
    return explain_pool_connections(engine->pool);
}
