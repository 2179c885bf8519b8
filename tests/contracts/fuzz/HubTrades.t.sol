// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {HubFixture} from "../support/HubFixture.sol";

/// @notice Trades with the house through the hub, at any fee and liquidity: nobody gains from trading alone.
abstract contract HubTradesFuzzTest is HubFixture {
    /// @notice Buying and selling again at once never gains, on any path and at any fee.
    function testFuzz_RoundTripNeverProfits(uint256 liquidity, uint256 feeBps, uint256 amount, bool no, bool viaFacade)
        public
    {
        _openMarket(liquidity, feeBps);
        amount = bound(amount, 1, 1000 * ONE);
        Side side = no ? Side.NO : Side.YES;
        (uint256 shares,) = hub.quoteBuy(marketId, side, amount);
        if (shares == 0) return;
        uint256 before = _worthOf(alice);
        vm.startPrank(alice);
        assertEq(shares, viaFacade ? _buyAtFacade(side, amount) : hub.buy(marketId, side, amount, 0, 0, NEVER));
        assertEq(before - amount, _worthOf(alice));
        (uint256 back,) = hub.quoteSell(marketId, side, shares);
        if (back != 0) {
            assertEq(back, viaFacade ? _sellAtFacade(side, shares) : hub.sell(marketId, side, shares, 0, 0, NEVER));
        }
        assertLe(_worthOf(alice), before);
        _assertSolvent();
    }

    /// @notice Buying both sides and merging never gains.
    function testFuzz_BuyingBothSidesNeverProfits(uint256 liquidity, uint256 feeBps, uint256[2] memory amounts) public {
        _openMarket(liquidity, feeBps);
        amounts[0] = bound(amounts[0], ONE / 1000, 500 * ONE);
        amounts[1] = bound(amounts[1], ONE / 1000, 500 * ONE);
        uint256 before = _worthOf(alice);
        if (!_tryBuy(Side.YES, amounts[0])) return;
        if (!_tryBuy(Side.NO, amounts[1])) return;
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, alice);
        vm.prank(alice);
        hub.merge(marketId, 1, yesShares < noShares ? yesShares : noShares);
        assertLe(_worthOf(alice), before);
    }

    /// @notice Splitting and selling both sides never gains.
    function testFuzz_SellingBothSidesNeverProfits(uint256 liquidity, uint256 feeBps, uint256 amount, bool noFirst)
        public
    {
        _openMarket(liquidity, feeBps);
        amount = bound(amount, 1, 1000 * ONE);
        uint256 before = _worthOf(alice);
        _split(alice, 1, amount);
        for (uint256 i; i < 2; ++i) {
            Side side = noFirst == (i == 0) ? Side.NO : Side.YES;
            (uint256 proceeds,) = hub.quoteSell(marketId, side, amount);
            if (proceeds != 0) assertEq(proceeds, _sell(alice, side, amount));
        }
        assertLe(_worthOf(alice), before);
        _assertSolvent();
    }

    /// @notice One trade in two parts gets no more than in one, beyond the rounding.
    function testFuzz_PartsGetNoMore(uint256 amount, uint256 part) public {
        amount = bound(amount, ONE, 1000 * ONE);
        part = bound(part, ONE / 10, amount - ONE / 10);
        (uint256 whole,) = hub.quoteBuy(marketId, Side.YES, amount);
        uint256 parts = _buy(alice, Side.YES, part) + _buy(alice, Side.YES, amount - part);
        assertLe(parts, whole + LIQUIDITY / 1e12 + 4);
    }

    /// @notice Whoever wins, the house gets back all but its opening at the least.
    function testFuzz_HouseLosesItsOpeningAtMost(uint256 liquidity, uint256 feeBps, uint256[6] memory seeds, uint8 end)
        public
    {
        _openMarket(liquidity, feeBps);
        uint256 budget = hub.market(marketId).houseBudget;
        bool opened;
        for (uint256 i; i < seeds.length; ++i) {
            Side side = seeds[i] % 2 == 0 ? Side.YES : Side.NO;
            if (_tryBuy(side, bound(seeds[i] >> 1, 1, 150 * ONE))) opened = true;
        }
        if (!opened) return;
        _resolve(1, PRICE, PRICE + end % 3 - 1);
        hub.settleHouse(marketId, _one(1));
        uint256 opening = (hub.market(marketId).liquidity * 693147180559945310 - 1) / 1e18 + 1;
        assertGe(hub.market(marketId).houseBudget + opening, budget);
        hub.redeemFor(alice, marketId, _one(1));
        (, uint256 liabilities,) = hub.reserveStatus();
        uint256 rest = hub.collateralOf(alice) + hub.collateralOf(bob) + hub.collateralOf(creator)
            + hub.market(marketId).houseBudget + BUDGET;
        assertApproxEqAbs(rest, liabilities, 2);
    }

    /// @dev A market of any liquidity that its funded budget can open; it becomes the tested one.
    function _openMarket(uint256 liquidity, uint256 feeBps) private {
        liquidity = bound(liquidity, 1e6, 1e5 * ONE);
        marketId = _createMarket("FUZZ", GENESIS, liquidity, bound(feeBps, 0, 1000));
        facade = IMarketFacade(hub.facadeOf(marketId));
        _deposit(creator, liquidity);
        vm.prank(creator);
        hub.fundHouse(marketId, liquidity);
        vm.prank(alice);
        token.approve(address(facade), NEVER);
    }

    function _tryBuy(Side side, uint256 amount) private returns (bool bought) {
        (uint256 shares,) = hub.quoteBuy(marketId, side, amount);
        bought = shares != 0;
        if (bought) assertEq(shares, _buy(alice, side, amount));
    }

    function _buyAtFacade(Side side, uint256 amount) private returns (uint256) {
        return side == Side.YES ? facade.buyYes(amount, 0, 1, NEVER) : facade.buyNo(amount, 0, 1, NEVER);
    }

    function _sellAtFacade(Side side, uint256 shares) private returns (uint256) {
        return side == Side.YES ? facade.sellYes(shares, 0, 1, NEVER) : facade.sellNo(shares, 0, 1, NEVER);
    }

    function _worthOf(address account) private view returns (uint256) {
        return token.balanceOf(account) + hub.collateralOf(account);
    }
}

contract HubTrades18FuzzTest is HubTradesFuzzTest {
    constructor() HubFixture(18) {}
}

contract HubTrades6FuzzTest is HubTradesFuzzTest {
    constructor() HubFixture(6) {}
}
