// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubBuyTest is HubFixture {
    /// What 99 tokens buy of the first shares at b = 1000: 1000·ln(2·e^0.099 - 1), by another program.
    uint256 internal constant FIRST_SHARES_E18 = 189075860970206572536;

    /// @notice The first buy opens the house, pays the fee and gives the shares that the market scoring rule says.
    function test_Buy() public {
        uint256 shares = FIRST_SHARES_E18 / 10 ** (18 - DECIMALS);
        (uint256 quoted, uint256 fee) = hub.quoteBuy(marketId, Side.YES, 100 * ONE);
        assertApproxEqAbs(shares, quoted, 1e5);
        assertLe(quoted, shares);
        assertEq(ONE, fee);

        vm.expectEmit(address(hub));
        emit IEpochHub.HouseOpened(marketId, 1, OPENING);
        vm.expectEmit(address(hub));
        emit IEpochHub.Bought(marketId, 1, alice, Side.YES, 100 * ONE, fee, quoted, false);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, address(0), alice, _idOf(1, Side.YES), quoted);
        assertEq(quoted, _buy(alice, Side.YES, 100 * ONE));

        assertEq(900 * ONE, hub.collateralOf(alice));
        assertEq(quoted, hub.balanceOf(alice, _idOf(1, Side.YES)));
        assertEq(BUDGET - OPENING, hub.market(marketId).houseBudget);
        _assertState(OPENING + 100 * ONE, OPENING + 100 * ONE - quoted, OPENING + 100 * ONE);
    }

    /// @notice NO mirrors YES.
    function test_BuyNo() public {
        (uint256 quotedYes,) = hub.quoteBuy(marketId, Side.YES, 100 * ONE);
        (uint256 quoted,) = hub.quoteBuy(marketId, Side.NO, 100 * ONE);
        assertEq(quotedYes, quoted);
        assertEq(quoted, _buy(alice, Side.NO, 100 * ONE));
        assertEq(quoted, hub.balanceOf(alice, _idOf(1, Side.NO)));
        assertEq(0, hub.balanceOf(alice, _idOf(1, Side.YES)));
        _assertState(OPENING + 100 * ONE, OPENING + 100 * ONE, OPENING + 100 * ONE - quoted);
    }

    /// @notice A second buy of a side is dearer, and opens nothing.
    function test_BuyAgain() public {
        uint256 first = _buy(alice, Side.YES, 10 * ONE);
        uint256 second = _buy(bob, Side.YES, 10 * ONE);
        uint256 other = _buy(bob, Side.NO, 10 * ONE);
        assertLt(second, first);
        assertGt(other, first);
        assertEq(BUDGET - OPENING, hub.market(marketId).houseBudget);
        _assertState(OPENING + 30 * ONE, OPENING + 30 * ONE - first - second, OPENING + 30 * ONE - other);
    }

    /// @notice Each epoch has its house; the budget pays for it again.
    function test_BuyInTheNextEpoch() public {
        uint256 first = _buy(alice, Side.YES, 10 * ONE);
        vm.warp(_startOf(2));
        assertEq(first, _buy(alice, Side.YES, 10 * ONE));
        assertEq(BUDGET - 2 * OPENING, hub.market(marketId).houseBudget);
        assertEq(first, hub.balanceOf(alice, _idOf(2, Side.YES)));
    }

    /// @notice The running epoch, an instant in time and a price: what a buyer can hold the hub to.
    function test_BuyWithGuards() public {
        (uint256 quoted,) = hub.quoteBuy(marketId, Side.NO, 10 * ONE);
        vm.prank(alice);
        assertEq(quoted, hub.buy(marketId, Side.NO, 10 * ONE, quoted, 1, block.timestamp));
    }

    /// @notice Fewer shares than asked for are refused.
    function test_RevertWhen_SlippageIsExceeded() public {
        (uint256 quoted,) = hub.quoteBuy(marketId, Side.NO, 10 * ONE);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.SlippageExceeded.selector, quoted, quoted + 1));
        vm.prank(alice);
        hub.buy(marketId, Side.NO, 10 * ONE, quoted + 1, 1, NEVER);
    }

    /// @notice An amount that the fee uses up buys nothing, and so is not taken.
    function test_RevertWhen_AmountBuysNoShare() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.SlippageExceeded.selector, 0, 0));
        _buy(alice, Side.YES, 1);
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_AmountIsZero() public {
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        _buy(alice, Side.YES, 0);
    }

    /// @notice A buy for another epoch than the running one is refused.
    function test_RevertWhen_EpochIsWrong() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.WrongEpoch.selector, 2, 1));
        vm.prank(alice);
        hub.buy(marketId, Side.YES, ONE, 0, 2, NEVER);
        vm.warp(_startOf(2));
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.WrongEpoch.selector, 1, 2));
        vm.prank(alice);
        hub.buy(marketId, Side.YES, ONE, 0, 1, NEVER);
    }

    /// @notice A buy after its deadline is refused.
    function test_RevertWhen_DeadlineHasPassed() public {
        vm.expectRevert(
            abi.encodeWithSelector(IEpochHub.DeadlineExpired.selector, block.timestamp - 1, block.timestamp)
        );
        vm.prank(alice);
        hub.buy(marketId, Side.YES, ONE, 0, 0, block.timestamp - 1);
    }

    /// @notice The house trades for the first 270 seconds of an epoch.
    function test_RevertWhen_OutsideTheTradingWindow() public {
        uint256 closedAt = _startOf(1) + 270;
        vm.warp(closedAt - 1);
        _buy(alice, Side.YES, ONE);
        for (uint256 nowAt = closedAt; nowAt < _endOf(1); nowAt += 29) {
            vm.warp(nowAt);
            vm.expectRevert(abi.encodeWithSelector(IEpochHub.OutsideTradingWindow.selector, nowAt, closedAt));
            _buy(alice, Side.YES, ONE);
        }
        vm.warp(_startOf(2));
        _buy(alice, Side.YES, ONE);
    }

    /// @notice Before genesis there is nothing to trade.
    function test_RevertWhen_MarketHasNotStarted() public {
        marketId = _createMarket("LATER", GENESIS + 300, ONE, 0);
        vm.warp(GENESIS + 299);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.MarketNotStarted.selector, GENESIS + 299, GENESIS + 300));
        _buy(alice, Side.YES, ONE);
    }

    /// @notice No collateral, no shares.
    function test_RevertWhen_BalanceIsTooSmall() public {
        uint256 balance = 1000 * ONE;
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, balance + 1, balance)
        );
        _buy(alice, Side.YES, balance + 1);
    }

    /// @notice A house that cannot cover its worst loss does not open.
    function test_RevertWhen_BudgetIsTooSmall() public {
        vm.prank(creator);
        hub.defundHouse(marketId, BUDGET - OPENING + 1);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.HouseBudgetTooSmall.selector, OPENING, OPENING - 1));
        _buy(alice, Side.YES, ONE);
    }

    /// @notice An opened house trades on, whatever becomes of the budget.
    function test_BuyFromAnOpenHouseWithoutBudget() public {
        _buy(alice, Side.YES, ONE);
        vm.prank(creator);
        hub.defundHouse(marketId, BUDGET - OPENING);
        assertGt(_buy(bob, Side.NO, ONE), 0);
    }

    /// @notice The house holds 2^83 - 1 shares of a side and no more.
    function test_RevertWhen_HouseIsFull() public {
        uint256 most = (1 << 83) - 1;
        _deposit(alice, most);
        uint256 amount = most - OPENING + 1;
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, most + 1, most));
        _buy(alice, Side.YES, amount);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, most + 1, most));
        _buy(alice, Side.NO, amount);
        assertGt(_buy(alice, Side.NO, amount - 1), 0);
    }

    /// @notice However far a side is bought, a share never costs less than it is worth and the house keeps some.
    function test_BuyToTheEnd() public {
        _deposit(alice, 100_000 * ONE);
        uint256 shares = _buy(alice, Side.YES, 100_000 * ONE);
        assertLe(shares, 100_000 * ONE + OPENING);
        (, uint256 houseYes,,) = hub.epochState(marketId, 1);
        assertGt(houseYes, 0);
        assertLe(_buy(bob, Side.YES, 100 * ONE), 100 * ONE);
    }

    function _assertState(uint256 sets, uint256 houseYes, uint256 houseNo) private view {
        (uint256 actualSets, uint256 actualYes, uint256 actualNo, bool settled) = hub.epochState(marketId, 1);
        assertEq(sets, actualSets);
        assertEq(houseYes, actualYes);
        assertEq(houseNo, actualNo);
        assertFalse(settled);
        _assertSolvent();
    }
}

contract HubBuy18Test is HubBuyTest {
    constructor() HubFixture(18) {}
}

contract HubBuy6Test is HubBuyTest {
    constructor() HubFixture(6) {}
}
