"""Tokens by PyJWT and hashes by pwdlib, both ways. Needs PyJWT and pwdlib[argon2].

Run by crates/server/tests/it/python.rs against the server, as its first user:
API is the address of its account routes, DATABASE its SQLite file, JWT_SECRET its secret.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing

import jwt
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

API = os.environ["API"]
DATABASE = os.environ["DATABASE"]
SECRET = os.environ["JWT_SECRET"]
PASSWORD = os.environ["PASSWORD"]

RECOMMENDED = PasswordHash.recommended()
failures = []


def check(what, got, expected):
    print("ok  " if got == expected else "FAIL", what)
    if got != expected:
        failures.append(f"{what}: got {got!r}, expected {expected!r}")


# The server, as a client sees it.

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(path, token=None, body=None, content_type="application/json"):
    request = urllib.request.Request(API + path, data=body)
    if body is not None:
        request.add_header("Content-Type", content_type)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def register(email, password):
    return call("/register", body=json.dumps({"email": email, "password": password}).encode())


def login(email, password):
    form = urllib.parse.urlencode({"username": email, "password": password}).encode()
    return call("/login", body=form, content_type="application/x-www-form-urlencoded")


def me(token):
    return call("/me", token)[0]


# Its table, as another program sees it.


def stored_hash(email):
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database:
        query = "SELECT hashed_password FROM users WHERE email = ?"
        return database.execute(query, (email,)).fetchone()[0]


def insert(email, hashed_password):
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        database.execute(
            "INSERT INTO users (email, hashed_password, is_admin, status, created_at)"
            " VALUES (?, ?, FALSE, 'approved', '2024-02-29T12:00:00.000000Z')",
            (email, hashed_password),
        )


# Tokens.


def segment(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def by_hand(header, payload):
    """Makes a token that PyJWT refuses to make."""
    text = segment(json.dumps(header).encode()) + "." + segment(json.dumps(payload).encode())
    mac = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    return text + "." + segment(mac)


def tokens_of_ours():
    status, answer = login("ada@example.com", PASSWORD)
    check("our log-in", status, 200)
    token = answer["access_token"]
    check("our header", jwt.get_unverified_header(token), {"alg": "HS256", "typ": "JWT"})
    claims = jwt.decode(
        token,
        SECRET,
        algorithms=["HS256"],
        options={"require": ["exp", "iat", "sub", "jti"], "strict_aud": True},
    )
    check("our subject", claims["sub"], "1")
    check("our times are integers", (type(claims["iat"]), type(claims["exp"])), (int, int))
    check("our lifetime", claims["exp"] - claims["iat"], answer["expires_in"])
    return claims


def tokens_of_pyjwt(ours):
    now = int(time.time())
    good = {"sub": "1", "exp": now + 3600}

    def encode(claims, algorithm="HS256", key=SECRET, **headers):
        return jwt.encode(claims, key, algorithm=algorithm, headers=headers or None)

    for what, token in {
        "sub and exp": encode(good),
        "a float exp": encode({**good, "exp": time.time() + 3600.5}),
        "no typ": encode(good, typ=None),
        "unknown claims": encode({**good, "email": "ada@example.com", "roles": ["x", {"y": None}]}),
        "iat and nbf now": encode({**good, "iat": now, "nbf": now}),
        "gen of the account": encode({**good, "gen": 0}),
        "our claims, signed by PyJWT": encode(ours),
    }.items():
        check(f"accepted: {what}", me(token), 200)

    for what, token in {
        "HS384 with the same secret": encode(good, "HS384"),
        "HS512 with the same secret": encode(good, "HS512"),
        "alg none": encode(good, "none", key=None),
        "another secret": encode(good, key=SECRET[::-1]),
        "the secret without its last byte": encode(good, key=SECRET[:-1]),
        "no exp": encode({"sub": "1"}),
        "no sub": encode({"exp": now + 3600}),
        "expired": encode({**good, "exp": now - 1}),
        "nbf in the future": encode({**good, "nbf": now + 600}),
        "iat in the future": encode({**good, "iat": now + 600}),
        "crit": encode(good, crit=["b64"], b64=True),
        "crit, unknown": by_hand({"alg": "HS256", "crit": ["x"], "x": 1}, good),
        "exp as a string": by_hand({"alg": "HS256", "typ": "JWT"}, {**good, "exp": str(now + 3600)}),
        "sub as a number": by_hand({"alg": "HS256", "typ": "JWT"}, {**good, "sub": 1}),
        "another spelling of the id": encode({**good, "sub": "01"}),
        "an unknown subject": encode({**good, "sub": "4711"}),
        "another generation": encode({**good, "gen": 1}),
        "an audience": encode({**good, "aud": "elsewhere"}),
    }.items():
        check(f"rejected: {what}", me(token), 401)
    check("accepted: made by hand", me(by_hand({"alg": "HS256", "typ": "JWT"}, good)), 200)


# Hashes.


def hashes_of_ours():
    check("pwdlib verifies ours", RECOMMENDED.verify(PASSWORD, stored_hash("ada@example.com")), True)
    check("… and no other password", RECOMMENDED.verify("x" + PASSWORD, stored_hash("ada@example.com")), False)
    verified, renewed = RECOMMENDED.verify_and_update(PASSWORD, stored_hash("ada@example.com"))
    check("… and finds it up to date", (verified, renewed), (True, None))
    odd = "pässwörd \U0001f511 \x00 "
    check("an odd password", register("odd@example.com", odd)[0], 201)
    check("pwdlib verifies it", RECOMMENDED.verify(odd, stored_hash("odd@example.com")), True)


def hashes_of_pwdlib():
    hashed = RECOMMENDED.hash("grüße, world")
    insert("same@example.com", hashed)
    check("an account by pwdlib logs in", login("same@example.com", "grüße, world")[0], 200)
    check("… not with another password", login("same@example.com", "grusse, world")[0], 401)
    check("… and keeps its hash", stored_hash("same@example.com"), hashed)

    weaker = {
        "weaker": Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1),
        "salted": Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1, salt_len=8, hash_len=24),
        "stronger": Argon2Hasher(time_cost=4, memory_cost=65536, parallelism=4),
    }
    for name, hasher in weaker.items():
        email, hashed = f"{name}@example.com", PasswordHash((hasher,)).hash(PASSWORD)
        insert(email, hashed)
        check(f"{name}: a wrong password", login(email, "x" + PASSWORD)[0], 401)
        check(f"{name}: … upgrades nothing", stored_hash(email), hashed)
        check(f"{name}: the right one", login(email, PASSWORD)[0], 200)
        upgraded = stored_hash(email)
        check(f"{name}: … upgrades", upgraded.split("$")[1:4], ["argon2id", "v=19", "m=65536,t=3,p=4"])
        verified, renewed = RECOMMENDED.verify_and_update(PASSWORD, upgraded)
        check(f"{name}: pwdlib verifies the upgraded", (verified, renewed), (True, None))
        check(f"{name}: once more", login(email, PASSWORD)[0], 200)
        check(f"{name}: … leaves it", stored_hash(email), upgraded)


check("the first user", register("ada@example.com", PASSWORD)[0], 201)
tokens_of_pyjwt(tokens_of_ours())
hashes_of_ours()
hashes_of_pwdlib()
if failures:
    raise SystemExit("\n".join(failures))
