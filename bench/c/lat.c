// SPDX-License-Identifier: MPL-2.0

// libzmq's side of a lat row: REQ asks, REP echoes.

#include "peer.h"

static void echo(struct job *j, void *s) {
    char *body = new_body(j);
    for (int i = 0; i < j->count; i++) {
        recv_one(j, s, body);
        send_one(j, s, body);
    }
    free(body);
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// ask makes count round trips and says their percentiles. The first tenth warms up both sides and
// is not counted.
static void *ask(void *arg) {
    struct job *j = arg;
    void *s = open_socket(j, ZMQ_REQ);
    char *body = new_body(j);
    int64_t *trips = calloc(j->count, sizeof *trips);
    if (!trips)
        die("calloc");
    connect_socket(j, s);
    for (int i = 0; i < j->count; i++) {
        int64_t begin = now_ns();
        send_one(j, s, body);
        recv_one(j, s, body);
        trips[i] = now_ns() - begin;
    }
    int64_t *counted = trips + j->count / 10;
    size_t n = j->count - j->count / 10;
    qsort(counted, n, sizeof *counted, by_time);
    printf("trips %lld %lld\n", (long long)counted[n / 2], (long long)counted[n * 99 / 100]);
    zmq_close(s);
    free(trips);
    free(body);
    return NULL;
}

int main(int argc, char **argv) {
    return run_peer(argc, argv, ZMQ_REP, echo, ask);
}
