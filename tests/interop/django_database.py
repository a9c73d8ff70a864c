"""Database of Django, made by that package in the working directory: django.sqlite.

Run by crates/server/tests/it/python.rs. PASSWORD is the password of all users.
"""

import os

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

PASSWORD = os.environ["PASSWORD"]


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
