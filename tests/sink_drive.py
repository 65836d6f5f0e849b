"""What the tests of sinks over HTTP share: drive_sink with a configuration, and certificates."""

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.environ.get("FSM_BUILD_DIR", "build/h")


class Scratch:
    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="fsm-sink-")
        self.count = 0

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)


def options(config, records, scratch, bad=(), big=(), seconds=20, interrupt=0, first=1, outbox=False):
    sink = {"name": "s", "backoff": "2ms", "backoff_max": "20ms", "timeout": "5s", **config}
    scratch.count += 1
    path = scratch.write("sinks-%d.json" % scratch.count, json.dumps({"sinks": [sink]}))
    dump = scratch.path("records-%d" % scratch.count)
    args = [os.path.join(BUILD, "tests", "drive_sink"), path, str(records), "--seconds", str(seconds),
            "--dump", dump, "--from", str(first)]
    for name, values in (("--bad", bad), ("--big", big)):
        if values:
            args += [name, ",".join(map(str, values))]
    args += ["--outbox", "1"] if outbox else []
    return args + (["--interrupt", str(interrupt)] if interrupt else []), dump


def drive(config, records, scratch, at_fault=None, **more):
    """What became of the records, and the records: {id: document}. at_fault: done when the first fault has come."""
    args, dump = options(config, records, scratch, **more)
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if at_fault:
        equal(process.stderr.readline(), "the first fault\n")
        at_fault()
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, "drive_sink: %d %s" % (process.returncode, errors[-2000:])
    with open(dump) as file:
        docs = [json.loads(line) for line in file]
    return json.loads(out), {doc["id"]: doc for doc in docs}


def equal(a, b, what=""):
    assert a == b, "%s: %.600r is not %.600r" % (what, a, b)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def make_certificates(scratch):
    """{name: {"cert", "key"}} signed by the authority in "ca": good, expired, otherhost; unknown: by another."""
    made = {}
    for ca in ("ca", "stranger"):
        key, cert = scratch.path(ca + ".key"), scratch.path(ca + ".pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                "30", "-subj", "/CN=" + ca, "-keyout", key, "-out", cert)
        made[ca] = {"cert": cert, "key": key}
    for name, ca, host in (("good", "ca", "localhost"), ("expired", "ca", "localhost"),
                           ("otherhost", "ca", "elsewhere.example"), ("unknown", "stranger", "localhost"),
                           ("client", "ca", "client")):
        key, request, cert = (scratch.path(name + end) for end in (".key", ".csr", ".pem"))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                "/CN=" + host, "-addext", "subjectAltName=DNS:" + host, "-keyout", key, "-out", request)
        conf = scratch.write(name + ".ext", "subjectAltName=DNS:%s\nauthorityKeyIdentifier=keyid\n" % host)
        openssl("x509", "-req", "-in", request, "-CA", made[ca]["cert"], "-CAkey", made[ca]["key"],
                "-set_serial", str(len(made)), "-days", "0" if name == "expired" else "30", "-extfile", conf,
                "-out", cert)
        os.chmod(key, 0o600)
        made[name] = {"cert": cert, "key": key}
    return made


def run_all(cases):
    failed = 0
    for case in cases:
        try:
            began = time.monotonic()
            case()
            print("ok   %s (%.1f s)" % (case.__name__, time.monotonic() - began), flush=True)
        except Exception:
            failed += 1
            print("FAIL %s\n%s" % (case.__name__, traceback.format_exc()), flush=True)
    sys.exit(1 if failed else 0)
