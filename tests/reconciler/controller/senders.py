"""Those who send webhooks, as the three kinds do."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

Headers = Mapping[str, str]


def github(secret: bytes, body: bytes, delivery: str = "") -> Headers:
    signature = {"x-hub-signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"}
    return {**signature, "x-github-delivery": delivery} if delivery else signature


def gitlab(key: bytes, body: bytes, at: float, name: str = "msg-1") -> Headers:
    """Signed as https://www.standardwebhooks.com has it; `key` is what `whsec_` and base64 hide."""
    made = hmac.new(key, f"{name}.{at:.0f}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": f"{at:.0f}",
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


def generic(secret: bytes, body: bytes, at: float) -> Headers:
    made = hmac.new(secret, f"{at:.0f}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-batchwright-signature": f"t={at:.0f},v1={made}"}
