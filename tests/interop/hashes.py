"""Password hashes by Django, Werkzeug, passlib, pwdlib, bcrypt and argon2-cffi, as JSON lines.

Run by tests/it/legacy_hashes.rs. Each line has the function, the password and its hash.
"""

import json
import logging

import argon2
import bcrypt
import django
import passlib.hash
from django.conf import settings
from django.contrib.auth import hashers
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from werkzeug.security import generate_password_hash

# passlib asks newer versions of bcrypt for an attribute that they no longer have, and reports it.
logging.disable(logging.CRITICAL)
settings.configure()
django.setup()

PASSWORDS = ["correct horse", "pässwörd 🔑", " ", "e\u0301", "pq" * 36, "%$:,=+/.\\"]
NOT_BY_BCRYPT = ["nul\0inside", "ä" * 60]


def by_django(name, **cost):
    hasher = type(name, (getattr(hashers, name),), cost)()
    return lambda password: hasher.encode(password, hasher.salt())


def by_passlib(name, **settings):
    # A class is replaced when it is first used, so it is looked up anew.
    return lambda password: getattr(passlib.hash, name).using(**settings).hash(password)


def by_argon2(kind, version):
    return lambda password: argon2.low_level.hash_secret(
        password.encode(), b"saltsaltsalt", 2, 256, 2, 32, kind, version
    ).decode()


# Costs are lower than the defaults: the tests are not optimised.
FUNCTIONS = {
    "Django PBKDF2": by_django("PBKDF2PasswordHasher", iterations=10),
    "Django PBKDF2 SHA-1": by_django("PBKDF2SHA1PasswordHasher", iterations=10),
    "Django Argon2": by_django("Argon2PasswordHasher", memory_cost=1024),
    "Django bcrypt SHA-256": by_django("BCryptSHA256PasswordHasher", rounds=4),
    "Django scrypt": by_django("ScryptPasswordHasher", work_factor=1024),
    "Werkzeug scrypt": lambda it: generate_password_hash(it, "scrypt:1024:8:1"),
    "Werkzeug PBKDF2": lambda it: generate_password_hash(it, "pbkdf2:sha256:10"),
    "Werkzeug PBKDF2 SHA-1": lambda it: generate_password_hash(it, "pbkdf2:sha1:10"),
    "Werkzeug PBKDF2 SHA-512": lambda it: generate_password_hash(it, "pbkdf2:sha512:10"),
    "passlib PBKDF2": by_passlib("pbkdf2_sha256", rounds=10),
    "passlib PBKDF2 SHA-1": by_passlib("pbkdf2_sha1", rounds=10),
    "passlib PBKDF2 SHA-512": by_passlib("pbkdf2_sha512", rounds=10),
    "passlib Argon2i": by_passlib("argon2", type="I", memory_cost=1024),
    "pwdlib Argon2": Argon2Hasher(memory_cost=1024).hash,
    "Argon2i 16": by_argon2(argon2.Type.I, 16),
    "Argon2d 19": by_argon2(argon2.Type.D, 19),
    "Argon2id 16": by_argon2(argon2.Type.ID, 16),
}
# passlib's own rule is that no password has NUL.
WITHOUT_NUL = {
    "passlib scrypt": by_passlib("scrypt", rounds=12),
    "passlib bcrypt SHA-256": by_passlib("bcrypt_sha256", rounds=4),
    "passlib bcrypt SHA-256, before 1.7.3": by_passlib("bcrypt_sha256", rounds=4, version=1),
}
BCRYPT = {
    "Django bcrypt": by_django("BCryptPasswordHasher", rounds=4),
    "passlib bcrypt 2y": by_passlib("bcrypt", rounds=4, ident="2y"),
    "pwdlib bcrypt": BcryptHasher(rounds=4).hash,
    "pwdlib bcrypt 2a": BcryptHasher(rounds=4, prefix="2a").hash,
    "bcrypt": lambda it: bcrypt.hashpw(it.encode(), bcrypt.gensalt(4)).decode(),
}

for functions, passwords in [
    (FUNCTIONS, PASSWORDS + NOT_BY_BCRYPT),
    (WITHOUT_NUL, PASSWORDS),
    (BCRYPT, PASSWORDS),
]:
    for name, function in functions.items():
        for password in passwords:
            print(json.dumps({"by": name, "password": password, "hash": function(password)}))
