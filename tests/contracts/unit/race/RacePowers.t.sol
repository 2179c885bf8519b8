// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {MakerFill, Order, SignedOrder} from "../../../../contracts/interfaces/IOrderBook.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

/// @notice What trading mode and the guardian's pause do to fields and conversions, and what they do not.
contract RacePowersTest is RaceFixture {
    constructor() RaceFixture(6) {}

    /// @notice In trading mode a field is split of released collateral only.
    function test_TradingModeHoldsCollateral() public {
        vm.startPrank(alice);
        races.enterTradingMode();
        vm.expectRevert(_notReleased(0, ONE, 0, 0));
        races.splitField(raceId, 1, 1, ONE);
        races.requestRelease(0, ONE);
        vm.expectRevert(_notReleased(0, ONE, ONE, GENESIS + 60));
        races.splitField(raceId, 1, 1, ONE);
        vm.warp(GENESIS + 60);
        races.splitField(raceId, 1, 1, ONE);
        _assertShares(alice, _book(1, 3), ONE, 0);
        vm.expectRevert(_notReleased(0, 1, 0, GENESIS + 60));
        races.splitField(raceId, 1, 1, 1);
    }

    /// @notice In trading mode a field is merged, and converted, of released YES only.
    function test_TradingModeHoldsFields() public {
        _splitField(alice, 1, ONE);
        uint256 first = _id(_book(1, 0), Side.YES);
        uint256 last = _id(_book(1, 3), Side.YES);
        vm.startPrank(alice);
        races.enterTradingMode();
        for (uint256 i; i < ASSETS - 1; ++i) {
            races.requestRelease(_id(_book(1, i), Side.YES), ONE);
        }
        vm.warp(GENESIS + 60);
        vm.expectRevert(_notReleased(last, ONE, 0, 0));
        races.mergeField(raceId, 1, 1, ONE);
        vm.expectRevert(_notReleased(last, ONE, 0, 0));
        races.convertFromField(_book(1, 0), 1, ONE);
        races.requestRelease(last, ONE);
        vm.warp(GENESIS + 120);
        races.convertFromField(_book(1, 0), 1, ONE / 2);
        races.mergeField(raceId, 1, 1, ONE / 2);
        _assertShares(alice, _book(1, 0), ONE / 2, ONE / 2);
        vm.expectRevert(_notReleased(first, ONE, ONE / 2, GENESIS + 60));
        races.mergeField(raceId, 1, 1, ONE);
    }

    /// @notice In trading mode NO is converted if it has been released.
    function test_TradingModeHoldsConversions() public {
        _split(alice, _book(1, 0), ONE);
        uint256 id = _id(_book(1, 0), Side.NO);
        vm.startPrank(alice);
        races.enterTradingMode();
        vm.expectRevert(_notReleased(id, ONE, 0, 0));
        races.convertToField(_book(1, 0), 1, ONE);
        races.requestRelease(id, ONE);
        vm.warp(GENESIS + 60);
        races.convertToField(_book(1, 0), 1, ONE);
        _assertShares(alice, _book(1, 1), ONE, 0);
    }

    /// @notice Trading mode has no say over what has ended: it is redeemed as always.
    function test_TradingModeDoesNotHoldRedemption() public {
        _split(alice, _book(1, 0), ONE);
        vm.prank(alice);
        races.enterTradingMode();
        _finishInOrder();
        assertEq(ONE, races.redeemFor(alice, _book(1, 0), _one(1)));
    }

    /// @notice The pause stops orders and nothing else.
    function test_PauseStopsOrdersOnly() public {
        Order memory maker = _order(bob, _book(1, 0), Side.NO, true, 0.65e18, ONE);
        Order memory taker = _order(alice, _book(1, 0), Side.YES, true, 0.4e18, ONE);
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: _sign(maker), size: ONE, fee: 0});
        SignedOrder memory signed = SignedOrder({order: taker, signature: _sign(taker)});
        vm.prank(guardian);
        races.setTradingPaused(true);
        vm.expectRevert(ICollateralLedger.TradingIsPaused.selector);
        vm.prank(operator);
        races.matchOrders(signed, 0, fills);

        _createRace(2, 1);
        _splitField(alice, 1, ONE);
        vm.startPrank(alice);
        races.convertFromField(_book(1, 0), 1, ONE);
        races.convertToField(_book(1, 0), 1, ONE);
        races.mergeField(raceId, 1, 1, ONE);
        races.split(_book(1, 0), 1, ONE);
        races.merge(_book(1, 0), 1, ONE);
        races.withdraw(alice, 1000 * ONE);
    }

    function _notReleased(uint256 id, uint256 needed, uint256 released, uint256 readyAt)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeWithSelector(ICollateralLedger.NotReleased.selector, alice, id, needed, released, readyAt);
    }
}
