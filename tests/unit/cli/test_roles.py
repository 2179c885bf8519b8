from __future__ import annotations

import pytest

from chain_kit.cli.local.roles import FIRST_ROLE, USER_ACCOUNTS, roles, trader_indices
from chain_kit.networks import ANVIL_ADDRESSES


@pytest.mark.parametrize("traders", [0, 1, 10, 11, 14, 100])
def test_nobody_plays_two_roles(traders: int) -> None:
    """Traders, deployer, keepers and reporters are all different accounts, and anvil makes all of them."""
    cast = roles(traders)
    indices = [
        cast.deployer,
        cast.resolver,
        cast.claimer,
        *cast.reporters,
        *cast.racers,
        *trader_indices(traders),
    ]

    assert len(indices) == len(set(indices)) == traders + 9
    assert max(indices) < cast.accounts


def test_users_accounts_have_no_role() -> None:
    """Anvil's ten accounts are the user's: a bot that uses one gets in no keeper's way."""
    cast = roles()

    assert USER_ACCOUNTS == len(ANVIL_ADDRESSES) == FIRST_ROLE
    assert min(cast.deployer, cast.resolver, cast.claimer, *cast.reporters, *cast.racers) >= USER_ACCOUNTS


def test_traders_are_the_users_accounts_first() -> None:
    """The first ten traders are anvil's ten; more come after the roles."""
    assert list(range(10)) == trader_indices(10)
    assert [*range(10), 19, 20, 21, 22] == trader_indices(14)
    assert [0] == trader_indices(1)
    assert [] == trader_indices(0)


def test_anvil_makes_no_more_accounts_than_are_needed() -> None:
    """Without traders of its own a system has the user's accounts and the roles."""
    assert (19, 19, 20, 23) == tuple(roles(count).accounts for count in (0, 10, 11, 14))


def test_three_reporters_sign_and_their_addresses_are_known() -> None:
    """The quorum is three different addresses, those of the reporters' keys."""
    cast = roles()

    assert cast.reporter_addresses == tuple(cast.signer(index).address for index in cast.reporters)
    assert 3 == len(set(cast.reporter_addresses))
