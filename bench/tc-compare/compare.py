"""softnet tc against iproute2's tc: the same words to both, the texts line by line.

Where this Linux has the qdisc, it answers itself. Where it was built without (fq_codel, netem and others often are),
tc is given, by fake_qdisc.c, the netlink bytes that Linux would dump, so that iproute2's printing is compared all the same.
Counters that traffic moves are masked, and refcnt; configured values are compared as printed.
"""
import argparse, difflib, os, re, struct, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
softnet = os.path.join(here, '..', '..', 'tools', 'softnet')
NS, DEV = 'softnet-tc', 'l0'
U32 = 0xFFFFFFFF


def u32(*v):
    return struct.pack('%dI' % len(v), *v)


def attr(kind, data):
    return struct.pack('HH', 4 + len(data), kind) + data + b'\0' * (-len(data) % 4)


def percent(p):
    return round(p / 100 * U32)


def netem(latency_us=0, jitter_us=0, limit=1000, loss=0, gap=0, dup=0, corr=(0, 0, 0), reorder=(0, 0), corrupt=(0, 0),
          rate=(0, 0, 0, 0), model=None, slot=None, ecn=False):
    """TCA_OPTIONS as netem_dump() writes it: tc_netem_qopt and attributes."""
    ticks = lambda us: us * 1000 >> 6
    b = u32(ticks(latency_us), limit, percent(loss), gap, percent(dup), ticks(jitter_us))
    b += attr(10, struct.pack('q', latency_us * 1000)) + attr(11, struct.pack('q', jitter_us * 1000))
    b += attr(1, u32(*map(percent, corr))) + attr(3, u32(*map(percent, reorder))) + attr(4, u32(*map(percent, corrupt)))
    b += attr(6, struct.pack('IiIi', *rate))
    if ecn:
        b += attr(7, u32(1))
    if model:
        b += attr(5, attr(model[0], u32(*map(percent, model[1]))))
    if slot:
        b += attr(12, struct.pack('qqiiqq', *slot))
    return b


# Times of CoDel as configured: Linux, which counts in units of 1,024 ns, would say 4999 us for 5 ms.
def fq_codel(limit=10240, flows=1024, quantum=1514, target=5000, interval=100000, memory=32 << 20, ecn=1, batch=64, ce=None, sel=None):
    b = attr(1, u32(target)) + attr(2, u32(limit)) + attr(3, u32(interval)) + attr(4, u32(ecn)) + attr(6, u32(quantum))
    b += attr(8, u32(batch)) + attr(9, u32(memory)) + attr(5, u32(flows))
    if ce is not None:
        b += attr(7, u32(ce))
    if sel:
        b += attr(10, bytes([sel[0]])) + attr(11, bytes([sel[1]]))
    return b


FQ_STATS = u32(*[0] * 10)

# words for both; None: this Linux answers, else what it would dump
CASES = [
    ('tbf rate 10mbit burst 20kb latency 50ms', None),
    ('tbf rate 1mbit burst 16kb limit 100kb', None),
    ('tbf rate 8mbit burst 8kb limit 64kb peakrate 16mbit mtu 2000', None),
    ('pfifo limit 33', None),
    ('bfifo limit 10kb', None),
    ('pfifo_fast', None),
    ('fq_codel', (fq_codel(), FQ_STATS)),
    ('fq_codel limit 2000 flows 512 quantum 1000 target 3ms interval 40ms memory_limit 8mb drop_batch 32 noecn',
     (fq_codel(2000, 512, 1000, 3000, 40000, 8 << 20, 0, 32), FQ_STATS)),
    ('fq_codel ce_threshold 1ms ce_threshold_selector 0x1/0x3', (fq_codel(ce=1000, sel=(1, 3)), FQ_STATS)),
    ('netem delay 10ms', (netem(10000), b'')),
    ('netem delay 100ms 10ms 25% loss 0.3% 25% duplicate 1% corrupt 0.1%',
     (netem(100000, 10000, loss=.3, dup=1, corr=(25, 25, 0), corrupt=(.1, 0)), b'')),
    ('netem delay 10ms reorder 25% 50% gap 5 limit 500', (netem(10000, limit=500, gap=5, reorder=(25, 50)), b'')),
    ('netem rate 1mbit 14 100 4', (netem(rate=(125000, 14, 100, 4)), b'')),
    ('netem rate 5mbit delay 4ms loss 1% ecn', (netem(4000, loss=1, rate=(625000, 0, 0, 0), ecn=True), b'')),
    ('netem loss gemodel 1% 10% 70% 0.1%', (netem(model=(2, (1, 10, 30, .1))), b'')),
    ('netem loss state 1% 30% 40% 5% 2%', (netem(model=(1, (1, 30, 40, 2, 5))), b'')),
    ('netem slot 800us 1ms packets 10 bytes 64kb', (netem(slot=(800000, 1000000, 10, 65536, 0, 0)), b'')),
]
HTB = ['qdisc replace dev {} root handle 1: htb default 10 r2q 50',
       'class add dev {} parent 1: classid 1:1 htb rate 100mbit ceil 100mbit',
       'class add dev {} parent 1:1 classid 1:10 htb rate 32mbit ceil 100mbit prio 1 burst 20k cburst 12500 quantum 3000',
       'class add dev {} parent 1:1 classid 1:20 htb rate 64mbit ceil 100mbit mpu 64 overhead 24']
# Filters on a prio discipline 2:. u32 is this Linux's own; of the others tc's own request is what it gets to print.
U32_FILTERS = [
    'protocol ip pref 5 u32 match ip src 10.0.0.0/8 match ip dport 80 0xffff flowid 2:1',
    'protocol ip pref 5 handle 2: u32 divisor 256',
    'protocol ip pref 5 u32 ht 2:7b: match ip src 10.0.0.123 match ip protocol 6 0xff flowid 2:2',
    'protocol ip pref 5 u32 sample ip src 10.0.0.77 match ip nofrag ht 2: flowid 2:2',
    'protocol ip pref 5 u32 order 5 match ip df match icmp type 8 0xff match ip ihl 5 0xf match ip tos 0x10 0xff flowid 2:1',
    'protocol all pref 6 u32 match u8 0 0 at -14 match u16 0x1234 0xffff at nexthdr+2 flowid 2:1',
    'protocol ip pref 5 u32 ht 800:: match ip src 1.2.0.0/16 hashkey mask 0x000000ff at 12 link 2:',
    'protocol ip pref 5 u32 match tcp dst 22 0xffff offset at 0 mask 0f00 shift 6 eat link 2:',
]
FILTERS = [
    'protocol ip pref 1 matchall flowid 2:1',
    'protocol all pref 1 handle 5 fw classid 2:1',
    'protocol all pref 1 handle 0x10/0xff fw classid 2:1',
    'protocol all pref 1 route from 3 to 7 classid 2:1',
    'protocol all pref 1 handle 1 flow hash keys dst,src,proto,proto-dst divisor 1024 perturb 10 baseclass 2:1',
    'protocol all pref 1 handle 2 flow map key mark and 0xff xor 0x3 rshift 2 addend 4 baseclass 2:7',
    'protocol all pref 1 handle 3 flow map key dst and 0xff or 0x100 baseclass 2:7',
    'protocol ip pref 1 basic match cmp(u16 at 3 layer 2 mask 0xff00 gt 20) classid 2:1',
    'protocol ip pref 1 basic match not meta(nf_mark mask 0xf eq 24) and u32(u16 0x1122 0xffff at nexthdr+4)'
    ' and ( cmp(u8 at 9 eq 6) or meta(dev eq "l0") ) flowid 2:1',
    'protocol ip pref 1 basic match nbyte("ab" at 12 layer 1) or cmp(u32 at 0 trans lt 5) classid 2:1',
    'protocol ip pref 1 flower dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02/40 ip_proto tcp ip_tos 0x10/0xfc ip_ttl 64'
    ' dst_ip 10.0.0.0/8 src_ip 10.0.0.1/24 dst_port 80 src_port 1024-2048 tcp_flags 0x2/0x12 ip_flags nofrag/firstfrag classid 2:1',
    'protocol ip pref 1 flower ip_proto udp dst_port 53/0xfff0 src_port 7 classid 2:1',
    'protocol ip pref 1 flower ip_proto icmp type 8 code 0/15 skip_hw flowid 2:1',
    'protocol ip pref 1 flower ip_proto 2f dst_ip 1.2.3.4 hw_tc 2',
    'protocol ipv6 pref 2 flower ip_proto icmpv6 type 128 src_ip 2001:db8::/33 dst_ip ::1',
    'protocol arp pref 3 flower arp_op request arp_tip 10.0.0.1 arp_sip 10.0.0.0/24 arp_sha 02:00:00:00:00:02'
    ' arp_tha 00:00:00:00:00:00/ff:00:00:00:00:ff',
    'protocol 802.1Q pref 4 flower vlan_id 7 vlan_prio 3 vlan_ethtype ipv4 ip_proto udp dst_port 53',
    'protocol all pref 5 flower src_mac 02:00:00:00:00:02',
]
NOT_IN_HW = {b'flower': 22, b'matchall': 3}
FORMS = ['', '-s', '-d', '-s -d', '-s -j']


def attrs(b):
    found = []
    while len(b) >= 4:
        n, kind = struct.unpack('HH', b[:4])
        found.append((kind & 0x3fff, b[4:n]))
        b = b[n + 3 & ~3:]
    return found


def dumped(request):
    """What the kernel would list after this request: a filter without options, then the filter."""
    tcm, found = request[16:36], attrs(request[36:])
    kind = next(d for k, d in found if k == 1).rstrip(b'\0')
    options = next((d for k, d in found if k == 2), b'')
    if kind in NOT_IN_HW:  # what a kernel without offload adds
        at, flags = NOT_IN_HW[kind], 8
        for k, d in attrs(options):
            flags |= struct.unpack('I', d)[0] if k == at else 0
        given = dict(attrs(options))
        if kind == b'flower' and 25 in given:  # the type behind a tag is the packet's
            given[8] = given[25]
        options = b''.join(attr(k, d) for k, d in given.items() if k != at) + attr(at, u32(flags))
    if struct.unpack('I', tcm[8:12])[0] == 0:
        tcm = tcm[:8] + u32(1) + tcm[12:]
    head = tcm + attr(1, kind + b'\0') + attr(11, u32(0))
    return b''.join(u32(len(m)) + m for m in (head, head + attr(2, options)))


def run(cmd, env=None, fail=True):
    p = subprocess.run(cmd, capture_output=True, text=True, env=env)
    if p.returncode and fail:
        sys.exit('%s: %s' % (' '.join(cmd), p.stderr.strip() or p.stdout.strip()))
    return p.stdout


def mask(text, dev):
    text = text.replace('dev %s ' % dev, '')
    text = re.sub(r'("?refcnt"?[: ])\d+', r'\1N', text)
    for word in ('Sent', 'bytes', 'pkt', 'packets', 'dropped', 'drops', 'overlimits', 'requeues', 'backlog', 'qlen', 'lended', 'borrowed',
                 'giants', 'tokens', 'ctokens', 'direct_packets_stat', 'maxpacket', 'new_flow_count'):
        text = re.sub(r'("%s":|\b%s:? )-?\d+(?![\w])' % (word, word), r'\1N', text)
    text = re.sub(r' seed \d+|,"seed":\d+', '', text)  # iproute2 before 6.6 does not know it
    text = re.sub(r'Sent \S+ bytes \S+ pkt', 'Sent N bytes N pkt', text)
    return text


def classes(text):
    """Linux lists classes by hash, softnet by number: each class with its lines, sorted."""
    return ''.join(sorted(re.split(r'(?m)^(?=class )', text)))


class Both:
    def __init__(self, control, fake):
        self.control, self.fake = control, fake
        self.ours = re.search(r'dev (\S+) root', [l for l in self.soft('qdisc show').splitlines() if ' dev lo ' not in l][0]).group(1)
        self.total = self.same = 0

    def soft(self, words):
        return run([softnet, 'tc', '--control', self.control] + words.split())

    def linux(self, words, answer=None, kind=None):
        env = dict(os.environ)
        if answer:
            with tempfile.NamedTemporaryFile(delete=False) as f:
                f.write(kind.encode().ljust(16, b'\0') + u32(len(answer[0])) + answer[0] + u32(len(answer[1])) + answer[1])
            env.update(LD_PRELOAD=self.fake, FAKE_QDISC=f.name)
        try:
            return run(['ip', 'netns', 'exec', NS, 'tc'] + words.split(), env)
        finally:
            if answer:
                os.unlink(f.name)

    def differ(self, title, ours, linux):
        self.total += 1
        if ours == linux:
            self.same += 1
        else:
            print(title)
            print('\n'.join(list(difflib.unified_diff(linux.splitlines(), ours.splitlines(), 'iproute2', 'softnet', lineterm='', n=0))[2:]))

    def filters(self, fake, tmp):
        """u32 by this Linux; the other kinds by what tc asks of it."""
        self.soft('qdisc replace dev %s root handle 2: prio' % self.ours)
        self.linux('qdisc replace dev %s root handle 2: htb' % DEV)
        for i, words in enumerate(U32_FILTERS):
            self.soft('filter add dev %s parent 2: %s' % (self.ours, words))
            self.linux('filter add dev %s parent 2: %s' % (DEV, words))
            for form in ['', '-d', '-p'] + (['-j'] if i < 6 else []):  # iproute2's JSON breaks at offsets
                for place in '', 'parent 2:', 'parent 2: protocol ip', 'pref 6', 'chain 0':
                    show = '%s filter show dev %s %s'
                    self.differ(words + ': ' + form, self.soft(show % (form, self.ours, place)), self.linux(show % (form, DEV, place)))
        self.soft('filter del dev %s parent 2:' % self.ours)
        for words in FILTERS:
            file = os.path.join(tmp, 'filter')
            env = dict(os.environ, LD_PRELOAD=fake, FAKE_FILTER=file)
            tc = ['ip', 'netns', 'exec', NS, 'tc']
            run(tc + ['filter', 'add', 'dev', DEV, 'parent', '2:'] + words.split(), env)
            self.soft('filter add dev %s parent 2: %s' % (self.ours, words))
            with open(file, 'rb') as f:
                answer = dumped(f.read())
            with open(file, 'wb') as f:
                f.write(answer)
            for form in ['', '-d'] + (['-j'] if 'flower' in words or 'matchall' in words else []):
                show = '%s filter show dev %s parent 2:'
                self.differ('filter ' + words + ': ' + form, self.soft(show % (form, self.ours)), run(tc + (show % (form, DEV)).split(), env))
            self.soft('filter del dev %s parent 2:' % self.ours)

    def show(self, title, what, answer=None, kind=None):
        for form in FORMS:
            if what == 'class' and '-j' in form:
                continue  # iproute2 before 6.2 prints classes as text even with -j
            a = mask(self.soft('%s %s show dev %s' % (form, what, self.ours)), self.ours)
            b = mask(self.linux('%s %s show dev %s' % (form, what, DEV), answer, kind), DEV)
            if what == 'class':
                a, b = classes(a), classes(b)
            self.differ('%s: tc %s %s show' % (title, form, what), a, b)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.parse_args()
    if os.getuid():
        sys.exit('tc-compare: needs root for a network namespace')
    tmp = tempfile.mkdtemp(prefix='softnet-tc-')
    fake, control = os.path.join(tmp, 'fake.so'), os.path.join(tmp, 'control')
    run(['gcc', '-shared', '-fPIC', '-O1', '-o', fake, os.path.join(here, 'fake_qdisc.c'), '-ldl'])
    fake_filter = os.path.join(tmp, 'fake_filter.so')
    run(['gcc', '-shared', '-fPIC', '-O1', '-o', fake_filter, os.path.join(here, 'fake_filter.c'), '-ldl'])
    run(['ip', 'netns', 'del', NS], fail=False)
    run(['ip', 'netns', 'add', NS])
    host = None
    try:
        run(['ip', '-n', NS, 'link', 'add', DEV, 'type', 'veth', 'peer', 'name', 'l1'])
        host = subprocess.Popen(['ip', 'netns', 'exec', NS, softnet, 'run', '--tap', 'st0', '--addr', '10.88.0.2/24', '--host-addr', '10.88.0.1/24',
                                 '--control', control, '--', 'sleep', '600'], stdout=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(control):
                break
            time.sleep(.1)
        both = Both(control, fake)
        for words, answer in CASES:
            both.soft('qdisc replace dev %s root handle 2: %s' % (both.ours, words))
            run(['ip', 'netns', 'exec', NS, 'tc', 'qdisc', 'replace', 'dev', DEV, 'root', 'handle', '2:'] + (['pfifo'] if answer else words.split()))
            both.show(words, 'qdisc', answer, words.split()[0])
            both.soft('qdisc del dev %s root' % both.ours)
            both.linux('qdisc del dev %s root' % DEV)
        for words in HTB:
            both.soft(words.format(both.ours))
            both.linux(words.format(DEV))
        both.show('htb', 'qdisc')
        both.show('htb', 'class')
        both.filters(fake_filter, tmp)
        print('%d of %d listings the same (%d configurations, %d filters, iproute2: %s)' % (both.same, both.total, len(CASES) + 1, len(U32_FILTERS + FILTERS), run(['tc', '-V']).strip()))
        return both.same != both.total
    finally:
        if host:
            host.terminate()
            host.wait(20)
        run(['ip', 'netns', 'del', NS], fail=False)


sys.exit(main())
