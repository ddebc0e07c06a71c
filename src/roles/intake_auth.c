/* SPDX-License-Identifier: Apache-2.0 */
/* The conversations of AUTH. A wrong name and a wrong password get the same answer after the same steps (row 11). */
#include "roles/intake_auth.h"

#include "base/mem.h"
#include "keys/scram_server.h"
#include "os/msg.h"

enum mechanism { MECHANISM_PLAIN, MECHANISM_LOGIN, MECHANISM_SCRAM, MECHANISM_SCRAM_PLUS };

/* What comes next. An exchange begins at FIRST: PLAIN's message, LOGIN's name, SCRAM's first message. LOGIN goes on to
 * PASSWORD; SCRAM asks keyd for the salt (ASKING) and goes on to FINAL. Then keyd judges (ASKING). Its yes is told after
 * its delay (DELAY); SCRAM shows the server's signature first and waits for the client's empty answer (SIGNED). */
enum step { STEP_FIRST, STEP_PASSWORD, STEP_FINAL, STEP_ASKING, STEP_DELAY, STEP_SIGNED };

struct intake_auth {
    struct intake_session *session;
    enum mechanism mechanism;
    enum step step;
    struct buf name;
    struct scram_server *scram;
    uint64_t call;          /* open question to keyd; 0: none */
    struct loop_timer *delay;
    uint8_t code;           /* keyd's verdict, while its delay runs */
    struct id credential;
    struct buf tenant;
    struct buf senders;
    uint8_t minimum;
    struct buf signature;
};

static void set_step(struct intake_auth *auth, enum step step)
{
    auth->step = step;
}

static void auth_free(struct intake_auth **auth)
{
    struct intake_auth *a = *auth;
    *auth = NULL;
    if (a == NULL)
        return;
    if (a->call != 0 && a->session->intake->keyd != NULL)
        chan_call_forget(a->session->intake->keyd, a->call);
    loop_timer_free(&a->delay);
    scram_server_free(&a->scram);
    buf_free(&a->name);
    buf_free(&a->tenant);
    buf_free(&a->senders);
    buf_free(&a->signature);
    mem_free(a);
}

void intake_auth_forget(void *session)
{
    struct intake_session *s = session;
    auth_free(&s->auth);
}

/* Ends the exchange with a reply. */
static void finish(struct intake_session *s, unsigned code, const char *status, const char *text)
{
    auth_free(&s->auth);
    smtp_server_session_answer(s->smtp, code, status, "%s", text);
}

static void fail_wrong(struct intake_session *s)
{
    finish(s, 535, "5.7.8", "name or password is wrong");
}

static void fail_malformed(struct intake_session *s)
{
    finish(s, 501, "5.5.2", "the AUTH data is malformed");
}

static void fail_for_now(struct intake_session *s)
{
    finish(s, 454, "4.7.0", "names cannot be checked at the moment; try again later");
}

static void fail_code(struct intake_session *s, uint8_t code)
{
    if (code == MSG_REFUSED)
        fail_wrong(s);
    else if (code == MSG_LOCKED)
        finish(s, 454, "4.7.0", "too many wrong passwords; wait a while, then try again");
    else
        fail_for_now(s);
}

/* The client is known: keeps who it is, and has keys for its messages fetched. */
static void succeed(struct intake_session *s)
{
    struct intake_auth *auth = s->auth;
    struct intake_senders senders;
    if (!intake_senders_read(buf_slice(&auth->senders), &senders)) {
        log_error(role_log(s->intake->role), "a credential has a malformed list of senders");
        fail_for_now(s);
        return;
    }
    mem_free(s->name);
    mem_free(s->tenant);
    intake_senders_free(&s->senders);
    s->credential = auth->credential;
    s->name = mem_strndup(auth->name.data, auth->name.len);
    s->tenant = mem_strndup(auth->tenant.data, auth->tenant.len);
    s->senders = senders;
    s->minimum = auth->minimum;
    intake_keys_prepare(s->intake->keys, slice_str(s->tenant));
    auth_free(&s->auth);
    smtp_server_session_authenticated(s->smtp);
}

/* keyd's verdict is told. */
static void conclude(struct intake_auth *auth)
{
    struct intake_session *s = auth->session;
    struct buf text;
    if (auth->code != MSG_OK) {
        fail_code(s, auth->code);
    } else if (auth->scram == NULL) {
        succeed(s);
    } else {
        buf_init(&text, SCRAM_MESSAGE_MAX);
        set_step(auth, STEP_SIGNED);
        scram_server_end(buf_slice(&auth->signature), &text);
        smtp_server_session_challenge(s->smtp, buf_slice(&text));
        buf_free(&text);
    }
}

static void on_delay(void *ctx)
{
    struct intake_auth *auth = ctx;
    struct intake_session *s = auth->session;
    conclude(auth);
    intake_session_pump(s);
}

static void on_verdict(void *ctx, const struct chan_frame *frame)
{
    struct intake_auth *auth = ctx;
    struct intake_session *s = auth->session;
    struct msg_auth_answer answer;
    auth->call = 0;
    if (frame == NULL || !layout_read(&msg_auth_answer_layout, frame->payload, &answer)) {
        fail_for_now(s);
        intake_session_pump(s);
        return;
    }
    auth->code = answer.code;
    auth->credential = answer.credential;
    auth->minimum = answer.minimum;
    buf_append_slice(&auth->tenant, answer.tenant);
    buf_append_slice(&auth->senders, answer.senders);
    buf_append_slice(&auth->signature, answer.server_signature);
    set_step(auth, STEP_DELAY);
    if (answer.delay_us > 0) {
        auth->delay = loop_timer_create(s->intake->loop, on_delay, auth);
        loop_timer_start(auth->delay, answer.delay_us);
        return;
    }
    conclude(auth);
    intake_session_pump(s);
}

/* Asks keyd; the payload is wiped. */
static void ask(struct intake_auth *auth, uint16_t type, const struct layout *layout, const void *question,
                chan_answer_fn *fn)
{
    struct intake *intake = auth->session->intake;
    struct buf payload;
    if (intake->keyd == NULL) {
        fail_for_now(auth->session);
        return;
    }
    buf_init_secret(&payload, CHAN_PAYLOAD_MAX);
    layout_write(layout, &payload, question);
    set_step(auth, STEP_ASKING);
    if (buf_ok(&payload))
        auth->call = chan_call(intake->keyd, type, buf_slice(&payload), -1, MSG_DEADLINE_US, fn, auth);
    else
        fail_malformed(auth->session);
    buf_free(&payload);
}

static void ask_password(struct intake_auth *auth, struct slice password)
{
    struct intake_session *s = auth->session;
    struct msg_auth_plain question = {buf_slice(&auth->name), password, slice_of(s->address, s->address_len)};
    if (auth->name.len == 0 || password.len > MSG_PASSWORD_MAX)
        fail_wrong(s);
    else
        ask(auth, MSG_AUTH_PLAIN, &msg_auth_plain_layout, &question, on_verdict);
}

/* RFC 4616: authorisation identity, NUL, name, NUL, password. Nobody acts for another here. */
static void take_plain(struct intake_auth *auth, struct slice message)
{
    size_t first = slice_find(message, 0, 0);
    size_t second = slice_find(message, first + 1, 0);
    struct slice other = slice_sub(message, 0, first);
    struct slice name = slice_sub(message, first + 1, second - first - 1);
    struct slice password = slice_sub(message, second + 1, message.len);
    if (second >= message.len || slice_find(password, 0, 0) < password.len ||
        !buf_append_slice(&auth->name, name))
        fail_malformed(auth->session);
    else if (other.len > 0 && !slice_eq(other, name))
        fail_wrong(auth->session);
    else
        ask_password(auth, password);
}

static void take_login_name(struct intake_auth *auth, struct slice name)
{
    if (!buf_append_slice(&auth->name, name)) {
        fail_malformed(auth->session);
        return;
    }
    set_step(auth, STEP_PASSWORD);
    smtp_server_session_challenge(auth->session->smtp, SLICE_LIT("Password:"));
}

static void on_salt(void *ctx, const struct chan_frame *frame)
{
    struct intake_auth *auth = ctx;
    struct intake_session *s = auth->session;
    struct msg_scram_challenge answer;
    struct buf text;
    auth->call = 0;
    buf_init(&text, SCRAM_MESSAGE_MAX);
    if (frame == NULL || !layout_read(&msg_scram_challenge_layout, frame->payload, &answer)) {
        fail_for_now(s);
    } else if (answer.code != MSG_OK) {
        fail_code(s, answer.code);
    } else {
        scram_server_challenge(auth->scram, answer.salt, answer.iterations, &text);
        set_step(auth, STEP_FINAL);
        smtp_server_session_challenge(s->smtp, buf_slice(&text));
    }
    buf_free(&text);
    intake_session_pump(s);
}

static void take_scram_first(struct intake_auth *auth, struct slice message)
{
    struct intake_session *s = auth->session;
    auth->scram = scram_server_create(auth->mechanism == MECHANISM_SCRAM_PLUS, true, SLICE_EMPTY);
    if (!scram_server_first(auth->scram, message, NULL) ||
        !buf_append_slice(&auth->name, scram_server_user(auth->scram))) {
        fail_malformed(s);
        return;
    }
    struct msg_scram_start question = {buf_slice(&auth->name), slice_of(s->address, s->address_len)};
    ask(auth, MSG_SCRAM_START, &msg_scram_start_layout, &question, on_salt);
}

/* What the client's binding must be equal to; false when this connection has none of that kind. */
static bool channel_binding(struct intake_auth *auth, uint8_t exporter[TLS_EXPORTER_SIZE], struct slice *ret_binding)
{
    struct intake_session *s = auth->session;
    *ret_binding = SLICE_EMPTY;
    switch (scram_server_binding(auth->scram)) {
    case SCRAM_BINDING_NONE:
        return true;
    case SCRAM_BINDING_EXPORTER:
        *ret_binding = slice_of(exporter, TLS_EXPORTER_SIZE);
        return tls_conn_exporter(s->conn, exporter);
    case SCRAM_BINDING_END_POINT:
        *ret_binding = slice_of(s->end_point, s->end_point_len);
        return ret_binding->len > 0;
    }
    return false;
}

static void take_scram_final(struct intake_auth *auth, struct slice message)
{
    struct intake_session *s = auth->session;
    uint8_t exporter[TLS_EXPORTER_SIZE];
    uint8_t proof[SCRAM_HASH_SIZE];
    struct slice binding;
    struct buf auth_message;
    buf_init(&auth_message, SCRAM_AUTH_MESSAGE_MAX);
    if (!channel_binding(auth, exporter, &binding) ||
        !scram_server_final(auth->scram, message, binding, &auth_message, proof, NULL)) {
        fail_wrong(s);
    } else {
        struct msg_scram_finish question = {buf_slice(&auth->name), slice_of(s->address, s->address_len),
                                            buf_slice(&auth_message), slice_of(proof, sizeof(proof))};
        ask(auth, MSG_SCRAM_FINISH, &msg_scram_finish_layout, &question, on_verdict);
    }
    mem_wipe(exporter, sizeof(exporter));
    buf_free(&auth_message);
}

static void take_first(struct intake_auth *auth, struct slice message)
{
    switch (auth->mechanism) {
    case MECHANISM_PLAIN:
        take_plain(auth, message);
        break;
    case MECHANISM_LOGIN:
        take_login_name(auth, message);
        break;
    case MECHANISM_SCRAM:
    case MECHANISM_SCRAM_PLUS:
        take_scram_first(auth, message);
        break;
    }
}

void intake_auth_response(void *session, struct slice response)
{
    struct intake_session *s = session;
    struct intake_auth *auth = s->auth;
    switch (auth->step) {
    case STEP_FIRST:
        take_first(auth, response);
        break;
    case STEP_PASSWORD:
        ask_password(auth, response);
        break;
    case STEP_FINAL:
        take_scram_final(auth, response);
        break;
    case STEP_SIGNED:
        if (response.len == 0)
            succeed(s);
        else
            fail_malformed(s);
        break;
    case STEP_ASKING: /* the SMTP session gives no line while an answer is owed */
    case STEP_DELAY:
        break;
    }
}

static bool find_mechanism(struct slice name, enum mechanism *ret_mechanism)
{
    static const char *const names[] = {
        [MECHANISM_PLAIN] = "PLAIN",
        [MECHANISM_LOGIN] = "LOGIN",
        [MECHANISM_SCRAM] = "SCRAM-SHA-256",
        [MECHANISM_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        *ret_mechanism = (enum mechanism)i;
        if (slice_ieq(name, slice_str(names[i])))
            return true;
    }
    return false;
}

void intake_auth_start(void *session, struct slice mechanism, bool has_initial, struct slice initial)
{
    struct intake_session *s = session;
    enum mechanism found;
    if (!find_mechanism(mechanism, &found)) {
        smtp_server_session_answer(s->smtp, 504, "5.5.4", "that mechanism is not offered");
        return;
    }
    struct intake_auth *auth = s->auth = mem_new(sizeof(*auth));
    auth->session = s;
    auth->mechanism = found;
    buf_init(&auth->name, MSG_NAME_MAX);
    buf_init(&auth->tenant, MSG_TENANT_MAX);
    buf_init(&auth->senders, MSG_SENDERS_MAX);
    buf_init_secret(&auth->signature, SCRAM_HASH_SIZE);
    if (has_initial)
        take_first(auth, initial);
    else
        smtp_server_session_challenge(s->smtp, found == MECHANISM_LOGIN ? SLICE_LIT("Username:") : SLICE_EMPTY);
}
