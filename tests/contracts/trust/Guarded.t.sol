// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms} from "../../../contracts/interfaces/IEpochHub.sol";
import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {TimelockedFixture} from "../support/TimelockedFixture.sol";

/// @notice What the guardian may do at once, and that a pause stops new trades alone.
contract GuardedTest is TimelockedFixture {
    uint256 internal constant EPOCH = 1;
    uint256 internal marketId;

    function setUp() public override {
        super.setUp();
        vm.prank(address(timelock));
        oracle.registerFeed(FEED, adapter, 1 hours);
        (marketId,) = hub.createMarket(FEED, "BTC", NOW, HouseTerms(100e18, 10_000, 100, 100, type(uint80).max));
        token.mint(address(this), 100e18);
        token.approve(address(hub), type(uint256).max);
        token.approve(address(race), type(uint256).max);
        hub.deposit(address(this), 20e18);
        hub.split(marketId, EPOCH, 10e18);
        race.deposit(address(this), 20e18);
        vm.startPrank(guardian);
        hub.setTradingPaused(true);
        race.setTradingPaused(true);
        vm.stopPrank();
    }

    /// @dev While trading is paused people deposit, split, merge, withdraw, move shares and create markets.
    function test_PauseStopsNothingButTrades() public {
        hub.deposit(address(this), 1e18);
        hub.split(marketId, EPOCH, 1e18);
        hub.merge(marketId, EPOCH, 2e18);
        hub.withdraw(address(this), 1e18);
        hub.transfer(stranger, marketId << 64 | EPOCH << 8, 1e18);
        hub.createMarket(FEED, "BTC2", NOW, HouseTerms(100e18, 10_000, 100, 100, 0));
        race.withdraw(address(this), 20e18);
        assertEq(0, race.collateralOf(address(this)));
        assertEq(11e18, hub.collateralOf(address(this)));
    }

    /// @dev While trading is paused, and with no price ever posted, shares are redeemed.
    function test_PauseDoesNotStopRedemption() public {
        vm.warp(NOW + 300 + 1 hours + 1);
        uint256[] memory epochs = _one(EPOCH);
        assertEq(10e18, hub.redeem(marketId, epochs));
    }

    /// @dev The guardian resumes what it paused, at once, and has no say over money.
    function test_GuardianPausesAndResumesAtOnce() public {
        vm.prank(guardian);
        hub.setTradingPaused(false);
        assertFalse(hub.tradingPaused());
        assertEq(0, hub.collateralOf(guardian));
    }

    /// @dev The vault's guardian drops a root that waits, and a request for surplus, at once.
    function test_GuardianVetoesAtOnce() public {
        token.mint(address(vault), 5e18);
        vm.prank(operator);
        vault.proposeRoot(keccak256("root"), 5e18, "");
        vm.prank(guardian);
        vault.vetoRoot();
        (bytes32 pending,,) = vault.pendingRoot();
        assertEq(bytes32(0), pending);

        vm.prank(address(timelock));
        vault.requestSurplus(stranger, 1e18);
        vm.prank(guardian);
        vault.cancelSurplus();
        vm.warp(block.timestamp + SURPLUS_DELAY);
        vm.expectRevert(IPayoutVault.NoSurplusRequest.selector);
        vm.prank(address(timelock));
        vault.withdrawSurplus();
    }
}
