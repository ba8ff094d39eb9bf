"""One-time passwords: the values of the RFCs, a generator that is not ours, and what is no code."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from auth_service.authenticators.totp import code_at, encode_seed, matching_step, new_seed, step_at

SEED = b"12345678901234567890"  # RFC 4226 appendix D, RFC 6238 appendix B
NOW = datetime(2026, 11, 21, 12, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        pytest.param("1970-01-01 00:00:59", "94287082", id="1970"),
        pytest.param("2005-03-18 01:58:29", "07081804", id="2005, a leading zero"),
        pytest.param("2005-03-18 01:58:31", "14050471", id="2005, the next step"),
        pytest.param("2009-02-13 23:31:30", "89005924", id="2009"),
        pytest.param("2033-05-18 03:33:20", "69279037", id="2033"),
        pytest.param("2603-10-11 11:33:20", "65353130", id="2603, beyond 32 bits"),
    ],
)
def test_it_gives_the_values_of_rfc_6238(moment: str, code: str) -> None:
    step = step_at(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert code_at(SEED, step, digits=8) == code
    assert code_at(SEED, step) == code[2:]


def test_it_gives_the_values_of_rfc_4226() -> None:
    codes = [code_at(SEED, counter) for counter in range(10)]

    assert codes == "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()  # noqa: SIM905


def test_another_generator_gives_the_same() -> None:
    for number in range(200):
        seed, moment = new_seed(), NOW + timedelta(seconds=7 * number)

        theirs = pyotp.TOTP(encode_seed(seed)).at(moment)

        assert matching_step(seed, theirs, now=moment) == step_at(moment)


@pytest.mark.parametrize("steps", [-3, -2, -1, 0, 1, 2, 3])
def test_a_clock_may_be_one_step_wrong_and_no_more(steps: int) -> None:
    code = pyotp.TOTP(encode_seed(SEED)).at(NOW, counter_offset=steps)

    found = matching_step(SEED, code, now=NOW)

    assert found == (step_at(NOW) + steps if abs(steps) <= 1 else None)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda code: code[:-1], id="five digits"),
        pytest.param(lambda code: f"{code}0", id="seven digits"),
        pytest.param(lambda code: f"0{code}", id="a zero before"),
        pytest.param(lambda code: f"{code}\n", id="a line end"),
        pytest.param(lambda code: f"-{code[1:]}", id="a sign"),
        pytest.param(lambda code: f"{int(code):_}", id="grouped by Python"),
        pytest.param(
            lambda code: code.translate({48 + n: 0x660 + n for n in range(10)}), id="digits of another script"
        ),
        pytest.param(lambda _: "", id="nothing"),
    ],
)
def test_only_six_digits_are_a_code(spoil: object) -> None:
    assert callable(spoil)
    code = code_at(SEED, step_at(NOW))

    assert matching_step(SEED, spoil(code), now=NOW) is None
    assert matching_step(SEED, f"{code[:3]} {code[3:]}", now=NOW) == step_at(NOW)
