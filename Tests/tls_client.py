#!/usr/bin/python3
"""A TLS client for the end-to-end tests: tls_client.py SCENARIO PORT CA [ARGUMENT …].

Each scenario prints lines and ends with status 0; what goes wrong is a traceback and status 1. The session runs
over memory, so that a scenario decides how its ciphertext is cut up, damaged or withheld.
"""

import json
import os
import random
import signal
import socket
import ssl
import sys

TIMEOUT_SECONDS = 30


class Client:
    """A connection whose bytes pass through `cut`, a function from ciphertext to the pieces to send."""

    def __init__(self, port, ca, cut=lambda sealed: [sealed], version=None, protocols=None, buffer_bytes=None):
        context = ssl.create_default_context(cafile=ca)
        # Python takes a connection that was cut for one that was ended.
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if version:
            context.minimum_version = context.maximum_version = version
            # What is older than TLS 1.2 is only offered so.
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("ALL:@SECLEVEL=0")
        if protocols:
            context.set_alpn_protocols(protocols)
        self.socket = socket.socket()
        if buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.cut = cut
        self.received = b""
        self.complete(self.session.do_handshake)

    def flush(self):
        sealed = self.outgoing.read()
        if sealed:
            for piece in self.cut(sealed):
                self.socket.sendall(piece)

    def feed(self):
        """Takes what the socket has; false at its end."""
        sealed = self.socket.recv(65536)
        if sealed:
            self.incoming.write(sealed)
        else:
            self.incoming.write_eof()
        return bool(sealed)

    def complete(self, step):
        while True:
            try:
                result = step()
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                self.feed()

    def send(self, data):
        self.session.write(data)
        self.flush()

    def read(self):
        """Some bytes; none once the server has said that there are no more. A cut is an SSLEOFError."""
        try:
            return self.complete(lambda: self.session.read(65536))
        except ssl.SSLZeroReturnError:
            return b""

    def response(self):
        """The status and the body of the next answer."""
        while b"\r\n\r\n" not in self.received:
            self.more()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(self.received) < length:
            self.more()
        body, self.received = self.received[:length], self.received[length:]
        self.closes = headers.get("connection") == "close"
        return status, body

    def more(self):
        data = self.read()
        if not data:
            raise EOFError("the server has ended the connection")
        self.received += data

    def request(self, path, body=None, head=""):
        method = "GET" if body is None else "POST"
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        self.send(f"{method} {path} HTTP/1.1\r\nHost: t\r\n{head}{length}\r\n".encode() + (body or b""))


def reason(error):
    """The alert's name; not every release of Python knows them all."""
    return error.args[1].split("] ")[-1].split(" (")[0]


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def versions(port, ca):
    """Which versions are spoken."""
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        try:
            client = Client(port, ca, version=version)
            client.request("/v")
            print(client.session.version(), client.response()[0])
        except ssl.SSLError as error:
            print(version.name, reason(error))


def alpn(port, ca):
    """What is chosen of what a client offers."""
    for offered in (["http/1.1"], ["h2", "http/1.1"], ["h2"], None):
        try:
            print(offered, Client(port, ca, protocols=offered).session.selected_alpn_protocol())
        except ssl.SSLError as error:
            print(offered, reason(error))


def pipelining(port, ca):
    """Requests sent ahead, in one piece of plaintext, then kept alive."""
    client = Client(port, ca)
    for count in (1, 200, 3000):
        client.send(b"".join(b"GET /echo?n=%d HTTP/1.1\r\nHost: t\r\n\r\n" % n for n in range(count)))
        for n in range(count):
            status, body = client.response()
            expect((status, json.loads(body)["data"]) == (200, {"n": str(n)}), body)
    print("ok")


def upload(port, ca, count):
    """A large body up; the function answers with its length."""
    client = Client(port, ca)
    client.request("/length", random.Random(1).randbytes(int(count)), "Content-Type: text/plain\r\n")
    status, body = client.response()
    print(status, json.loads(body)["data"])


def slow_reader(port, ca, count):
    """A large answer that is not read while others are served, and then bit by bit."""
    slow = Client(port, ca, buffer_bytes=4096)
    slow.request(f"/big?n={count}")
    for _ in range(20):
        other = Client(port, ca)
        other.request("/v")
        expect(other.response()[0] == 200, "another connection waits")
    status, body = slow.response()
    expect(status == 200, status)
    expect(body.count(b"x") == int(count), len(body))
    slow.request(f"/big?n={count}", head="Connection: close\r\n")
    expect(len(slow.response()[1]) == len(body), "not the same again")
    expect(slow.read() == b"", "bytes behind the last answer")
    print("ok")


def goodbye(port, ca):
    """The end is announced by whoever ends, and a cut is no end of a request."""
    client = Client(port, ca)
    client.request("/v", head="Connection: close\r\n")
    expect(client.response()[0] == 200, "no answer")
    expect(client.read() == b"", "bytes behind the last answer")
    print("the server says goodbye")
    client = Client(port, ca)
    client.request("/v")
    expect(client.response()[0] == 200, "no answer")
    client.complete(client.session.unwrap)
    print("the server answers a goodbye")
    client = Client(port, ca)
    client.session.write(b"GET /v HTTP/1.1\r\nHost: t\r\n\r\n" * 2)
    try:
        client.session.unwrap()
    except ssl.SSLWantReadError:
        pass
    client.flush()
    expect([client.response()[0] for _ in range(2)] == [200, 200], "not answered")
    expect(client.read() == b"", "bytes behind the last answer")
    print("requests before a goodbye are answered")
    client = Client(port, ca)
    client.send(b"POST /v HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n{")
    client.socket.shutdown(socket.SHUT_WR)
    expect(client.read() == b"", "an answer to half a request")
    print("half a request is forgotten")


def drain(port, ca, server):
    """A request in flight is answered, an idle connection is told."""
    idle, busy = Client(port, ca), Client(port, ca)
    for client in (idle, busy):
        client.request("/v")
        client.response()
    busy.send(b"POST /v HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    expect(busy.response()[0] == 100, "no interim answer")
    os.kill(int(server), signal.SIGTERM)
    expect(idle.read() == b"", "bytes on an idle connection")
    busy.send(b"{}")
    expect(busy.response()[0] == 200 and busy.closes, "no last answer")
    expect(busy.read() == b"", "bytes behind the last answer")
    print("ok")


def load(port, ca, count):
    """Requests on new connections and on one that is kept, until so many certificates were seen."""
    kept = Client(port, ca)
    seen = []
    while len(seen) < int(count):
        fresh = Client(port, ca)
        serial = fresh.session.getpeercert()["serialNumber"].lstrip("0")
        for client in (fresh, kept):
            client.request("/v")
            expect(client.response()[0] == 200, "not answered")
        if serial not in seen:
            seen.append(serial)
            print("serial", serial, flush=True)
    kept.request("/v")
    print("kept", kept.response()[0])


def pieces(source, sealed):
    """Cuts at random places: often byte by byte, at times in large pieces."""
    largest = source.choice((1, 3, 50, 2000, 20000))
    at = 0
    while at < len(sealed):
        size = source.randint(1, largest)
        yield sealed[at : at + size]
        at += size


def cuts(port, ca, seed, rounds):
    """Ciphertext that arrives in pieces of any size."""
    source = random.Random(int(seed))
    for _ in range(int(rounds)):
        version = source.choice((ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
        client = Client(port, ca, cut=lambda sealed: pieces(source, sealed), version=version)
        for _ in range(source.randint(1, 4)):
            text = source.randbytes(source.choice((0, 1, 100, 5000, 60000))).hex()
            client.request("/digest", json.dumps({"text": text}).encode())
            status, body = client.response()
            expect(status == 200 and json.loads(body)["data"] == text, (status, body[:200]))
    print("ok")


class Damage(Exception):
    """The ciphertext ends here."""


def damage(port, ca, seed, rounds):
    """Connections that are cut or damaged at random places; one that is not is served after each."""
    source = random.Random(int(seed))
    for _ in range(int(rounds)):
        left = [source.randint(0, 3000)]
        flips = source.random() < 0.5

        def cut(sealed):
            if left[0] >= len(sealed):
                left[0] -= len(sealed)
                yield from pieces(source, sealed)
                return
            at, left[0] = left[0], 1 << 30
            if not flips:
                yield sealed[:at]
                raise Damage
            broken = bytearray(sealed)
            broken[at] ^= 1 << source.randrange(8)
            yield bytes(broken)

        try:
            client = Client(port, ca, cut=cut, version=source.choice((None, ssl.TLSVersion.TLSv1_2)))
            for _ in range(4):
                client.request("/digest", json.dumps({"text": "y" * source.randint(0, 2000)}).encode())
                client.response()
        except (Damage, ssl.SSLError, EOFError, OSError):
            pass
        whole = Client(port, ca)
        whole.request("/v")
        expect(whole.response()[0] == 200, "a sound connection is not served")
    print("ok")


def garbage(port, ca, seed, rounds):
    """Bytes that never were TLS. Each connection ends."""
    source = random.Random(int(seed))
    for _ in range(int(rounds)):
        raw = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        first = source.choice((b"\x16\x03\x01", b"\x80", b"\x15", b"\x17", b"", b"GET"))
        try:
            raw.sendall(first + source.randbytes(source.randint(1, 4000)))
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except ConnectionError:
            pass
        raw.close()
    whole = Client(port, ca)
    whole.request("/v")
    print(whole.response()[0])


if __name__ == "__main__":
    scenario, port, ca = sys.argv[1:4]
    {
        function.__name__: function
        for function in (
            versions, alpn, pipelining, upload, slow_reader, goodbye, drain, load, cuts, damage, garbage
        )
    }[scenario](int(port), ca, *sys.argv[4:])
