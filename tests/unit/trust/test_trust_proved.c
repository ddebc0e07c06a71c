/* SPDX-License-Identifier: Apache-2.0 */
/* P1: a permit comes into being when the verdict is SEND, and only then. */
#include "unit.h"

#include "facts_make.h"
#include "trust/trust_proved.h"

static void say(struct smtp_client_connection *conn, const char *reply)
{
    struct slice out = smtp_client_connection_output(conn);
    smtp_client_connection_sent(conn, out.len);
    smtp_client_connection_feed(conn, slice_str(reply));
}

/* A connection that is ready inside TLS. */
static struct smtp_client_connection *ready(void)
{
    struct smtp_client_connection *conn = smtp_client_connection_create("relay.example");
    say(conn, "220 mx.example\r\n");
    say(conn, "250-mx.example\r\n250 STARTTLS\r\n");
    assert_true(smtp_client_connection_starttls(conn));
    say(conn, "220 go\r\n");
    smtp_client_connection_tls_started(conn);
    say(conn, "250 mx.example\r\n");
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_READY);
    return conn;
}

static void test_no_permit_without_proof(void **state)
{
    (void)state;
    struct facts_random r = {1};
    size_t given = 0;
    struct smtp_client_connection *conn = ready();
    for (unsigned i = 0; i < 20000; i++) {
        struct trust_domain d = facts_random_domain(&r);
        struct trust_session s = facts_random_session(&r);
        struct smtp_permit *permit = NULL;
        struct trust_verdict v = trust_proved_permit(&d, &s, conn, FACTS_NOW, &permit);
        struct trust_verdict wanted = trust_verdict_session(&d, &s, FACTS_NOW);
        assert_int_equal(permit != NULL, wanted.action == TRUST_SEND);
        assert_int_equal(v.action, wanted.action);
        assert_int_equal(v.reason, wanted.reason);
        assert_int_equal(smtp_permit_holds(permit, conn), permit != NULL);
        given += permit != NULL;
        smtp_permit_free(&permit);
    }
    assert_true(given > 100);
    smtp_client_connection_free(&conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_permit_without_proof)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
