// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {HouseTerms, Outcome} from "../../../../contracts/interfaces/IEpochHub.sol";
import {Settlement} from "../../../../contracts/libraries/Settlement.sol";
import {IHub, IToken} from "../../support/Kit.sol";
import {AnyOracle, SymbolicWorld} from "./SymbolicWorld.sol";

/// @notice What is proven of the hub's sets and redemptions, for all amounts that a token of 18 decimals can have in an
/// epoch, on the code that is deployed. One market, whose epoch is the third.
contract HubProof is SymbolicWorld {
    uint256 internal constant GENESIS = 1_800_000_000;
    uint256 internal constant MARKET = 1;
    uint256 internal constant EPOCH = 3;
    uint256 internal constant HELD = 1 << 90;

    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);

    IToken internal token;
    AnyOracle internal oracle;
    IHub internal hub;

    function setUp() public {
        vm.warp(GENESIS);
        token = IToken(_deploy("TestToken", abi.encode("Collateral", "COL", uint8(18), address(this))));
        oracle = new AnyOracle();
        hub = IHub(_deploy("EpochHub", abi.encode(address(this), token, oracle, address(this))));
        hub.createMarket("BTC/USD", "BTC", GENESIS, HouseTerms(1000e18, 10_000, 0, 0, type(uint80).max));
        token.mint(address(this), 2 * HELD);
        token.approve(address(hub), 2 * HELD);
        hub.deposit(ALICE, HELD);
        hub.deposit(BOB, HELD);
    }

    /// @notice A split takes what it makes, one YES and one NO for each unit, and moves no token; merged again, all is as
    /// it was.
    function check_SplitThenMergeChangesNothing(uint80 amount, uint80 back) public {
        vm.assume(amount != 0 && back != 0 && back <= amount);
        vm.startPrank(ALICE);
        hub.split(MARKET, EPOCH, amount);
        _check(ALICE, HELD - amount, amount, amount);
        hub.merge(MARKET, EPOCH, back);
        _check(ALICE, HELD - amount + back, amount - back, amount - back);
        (uint256 sets,,,) = hub.epochState(MARKET, EPOCH);
        assert(sets == amount - back);
        _checkReserve(2 * HELD);
    }

    /// @notice Nobody else's split, merge or redemption changes an account.
    function check_OthersAreLeftAlone(uint80 amount, uint80 others) public {
        vm.assume(amount != 0 && others != 0);
        _split(ALICE, amount);
        _split(BOB, others);
        vm.prank(BOB);
        hub.merge(MARKET, EPOCH, others);
        _check(ALICE, HELD - amount, amount, amount);
        _check(BOB, HELD, 0, 0);
    }

    /// @notice Whatever the outcome, a holder of any shares is paid what `Settlement` gives for them, once; nobody is paid while it is open. The hub owes so much less.
    function check_RedeemPaysExactlyAndOnce(uint80 amount, uint80 yes, uint80 no, uint8 result) public {
        vm.assume(amount != 0 && yes <= amount && no <= amount && result < 4);
        _split(ALICE, amount);
        vm.startPrank(ALICE);
        hub.transfer(BOB, MARKET << 64 | EPOCH << 8, yes);
        hub.transfer(BOB, MARKET << 64 | EPOCH << 8 | 1, no);
        vm.stopPrank();
        Outcome outcome = Outcome(result);
        _resolve(outcome);

        bool taken = _tryRedeem(BOB);
        assert(taken == (outcome != Outcome.OPEN && uint256(yes) | no != 0));
        uint256 paid = taken ? Settlement.payoutDown(outcome, yes, no) : 0;
        assert(token.balanceOf(BOB) == paid);
        assert(!_tryRedeem(BOB));
        assert(token.balanceOf(BOB) == paid);
        _checkReserve(2 * HELD - paid);
    }

    function _resolve(Outcome outcome) private {
        vm.warp(GENESIS + EPOCH * 300);
        if (outcome == Outcome.YES) oracle.set(BoundaryStatus.POSTED, 2, BoundaryStatus.POSTED, 3);
        if (outcome == Outcome.NO) oracle.set(BoundaryStatus.POSTED, 3, BoundaryStatus.POSTED, 2);
        if (outcome == Outcome.VOID) oracle.set(BoundaryStatus.VOID, 0, BoundaryStatus.VOID, 0);
    }

    function _tryRedeem(address account) private returns (bool taken) {
        uint256[] memory epochs = new uint256[](1);
        epochs[0] = EPOCH;
        vm.prank(account);
        (taken,) = address(hub).call(abi.encodeCall(hub.redeem, (MARKET, epochs)));
    }

    function _split(address account, uint256 amount) private {
        vm.prank(account);
        hub.split(MARKET, EPOCH, amount);
    }

    function _check(address account, uint256 collateral, uint256 yesShares, uint256 noShares) private view {
        assert(hub.collateralOf(account) == collateral);
        (uint256 yes, uint256 no) = hub.positionOf(MARKET, EPOCH, account);
        assert(yes == yesShares && no == noShares);
    }

    function _checkReserve(uint256 expected) private view {
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        assert(reserve == expected && liabilities == expected);
    }
}
