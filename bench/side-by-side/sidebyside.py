#!/usr/bin/env python3
"""Measures a user-space stack on a TAP against Linux over veth, paired round by round, and prints ratios.

usage: bench/side-by-side/run [options] [-- COMMAND ...]

COMMAND, by default Softnet's inetd, is started inside the namespace sbsA. It opens the TAP device ut0 (or finds it made with
--tap-flags), answers at 10.97.0.2/24 and serves echo on 7, discard on 9 and chargen on 19.
The baseline is `pp server` in sbsB over a veth pair with all offloads on. Everything else is done here; root is needed.

Work (--what): rx (the stack sends, chargen) and tx (the stack receives, discard), ping (1-byte echo), crr (connect, one byte
each way, close); a number is that many in parallel. Suffix S: client and stack on CPU 0. X: client on CPU 0, stack on CPU 1.
No suffix: not pinned. Rates are per second; bulk is Gbit/s, with system CPU seconds per GB, the steadiest figure here.
"""
import argparse, json, os, re, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
A, B = "sbsA", "sbsB"


def sh(command, check=True):
    return subprocess.run(command, shell=True, check=check, capture_output=True, text=True).stdout


def in_ns(ns, args, **kw):
    return subprocess.Popen(["ip", "netns", "exec", ns] + args, **kw)


def family(pid):
    """A process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                todo += [int(c) for c in open(f"/proc/{p}/task/{t}/children").read().split()]
        except OSError:
            pass
    return found


def pin(pid, cpus):
    for p in family(pid):
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                os.sched_setaffinity(int(t), cpus)
        except OSError:
            pass


def busy():
    f = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return (sum(f[:7]) - f[3] - f[4]) / os.sysconf("SC_CLK_TCK")


def rss_kb(pid):
    total = 0
    for p in family(pid):
        try:
            total += int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{p}/status").read()).group(1))
        except (OSError, AttributeError):
            pass
    return total


def measure(pp, what, host, source, pid, seconds, count):
    work, par, where = re.fullmatch(r"(rx|tx|ping|crr)(\d*)([SX]?)", what).groups()
    pin(pid, {"S": {0}, "X": {1}}.get(where, set(range(os.cpu_count()))))
    pre = ["taskset", "-c", "0"] if where else []
    par = par or "1"
    args = ["-t", par]
    if work in ("rx", "tx"):
        args += [work, host, "19" if work == "rx" else "9", str(seconds)]
    else:
        if work == "crr":
            args += ["-b", source]
        args += [work, host, "7", str(count // int(par))]
    b0 = busy()
    r = subprocess.run(["ip", "netns", "exec", A] + pre + [pp] + args, capture_output=True, text=True, timeout=120)
    used = busy() - b0
    if r.returncode:
        return {"error": (r.stderr or r.stdout).strip().splitlines()[-1:]}
    d = {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", r.stdout)}
    moved = sum(int(x) for x in re.findall(r"total (\d+)", r.stderr))
    if moved:
        d["cpu_s_per_gb"] = used / (moved / 1e9)
    d["value"] = d.get("gbps", d.get("tps"))
    return d


def mid(values, form="{:.2f}"):
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    return f"{form} [{form}-{form}]".format(statistics.median(values), min(values), max(values))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=1.5)
    ap.add_argument("--count", type=int, default=5000)
    ap.add_argument("--warmup", type=float, default=8.0, help="seconds of mixed load on the stack before the first round")
    ap.add_argument("--what", default="rxS,txS,rxX,txX,pingS,pingX,ping8,crrS,crrX,crr8")
    ap.add_argument("--tap-flags", help="make the TAP first, with these words of `ip tuntap` (for example vnet_hdr)")
    ap.add_argument("--idle", type=int, help="also: resident bytes per idle connection, over this many")
    ap.add_argument("--json", help="write every figure here")
    ap.add_argument("command", nargs=argparse.REMAINDER)
    o = ap.parse_args()
    command = o.command[1:] if o.command[:1] == ["--"] else o.command
    if not command:
        command = [os.path.join(HERE, "..", "..", "tools", "softnet"), "run", "--tap", "ut0", "--addr", "10.97.0.2/24", "--", "inetd"]
    if os.geteuid():
        ap.error("needs root")
    tmp = tempfile.mkdtemp()
    pp = os.path.join(tmp, "pp")
    subprocess.run(["gcc", "-O2", "-pthread", "-o", pp, os.path.join(HERE, "pp.c")], check=True)
    running = []
    try:
        for n in (A, B):
            sh(f"ip netns add {n}; ip -n {n} link set lo up")
            for k in ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.tcp_tw_reuse=1",
                      "net.ipv4.ip_local_port_range=1024 65535", "net.core.somaxconn=8192", "net.ipv4.tcp_max_syn_backlog=16384"):
                sh(f"ip netns exec {n} sysctl -qw '{k}'", check=False)
        sh(f"ip -n {A} link add vA type veth peer name vB netns {B}")
        sh(f"ip -n {A} addr add 10.99.0.1/24 dev vA; ip -n {B} addr add 10.99.0.2/24 dev vB")
        sh(f"ip -n {A} link set vA up; ip -n {B} link set vB up")
        if o.tap_flags:
            sh(f"ip netns exec {A} ip tuntap add dev ut0 mode tap {o.tap_flags}")
        kernel = in_ns(B, [pp, "server"])
        running.append(kernel)
        log = open(os.path.join(tmp, "stack.log"), "w")
        stack = in_ns(A, command, stdout=log, stderr=subprocess.STDOUT)
        running.append(stack)
        for _ in range(600):
            if "ut0" in sh(f"ip -n {A} -br link"):
                break
            if stack.poll() is not None:
                sys.exit("the stack ended: " + open(log.name).read()[-2000:])
            time.sleep(0.1)
        else:
            sys.exit("ut0 did not appear within 60 s")
        sh(f"ip -n {A} addr replace 10.97.0.1/24 dev ut0; ip -n {A} link set ut0 up")
        for i in range(11, 61):
            sh(f"ip -n {A} addr add 10.97.0.{i}/24 dev ut0; ip -n {A} addr add 10.99.0.{i}/24 dev vA")
        for _ in range(100):
            if subprocess.run(["ip", "netns", "exec", A, pp, "ping", "10.97.0.2", "7", "20"], capture_output=True).returncode == 0:
                break
            time.sleep(0.2)
        else:
            sys.exit("no echo from 10.97.0.2:7: " + open(log.name).read()[-2000:])
        end = time.time() + o.warmup
        while time.time() < end:
            for w in ("ping", "crr", "rx", "tx"):
                measure(pp, w, "10.97.0.2", "10.97.0.11", stack.pid, 0.5, 2000)
        got, source = [], 11
        for r in range(o.rounds):
            for what in o.what.split(","):
                row = {"round": r, "what": what}
                for name, net, pid in (("linux", 99, kernel.pid), ("stack", 97, stack.pid)):
                    row[name] = measure(pp, what, f"10.{net}.0.2", f"10.{net}.0.{source}", pid, o.seconds, o.count)
                source = 11 + (source - 10) % 50
                got.append(row)
                if stack.poll() is not None:
                    sys.exit("the stack ended: " + open(log.name).read()[-2000:])
        print(f"{'work':8s} {'Linux over veth':>30s} {'stack over TAP':>30s} {'ratio':>22s}   notes")
        for what in o.what.split(","):
            rows = [g for g in got if g["what"] == what]
            good = [g for g in rows if g["linux"].get("value") and g["stack"].get("value")]
            form = "{:.2f}" if what[:2] in ("rx", "tx") else "{:.0f}"
            note = ""
            if what[:2] in ("rx", "tx"):
                c = [statistics.median(g[n]["cpu_s_per_gb"] for g in good) for n in ("linux", "stack")] if good else None
                note = f"cpu s/GB {c[0]:.3f} vs {c[1]:.3f} = {c[1] / c[0]:.2f}x" if c else ""
            elif good:
                note = "p50/p99 us " + " vs ".join("%.1f/%.1f" % tuple(statistics.median(g[n][k] for g in good)
                                                     for k in ("p50us", "p99us")) for n in ("linux", "stack"))
                fails = sum(g["stack"].get("fails", 0) for g in good)
                note += f", {fails:.0f} failed" if fails else ""
            errors = [g["stack"]["error"] for g in rows if "error" in g["stack"]]
            note += f"  ERRORS {len(errors)}: {errors[0]}" if errors else ""
            print(f"{what:8s} {mid([g['linux'].get('value') for g in rows], form):>30s} {mid([g['stack'].get('value') for g in rows], form):>30s} "
                  f"{mid([g['stack']['value'] / g['linux']['value'] for g in good]):>22s}   {note}")
        print(f"resident after load: {rss_kb(stack.pid) / 1024:.0f} MiB")
        if o.idle:
            pin(stack.pid, set(range(os.cpu_count())))
            time.sleep(2)
            before = rss_kb(stack.pid)
            holder = in_ns(A, [pp, "idle", "10.97.0.2", "7", str(o.idle), "20"], stdout=subprocess.PIPE, text=True)
            running.append(holder)
            said = holder.stdout.readline().strip()
            time.sleep(3)
            print(f"{said}: {(rss_kb(stack.pid) - before) * 1024 / o.idle:.0f} resident bytes per idle connection")
            p = measure(pp, "pingS", "10.97.0.2", "", stack.pid, 0, o.count)
            print(f"pingS with them open: p50/p99 us {p.get('p50us')}/{p.get('p99us')}")
        if o.json:
            json.dump(got, open(o.json, "w"), indent=1)
    finally:
        for p in reversed(running):
            if p.poll() is None:
                p.terminate()
                try:
                    p.wait(10)
                except subprocess.TimeoutExpired:
                    p.kill()
        for n in (A, B):
            sh(f"ip netns del {n}", check=False)
        shutil.rmtree(tmp, ignore_errors=True)


if __name__ == "__main__":
    main()
