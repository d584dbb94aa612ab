/* The server for what Dovecot or Postfix would be most of: very many sessions of IMAP, and submissions that
   nobody keeps. It lets anybody in, and knows of both protocols what the benchmarks ask.

   server PEM imap BURST_BYTES | server PEM submission: prints its port, and serves until it is killed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPABILITIES "CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE"
#define LINE_BYTES 2048
#define END_OF_DATA "\r\n.\r\n"

struct client {
    int fd, is_greeted, is_message, waits_to_write;
    SSL *tls;
    size_t matched;           /* octets of END_OF_DATA that the message ends with so far */
    char *out;                /* what is to be written, or NULL */
    size_t written, out_size;
    size_t line_size;
    char idle_tag[32];
    char line[LINE_BYTES];
};

struct answer {
    const char *command, *words;
};

static const struct answer IMAP[] = {
    {"CAPABILITY", "* " CAPABILITIES "\r\n"},
    {"SELECT", "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n"},
    {"LIST", "* LIST (\\Noselect) \"/\" \"\"\r\n"},
    {"LOGOUT", "* BYE bye\r\n"},
    {NULL, ""},
};
static const struct answer SUBMISSION[] = {
    {"EHLO", "250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n"},
    {"AUTH", "235 2.7.0 in\r\n"},
    {"DATA", "354 go on\r\n"},
    {"QUIT", "221 2.0.0 bye\r\n"},
    {NULL, "250 2.0.0 ok\r\n"},
};

static int is_imap, epoll;
static char *burst;
static size_t burst_size;

static void die(const char *what) {
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void say(struct client *c, const char *data, size_t size) {
    c->out = realloc(c->out, c->out_size + size);
    if (!c->out)
        die("memory");
    memcpy(c->out + c->out_size, data, size);
    c->out_size += size;
}

static void say_words(struct client *c, const char *words) { say(c, words, strlen(words)); }

static const char *find(const struct answer *answers, const char *command, size_t size) {
    while (answers->command && (strlen(answers->command) != size || strncasecmp(answers->command, command, size)))
        answers++;
    return answers->words;
}

static void answer_imap(struct client *c) {
    if (!strcasecmp(c->line, "DONE")) {
        say_words(c, c->idle_tag);
        say_words(c, " OK done\r\n");
        return;
    }
    size_t tag = strcspn(c->line, " ");
    const char *command = c->line + tag + (c->line[tag] == ' ');
    size_t size = strcspn(command, " ");
    if (size == 4 && !strncasecmp(command, "IDLE", 4)) {
        snprintf(c->idle_tag, sizeof c->idle_tag, "%.*s", (int)tag, c->line);
        say_words(c, "+ idling\r\n");
        return;
    }
    if (size == 5 && !strncasecmp(command, "FETCH", 5))
        say(c, burst, burst_size);
    say_words(c, find(IMAP, command, size));
    say(c, c->line, tag);
    say_words(c, " OK done\r\n");
}

static void answer_submission(struct client *c) {
    const char *words = find(SUBMISSION, c->line, strcspn(c->line, " "));
    say_words(c, words);
    c->is_message = words[0] == '3';
    c->matched = 2; /* a message may begin with the dot that ends it */
}

/* Answer what is whole; a line that is too long is no line of a client that is measured. */
static int feed(struct client *c, const char *data, size_t size) {
    for (; size; data++, size--) {
        if (c->is_message) {
            c->matched = *data == END_OF_DATA[c->matched] ? c->matched + 1 : *data == '\r';
            if (c->matched == strlen(END_OF_DATA)) {
                c->is_message = 0;
                say_words(c, "250 2.0.0 taken\r\n");
            }
            continue;
        }
        if (c->line_size == LINE_BYTES)
            return 0;
        c->line[c->line_size++] = *data;
        if (*data == '\n') {
            c->line[c->line_size - 1 - (c->line_size > 1)] = 0;
            c->line_size = 0;
            (is_imap ? answer_imap : answer_submission)(c);
        }
    }
    return 1;
}

/* Return 1 when all is written, 0 when the socket is full, -1 when the client has gone. */
static int flush(struct client *c) {
    while (c->written < c->out_size) {
        int did = SSL_write(c->tls, c->out + c->written, (int)(c->out_size - c->written));
        if (did <= 0)
            return SSL_get_error(c->tls, did) == SSL_ERROR_WANT_WRITE ? 0 : -1;
        c->written += did;
    }
    free(c->out);
    c->out = NULL;
    c->written = c->out_size = 0;
    return 1;
}

static int wants(struct client *c, int did) {
    int why = SSL_get_error(c->tls, did);
    c->waits_to_write = why == SSL_ERROR_WANT_WRITE;
    return c->waits_to_write || why == SSL_ERROR_WANT_READ;
}

/* Do what can be done now; return 0 when the client has gone. */
static int advance(struct client *c) {
    static char data[16384];
    int did;
    if (!c->is_greeted) {
        if ((did = SSL_accept(c->tls)) <= 0)
            return wants(c, did);
        c->is_greeted = 1;
        say_words(c, is_imap ? "* OK [" CAPABILITIES "] hi\r\n" : "220 sink ESMTP\r\n");
    }
    for (;;) {
        int flushed = flush(c);
        c->waits_to_write = flushed == 0;
        if (flushed <= 0)
            return flushed == 0;
        if ((did = SSL_read(c->tls, data, sizeof data)) <= 0)
            return wants(c, did);
        if (!feed(c, data, did))
            return 0;
    }
}

static void serve(struct client *c) {
    int waited = c->waits_to_write;
    ERR_clear_error();
    if (!advance(c)) {
        close(c->fd);
        SSL_free(c->tls);
        free(c->out);
        free(c);
    } else if (waited != c->waits_to_write) {
        /* A client that does not read is not read from. */
        struct epoll_event event = {c->waits_to_write ? EPOLLOUT : EPOLLIN, {.ptr = c}};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void welcome(SSL_CTX *context, int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct client *c = calloc(1, sizeof *c);
    if (!c || !(c->tls = SSL_new(context)))
        die("memory");
    c->fd = fd;
    SSL_set_fd(c->tls, fd);
    struct epoll_event event = {EPOLLIN, {.ptr = c}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static SSL_CTX *new_context(const char *pem) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, pem) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, pem, SSL_FILETYPE_PEM) != 1)
        die(pem);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"bench", 5);
    return context;
}

static int listening(void) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&here, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&here, &size))
        die("listen");
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    return listener;
}

static void prepare_burst(size_t size) {
    burst = malloc(size + 64);
    if (!burst)
        die("memory");
    burst_size = sprintf(burst, "* 1 FETCH (BODY[] {%zu}\r\n", size);
    memset(burst + burst_size, 'x', size);
    memcpy(burst + burst_size + size, ")\r\n", 3);
    burst_size += size + 3;
}

int main(int argc, char **argv) {
    is_imap = argc == 4 && !strcmp(argv[2], "imap");
    if (!is_imap && (argc != 3 || strcmp(argv[2], "submission")))
        return fprintf(stderr, "usage: server PEM imap BURST_BYTES | server PEM submission\n"), 2;
    if (is_imap)
        prepare_burst(strtoul(argv[3], NULL, 10));
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    SSL_CTX *context = new_context(argv[1]);
    int listener = listening();
    epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}}, ready[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr)
                serve(ready[i].data.ptr);
            else
                welcome(context, listener);
        }
    }
}
