// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {FalseReturningToken} from "../doubles/FalseReturningToken.sol";
import {FeeOnTransferToken} from "../doubles/FeeOnTransferToken.sol";
import {ReentrantToken} from "../doubles/ReentrantToken.sol";
import {SilentToken} from "../doubles/SilentToken.sol";
import {HubFixture} from "../support/HubFixture.sol";

/// @notice A hub on each of the odd collateral tokens that have undone other systems.
contract KnownFailuresTokenTest is HubFixture {
    constructor() HubFixture(18) {}

    /// @notice A deposit that arrives short is refused, as a purchase at the market is.
    function test_FeeOnTransferTokenIsRefused() public {
        FeeOnTransferToken odd = new FeeOnTransferToken();
        _useHubOn(address(odd));
        odd.mint(alice, 1000 * ONE);
        vm.startPrank(alice);
        odd.approve(address(hub), NEVER);
        odd.approve(address(facade), NEVER);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.Undercollateralised.selector, 99 * ONE, 100 * ONE));
        hub.deposit(alice, 100 * ONE);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.Undercollateralised.selector, 99 * ONE, 100 * ONE));
        facade.buyYes(100 * ONE);
        assertEq(0, hub.collateralOf(alice));
    }

    /// @notice Where a gift makes up for what a transfer has kept, the hub still holds all that it owes.
    function test_FeeOnTransferTokenIsCoveredByGiftsAtMost() public {
        FeeOnTransferToken odd = new FeeOnTransferToken();
        _useHubOn(address(odd));
        odd.mint(alice, 1000 * ONE);
        odd.mint(address(hub), 2 * ONE);
        vm.startPrank(alice);
        odd.approve(address(hub), NEVER);
        hub.deposit(alice, 200 * ONE);
        vm.expectRevert(abi.encodeWithSelector(ICollateralLedger.Undercollateralised.selector, 299 * ONE, 300 * ONE));
        hub.deposit(alice, 100 * ONE);
        hub.withdraw(alice, 200 * ONE);
        _assertSolvent();
    }

    /// @notice A transfer that fails without a revert gives no balance and takes none.
    function test_FalseReturningTokenIsRefused() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useHubOn(address(odd));
        odd.mint(alice, 1000 * ONE);
        vm.startPrank(alice);
        odd.approve(address(hub), NEVER);
        odd.approve(address(facade), NEVER);
        hub.deposit(alice, 100 * ONE);
        odd.setBroken(true);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        hub.deposit(alice, ONE);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        facade.buyNo(ONE);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        hub.withdraw(alice, ONE);
        assertEq(100 * ONE, hub.collateralOf(alice));
        _assertSolvent();
    }

    /// @notice A gift to the hub does not make up for a transfer that failed without a revert.
    function test_FalseReturningTokenDoesNotSpendGifts() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useHubOn(address(odd));
        odd.mint(address(hub), 1000 * ONE);
        odd.setBroken(true);
        vm.startPrank(alice);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        hub.deposit(alice, ONE);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        facade.buyYes(ONE);
    }

    /// @notice A payout that fails leaves the shares with their owner.
    function test_FalseReturningTokenDoesNotEatPayouts() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useHubOn(address(odd));
        odd.mint(alice, ONE);
        vm.startPrank(alice);
        odd.approve(address(hub), NEVER);
        hub.deposit(alice, ONE);
        hub.split(marketId, 1, ONE);
        _resolve(1, PRICE, PRICE + 1);
        odd.setBroken(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        hub.redeem(marketId, _one(1));
        odd.setBroken(false);
        assertEq(ONE, hub.redeem(marketId, _one(1)));
    }

    /// @notice A token that returns nothing, as some old ones do, works like any other.
    function test_SilentTokenWorks() public {
        SilentToken odd = new SilentToken();
        _useHubOn(address(odd));
        odd.mint(alice, 100e6);
        vm.startPrank(alice);
        odd.approve(address(hub), 100e6);
        hub.deposit(alice, 100e6);
        hub.split(marketId, 1, 60e6);
        hub.withdraw(alice, 40e6);
        _resolve(1, PRICE, PRICE + 1);
        hub.redeem(marketId, _one(1));
        assertEq(100e6, odd.balanceOf(alice));
    }

    /// @notice A token that calls back in the midst of a transfer finds every door to money closed.
    function test_ReentrantTokenFindsClosedDoors() public {
        ReentrantToken odd = _reentrantHub();
        bytes[] memory doors = _doors();
        for (uint256 i; i < doors.length; ++i) {
            // Into the hub and out of it, before the balances move and after.
            for (uint256 j; j < 4; ++j) {
                odd.arm(address(hub), doors[i], j % 2 == 0);
                vm.prank(alice);
                j < 2 ? hub.deposit(alice, ONE) : hub.withdraw(alice, ONE);
                assertEq(1, odd.calls());
                assertFalse(odd.success());
                assertEq(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), odd.answer());
            }
        }
        _assertSolvent();
    }

    /// @notice Of a buy within a buy at the market each is paid for: what has arrived for one does not pay the other.
    function test_ReentrantTokenDoesNotSpendTwice() public {
        ReentrantToken odd = _reentrantHub();
        odd.mint(address(this), ONE);
        odd.approve(address(facade), ONE);
        vm.prank(alice);
        odd.approve(address(facade), NEVER);
        uint256 reserve = odd.balanceOf(address(hub));
        // The outer payment has arrived and is not booked yet.
        odd.arm(address(this), abi.encodeCall(this.buyWithin, ()), false);
        vm.prank(alice);
        facade.buyYes(ONE);
        assertTrue(odd.success());
        assertEq(reserve + 2 * ONE, odd.balanceOf(address(hub)));
        (, uint256 liabilities,) = hub.reserveStatus();
        assertEq(reserve + 2 * ONE, liabilities);
        // Without collateral of its own the inner one fails, and the outer one is not harmed.
        odd.arm(address(this), abi.encodeCall(this.buyWithin, ()), false);
        vm.prank(alice);
        facade.buyYes(ONE);
        assertFalse(odd.success());
        _assertSolvent();
    }

    /// @notice Called by the token in the midst of another's purchase.
    function buyWithin() external {
        facade.buyYes(ONE);
    }

    /// @notice What may be called in the midst of a transfer moves nobody's collateral.
    function test_ReentrantTokenMovesOnlyItsOwnShares() public {
        ReentrantToken odd = _reentrantHub();
        (, uint256 owed,) = hub.reserveStatus();
        odd.arm(address(hub), abi.encodeCall(hub.transfer, (alice, _idOf(1, Side.YES), 0)), false);
        vm.prank(alice);
        hub.deposit(alice, ONE);
        assertTrue(odd.success());
        (, uint256 owedAfter,) = hub.reserveStatus();
        assertEq(owed + ONE, owedAfter);
    }

    function _reentrantHub() private returns (ReentrantToken odd) {
        odd = new ReentrantToken();
        _useHubOn(address(odd));
        odd.mint(alice, 1000 * ONE);
        vm.startPrank(alice);
        odd.approve(address(hub), NEVER);
        hub.deposit(alice, 500 * ONE);
        hub.split(marketId, 1, 100 * ONE);
        vm.stopPrank();
        odd.mint(creator, OPENING);
        vm.startPrank(creator);
        odd.approve(address(hub), OPENING);
        hub.deposit(creator, OPENING);
        hub.fundHouse(marketId, OPENING);
        vm.stopPrank();
    }

    function _doors() private view returns (bytes[] memory doors) {
        doors = new bytes[](16);
        doors[0] = abi.encodeCall(hub.deposit, (alice, 1));
        doors[1] = abi.encodeCall(hub.depositWithPermit, (alice, 1, NEVER, 27, 0, 0));
        doors[2] = abi.encodeCall(hub.withdraw, (alice, 1));
        doors[3] = abi.encodeCall(hub.split, (marketId, 1, 1));
        doors[4] = abi.encodeCall(hub.merge, (marketId, 1, 1));
        doors[5] = abi.encodeCall(hub.redeem, (marketId, _one(1)));
        doors[6] = abi.encodeCall(hub.redeemFor, (alice, marketId, _one(1)));
        doors[7] = abi.encodeCall(hub.buy, (marketId, Side.YES, 1, 0, 0, NEVER));
        doors[8] = abi.encodeCall(hub.sell, (marketId, Side.YES, 1, 0, 0, NEVER));
        doors[9] = abi.encodeCall(hub.buyFromFacade, (marketId, _termsOf(marketId), alice, Side.YES, 1, 0, 0, NEVER));
        doors[10] = abi.encodeCall(hub.sellFromFacade, (marketId, _termsOf(marketId), alice, Side.YES, 1, 0, 0, NEVER));
        doors[11] = abi.encodeCall(hub.fundHouse, (marketId, 1));
        doors[12] = abi.encodeCall(hub.settleHouse, (marketId, _one(1)));
        doors[13] = abi.encodeCall(hub.defundHouse, (marketId, 1));
        Order memory order;
        doors[14] = abi.encodeCall(hub.registerOrder, (order, ""));
        doors[15] = abi.encodeCall(hub.matchOrders, (SignedOrder(order, ""), 0, new MakerFill[](0)));
    }

    /// @dev A hub of its own on `collateral`, with one market whose house nobody has funded.
    function _useHubOn(address collateral) private {
        hub = _deployHub(collateral);
        marketId = _createMarket(SYMBOL, GENESIS, LIQUIDITY, FEE_BPS);
        facade = IMarketFacade(hub.facadeOf(marketId));
    }
}
