"""A device of outbound HTTPS that shares nothing with the program under test:
gRPC of another make, and messages encoded by hand.

usage: device.py FORM HOST PORT CERT ID SECRET COMMAND [ARG...]

FORM is "enhanced" or "basic". COMMAND is a NETCONF server on standard input and
output, run once for each session; a command shell is /bin/sh. Prints one line for
each thing that happens.
"""
import os
import queue
import re
import signal
import subprocess
import sys
import threading

import grpc

FORM, HOST, PORT, CERT, DEVICE, SECRET = sys.argv[1:7]
COMMAND = sys.argv[7:]


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """One field of a message: an integer, or bytes."""
    if isinstance(value, int):
        return b"" if value == 0 else varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(data):
    """The fields of a message by number."""
    out, at = {}, 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            b = data[at]
            at += 1
            n |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return n

    while at < len(data):
        key = number()
        if key & 7 == 0:
            out[key >> 3] = number()
        elif key & 7 == 2:
            size = number()
            out[key >> 3] = data[at:at + size]
            at += size
        else:
            raise ValueError("wire type %d" % (key & 7))
    return out


printing = threading.Lock()


def say(*words):
    with printing:
        sys.stdout.write(" ".join(str(w) for w in words) + "\n")
        sys.stdout.flush()


def channel():
    with open(CERT, "rb") as f:
        roots = f.read()
    return grpc.secure_channel("%s:%s" % (HOST, PORT), grpc.ssl_channel_credentials(root_certificates=roots))


def unary(ch, path, request, metadata=None, timeout=None):
    """The answer's fields and trailing metadata; errors are grpc.RpcError."""
    call = ch.unary_unary(path)
    data, info = call.with_call(request, metadata=metadata, timeout=timeout)
    return fields(data), info.trailing_metadata()


def session(ch, path, metadata, wrap, unwrap, shell=False):
    """Pipes a stream to a server process until either ends."""
    proc = subprocess.Popen(["/bin/sh"] if shell else COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    out = queue.Queue()
    killed = threading.Event()

    def kill():
        try:
            os.killpg(proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def read():
        if shell:
            out.put(b"csh session is started")
        while True:
            piece = os.read(proc.stdout.fileno(), 1024)
            if not piece:
                break
            try:
                piece.decode("ascii")
            except UnicodeDecodeError as err:
                out.put(err)
                return
            out.put(piece)
        proc.wait()
        notice = "select call failed" if killed.is_set() else "subprocess not running"
        say("notice", notice)
        out.put(b"Client is stopping, " + notice.encode())
        out.put(None)

    def pieces():
        while True:
            piece = out.get()
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise piece
            yield wrap(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream = ch.stream_stream(path)(pieces(), metadata=metadata)
    try:
        for data in stream:
            command, signalled = unwrap(fields(data))
            if signalled:
                say("killed")
                killed.set()
                kill()
            elif command:
                if shell and not re.fullmatch(rb"exit( \d+|\(\d+\))?", command):
                    command = b"( " + command + b" ) 2>&1 | tee /dev/null"
                try:
                    proc.stdin.write(command + b"\n")
                    proc.stdin.flush()
                except OSError:
                    pass
        say("ended", stream.code().name)
    except grpc.RpcError as err:
        say("broken", err.code().name)
    kill()
    reader.join()


def enhanced():
    base = "/jnx.jet.netconf.Ncgrpc/"
    while True:
        ch = channel()
        try:
            status, _ = unary(ch, base + "NcgrpcServerStatusGet", b"", timeout=10)
            say("status", status.get(1, 0))
            request = field(1, os.getpid()) + field(2, DEVICE.encode()) + field(3, SECRET.encode())
            answer, trailer = unary(ch, base + "NcgrpcInitialize", request, metadata=(("send_data", "send_data"),))
        except grpc.RpcError as err:
            say("error", err.code().name, repr(err.details()))
            return
        say("wanted", answer.get(1, 0))
        pairs = [(k, v) for k, v in trailer]
        threading.Thread(target=session, daemon=True, args=(
            ch, base + "NcgrpcCommandGet", pairs, lambda b: field(1, b), lambda f: (f.get(1, f.get(2, b"")), f.get(3, 0)),
            answer.get(1, 0) == 1)).start()


def basic():
    base = "/management.NetconfRpcApi/"
    ch = channel()
    try:
        answer, _ = unary(ch, base + "InitialHandShake", field(1, b"nc_grpc_device"), timeout=10)
    except grpc.RpcError as err:
        say("error", err.code().name, repr(err.details()))
        return
    say("greeted", answer.get(1, b"").decode())
    session(ch, base + "GetExecuteCommand", None, lambda b: field(1, 1) + field(3, b), lambda f: (f.get(2, b""), 0))


enhanced() if FORM == "enhanced" else basic()
