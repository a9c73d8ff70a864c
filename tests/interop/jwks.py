"""Key sets by PyJWT, both ways. Needs PyJWT[crypto].

Run by tests/it/jwks/python.rs: JWKS_URL is where our keys are published, TOKENS are signed with
them. Prints a key set of its own, and tokens that its keys signed.
"""

import json
import os
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import algorithms

os.environ["NO_PROXY"] = "*"
client = jwt.PyJWKClient(os.environ["JWKS_URL"])
tokens = os.environ["TOKENS"].split()
for token in tokens:
    algorithm = jwt.get_unverified_header(token)["alg"]
    key = client.get_signing_key_from_jwt(token)
    assert jwt.decode(token, key, algorithms=[algorithm])["sub"] == "7", algorithm
assert len(client.get_signing_keys()) == len(tokens)

keys, signed = [], []
for name, private in [
    ("ES256", ec.generate_private_key(ec.SECP256R1())),
    ("ES384", ec.generate_private_key(ec.SECP384R1())),
    ("RS256", rsa.generate_private_key(65537, 2048)),
    ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
]:
    public = algorithms.get_default_algorithms()[name].to_jwk(private.public_key(), as_dict=True)
    # Without `alg`: curves say it, and for RSA it is RS256.
    keys.append({**public, "kid": name})
    claims = {"iss": "https://login.example/realms/shop", "sub": "7", "exp": int(time.time()) + 60}
    signed.append(jwt.encode(claims, private, algorithm=name, headers={"kid": name}))
print(json.dumps({"keys": {"keys": keys}, "tokens": signed}))
