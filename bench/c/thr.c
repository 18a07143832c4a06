// SPDX-License-Identifier: MPL-2.0

// libzmq's side of a thr row: one PUSH sends to one PULL.

#include "peer.h"

static void pull(struct job *j, void *s) {
    char *body = new_body(j);
    recv_one(j, s, body); // the first message starts the clock
    int64_t begin = now_ns();
    for (int i = 1; i < j->count; i++)
        recv_one(j, s, body);
    printf("took %lld\n", (long long)(now_ns() - begin));
    free(body);
}

static void *push(void *arg) {
    struct job *j = arg;
    void *s = open_socket(j, ZMQ_PUSH);
    char *body = new_body(j);
    connect_socket(j, s);
    for (int i = 0; i < j->count; i++)
        send_one(j, s, body);
    zmq_close(s);
    free(body);
    return NULL;
}

int main(int argc, char **argv) {
    return run_peer(argc, argv, ZMQ_PULL, pull, push);
}
