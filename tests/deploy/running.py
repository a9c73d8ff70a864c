"""Checks deploy/ against the server: its variables, and two nodes behind the proxy."""

import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

from ruamel.yaml import YAML

SERVER = sys.argv[1]
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRET = "yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L"
HOST = "accounts.example"
ADA = {"username": "ada@example.com", "password": "correct horse battery"}


def main():
    variables_are_known()
    placeholder_is_refused()
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        proxy_keeps_security_headers(directory)
        nodes = [Node(directory), Node(directory)]
        proxy = Proxy(directory, nodes)
        try:
            container_is_healthy(nodes[0])
            other_hosts_are_refused(proxy)
            token = accounts_work(proxy, nodes)
            origin_is_checked(proxy)
            streams_are_not_buffered(proxy, token)
            health_is_not_public(proxy)
            half_sent_bodies_do_not_reach_a_node(proxy)
            connections_of_an_address_are_bounded(proxy)
            killed_node_causes_no_failure(proxy, nodes, token)
            stopping_node_finishes(proxy, nodes, token)
            pages_are_served_without_the_database(proxy, directory, token)
            nothing_secret_is_logged(proxy, token)
        finally:
            for process in [proxy, *nodes]:
                process.end()


def variables_are_known():
    settings = (ROOT / "crates/server/src/settings.rs").read_text()
    known = set(re.findall(r'^    \w+ ([A-Z][A-Z_]+) "', settings, re.MULTILINE))
    given = set(node_environment()) | set(optional_environment())
    unit = (DEPLOY / "tower-warder-server.service").read_text()
    given |= set(re.findall(r'^#?Environment="?(\w+)=', unit, re.MULTILINE))
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    given |= set(re.findall(r"^ENV (\w+)=", dockerfile, re.MULTILINE))
    check(len(given) >= 3 and given <= known, f"every variable is known: {sorted(given)}")

    requested = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    check(requested == set(example()), f"the example has every variable: {sorted(requested)}")
    mail = {"SMTP_URL", "MAIL_FROM"}
    check(mail <= given and mail <= requested, "mail is described")


def node_environment():
    compose = YAML(typ="safe").load(DEPLOY / "compose.yaml")
    one, other = (compose["services"][name]["environment"] for name in ("node1", "node2"))
    check(one == other, "the nodes are alike", quiet=True)
    return one


def optional_environment():
    """The variables of the nodes that are commented out."""
    text = (DEPLOY / "compose.yaml").read_text()
    return re.findall(r"^ +#([A-Z_]+): ", text, re.MULTILINE)


def example():
    text = (DEPLOY / ".env.example").read_text()
    return dict(re.findall(r"^#?(\w+)=(.*)$", text, re.MULTILINE))


def placeholder_is_refused():
    with tempfile.TemporaryDirectory() as directory:
        secret = example()["JWT_SECRET"]
        environment = {"BIND_ADDR": "127.0.0.1:0", "JWT_SECRET": secret}
        refused = subprocess.run(
            [SERVER], env=environment, cwd=directory, capture_output=True, text=True, timeout=30
        )
        output = refused.stderr
        check(refused.returncode == 1 and "JWT_SECRET" in output, f"refused: {output.strip()}")
        check("openssl" in output and secret not in output, "with the remedy, without the value")


def proxy_keeps_security_headers(directory):
    """Runs the proxy in front of a server that echoes the headers."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps([list(pair) for pair in self.headers.items()]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    echo = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    echo.port = echo.server_port
    # Health checks of the proxy close the connection early.
    echo.handle_error = lambda *_: None
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    proxy = Proxy(directory, [echo, echo])
    kept = {
        "host": HOST,
        "origin": f"https://{HOST}",
        "sec-fetch-site": "same-origin",
        "cookie": "__Host-tower_warder=x",
    }
    dropped = {
        "x-forwarded-for": "10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "forwarded": "for=10.0.0.1",
        "x-real-ip": "10.0.0.1",
    }
    _, _, body = proxy.request("GET", "/", {**kept, **dropped})
    lines = [(name.lower(), value) for name, value in json.loads(body)]
    check(dict(lines).items() >= kept.items(), "Host, Origin, Sec-Fetch-Site, Cookie arrive as sent")
    sent = {name.lower() for name in dropped}
    addresses = [line for line in lines if line[0] in sent]
    check(addresses == [("x-forwarded-for", "127.0.0.1")], f"the address of the client is its own: {addresses}")
    _, _, body = proxy.request("GET", "/", {"cookie": "node=2; mine=1"})
    arrived = {name.lower(): value for name, value in json.loads(body)}
    check(arrived["cookie"] == "mine=1", "the cookie of the proxy does not reach the node")
    proxy.end()
    echo.shutdown()


def container_is_healthy(node):
    """The command of HEALTHCHECK."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    command = json.loads(re.search(r"HEALTHCHECK .* CMD (\[.*\])", text)[1])
    here = [part.replace("/8000", f"/{node.port}") for part in command]
    check(subprocess.run(here, timeout=5).returncode == 0, "the container is healthy")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    away = [part.replace("/8000", f"/{port}") for part in command]
    gone = subprocess.run(away, timeout=5, stderr=subprocess.DEVNULL)
    check(gone.returncode != 0, "and is not without a listener")


def other_hosts_are_refused(proxy):
    requested = {host: proxy.request("GET", "/login", {"host": host}) for host in (HOST, "evil.example")}
    answers = {host: answer[0] for host, answer in requested.items()}
    check(answers == {HOST: 200, "evil.example": 421}, f"by host: {answers}")
    hsts = {answer[1]["strict-transport-security"] for answer in requested.values()}
    check(hsts == {"max-age=31536000"}, "browsers use only TLS from then on")


def accounts_work(proxy, nodes):
    logged = [re.findall(r"bootstrap_secret=(\S+)", node.output()) for node in nodes]
    check(len(logged[0]) == 1 and logged[0] == logged[1], "each node logs the same secret")
    ada = {"email": ADA["username"], "password": ADA["password"], "bootstrap_secret": logged[0][0]}
    head = {"content-type": "application/json"}
    status, _, body = proxy.request("POST", "/api/auth/register", head, json.dumps(ada))
    check(status == 201 and json.loads(body)["is_admin"], f"registered: {body}")
    status, headers, body = log_in(proxy)
    check(status == 200 and "no-store" in headers.get_all("cache-control"), "logged in")
    token = json.loads(body)["access_token"]
    answers = [me(proxy, token)[0] for _ in range(10)]
    check(answers == [200] * 10, "both nodes accept the token")
    # In turn, for clients without the cookie.
    requested = set(re.findall(r"ready/node\d", proxy.output()))
    check(requested == {"ready/node1", "ready/node2"}, "both nodes get requests")
    return token


def origin_is_checked(proxy):
    _, headers, _ = log_in(proxy, "/api/auth/cookie/login")
    kept = next(line for line in headers.get_all("set-cookie") if "tower_warder" in line)
    check(kept.startswith("__Host-") and "Secure" in kept, "the cookie is for TLS only")
    cookie = {"cookie": kept.split(";")[0]}
    foreign = [
        {"origin": "https://evil.example"},
        {"origin": f"http://{HOST}"},
        {"sec-fetch-site": "cross-site"},
    ]
    refused = [ticket(proxy, {**cookie, **header})[0] for header in foreign]
    check(refused == [403] * 3, "a page of another origin is rejected")
    own = {"origin": f"https://{HOST}"}
    check(ticket(proxy, {**cookie, **own})[0] == 200, "its own page is not")


def streams_are_not_buffered(proxy, token):
    """A client with the cookie reaches the node of its ticket, and gets events at once."""
    bearer = {"authorization": f"Bearer {token}"}
    for _ in range(6):
        _, headers, body = ticket(proxy, bearer)
        query = urlencode({"token": json.loads(body)["ticket"]})
        cookie = headers["set-cookie"].split(";")[0]
        begin = time.monotonic()
        stream = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        stream.request("GET", f"/api/events?{query}", headers={"host": HOST, "cookie": cookie})
        answer = stream.getresponse()
        event = answer.readline() if answer.status == 200 else b""
        stream.close()
        took = time.monotonic() - begin
        if answer.status != 200 or b"hello" not in event or took > 2:
            check(False, f"the stream: {answer.status} {event} after {took} s")
    check(True, "event streams are not buffered, and tickets reach their node")

    key = "dGhlIHNhbXBsZSBub25jZQ=="
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as web_socket:
        web_socket.sendall(
            f"GET /api/ws HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n"
            f"sec-websocket-protocol: bearer, {token}\r\n\r\n".encode()
        )
        output = b""
        while ADA["username"].encode() not in output:
            more = web_socket.recv(4096)
            if not more:
                break
            output += more
    check(output.startswith(b"HTTP/1.1 101 ") and b"hello" in output, "a WebSocket passes")


def health_is_not_public(proxy):
    answers = [proxy.request("GET", path)[0] for path in ("/healthz", "/readyz")]
    check(answers == [404, 404], "health routes are not public")


def half_sent_bodies_do_not_reach_a_node(proxy):
    before = len(re.findall(r"POST /api/auth/register \S+", proxy.output()))
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=15) as connection:
        connection.sendall(
            b"POST /api/auth/register HTTP/1.1\r\nhost: a\r\n"
            b"content-type: application/json\r\ncontent-length: 8000\r\n\r\n{"
        )
        answer = connection.recv(12)
    took = time.monotonic() - begin
    check(answer == b"HTTP/1.1 408" and 9 < took < 14, "half a body is 408 in time")
    # The proxy logs the request after it has answered.
    for _ in range(50):
        seen = re.findall(r"POST /api/auth/register \S+", proxy.output())
        if len(seen) > before and seen[-1].endswith("/<NOSRV>"):
            break
        time.sleep(0.1)
    check(len(seen) > before and seen[-1].endswith("/<NOSRV>"), "and no node sees it")


def connections_of_an_address_are_bounded(proxy):
    connections = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(140)]
    closed = 0
    for connection in connections:
        connection.settimeout(0.05)
        try:
            closed += connection.recv(1) == b""
        except ConnectionResetError:
            closed += 1
        except TimeoutError:
            pass
    # Earlier streams may still be open.
    check(140 - 128 <= closed < 40, f"of 140 connections of one address {closed} are refused")
    for connection in connections:
        connection.close()
    until(lambda: is_served(proxy), "it is served again")


def is_served(proxy):
    try:
        return proxy.request("GET", "/login")[0] == 200
    except OSError:
        return False


def killed_node_causes_no_failure(proxy, nodes, token):
    with Load(proxy, token) as load:
        time.sleep(0.3)
        nodes[0].process.kill()
        nodes[0].process.wait()
        time.sleep(3)
        # Also for clients of that node.
        for path in ("/api/auth/login", "/api/auth/cookie/login"):
            check(log_in(proxy, path, {"cookie": "node=1"})[0] == 200, "the other node logs in")
        nodes[0].start()
        until(lambda: "node1" in recent_log(proxy, token), "the node gets requests again")
    check(load.answers.keys() == {200}, f"one node killed and started again: {load.answers}")


def stopping_node_finishes(proxy, nodes, token):
    with Load(proxy, token) as load, Load(proxy, None) as writers:
        body = urlencode(ADA)
        connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        connection.sendall(
            f"POST /api/auth/login HTTP/1.1\r\nhost: {HOST}\r\ncookie: node=2\r\nexpect: 100-continue\r\n"
            f"connection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode()
        )
        check(connection.recv(99).startswith(b"HTTP/1.1 100 "), "a log-in runs")
        nodes[1].process.terminate()
        until(lambda: not nodes[1].listens(), "its node stops")
        connection.sendall(body.encode())
        answer = b""
        while more := connection.recv(4096):
            answer += more
        check(answer.startswith(b"HTTP/1.1 200 "), "and answers it")
        check(nodes[1].process.wait(15) == 0, "then ends")
        nodes[1].start()
        until(lambda: "node2" in recent_log(proxy, token), "the node gets requests again")
    check(load.answers.keys() == {200}, f"one node stopped and started again: {load.answers}")
    # Without the delay some of these are lost, and must not be retried.
    check(writers.answers.keys() == {422}, f"no log-in is lost: {writers.answers}")


def pages_are_served_without_the_database(proxy, directory, token):
    database = sqlite3.connect(directory / "accounts.sqlite")
    database.execute("ALTER TABLE users RENAME TO away")
    until(lambda: "alive/" in recent_log(proxy, token), "no node is ready")
    check(proxy.request("GET", "/login")[0] == 200, "pages are served")
    status, headers, body = me(proxy, token)
    check(status == 503 and headers["retry-after"], f"the node responds itself: {body}")
    check(json.loads(body)["code"] == "unavailable", "with its own body")
    database.execute("ALTER TABLE away RENAME TO users")
    database.close()
    until(lambda: me(proxy, token)[0] == 200 and "ready/" in recent_log(proxy, token), "it works again")


def nothing_secret_is_logged(proxy, token):
    output = proxy.output()
    check("GET /api/events ready/" in output, "the proxy logs paths")
    found = [word for word in ("?", "token=", token.split(".")[1], "battery") if word in output]
    check(not found, "and no queries, tokens, passwords")


def log_in(proxy, path="/api/auth/login", headers={}, form=ADA):
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return proxy.request("POST", path, {**kind, **headers}, urlencode(form))


def ticket(proxy, headers):
    return proxy.request("POST", "/api/auth/stream-ticket", headers)


def me(proxy, token):
    return proxy.request("GET", "/api/auth/me", {"authorization": f"Bearer {token}"})


def recent_log(proxy, token):
    """Sends some requests, and returns the lines that the proxy logs for them."""
    before = len(proxy.output())
    for _ in range(4):
        me(proxy, token)
    return proxy.output()[before:]


class Process:
    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.directory, stdout=log, stderr=log
            )
        until(self.listens, f"{Path(self.command[0]).name} listens")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def output(self):
        return self.log.read_text()

    def end(self):
        self.process.kill()
        self.process.wait()


class Node(Process):
    def __init__(self, directory):
        self.directory, self.port = directory, free_port()
        self.log = directory / f"node.{self.port}.log"
        self.command = [SERVER]
        self.environment = {
            **node_environment(),
            "BIND_ADDR": f"127.0.0.1:{self.port}",
            "PUBLIC_ORIGIN": f"https://{HOST}",
            "DATABASE_URL": "sqlite://accounts.sqlite",
            "JWT_SECRET": SECRET,
        }
        # SQLite has no channel of invalidations, and both nodes run on one machine here.
        for variable in ("USER_CACHE_TTL", "METRICS_ADDR"):
            del self.environment[variable]
        self.start()


class Proxy(Process):
    """HAProxy with the configuration of deploy/, except for the addresses."""

    def __init__(self, directory, nodes):
        self.directory, self.port = directory, free_port()
        self.log = directory / f"proxy.{self.port}.log"
        self.environment = {}
        text = (DEPLOY / "haproxy.cfg").read_text()
        changes = {"bind :8080": f"bind 127.0.0.1:{self.port}"}
        for number, node in enumerate(nodes, 1):
            changes[f" node{number}:8000 "] = f" 127.0.0.1:{node.port} "
        for before, after in changes.items():
            check(before in text, f"{before.strip()} is in the configuration", quiet=True)
            text = text.replace(before, after)
        file = directory / f"proxy.{self.port}.cfg"
        file.write_text(text)
        haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        subprocess.run([haproxy, "-c", "-q", "-dW", "-f", file], check=True)
        self.command = [haproxy, "-db", "-f", str(file)]
        self.start()

    def request(self, method, path, headers={}, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, {"host": HOST, **headers})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, body


class Load:
    """Clients that request their account, or send a log-in without a password, until the end, and
    the number of responses by status."""

    def __init__(self, proxy, token):
        self.answers, self.over, self.lock = {}, False, threading.Lock()
        self.clients = [threading.Thread(target=self.request, args=(proxy, token)) for _ in range(4)]

    def request(self, proxy, token):
        while not self.over:
            try:
                status = me(proxy, token)[0] if token else log_in(proxy, form={})[0]
            except OSError as error:
                status = repr(error)
            with self.lock:
                self.answers[status] = self.answers.get(status, 0) + 1
            time.sleep(0.005)

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for client in self.clients:
            client.join()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def until(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        check(time.monotonic() < deadline, what, quiet=True)
        time.sleep(0.05)


def check(holds, what, quiet=False):
    if not holds:
        sys.exit(f"failed: {what}")
    if not quiet:
        print(f"  {what}")


if __name__ == "__main__":
    main()
