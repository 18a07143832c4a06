// SPDX-License-Identifier: MPL-2.0

// What thr.c and lat.c share: a process's job, and how it ends.

#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

struct job {
    void *context;
    char endpoint[256]; // after bind_and_say: where it is bound
    int size;
    int count;
};

static void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *open_socket(struct job *j, int type) {
    void *s = zmq_socket(j->context, type);
    if (!s)
        die("zmq_socket");
    return s;
}

// bind_socket binds and puts the endpoint really bound into the job.
static void bind_socket(struct job *j, void *s) {
    size_t room = sizeof j->endpoint;
    if (zmq_bind(s, j->endpoint))
        die("zmq_bind");
    if (zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, j->endpoint, &room))
        die("zmq_getsockopt");
}

static void connect_socket(struct job *j, void *s) {
    if (zmq_connect(s, j->endpoint))
        die("zmq_connect");
}

static char *new_body(struct job *j) {
    char *body = calloc(1, j->size + 1);
    if (!body)
        die("calloc");
    return body;
}

static void send_one(struct job *j, void *s, const char *body) {
    if (zmq_send(s, body, j->size, 0) != j->size)
        die("zmq_send");
}

// recv_one ends the process unless the message has the job's size: zmq_recv returns the size of
// the message, not of what fitted into the buffer.
static void recv_one(struct job *j, void *s, char *body) {
    int n = zmq_recv(s, body, j->size, 0);
    if (n < 0)
        die("zmq_recv");
    if (n != j->size) {
        fprintf(stderr, "a message has %d B, not %d\n", n, j->size);
        exit(1);
    }
}

// run_peer does what the arguments ask for. The receiving half binds in two steps, so that the
// other half can be started in between.
static int run_peer(int argc, char **argv, int receiver, void (*receiving)(struct job *, void *),
                    void *(*sending)(void *)) {
    if (argc == 2 && !strcmp(argv[1], "version")) {
        int major, minor, patch;
        zmq_version(&major, &minor, &patch);
        printf("%d.%d.%d\n", major, minor, patch);
        return 0;
    }
    if (argc != 6) { // the last, RECEIVE, is for those who have a choice
        fprintf(stderr, "want ROLE ENDPOINT SIZE COUNT RECEIVE\n");
        return 2;
    }
    struct job j = {.context = zmq_ctx_new(), .size = atoi(argv[3]), .count = atoi(argv[4])};
    if (!j.context)
        die("zmq_ctx_new");
    if (j.size < 0 || j.count < 2 || strlen(argv[2]) >= sizeof j.endpoint) {
        fprintf(stderr, "cannot measure %s messages of %s B at %s\n", argv[4], argv[3], argv[2]);
        return 2;
    }
    strcpy(j.endpoint, argv[2]);

    if (!strcmp(argv[1], "connect")) {
        sending(&j);
    } else {
        int threads = !strcmp(argv[1], "inproc");
        pthread_t other;
        void *s = open_socket(&j, receiver);
        bind_socket(&j, s);
        if (threads) {
            if (pthread_create(&other, NULL, sending, &j))
                die("pthread_create");
        } else {
            printf("bound %s\n", j.endpoint);
            fflush(stdout);
        }
        receiving(&j, s);
        zmq_close(s);
        if (threads)
            pthread_join(other, NULL);
    }
    zmq_ctx_term(j.context); // waits until all is sent: LINGER is -1 here
    return 0;
}

#endif
