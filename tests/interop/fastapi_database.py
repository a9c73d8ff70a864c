"""Database of FastAPI Users, made by that package in the working directory: fastapi.sqlite.

Run by crates/server/tests/it/python.rs. PASSWORD is the password of all users.
"""

import asyncio
import os

from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from fastapi_users.schemas import BaseUserCreate
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager):
    pass


async def main():
    engine = create_async_engine("sqlite+aiosqlite:///fastapi.sqlite")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    # Versions before 13 hashed with bcrypt; the cost is lower, because tests are not optimised.
    bcrypt = PasswordHelper(PasswordHash((BcryptHasher(rounds=4),)))
    async with AsyncSession(engine) as session:
        for email, helper, flags in [
            ("gil@example.com", PasswordHelper(), {"is_superuser": True}),
            ("Hal@Example.com", bcrypt, {}),
            ("ida@example.com", bcrypt, {"is_active": False, "is_superuser": True}),
        ]:
            manager = UserManager(SQLAlchemyUserDatabase(session, User), helper)
            user = BaseUserCreate(email=email, password=os.environ["PASSWORD"], **flags)
            await manager.create(user)
    await engine.dispose()


asyncio.run(main())
