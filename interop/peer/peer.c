/* SPDX-License-Identifier: MPL-2.0
 *
 * One libzmq socket, driven by lines on standard input: the C peer of the interop tests. It
 * understands what peer.py understands; interop.go says what the commands mean and how bodies are
 * made.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { PATIENCE = 60000, MAX_PARTS = 256, LONGEST = 8 * 1024 * 1024 };

struct name { const char *text; int number; };

static const struct name types[] = {
    {"PUSH", ZMQ_PUSH}, {"PULL", ZMQ_PULL}, {"REQ", ZMQ_REQ}, {"REP", ZMQ_REP},
    {"DEALER", ZMQ_DEALER}, {"ROUTER", ZMQ_ROUTER}, {"PAIR", ZMQ_PAIR}, {NULL, -1}};

static const struct name options[] = {
    {"SNDHWM", ZMQ_SNDHWM}, {"RCVHWM", ZMQ_RCVHWM}, {"LINGER", ZMQ_LINGER},
    {"HEARTBEAT_IVL", ZMQ_HEARTBEAT_IVL}, {"HEARTBEAT_TTL", ZMQ_HEARTBEAT_TTL},
    {"HEARTBEAT_TIMEOUT", ZMQ_HEARTBEAT_TIMEOUT}, {"REQ_CORRELATE", ZMQ_REQ_CORRELATE},
    {"REQ_RELAXED", ZMQ_REQ_RELAXED}, {"IMMEDIATE", ZMQ_IMMEDIATE}, {"IPV6", ZMQ_IPV6}, {NULL, -1}};

/* The shape of a message: its parts, each of size bytes, behind hops labels and a delimiter. */
struct shape { int size, parts, hops; };

static void *context, *sock, *monitor;
static int type;
static char why[512];      /* what the last command failed of */
static uint8_t *expected;  /* a body as it should be; LONGEST bytes */

static int lookup(const struct name *table, const char *text) {
    while (table->text && strcmp(table->text, text) != 0)
        table++;
    return table->number;
}

static int failed(const char *what) {
    snprintf(why, sizeof why, "%s: %s", what, zmq_strerror(zmq_errno()));
    return -1;
}

static void build(uint8_t *to, uint32_t number, int part, int size) {
    for (int i = 0; i < size; i++)
        to[i] = i < 4 ? number >> (24 - 8 * i) : number + part + i;
}

static int send_frame(const void *data, size_t size, int more) {
    if (zmq_send(sock, data, size, more ? ZMQ_SNDMORE : 0) < 0)
        return failed("zmq_send");
    return 0;
}

static int send_message(uint32_t number, struct shape s) {
    char label[16];
    for (int i = 0; i < s.hops; i++)
        if (send_frame(label, snprintf(label, sizeof label, "hop%d", i), 1) < 0)
            return -1;
    if (s.hops >= 0 && send_frame("", 0, 1) < 0)
        return -1;
    for (int part = 0; part < s.parts; part++) {
        build(expected, number, part, s.size);
        if (send_frame(expected, s.size, part + 1 < s.parts) < 0)
            return -1;
    }
    return 0;
}

/* Receives all frames of one message and answers how many; the caller closes them. */
static int recv_frames(zmq_msg_t *frames) {
    for (int n = 0; n < MAX_PARTS; n++) {
        zmq_msg_init(&frames[n]);
        if (zmq_msg_recv(&frames[n], sock, 0) < 0)
            return failed("zmq_msg_recv");
        if (!zmq_msg_more(&frames[n]))
            return n + 1;
    }
    snprintf(why, sizeof why, "more than %d frames", MAX_PARTS);
    return -1;
}

static int check_frame(zmq_msg_t *frame, uint32_t number, int at, const void *want, size_t size) {
    if (zmq_msg_size(frame) == size && memcmp(zmq_msg_data(frame), want, size) == 0)
        return 0;
    snprintf(why, sizeof why, "message %" PRIu32 ", frame %d: %zu bytes are wrong, want %zu bytes", number,
             at, zmq_msg_size(frame), size);
    return -1;
}

static int check(zmq_msg_t *frames, int n, uint32_t number, struct shape s) {
    char label[16];
    int at = 0;
    if (n != s.parts + s.hops + 1) {
        snprintf(why, sizeof why, "message %" PRIu32 ": %d frames, want %d", number, n, s.parts + s.hops + 1);
        return -1;
    }
    for (; at < s.hops; at++)
        if (check_frame(&frames[at], number, at, label, snprintf(label, sizeof label, "hop%d", at)) < 0)
            return -1;
    if (s.hops >= 0 && check_frame(&frames[at], number, at, "", 0) < 0)
        return -1;
    at += s.hops >= 0;
    for (int part = 0; part < s.parts; part++) {
        build(expected, number, part, s.size);
        if (check_frame(&frames[at + part], number, at + part, expected, s.size) < 0)
            return -1;
    }
    return 0;
}

static void drop(zmq_msg_t *frames, int n) {
    for (int i = 0; i < n; i++)
        zmq_msg_close(&frames[i]);
}

static int recv_message(uint32_t number, struct shape s) {
    zmq_msg_t frames[MAX_PARTS];
    int n = recv_frames(frames);
    if (n < 0)
        return -1;
    int rc = check(frames, n, number, s);
    drop(frames, n);
    return rc;
}

/* Receives a message and sends the very same frames back; a ROUTER's begins with the routing id. */
static int reply_message(uint32_t number, struct shape s) {
    zmq_msg_t frames[MAX_PARTS];
    int n = recv_frames(frames);
    if (n < 0)
        return -1;
    int id = type == ZMQ_ROUTER;
    int rc = check(frames + id, n - id, number, s);
    for (int i = 0; rc == 0 && i < n; i++)
        if (zmq_msg_send(&frames[i], sock, i + 1 < n ? ZMQ_SNDMORE : 0) < 0)
            rc = failed("zmq_msg_send");
    drop(frames, n);
    return rc;
}

static int request_message(uint32_t number, struct shape s) {
    return send_message(number, s) < 0 ? -1 : recv_message(number, s);
}

/* Receives until message number last; numbers must rise. Answers how many came. */
static int drain(uint32_t last, struct shape s) {
    zmq_msg_t frames[MAX_PARTS];
    uint32_t number = 0;
    for (int count = 0;; count++) {
        if (number >= last)
            return count;
        int n = recv_frames(frames);
        if (n < 0)
            return -1;
        uint32_t before = number;
        const uint8_t *head = zmq_msg_data(&frames[0]);
        if (zmq_msg_size(&frames[0]) >= 4)
            number = (uint32_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
        int rc = check(frames, n, number, s);
        drop(frames, n);
        if (rc < 0)
            return -1;
        if (number <= before) {
            snprintf(why, sizeof why, "message %" PRIu32 " came after message %" PRIu32, number, before);
            return -1;
        }
    }
}

static int await_event(int event) {
    for (;;) {
        uint8_t head[6];
        char endpoint[512];
        uint16_t got;
        if (zmq_recv(monitor, head, sizeof head, 0) < 0 || zmq_recv(monitor, endpoint, sizeof endpoint, 0) < 0)
            return failed("monitor");
        memcpy(&got, head, sizeof got);
        if (got == event)
            return 0;
    }
}

static int set(int option, int value) {
    return zmq_setsockopt(sock, option, &value, sizeof value) < 0 ? failed("zmq_setsockopt") : 0;
}

static int open_socket(char *words) {
    char *word = strtok(words, " ");
    type = lookup(types, word);
    sock = zmq_socket(context, type);
    if (!sock)
        return failed("zmq_socket");
    if (set(ZMQ_SNDTIMEO, PATIENCE) < 0 || set(ZMQ_RCVTIMEO, PATIENCE) < 0 || set(ZMQ_LINGER, PATIENCE) < 0)
        return -1;
    while ((word = strtok(NULL, " "))) {
        char *value = strchr(word, '=');
        *value++ = 0;
        if (set(lookup(options, word), atoi(value)) < 0)
            return -1;
    }
    int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    int patience = PATIENCE;
    if (zmq_socket_monitor(sock, "inproc://monitor", events) < 0)
        return failed("zmq_socket_monitor");
    monitor = zmq_socket(context, ZMQ_PAIR);
    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &patience, sizeof patience);
    return zmq_connect(monitor, "inproc://monitor") < 0 ? failed("monitor") : 0;
}

static int close_all(void) {
    zmq_socket_monitor(sock, NULL, 0);
    zmq_close(monitor);
    zmq_close(sock);
    return zmq_ctx_term(context);
}

/* The commands that do one thing to each message of a row. */
static int each(const char *verb, const int *a) {
    struct shape s = {a[2], a[3], a[4]};
    int (*one)(uint32_t, struct shape) = !strcmp(verb, "send")    ? send_message
                                         : !strcmp(verb, "recv")  ? recv_message
                                         : !strcmp(verb, "reply") ? reply_message
                                                                  : request_message;
    for (int i = 0; i < a[1]; i++)
        if (one(a[0] + i, s) < 0)
            return -1;
    return 0;
}

/* Runs one command; answer holds what to say after "ok". */
static int run(const char *verb, char *words, char *answer, size_t size) {
    int a[5] = {0};
    if (!strcmp(verb, "socket"))
        return open_socket(words);
    if (!strcmp(verb, "connect"))
        return zmq_connect(sock, words) < 0 ? failed("zmq_connect") : 0;
    if (!strcmp(verb, "bind")) {
        if (zmq_bind(sock, words) < 0)
            return failed("zmq_bind");
        return zmq_getsockopt(sock, ZMQ_LAST_ENDPOINT, answer, &size);
    }
    if (!strcmp(verb, "close"))
        return close_all();
    sscanf(words, "%d %d %d %d %d", &a[0], &a[1], &a[2], &a[3], &a[4]);
    if (!strcmp(verb, "wait"))
        return await_event(a[0]);
    if (!strcmp(verb, "drain")) {
        int count = drain(a[0], (struct shape){a[1], a[2], a[3]});
        snprintf(answer, size, "%d", count);
        return count;
    }
    return each(verb, a);
}

int main(void) {
    char line[1024], answer[512];
    context = zmq_ctx_new();
    expected = malloc(LONGEST);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *words = strchr(line, ' ');
        if (words)
            *words++ = 0;
        answer[0] = 0;
        if (run(line, words ? words : "", answer, sizeof answer) < 0)
            printf("error %s\n", why);
        else
            printf("ok %s\n", answer);
        fflush(stdout);
    }
    return 0;
}
