// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {Status} from "../../support/Kit.sol";

abstract contract HubStatusTest is HubFixture {
    /// @notice A fresh epoch stands at one half each, with nothing sold.
    function test_StatusOfAFreshEpoch() public {
        vm.warp(_startOf(2) + 100);
        Status memory status = _status(marketId);
        assertEq(2, status.epoch);
        assertEq(0, status.startPrice);
        assertEq(200, status.timeRemaining);
        assertTrue(status.tradingActive);
        assertEq(0.5e18, status.yesPrice);
        assertEq(0.5e18, status.noPrice);
        assertEq(0, status.yesSupply);
        assertEq(0, status.noSupply);
    }

    /// @notice Prices and supplies are 1e18 fixed point whatever the decimals, and leave out the house's own shares.
    function test_StatusAfterTrades() public {
        // Posted by the reporters once it has come.
        _post(_startOf(1), PRICE);
        uint256 shares = _buy(alice, Side.YES, 100 * ONE);
        _split(bob, 1, 3 * ONE);
        Status memory status = _status(marketId);
        assertEq(PRICE, status.startPrice);
        // By another program: the holdings' scoring rule after a net payment of 99 and a fee of 1.
        assertApproxEqAbs(547128645988225751, status.yesPrice, 1e12);
        assertEq(1e18, status.yesPrice + status.noPrice);
        uint256 scale = 10 ** (18 - DECIMALS);
        assertEq((shares + 3 * ONE) * scale, status.yesSupply);
        assertEq(3e18, status.noSupply);
    }

    /// @notice A price is what the next small buy pays for a share.
    function test_PriceIsTheMarginalCost() public {
        _buy(alice, Side.NO, 300 * ONE);
        Status memory status = _status(marketId);
        uint256 amount = ONE / 100;
        (uint256 yesShares, uint256 fee) = hub.quoteBuy(marketId, Side.YES, amount);
        assertApproxEqRel(status.yesPrice, (amount - fee) * 1e18 / yesShares, 0.0001e18);
        (uint256 noShares,) = hub.quoteBuy(marketId, Side.NO, amount);
        assertApproxEqRel(status.noPrice, (amount - fee) * 1e18 / noShares, 0.0001e18);
    }

    /// @notice Trading is active for 270 seconds of 300.
    function test_TradingIsActiveInTheWindowOnly() public {
        vm.warp(_startOf(1) + 269);
        assertTrue(_status(marketId).tradingActive);
        vm.warp(_startOf(1) + 270);
        assertFalse(_status(marketId).tradingActive);
        assertEq(30, _status(marketId).timeRemaining);
        vm.warp(_startOf(2));
        assertTrue(_status(marketId).tradingActive);
        assertEq(300, _status(marketId).timeRemaining);
    }

    /// @notice Trading is not active while it is paused.
    function test_TradingIsNotActiveWhilePaused() public {
        vm.prank(guardian);
        hub.setTradingPaused(true);
        assertFalse(_status(marketId).tradingActive);
    }

    /// @notice Without the budget to open an epoch trading is not active; in an epoch that is open it is.
    function test_TradingNeedsABudgetOrAnOpenHouse() public {
        vm.prank(creator);
        hub.defundHouse(marketId, BUDGET - OPENING + 1);
        assertFalse(_status(marketId).tradingActive);
        vm.prank(alice);
        hub.fundHouse(marketId, 1);
        assertTrue(_status(marketId).tradingActive);
        _buy(alice, Side.YES, ONE);
        assertEq(0, hub.market(marketId).houseBudget);
        assertTrue(_status(marketId).tradingActive);
    }

    /// @notice Before genesis the market shows epoch 0 and the time until it starts.
    function test_StatusBeforeGenesis() public {
        uint256 id = _createMarket("LATER", GENESIS + 600, LIQUIDITY, 0);
        vm.prank(alice);
        hub.split(id, 1, ONE);
        Status memory status = _status(id);
        assertEq(0, status.epoch);
        assertEq(0, status.startPrice);
        assertEq(600, status.timeRemaining);
        assertFalse(status.tradingActive);
        assertEq(0.5e18, status.yesPrice);
        assertEq(0.5e18, status.noPrice);
        assertEq(0, status.yesSupply);
        assertEq(0, status.noSupply);
    }

    /// @notice Quotes are given whether or not trading is open, and are what a trade then gets.
    function test_QuotesOutsideTheWindow() public {
        (uint256 shares,) = hub.quoteBuy(marketId, Side.YES, ONE);
        (uint256 amount,) = hub.quoteSell(marketId, Side.YES, ONE);
        vm.prank(guardian);
        hub.setTradingPaused(true);
        vm.warp(_endOf(1) - 1);
        (uint256 sharesLater,) = hub.quoteBuy(marketId, Side.YES, ONE);
        (uint256 amountLater,) = hub.quoteSell(marketId, Side.YES, ONE);
        assertEq(shares, sharesLater);
        assertEq(amount, amountLater);
    }
}

contract HubStatus18Test is HubStatusTest {
    constructor() HubFixture(18) {}
}

contract HubStatus6Test is HubStatusTest {
    constructor() HubFixture(6) {}
}
