// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms, IEpochHub, Market} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFactory} from "../../../../contracts/interfaces/IMarketFactory.sol";
import {HubFixture} from "../../support/HubFixture.sol";

/// @notice The terms that a house may be given.
abstract contract HubTermsTest is HubFixture {
    uint256 internal constant BUDGET_MAX = type(uint80).max;

    /// @notice A market is created with the terms asked for, and says so.
    function test_CreateMarketWithAHouseThatChanges() public {
        HouseTerms memory terms = HouseTerms({
            liquidity: 7 * ONE, closingLiquidityBps: 4321, feeBps: 25, closingFeeBps: 300, dailyBudget: 99 * ONE
        });
        vm.expectEmit(true, false, true, true, address(hub));
        emit IEpochHub.MarketCreated(2, address(0), FEED, alice, "BTC", GENESIS, 7 * ONE, 25, 4321, 300, 99 * ONE);
        vm.prank(alice);
        hub.createMarket(FEED, "BTC", GENESIS, terms);

        Market memory market = hub.market(2);
        assertEq(7 * ONE, market.liquidity);
        assertEq(4321, market.closingLiquidityBps);
        assertEq(25, market.feeBps);
        assertEq(300, market.closingFeeBps);
        assertEq(99 * ONE, market.dailyBudget);
        assertEq(0, market.spentToday);
        (bytes32 feed, string memory symbol) = hub.factory().infoOf(2);
        assertEq(FEED, feed);
        assertEq("BTC", symbol);
    }

    /// @notice The limits of every term are themselves accepted.
    function test_CreateMarketAtTheLimits() public {
        // A thousandth of this liquidity is the least there is.
        hub.createMarket(FEED, "A", GENESIS, HouseTerms(1e9, 10, 1000, 1000, 0));
        hub.createMarket(FEED, "B", GENESIS, HouseTerms(1e6, 10_000, 0, 1000, BUDGET_MAX));
        hub.createMarket(FEED, "C", GENESIS, HouseTerms(1 << 79, 1, 0, 0, 1));
        assertEq(4, hub.marketCount());
        assertEq(0, hub.market(2).dailyBudget);
        assertEq(BUDGET_MAX, hub.market(3).dailyBudget);
        assertEq(1, hub.market(4).closingLiquidityBps);
    }

    /// @notice The liquidity does not rise, and towards the end is still as much as a house must have.
    function test_RevertWhen_ClosingLiquidityIsOutOfRange() public {
        _assertRefused(
            HouseTerms(1e9, 9, 0, 0, 0), abi.encodeWithSelector(_outOfRange(), uint256(9), uint256(10), uint256(10_000))
        );
        _assertRefused(
            HouseTerms(1e9 + 1, 10_001, 0, 0, 0),
            abi.encodeWithSelector(_outOfRange(), uint256(10_001), uint256(10), uint256(10_000))
        );
        _assertRefused(
            HouseTerms(1e6, 9999, 0, 0, 0),
            abi.encodeWithSelector(_outOfRange(), uint256(9999), uint256(10_000), uint256(10_000))
        );
        // All of the largest liquidity must not go either.
        _assertRefused(
            HouseTerms(1 << 79, 0, 0, 0, 0), abi.encodeWithSelector(_outOfRange(), uint256(0), uint256(1), 10_000)
        );
    }

    /// @notice Whatever the terms that are taken, the house's liquidity is never below the least.
    function testFuzz_LiquidityIsNeverBelowTheLeast(uint256 liquidity, uint256 closing) public {
        liquidity = bound(liquidity, 1e6, 1e12);
        closing = bound(closing, 0, 10_000);
        bool enough = liquidity * closing / 10_000 >= 1e6;
        if (!enough) vm.expectPartialRevert(IMarketFactory.ClosingLiquidityOutOfRange.selector);
        hub.createMarket(FEED, "FUZZ", GENESIS, HouseTerms(liquidity, closing, 0, 0, 0));
    }

    /// @notice A fee does not fall as the window passes.
    function test_RevertWhen_FeeFalls() public {
        _assertRefused(
            HouseTerms(ONE, 10_000, 101, 100, 0), abi.encodeWithSelector(IMarketFactory.FeeFalls.selector, 101, 100)
        );
    }

    /// @notice The house takes ten per cent at most, at the end of the window too.
    function test_RevertWhen_ClosingFeeIsTooHigh() public {
        _assertRefused(
            HouseTerms(ONE, 10_000, 0, 1001, 0), abi.encodeWithSelector(IMarketFactory.FeeTooHigh.selector, 1001, 1000)
        );
    }

    /// @notice What a day may cost has the bits of a budget.
    function test_RevertWhen_DailyBudgetIsOutOfRange() public {
        uint256 beyond = BUDGET_MAX + 1;
        _assertRefused(
            HouseTerms(ONE, 10_000, 0, 0, beyond),
            abi.encodeWithSelector(IEpochHub.DailyBudgetOutOfRange.selector, beyond, 0, BUDGET_MAX)
        );
    }

    /// @notice The factory makes markets for its hub alone.
    function test_RevertWhen_FactoryIsCalledByAnother() public {
        IMarketFactory factory = hub.factory();
        assertEq(address(hub), factory.hub());
        vm.expectRevert(abi.encodeWithSelector(IMarketFactory.NotHub.selector, alice, address(hub)));
        vm.prank(alice);
        factory.create(2, FEED, "BTC", GENESIS, _flat(ONE, 0));
    }

    /// @dev Neither market, nor facade, nor symbol is left of what is refused.
    function _assertRefused(HouseTerms memory terms, bytes memory expected) private {
        vm.expectRevert(expected);
        hub.createMarket(FEED, "B", GENESIS, terms);
        assertEq(1, hub.marketCount());
        (bytes32 feed,) = hub.factory().infoOf(2);
        assertEq(bytes32(0), feed);
    }

    function _outOfRange() private pure returns (bytes4) {
        return IMarketFactory.ClosingLiquidityOutOfRange.selector;
    }
}

contract HubTerms18Test is HubTermsTest {
    constructor() HubFixture(18) {}
}

contract HubTerms6Test is HubTermsTest {
    constructor() HubFixture(6) {}
}
