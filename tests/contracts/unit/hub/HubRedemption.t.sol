// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {Outcome, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubRedemptionTest is HubFixture {
    /// Odd on purpose: halves have to be rounded.
    uint256 internal constant YES_SHARES = 5_000_001;
    uint256 internal constant NO_SHARES = 3_000_000;

    function setUp() public override {
        super.setUp();
        _hold(1);
    }

    /// @notice A higher price at the end pays YES, one for one, to the wallet.
    function test_RedeemAfterYes() public {
        _resolve(1, PRICE, PRICE + 1);
        _assertRedeems(Outcome.YES, PRICE, PRICE + 1, YES_SHARES);
    }

    /// @notice A lower price at the end pays NO, one for one, to the wallet.
    function test_RedeemAfterNo() public {
        _resolve(1, PRICE, PRICE - 1);
        _assertRedeems(Outcome.NO, PRICE, PRICE - 1, NO_SHARES);
    }

    /// @notice Equal prices pay one half for each share, rounded down on their sum.
    function test_RedeemAfterTie() public {
        _resolve(1, PRICE, PRICE);
        _assertRedeems(Outcome.VOID, PRICE, PRICE, 4_000_000);
    }

    /// @notice A start price that has not come by its deadline makes the epoch void.
    function test_RedeemWithoutStartPrice() public {
        vm.warp(_startOf(1) + FEED_DEADLINE + 1);
        _post(_endOf(1), PRICE);
        _assertRedeems(Outcome.VOID, 0, PRICE, 4_000_000);
    }

    /// @notice An end price that has not come by its deadline makes the epoch void.
    function test_RedeemWithoutEndPrice() public {
        _post(_startOf(1), PRICE);
        vm.warp(_endOf(1) + FEED_DEADLINE);
        _assertOutcome(Outcome.OPEN, PRICE, 0);
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        _assertRedeems(Outcome.VOID, PRICE, 0, 4_000_000);
    }

    /// @notice No price at all is a void epoch too, and stamping it changes nothing.
    function test_RedeemWithoutAnyPrice() public {
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        _assertOutcome(Outcome.VOID, 0, 0);
        oracle.voidBoundary(FEED, _startOf(1));
        oracle.voidBoundary(FEED, _endOf(1));
        _assertRedeems(Outcome.VOID, 0, 0, 4_000_000);
    }

    /// @notice Anyone may push what is owed, and it goes to its owner's wallet.
    function test_RedeemFor() public {
        _resolve(1, PRICE, PRICE + 1);
        uint256 before = token.balanceOf(alice);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(bob, alice, address(0), _idOf(1, Side.YES), YES_SHARES);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(bob, alice, address(0), _idOf(1, Side.NO), NO_SHARES);
        vm.expectEmit(address(hub));
        emit ICompleteSets.Redeemed(marketId, 1, alice, YES_SHARES, NO_SHARES, YES_SHARES);
        vm.prank(bob);
        assertEq(YES_SHARES, hub.redeemFor(alice, marketId, _one(1)));
        assertEq(before + YES_SHARES, token.balanceOf(alice));
        assertEq(1000 * ONE, token.balanceOf(bob));
    }

    /// @notice Several epochs are paid in one transfer; those without shares are passed over.
    function test_RedeemManyEpochs() public {
        vm.warp(_startOf(3));
        _hold(3);
        vm.warp(_startOf(4));
        _hold(4);
        vm.warp(_endOf(4));
        _resolve(1, PRICE, PRICE + 1);
        _resolve(2, PRICE + 1, PRICE);
        _resolve(3, PRICE, PRICE - 1);
        _resolve(4, PRICE - 1, PRICE - 1);
        uint256 expected = YES_SHARES + NO_SHARES + 4_000_000;
        vm.expectCall(address(token), abi.encodeCall(token.transfer, (alice, expected)), 1);
        vm.prank(alice);
        assertEq(expected, hub.redeem(marketId, _range(1, 4)));
    }

    /// @notice An epoch named twice pays once.
    function test_RedeemTwiceInOneCall() public {
        _resolve(1, PRICE, PRICE + 1);
        uint256[] memory epochs = new uint256[](2);
        (epochs[0], epochs[1]) = (1, 1);
        vm.prank(alice);
        assertEq(YES_SHARES, hub.redeem(marketId, epochs));
    }

    /// @notice Losing shares are given up for nothing.
    function test_RedeemLosingShares() public {
        _split(bob, 1, ONE);
        vm.startPrank(bob);
        hub.transfer(alice, _idOf(1, Side.YES), ONE);
        _resolve(1, PRICE, PRICE + 1);
        vm.expectEmit(address(hub));
        emit ICompleteSets.Redeemed(marketId, 1, bob, 0, ONE, 0);
        assertEq(0, hub.redeem(marketId, _one(1)));
        assertEq(1000 * ONE, token.balanceOf(bob));
        assertEq(0, hub.balanceOf(bob, _idOf(1, Side.NO)));
    }

    /// @notice A side that is not held is not announced, and nothing is not transferred.
    function test_RedeemOneSide() public {
        vm.prank(alice);
        hub.transfer(bob, _idOf(1, Side.NO), NO_SHARES);
        _resolve(1, PRICE, PRICE - 1);
        vm.expectCall(address(token), abi.encodeWithSelector(token.transfer.selector, alice), 0);
        vm.recordLogs();
        assertEq(0, hub.redeemFor(alice, marketId, _one(1)));
        assertEq(2, vm.getRecordedLogs().length, "a transfer of YES, and the redemption");
        assertEq(NO_SHARES, hub.redeemFor(bob, marketId, _one(1)));
        assertEq(3, vm.getRecordedLogs().length, "a transfer of NO, the redemption, and the payment");
    }

    /// @notice Nothing is paid before the end.
    function test_RevertWhen_EpochRuns() public {
        _post(_startOf(1), PRICE);
        vm.warp(_endOf(1) - 1);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, marketId, 1));
        vm.prank(alice);
        hub.redeem(marketId, _one(1));
        assertEq(0, hub.claimable(marketId, 1, alice));
    }

    /// @notice An epoch is open until it ends even if the oracle were to say before that it is void.
    function test_RevertWhen_EpochRunsWithAVoidStart() public {
        bytes memory voidStart = abi.encode(BoundaryStatus.VOID, 0, BoundaryStatus.NONE, 0);
        vm.mockCall(address(oracle), abi.encodeWithSelector(oracle.endsOf.selector), voidStart);
        vm.warp(_endOf(1) - 1);
        _assertOutcome(Outcome.OPEN, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, marketId, 1));
        hub.redeemFor(alice, marketId, _one(1));
        vm.warp(_endOf(1));
        _assertOutcome(Outcome.VOID, 0, 0);
    }

    /// @notice Nothing is paid while a price can still come, for the other epochs of the call neither.
    function test_RevertWhen_APriceIsMissing() public {
        vm.warp(_startOf(2));
        _hold(2);
        _resolve(1, PRICE, PRICE + 1);
        vm.warp(_endOf(2));
        _assertOutcome(Outcome.YES, PRICE, PRICE + 1);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, marketId, 2));
        vm.prank(alice);
        hub.redeem(marketId, _range(1, 2));
    }

    /// @notice Who holds nothing redeems nothing.
    function test_RevertWhen_NothingIsHeld() public {
        _resolve(1, PRICE, PRICE + 1);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.NothingToRedeem.selector, bob));
        vm.prank(bob);
        hub.redeem(marketId, _one(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.NothingToRedeem.selector, bob));
        hub.redeemFor(bob, marketId, new uint256[](0));
    }

    /// @notice Shares are redeemed once.
    function test_RevertWhen_RedeemedBefore() public {
        _resolve(1, PRICE, PRICE + 1);
        hub.redeemFor(alice, marketId, _one(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.NothingToRedeem.selector, alice));
        vm.prank(alice);
        hub.redeem(marketId, _one(1));
    }

    /// @notice An epoch number that would make another market's key redeems nothing of it.
    function test_RevertWhen_EpochAliasesAnotherBook() public {
        uint256 second = _createMarket("TWO", GENESIS, LIQUIDITY, FEE_BPS);
        uint256 third = _createMarket("THREE", GENESIS, LIQUIDITY, FEE_BPS);
        vm.prank(alice);
        hub.split(third, 1, ONE);
        _resolve(1, PRICE, PRICE + 1);
        // (market << 56) | epoch of the second market with this epoch is the key of the third.
        uint256 alias_ = 1 << 56 | 1;
        assertEq(third << 56 | 1, second << 56 | alias_);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, alias_, (1 << 40) - 1));
        hub.redeemFor(alice, second, _one(alias_));
        (uint256 yesShares, uint256 noShares) = hub.positionOf(third, 1, alice);
        assertEq(ONE, yesShares);
        assertEq(ONE, noShares);
    }

    /// @notice Who was sent shares redeems them, and their former owner does not.
    function test_RedeemSharesOfAnother() public {
        vm.prank(alice);
        hub.transfer(bob, _idOf(1, Side.YES), YES_SHARES);
        _resolve(1, PRICE, PRICE + 1);
        vm.prank(bob);
        assertEq(YES_SHARES, hub.redeem(marketId, _one(1)));
        assertEq(0, hub.redeemFor(alice, marketId, _one(1)));
    }

    function _hold(uint256 epoch) private {
        _split(alice, epoch, YES_SHARES);
        vm.prank(alice);
        hub.transfer(makeAddr("carol"), _idOf(epoch, Side.NO), YES_SHARES - NO_SHARES);
    }

    function _assertOutcome(Outcome expected, uint256 startExpected, uint256 endExpected) private view {
        (Outcome outcome, uint256 startPrice, uint256 endPrice) = hub.outcomeOf(marketId, 1);
        assertEq(uint256(expected), uint256(outcome));
        assertEq(startExpected, startPrice);
        assertEq(endExpected, endPrice);
    }

    function _assertRedeems(Outcome outcome, uint256 startPrice, uint256 endPrice, uint256 expected) private {
        _assertOutcome(outcome, startPrice, endPrice);
        assertEq(expected, hub.claimable(marketId, 1, alice));
        (, uint256 owedBefore,) = hub.reserveStatus();
        uint256 walletBefore = token.balanceOf(alice);
        vm.expectEmit(address(hub));
        emit ICompleteSets.Redeemed(marketId, 1, alice, YES_SHARES, NO_SHARES, expected);
        vm.prank(alice);
        assertEq(expected, hub.redeem(marketId, _one(1)));

        assertEq(walletBefore + expected, token.balanceOf(alice));
        (, uint256 owedAfter,) = hub.reserveStatus();
        assertEq(owedBefore - expected, owedAfter);
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, alice);
        assertEq(0, yesShares + noShares);
        assertEq(0, hub.claimable(marketId, 1, alice));
        _assertSolvent();
    }
}

contract HubRedemption18Test is HubRedemptionTest {
    constructor() HubFixture(18) {}
}

contract HubRedemption6Test is HubRedemptionTest {
    constructor() HubFixture(6) {}
}
