"""`GET /me` as FastAPI's tutorial writes it, over the database and with the tokens of the login server.

Run by `benches/loopback fastapi`. DATABASE is the path of the SQLite file, JWT_SECRET the secret, and
ENGINE `sync` (a session in FastAPI's threads) or `async` (aiosqlite).
"""

import os
from datetime import datetime
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, Session, SQLModel, create_engine, select
from sqlmodel.ext.asyncio.session import AsyncSession

DATABASE, SECRET = os.environ["DATABASE"], os.environ["JWT_SECRET"]

app = FastAPI()
Token = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: int = Field(primary_key=True)
    email: str
    hashed_password: str
    is_admin: bool
    status: str
    # Text in this database; the response has it as a time.
    created_at: str
    token_generation: int


class UserPublic(BaseModel):
    id: int
    email: str
    is_admin: bool
    status: str
    created_at: datetime


def claims(token):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise unauthorized()


def active(user, generation):
    if user is None or user.status != "approved" or user.token_generation != generation:
        raise unauthorized()
    return user


def unauthorized():
    challenge = {"WWW-Authenticate": "Bearer"}
    return HTTPException(401, "Could not validate credentials", headers=challenge)


def by_id(claims):
    return select(User).where(User.id == int(claims["sub"]))


if os.environ["ENGINE"] == "async":
    engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE}")

    async def session():
        async with AsyncSession(engine) as session:
            yield session

    async def current_user(token: Token, session: Annotated[AsyncSession, Depends(session)]):
        verified = claims(token)
        user = (await session.exec(by_id(verified))).first()
        return active(user, verified.get("gen", 0))
else:
    engine = create_engine(f"sqlite:///{DATABASE}", connect_args={"check_same_thread": False})

    def session():
        with Session(engine) as session:
            yield session

    def current_user(token: Token, session: Annotated[Session, Depends(session)]):
        verified = claims(token)
        user = session.exec(by_id(verified)).first()
        return active(user, verified.get("gen", 0))


@app.get("/me", response_model=UserPublic)
async def me(user: Annotated[User, Depends(current_user)]):
    return user
