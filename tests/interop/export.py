"""Tables of users as FastAPI Users and Django have them, exported by the SQL of the guide.

Run by crates/server/tests/it/python.rs, in the directory where it writes fastapi.csv and django.csv.
Django makes its own table and hashes, pwdlib makes the hashes of the other. GUIDE is the guide, and
PASSWORD the password of all users.
"""

import csv
import os
import re
import sqlite3
import uuid
from contextlib import closing

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.sqlite"}},
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.core.management import call_command
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher

PASSWORD = os.environ["PASSWORD"]
with open(os.environ["GUIDE"], encoding="utf-8") as guide:
    QUERIES = re.findall(r"```sql\n(SELECT .*?)```", guide.read(), re.DOTALL)


def export(database, table, file):
    (query,) = (query for query in QUERIES if f"FROM {table};" in query)
    with closing(sqlite3.connect(database)) as connection, open(file, "w", newline="") as output:
        rows = connection.execute(query)
        writer = csv.writer(output)
        writer.writerow(column[0] for column in rows.description)
        writer.writerows(rows)


# Costs are lower than the defaults: the tests are not optimised.
def by_django(name, **cost):
    hasher = type(name, (getattr(hashers, name),), cost)()
    return hasher.encode(PASSWORD, hasher.salt())


call_command("migrate", verbosity=0)
for name, email, password, extra in [
    ("ada", "ada@example.com", by_django("PBKDF2PasswordHasher", iterations=10), {"is_superuser": True}),
    ("bob", "Bob@example.com", by_django("BCryptSHA256PasswordHasher", rounds=4), {}),
    ("cid", "cid@example.com", by_django("ScryptPasswordHasher", work_factor=1024), {"is_active": False}),
    ("dan", "dan@example.com", hashers.make_password(None), {}),
    ("eve", "", by_django("Argon2PasswordHasher", memory_cost=1024), {}),
    ("another bob", "bob@example.com", by_django("Argon2PasswordHasher", memory_cost=1024), {}),
    ("fay", "fay@example.com", by_django("Argon2PasswordHasher", memory_cost=1024), {}),
]:
    User.objects.create(username=name, email=email, password=password, **extra)
export("django.sqlite", "auth_user", "django.csv")

with closing(sqlite3.connect("fastapi.sqlite")) as connection, connection:
    connection.execute(
        """CREATE TABLE "user" (id CHAR(36) PRIMARY KEY, email VARCHAR(320) NOT NULL,
        hashed_password VARCHAR(1024) NOT NULL, is_active BOOLEAN NOT NULL,
        is_superuser BOOLEAN NOT NULL, is_verified BOOLEAN NOT NULL)"""
    )
    argon2 = PasswordHash.recommended().hash(PASSWORD)
    bcrypt = BcryptHasher(rounds=4).hash(PASSWORD)
    for email, hashed_password, is_active, is_superuser in [
        ("gil@example.com", argon2, True, True),
        ("hal@example.com", bcrypt, True, False),
        ("ida@example.com", bcrypt, False, True),
    ]:
        row = (str(uuid.uuid4()), email, hashed_password, is_active, is_superuser, True)
        connection.execute('INSERT INTO "user" VALUES (?, ?, ?, ?, ?, ?)', row)
export("fastapi.sqlite", '"user"', "fastapi.csv")
