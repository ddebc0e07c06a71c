/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on our loop: it says which sockets and what time it waits for, and is told what happened. */
#include "base/clock.h"
#include "base/mem.h"
#include "net/sts_fetch_parts.h"

/* One socket of libcurl's. */
struct sts_fetch_socket {
    struct sts_fetcher *owner;
    curl_socket_t fd;
    struct loop_watch *watch;
};

/* Tells of finished transfers, one at a time: the message dies with its handle. */
static void tell_done(struct sts_fetcher *fetcher)
{
    int left = 0;
    CURLMsg *msg = curl_multi_info_read(fetcher->multi, &left);
    while (msg != NULL) {
        char *fetch = NULL;
        CURLcode code = msg->data.result;
        if (msg->msg == CURLMSG_DONE && curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &fetch) == CURLE_OK)
            sts_fetch_done((struct sts_fetch *)(void *)fetch, code);
        msg = curl_multi_info_read(fetcher->multi, &left);
    }
}

static void act(struct sts_fetcher *fetcher, curl_socket_t fd, int what)
{
    int running = 0;
    (void)curl_multi_socket_action(fetcher->multi, fd, what, &running);
    tell_done(fetcher);
}

/* The socket may be gone when libcurl returns. */
static void on_ready(void *ctx, unsigned events)
{
    const struct sts_fetch_socket *socket = ctx;
    int what = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) | ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & LOOP_HANGUP) != 0 ? CURL_CSELECT_ERR : 0);
    act(socket->owner, socket->fd, what);
}

static void on_time(void *ctx)
{
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static void drop_socket(struct sts_fetcher *fetcher, struct sts_fetch_socket *socket)
{
    if (socket == NULL)
        return;
    curl_multi_assign(fetcher->multi, socket->fd, NULL);
    loop_watch_free(&socket->watch);
    mem_free(socket);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct sts_fetcher *fetcher = ctx;
    struct sts_fetch_socket *socket = socket_ctx;
    unsigned events = ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0u) | ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0u);
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        drop_socket(fetcher, socket);
        return 0;
    }
    if (socket == NULL) {
        socket = mem_new(sizeof(*socket));
        socket->owner = fetcher;
        socket->fd = fd;
        socket->watch = loop_watch_create(fetcher->loop, fd, 0, on_ready, socket);
        curl_multi_assign(fetcher->multi, fd, socket);
    }
    if (socket->watch != NULL) /* otherwise the fetch ends by its time */
        loop_watch_set(socket->watch, events);
    return 0;
}

static int want_time(CURLM *multi, long ms, void *ctx)
{
    struct sts_fetcher *fetcher = ctx;
    (void)multi;
    if (ms < 0)
        loop_timer_stop(fetcher->timer);
    else
        loop_timer_start(fetcher->timer, ms * CLOCK_US_PER_MS);
    return 0;
}

bool sts_fetch_multi_create(struct sts_fetcher *fetcher, struct err *err)
{
    fetcher->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    fetcher->multi = fetcher->global ? curl_multi_init() : NULL;
    if (fetcher->multi == NULL)
        return err_set(err, "libcurl cannot be started");
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if ((version->features & CURL_VERSION_SSL) == 0 || strncmp(version->ssl_version, "OpenSSL", 7) != 0)
        return err_set(err, "libcurl is built without OpenSSL: the package libcurl4 is needed");
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, want_time);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    return true;
}

void sts_fetcher_start(struct sts_fetcher *fetcher, struct loop *loop)
{
    fetcher->loop = loop;
    fetcher->timer = loop_timer_create(loop, on_time, fetcher);
}

bool sts_fetch_multi_add(struct sts_fetch *fetch)
{
    return curl_multi_add_handle(fetch->owner->multi, fetch->easy) == CURLM_OK;
}

void sts_fetch_multi_remove(struct sts_fetch *fetch)
{
    if (fetch->easy == NULL)
        return;
    (void)curl_multi_remove_handle(fetch->owner->multi, fetch->easy);
    curl_easy_cleanup(fetch->easy);
    fetch->easy = NULL;
}

void sts_fetch_multi_free(struct sts_fetcher *fetcher)
{
    if (fetcher->multi != NULL)
        (void)curl_multi_cleanup(fetcher->multi);
    loop_timer_free(&fetcher->timer);
    if (fetcher->global)
        curl_global_cleanup();
}
