// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";
import {LibClone} from "solady/utils/LibClone.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../../contracts/interfaces/IMarketFacade.sol";
import {HubFixture} from "../../support/HubFixture.sol";

/// @notice The functions of the published market interface, declared as its documents declare them.
interface IPublishedMarket {
    function buyYes(uint256 amount) external;
    function buyNo(uint256 amount) external;
    function currentEpoch() external view returns (uint256);
    function getCurrentStatus()
        external
        view
        returns (
            uint256 epoch,
            uint256 startPrice,
            uint256 timeRemaining,
            bool tradingActive,
            uint256 yesPrice,
            uint256 noPrice,
            uint256 yesSupply,
            uint256 noSupply
        );
    function collateralToken() external view returns (address);
}

abstract contract MarketFacadeTest is HubFixture {
    /// @notice A facade knows its hub, its market and the collateral.
    function test_Identity() public view {
        assertEq(address(hub), facade.hub());
        assertEq(marketId, facade.marketId());
        assertEq(address(token), facade.collateralToken());
    }

    /// @notice The bare buys of the published interface take the amount from the wallet and give shares in the hub.
    function test_BareBuys() public {
        IPublishedMarket published = IPublishedMarket(address(facade));
        (uint256 yesShares, uint256 fee) = hub.quoteBuy(marketId, Side.YES, 10 * ONE);
        vm.startPrank(alice);
        vm.expectEmit(address(hub));
        emit IEpochHub.Bought(marketId, 1, alice, Side.YES, 10 * ONE, fee, yesShares, true);
        published.buyYes(10 * ONE);

        (uint256 noShares,) = hub.quoteBuy(marketId, Side.NO, 20 * ONE);
        published.buyNo(20 * ONE);
        _assertHolds(alice, yesShares, noShares);
        assertEq(970 * ONE, token.balanceOf(alice));
        assertEq(1000 * ONE, hub.collateralOf(alice));
        assertEq(0, token.balanceOf(address(facade)));
        _assertSolvent();
    }

    /// @notice The guarded buys return the shares.
    function test_GuardedBuys() public {
        (uint256 yesShares,) = hub.quoteBuy(marketId, Side.YES, 10 * ONE);
        vm.startPrank(alice);
        assertEq(yesShares, facade.buyYes(10 * ONE, yesShares, 1, block.timestamp));
        (uint256 noShares,) = hub.quoteBuy(marketId, Side.NO, 10 * ONE);
        assertEq(noShares, facade.buyNo(10 * ONE, noShares, 1, block.timestamp));
    }

    /// @notice Sales need no approval, and are paid to the wallet.
    function test_Sells() public {
        _split(alice, 1, 30 * ONE);
        vm.startPrank(alice);
        (uint256 forYes, uint256 fee) = hub.quoteSell(marketId, Side.YES, 10 * ONE);
        vm.expectEmit(address(hub));
        emit IEpochHub.Sold(marketId, 1, alice, Side.YES, 10 * ONE, fee, forYes, true);
        assertEq(forYes, facade.sellYes(10 * ONE, forYes, 1, block.timestamp));
        (uint256 forNo,) = hub.quoteSell(marketId, Side.NO, 20 * ONE);
        assertEq(forNo, facade.sellNo(20 * ONE, forNo, 1, block.timestamp));
        _assertHolds(alice, 20 * ONE, 10 * ONE);
        assertEq(1000 * ONE + forYes + forNo, token.balanceOf(alice));
        assertEq(970 * ONE, hub.collateralOf(alice));
        _assertSolvent();
    }

    /// @notice The status is the hub's, field by field.
    function test_GetCurrentStatus() public {
        _post(_startOf(1), PRICE);
        vm.prank(alice);
        facade.buyYes(50 * ONE);
        vm.warp(GENESIS + 40);
        (
            uint256 epoch,
            uint256 startPrice,
            uint256 timeRemaining,
            bool tradingActive,
            uint256 yesPrice,
            uint256 noPrice,
            uint256 yesSupply,
            uint256 noSupply
        ) = IPublishedMarket(address(facade)).getCurrentStatus();
        assertEq(1, epoch);
        assertEq(1, facade.currentEpoch());
        assertEq(PRICE, startPrice);
        assertEq(260, timeRemaining);
        assertTrue(tradingActive);
        assertEq(_status(marketId).yesPrice, yesPrice);
        assertEq(1e18, yesPrice + noPrice);
        assertGt(yesPrice, 0.5e18);
        assertEq(hub.balanceOf(alice, _idOf(1, Side.YES)) * 10 ** (18 - DECIMALS), yesSupply);
        assertEq(0, noSupply);
    }

    /// @notice The guards of the hub are those of its facade.
    function test_RevertWhen_GuardsFail() public {
        _split(alice, 1, ONE);
        vm.startPrank(alice);
        (uint256 shares,) = hub.quoteBuy(marketId, Side.NO, ONE);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.SlippageExceeded.selector, shares, shares + 1));
        facade.buyNo(ONE, shares + 1, 0, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.WrongEpoch.selector, 2, 1));
        facade.buyYes(ONE, 0, 2, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.DeadlineExpired.selector, GENESIS - 1, GENESIS));
        facade.sellYes(ONE, 0, 0, GENESIS - 1);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        facade.buyYes(0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        facade.sellNo(0, 0, 0, NEVER);
        vm.warp(GENESIS + 270);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.OutsideTradingWindow.selector, GENESIS + 270, GENESIS + 270));
        facade.buyYes(ONE);
    }

    /// @notice Who has not approved the facade buys nothing, and who holds nothing sells nothing.
    function test_RevertWhen_CallerHasNothing() public {
        address carol = makeAddr("carol");
        vm.startPrank(carol);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        facade.buyYes(ONE);
        uint256 id = _idOf(1, Side.NO);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, carol, 0, ONE, id));
        facade.sellNo(ONE, 0, 0, NEVER);
    }

    /// @notice The hub takes trades for others from the market's facade alone, another market's facade neither.
    function test_RevertWhen_CallerIsNotTheFacade() public {
        uint256 other = _createMarket("OTHER", GENESIS, LIQUIDITY, 0);
        uint256 terms = _termsOf(marketId);
        address[2] memory callers = [alice, hub.facadeOf(other)];
        for (uint256 i; i < callers.length; ++i) {
            bytes memory expected = abi.encodeWithSelector(IEpochHub.NotFacade.selector, callers[i], address(facade));
            vm.startPrank(callers[i]);
            vm.expectRevert(expected);
            hub.buyFromFacade(marketId, terms, alice, Side.YES, ONE, 0, 0, NEVER);
            vm.expectRevert(expected);
            hub.sellFromFacade(marketId, terms, alice, Side.YES, ONE, 0, 0, NEVER);
            vm.stopPrank();
        }
    }

    /// @notice The implementation behind the clones is no market: the hub refuses it.
    function test_RevertWhen_TheImplementationIsUsed() public {
        address code = hub.factory().implementation();
        IMarketFacade implementation = IMarketFacade(code);
        uint256 nobody = implementation.marketId();
        // What it takes for the arguments of a clone is its own code.
        address expected = LibClone.predictDeterministicAddress(
            code, LibClone.argsOnClone(code, 0, 64), bytes32(nobody), address(hub.factory())
        );
        vm.startPrank(alice);
        token.approve(address(implementation), ONE);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.NotFacade.selector, address(implementation), expected));
        implementation.buyYes(ONE);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, nobody));
        implementation.currentEpoch();
    }

    /// @notice Two facades share the hub and nothing else.
    function test_FacadesAreApart() public {
        uint256 other = _createMarket("OTHER", GENESIS, LIQUIDITY, 0);
        vm.prank(creator);
        hub.defundHouse(marketId, OPENING);
        vm.prank(creator);
        hub.fundHouse(other, OPENING);
        IMarketFacade second = IMarketFacade(hub.facadeOf(other));
        vm.startPrank(alice);
        token.approve(address(second), NEVER);
        facade.buyYes(10 * ONE);
        second.buyNo(10 * ONE);
        (uint256 yesShares, uint256 noShares) = hub.positionOf(other, 1, alice);
        assertEq(0, yesShares);
        // Without a fee, more than at the first market.
        assertGt(noShares, hub.balanceOf(alice, _idOf(1, Side.YES)));
        assertEq(0, hub.balanceOf(alice, _idOf(1, Side.NO)));
    }

    function _assertHolds(address account, uint256 yesExpected, uint256 noExpected) private view {
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, account);
        assertEq(yesExpected, yesShares);
        assertEq(noExpected, noShares);
    }
}

contract MarketFacade18Test is MarketFacadeTest {
    constructor() HubFixture(18) {}
}

contract MarketFacade6Test is MarketFacadeTest {
    constructor() HubFixture(6) {}
}
