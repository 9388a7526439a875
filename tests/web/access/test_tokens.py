import base64
import json
from typing import Any

import jwt
import pytest

from web.access.tokens import UserTokens
from web.problems import Problem

KEY, OTHER = "k" * 32, "o" * 32
NOW = 1_800_000_000
TOKENS = UserTokens([KEY], lambda: NOW)
GOOD = {"sub": "ann", "aud": "sightline", "exp": NOW + 60}


def signed(key: str = KEY, algorithm: str = "HS256", **changed: Any) -> str:
    claims = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    # Of its own making, since PyJWT itself refuses to sign some of these.
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": algorithm, "typ": "JWT"}, claims)
    )
    signature = jwt.get_algorithm_by_name("HS256").sign(head + b"." + body, key.encode())
    return b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def refusal(token: str, tokens: UserTokens = TOKENS) -> str:
    with pytest.raises(Problem) as refused:
        tokens.read(token)
    assert refused.value.status == 401
    assert "invalid_token" in refused.value.headers["WWW-Authenticate"]
    assert token[:40] not in refused.value.detail
    return refused.value.detail


@pytest.mark.parametrize("user", ["ann", "a/b", "小 明", "💥", "x" * 128])
def test_a_token_is_its_users_for_an_hour(user: str) -> None:
    token, ends_ms = TOKENS.sign(user)
    assert ends_ms == (NOW + 3600) * 1000
    assert TOKENS.read(token) == (user, NOW + 3600)


def test_a_token_has_nothing_in_it_but_the_user_the_audience_and_the_end() -> None:
    token, _ = TOKENS.sign("ann")
    assert jwt.decode(token, options={"verify_signature": False}) == {
        "sub": "ann",
        "aud": "sightline",
        "exp": NOW + 3600,
    }


def test_an_app_that_has_the_key_may_sign_its_own_tokens_and_other_claims_count_for_nothing() -> None:
    token = signed(scope="admin", nbf=NOW + 50, iat="never", iss=["x"], jti=5)
    assert TOKENS.read(token) == ("ann", NOW + 60)


def test_a_key_is_replaced_while_tokens_of_the_old_one_go_on() -> None:
    old, _ = TOKENS.sign("ann")
    both = UserTokens([OTHER, KEY], lambda: NOW)
    assert both.read(old)[0] == "ann"
    assert "signature" in refusal(both.sign("ann")[0])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW}, "ended 0 s ago"),
        ({"exp": NOW - 100}, "ended 100 s ago"),
        ({"exp": -(10**300)}, "ended 1000000000 s ago"),
        ({"exp": NOW + 3661}, "more than 3600 s"),
        ({"exp": 10**400}, "more than 3600 s"),
        ({"exp": float(NOW + 60)}, "whole seconds"),
        ({"exp": float("nan")}, "whole seconds"),
        ({"exp": True}, "whole seconds"),
        ({"exp": str(NOW + 60)}, "whole seconds"),
        ({"exp": None}, "lacks one of"),
        ({"sub": None}, "lacks one of"),
        ({"sub": ""}, "no user's id"),
        ({"sub": "x" * 129}, "no user's id"),
        ({"sub": 7}, "not text"),
        ({"aud": None}, "lacks one of"),
        ({"aud": "shop"}, "aud is not"),
        ({"aud": {"sightline": 1}}, "cannot be used"),
    ],
    ids=str,
)
def test_a_token_is_refused_for_what_it_says(changed: dict[str, Any], reason: str) -> None:
    detail = refusal(signed(**changed))
    assert reason in detail or reason == "cannot be used"


def test_a_token_is_refused_for_how_it_is_signed() -> None:
    head, body, signature = signed().split(".")
    other_body = signed(sub="bob").split(".")[1]
    unsigned = jwt.encode(GOOD, "", algorithm="none")
    assert "signature" in refusal(signed(OTHER))
    assert "signature" in refusal(f"{head}.{other_body}.{signature}")
    assert "signature" in refusal(f"{head}.{body}.")
    assert "algorithm" in refusal(unsigned)
    assert "algorithm" in refusal(signed(algorithm="none"))
    assert "algorithm" in refusal(signed(algorithm="HS512"))
    assert "algorithm" in refusal(signed(algorithm="RS256"))
    assert "algorithm" in refusal(jwt.encode(GOOD, KEY * 2, "HS512"))


def test_without_a_key_no_token_is_good() -> None:
    assert "reads none" in refusal(signed(), UserTokens([], lambda: NOW))
    assert not UserTokens([]).can_sign


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "." * 5000,
        "💥.💥.💥",
        base64.urlsafe_b64encode(b"[" * 20_000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":' + b"9" * 5000 + b"}").decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"HS256","crit":["x"]}').decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":["HS256"]}').decode() + ".e30.e30",
    ],
    ids=lambda token: str(len(token)),
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Problem) as refused:
        TOKENS.read(token)
    assert refused.value.status == 401


def test_half_a_character_is_no_user() -> None:
    assert "sub is no user's id" in refusal(signed(sub="\ud800"))
