"""When a failed payment is tried again."""

from datetime import date, timedelta

import pytest

from dunning.rules import NEVER_WITHOUT_A_NEW_METHOD, next_attempt, rules_in_force
from dunning.selectors import network_rules_table
from dunning.types import AskCustomer, CaseFacts, GiveUp, PolicyFacts, Retry
from tests.factories.times import utc

FAILED = utc(2024, 3, 1, 9)
DELAYS_HOURS = (24, 24, 48, 48, 48, 48, 96)
NETWORK = rules_in_force(network_rules_table(), FAILED.date())
POLICY = PolicyFacts(tuple(timedelta(hours=hours) for hours in DELAYS_HOURS), network=NETWORK)
ENDS = FAILED + timedelta(days=14)


def a_case(**facts) -> CaseFacts:
    return CaseFacts(**{"first_failed_at": FAILED, "failures": 1, "decline_code": "insufficient_funds"} | facts)


def hourly(count: int, *, last=FAILED) -> tuple:
    return tuple(last - timedelta(hours=back) for back in reversed(range(count)))


@pytest.mark.parametrize(("failures", "hours"), list(enumerate(DELAYS_HOURS, start=1)))
def test_each_failure_waits_its_own_delay(failures, hours):
    at = FAILED + timedelta(hours=sum(DELAYS_HOURS[: failures - 1]))
    assert next_attempt(POLICY, a_case(failures=failures), at) == Retry(at + timedelta(hours=hours))


def test_the_default_is_eight_tries_in_two_weeks():
    tries, at, failures = [FAILED], FAILED, 1
    while isinstance(decision := next_attempt(POLICY, a_case(failures=failures), at), Retry):
        at, failures = decision.at, failures + 1
        tries.append(at)
    assert (len(tries), tries[-1] - tries[0]) == (8, timedelta(days=14))
    assert decision == GiveUp("exhausted")


@pytest.mark.parametrize("decline_code", sorted(NEVER_WITHOUT_A_NEW_METHOD))
def test_hard_declines_ask_the_customer_until_the_last_retrys_day(decline_code):
    assert next_attempt(POLICY, a_case(decline_code=decline_code), FAILED) == AskCustomer(decline_code, ENDS)


def test_the_list_of_hard_declines_is_stripes():
    assert len(NEVER_WITHOUT_A_NEW_METHOD) == 9


@pytest.mark.parametrize(
    "decline_code",
    ["insufficient_funds", "generic_decline", "do_not_honor", "processing_error", "expired_card", "try_again_later"],
)
def test_soft_declines_are_retried(decline_code):
    assert isinstance(next_attempt(POLICY, a_case(decline_code=decline_code), FAILED), Retry)


def test_without_a_method_the_customer_is_asked():
    case = a_case(code="no_payment_method", decline_code="")
    assert next_attempt(POLICY, case, FAILED) == AskCustomer("no_payment_method", ENDS)


def test_a_case_whose_time_is_over_is_given_up():
    assert next_attempt(POLICY, a_case(decline_code="lost_card"), ENDS) == GiveUp("exhausted")


def test_a_policy_without_retries_gives_up_at_once():
    assert next_attempt(PolicyFacts(()), a_case(), FAILED) == GiveUp("exhausted")


@pytest.mark.parametrize("advice", ["03", "21"])
def test_advice_never_again_is_obeyed(advice):
    case = a_case(network="mastercard", network_advice_code=advice)
    assert next_attempt(POLICY, case, FAILED) == AskCustomer("network_advice", ENDS)


@pytest.mark.parametrize(
    ("advice", "wait"),
    [
        ("24", timedelta(hours=24)),  # 1 h is less than the policy's own day
        ("25", timedelta(hours=24)),
        ("26", timedelta(days=2)),
        ("27", timedelta(days=4)),
        ("28", timedelta(days=6)),
        ("29", timedelta(days=8)),
        ("30", timedelta(days=10)),
        ("02", timedelta(hours=72)),
    ],
)
def test_advice_to_wait_is_obeyed(advice, wait):
    decision = next_attempt(POLICY, a_case(network="mastercard", network_advice_code=advice), FAILED)
    assert isinstance(decision, Retry)
    assert decision.at == FAILED + wait


def test_a_wait_beyond_the_policys_end_asks_the_customer():
    late = ENDS - timedelta(days=4)
    case = a_case(failures=7, network="mastercard", network_advice_code="30")
    assert next_attempt(POLICY, case, late) == AskCustomer("network_limit", ENDS)


@pytest.mark.parametrize("code", ["04", "07", "12", "15", "41", "43", "46", "57", "R0", "R1", "R3"])
def test_visa_category_1_is_never_retried(code):
    case = a_case(network="visa", network_decline_code=code)
    network = rules_in_force(network_rules_table(), date(2024, 3, 1))
    assert network.never_again_codes["visa"] >= {code}
    assert next_attempt(POLICY, case, FAILED) == AskCustomer("network_decline", ENDS)


def test_visa_code_15_was_phased_out():
    assert "15" not in rules_in_force(network_rules_table(), date(2025, 4, 12)).never_again_codes["visa"]


@pytest.mark.parametrize(
    ("network", "attempts", "waits_until"),
    [
        pytest.param("visa", hourly(14), FAILED + timedelta(hours=24), id="visa: the 15th in 30 days is allowed"),
        pytest.param("visa", hourly(15), None, id="visa: the 16th is not, within the policy's two weeks"),
        pytest.param("mastercard", hourly(9), FAILED + timedelta(hours=24), id="mastercard: 9 in 24 h leave one"),
        pytest.param("mastercard", hourly(34), FAILED + timedelta(hours=24), id="mastercard: 34 in 30 days leave one"),
        pytest.param("mastercard", hourly(35), None, id="mastercard: 35 in 30 days are all"),
        pytest.param("amex", hourly(20), None, id="amex: 20 in 30 days are all"),
        pytest.param("", hourly(40), FAILED + timedelta(hours=24), id="an unknown network has no rule"),
    ],
)
def test_networks_count_attempts_in_their_windows(network, attempts, waits_until):
    decision = next_attempt(POLICY, a_case(network=network, attempts=attempts), FAILED)
    if waits_until is None:
        assert decision == AskCustomer("network_limit", ENDS)
    else:
        assert decision == Retry(waits_until)


def test_mastercards_day_is_waited_for():
    quick = PolicyFacts((timedelta(hours=1), timedelta(days=13)), network=NETWORK)
    decision = next_attempt(quick, a_case(network="mastercard", attempts=hourly(10)), FAILED)
    # The oldest of the 10 was 9 hours before, so the window opens 15 hours from now.
    assert decision == Retry(FAILED + timedelta(hours=15), "network_wait")


def test_a_merchant_may_have_twenty_visa_attempts():
    network = rules_in_force(network_rules_table(), FAILED.date(), visa_attempts_per_30_days=20)
    policy = PolicyFacts(POLICY.retry_delays, network=network)
    assert next_attempt(policy, a_case(network="visa", attempts=hourly(19)), FAILED) == Retry(
        FAILED + timedelta(days=1)
    )


@pytest.mark.parametrize(
    ("method_type", "code", "failures", "expected"),
    [
        ("us_bank_account", "R01", 1, Retry),
        ("us_bank_account", "R09", 2, Retry),
        ("us_bank_account", "R01", 3, AskCustomer),  # reinitiated twice already
        ("us_bank_account", "R02", 1, AskCustomer),
        ("us_bank_account", "", 1, AskCustomer),
        ("sepa_debit", "AM04", 1, Retry),
        ("sepa_debit", "AC04", 1, AskCustomer),
        ("acss_debit", "901", 3, Retry),
        ("acss_debit", "901", 4, AskCustomer),
        ("acss_debit", "905", 1, AskCustomer),
        ("link", "anything", 1, Retry),  # no scheme rule known
    ],
)
def test_debits_follow_their_schemes(method_type, code, failures, expected):
    case = a_case(method_type=method_type, network_decline_code=code, failures=failures)
    assert isinstance(next_attempt(POLICY, case, FAILED), expected)
