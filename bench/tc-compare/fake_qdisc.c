// Preloaded into iproute2's tc: every qdisc the kernel lists appears as the one described by the file named in
// $FAKE_QDISC, so that tc prints kinds this kernel was built without. Only what tc reads is changed, nothing is sent.
// File: kind (16 bytes, zero padded), length and bytes of TCA_OPTIONS, length and bytes of TCA_XSTATS (lengths: u32, host order).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char spec[8192], kind[16], out[65536], pending[65536];
static unsigned opt_len, xstats_len;
static ssize_t pending_len = -1;

static void load(void) {
    static int done;
    if (done++) return;
    FILE *f = fopen(getenv("FAKE_QDISC"), "rb");
    if (!f || fread(spec, 1, sizeof spec, f) < 24) { perror("FAKE_QDISC"); exit(3); }
    fclose(f);
    memcpy(kind, spec, 16);
    memcpy(&opt_len, spec + 16, 4);
    memcpy(&xstats_len, spec + 20 + opt_len, 4);
}

static char *put(char *at, int type, const void *data, unsigned len) {
    struct rtattr *a = (struct rtattr *)at;
    a->rta_type = type;
    a->rta_len = RTA_LENGTH(len);
    memset(RTA_DATA(a), 0, RTA_SPACE(len) - RTA_LENGTH(0));
    memcpy(RTA_DATA(a), data, len);
    return at + RTA_SPACE(len);
}

// Rewrites the messages in buf into out; returns the new length.
static ssize_t rewrite(char *buf, ssize_t len) {
    char *to = out;
    for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
        if (h->nlmsg_type != RTM_NEWQDISC) {
            memcpy(to, h, h->nlmsg_len);
            to += NLMSG_ALIGN(h->nlmsg_len);
            continue;
        }
        struct nlmsghdr *n = (struct nlmsghdr *)to;
        memcpy(to, h, NLMSG_LENGTH(sizeof(struct tcmsg)));
        ((struct tcmsg *)NLMSG_DATA(n))->tcm_handle = 2 << 16;
        char *at = to + NLMSG_SPACE(sizeof(struct tcmsg));
        at = put(at, TCA_KIND, kind, strlen(kind) + 1);
        at = put(at, TCA_OPTIONS, spec + 20, opt_len);
        int left = h->nlmsg_len - NLMSG_SPACE(sizeof(struct tcmsg));
        for (struct rtattr *a = TCA_RTA(NLMSG_DATA(h)); RTA_OK(a, left); a = RTA_NEXT(a, left))
            if (a->rta_type == TCA_STATS2 || a->rta_type == TCA_STATS) at = put(at, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
        if (xstats_len) at = put(at, TCA_XSTATS, spec + 24 + opt_len, xstats_len);
        n->nlmsg_len = at - to;
        to = at;
    }
    return to - out;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags) {
    static ssize_t (*real)(int, struct msghdr *, int);
    if (!real) real = (ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
    if (!getenv("FAKE_QDISC")) return real(fd, m, flags);
    load();
    if (pending_len < 0) {
        struct iovec iov = {pending, sizeof pending};
        struct msghdr mine = *m;
        mine.msg_iov = &iov;
        mine.msg_iovlen = 1;
        ssize_t n = real(fd, &mine, flags & ~(MSG_PEEK | MSG_TRUNC));
        if (n < 0) return n;
        m->msg_namelen = mine.msg_namelen;
        pending_len = rewrite(pending, n);
    }
    size_t room = m->msg_iovlen ? m->msg_iov[0].iov_len : 0;
    size_t n = (size_t)pending_len < room ? (size_t)pending_len : room;
    if (m->msg_name) { // tc wants the kernel as the sender
        struct sockaddr_nl from = {.nl_family = AF_NETLINK};
        memcpy(m->msg_name, &from, sizeof from);
        m->msg_namelen = sizeof from;
    }
    if (n) memcpy(m->msg_iov[0].iov_base, out, n);
    m->msg_flags = (size_t)pending_len > room ? MSG_TRUNC : 0;
    ssize_t ret = pending_len;
    if (!(flags & MSG_PEEK)) pending_len = -1;
    return ret;
}
