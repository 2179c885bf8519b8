// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubSellTest is HubFixture {
    /// What 100 shares fetch from a fresh house at b = 1000 before the fee, by another program.
    uint256 internal constant FIRST_PROCEEDS_E18 = 48750520486374414587;

    function setUp() public override {
        super.setUp();
        _split(alice, 1, 200 * ONE);
    }

    /// @notice A sale opens the house as a buy does, and pays what the market scoring rule says, less the fee.
    function test_Sell() public {
        uint256 gross = FIRST_PROCEEDS_E18 / 10 ** (18 - DECIMALS);
        (uint256 quoted, uint256 fee) = hub.quoteSell(marketId, Side.YES, 100 * ONE);
        assertApproxEqAbs(gross, quoted + fee, 1e5);
        assertLe(quoted + fee, gross);
        assertEq(((quoted + fee) * FEE_BPS + 9999) / 10_000, fee);

        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, alice, address(0), _idOf(1, Side.YES), 100 * ONE);
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseOpened(marketId, 1, OPENING);
        vm.expectEmit(address(hub));
        emit IEpochHub.Sold(marketId, 1, alice, Side.YES, 100 * ONE, fee, quoted, false);
        assertEq(quoted, _sell(alice, Side.YES, 100 * ONE));

        assertEq(800 * ONE + quoted, hub.collateralOf(alice));
        assertEq(100 * ONE, hub.balanceOf(alice, _idOf(1, Side.YES)));
        assertEq(200 * ONE, hub.balanceOf(alice, _idOf(1, Side.NO)));
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        assertEq(200 * ONE + OPENING - quoted, sets);
        assertEq(OPENING + 100 * ONE - quoted, houseYes);
        assertEq(OPENING - quoted, houseNo);
        _assertSolvent();
    }

    /// @notice NO mirrors YES.
    function test_SellNo() public {
        (uint256 quoted,) = hub.quoteSell(marketId, Side.YES, 100 * ONE);
        assertEq(quoted, _sell(alice, Side.NO, 100 * ONE));
        assertEq(100 * ONE, hub.balanceOf(alice, _idOf(1, Side.NO)));
        (, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        assertEq(OPENING - quoted, houseYes);
        assertEq(OPENING + 100 * ONE - quoted, houseNo);
    }

    /// @notice Buying and selling again costs about twice the fee.
    function test_SellWhatWasBought() public {
        uint256 shares = _buy(bob, Side.NO, 100 * ONE);
        uint256 back = _sell(bob, Side.NO, shares);
        assertLt(back, 100 * ONE);
        assertApproxEqRel(98 * ONE, back, 0.001e18);
    }

    /// @notice The running epoch, an instant in time and a price: what a seller can hold the hub to.
    function test_SellWithGuards() public {
        (uint256 quoted,) = hub.quoteSell(marketId, Side.NO, 10 * ONE);
        vm.prank(alice);
        assertEq(quoted, hub.sell(marketId, Side.NO, 10 * ONE, quoted, 1, block.timestamp));
    }

    /// @notice Less collateral than asked for is refused.
    function test_RevertWhen_SlippageIsExceeded() public {
        (uint256 quoted,) = hub.quoteSell(marketId, Side.YES, 10 * ONE);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.SlippageExceeded.selector, quoted, quoted + 1));
        vm.prank(alice);
        hub.sell(marketId, Side.YES, 10 * ONE, quoted + 1, 1, NEVER);
    }

    /// @notice Shares that fetch nothing stay with their owner.
    function test_RevertWhen_SharesFetchNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.SlippageExceeded.selector, 0, 0));
        _sell(alice, Side.YES, 1);
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_SharesAreZero() public {
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        _sell(alice, Side.YES, 0);
    }

    /// @notice Nobody sells what it does not hold.
    function test_RevertWhen_SellingMoreThanHeld() public {
        uint256 id = _idOf(1, Side.NO);
        uint256 held = 200 * ONE;
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, held, held + 1, id));
        _sell(alice, Side.NO, held + 1);
    }

    /// @notice Shares of another epoch than the running one are not for the house.
    function test_RevertWhen_SharesAreOfAnotherEpoch() public {
        vm.warp(_startOf(2));
        uint256 id = _idOf(2, Side.YES);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, 0, ONE, id));
        _sell(alice, Side.YES, ONE);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.WrongEpoch.selector, 1, 2));
        vm.prank(alice);
        hub.sell(marketId, Side.YES, ONE, 0, 1, NEVER);
    }

    /// @notice A sale after its deadline is refused.
    function test_RevertWhen_DeadlineHasPassed() public {
        vm.expectRevert(
            abi.encodeWithSelector(IEpochHub.DeadlineExpired.selector, block.timestamp - 1, block.timestamp)
        );
        vm.prank(alice);
        hub.sell(marketId, Side.YES, ONE, 0, 0, block.timestamp - 1);
    }

    /// @notice The house trades for the first 270 seconds of an epoch.
    function test_RevertWhen_OutsideTheTradingWindow() public {
        uint256 closedAt = _startOf(1) + 270;
        vm.warp(closedAt);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.OutsideTradingWindow.selector, closedAt, closedAt));
        _sell(alice, Side.YES, ONE);
    }

    /// @notice Before genesis there is nothing to trade.
    function test_RevertWhen_MarketHasNotStarted() public {
        marketId = _createMarket("LATER", GENESIS + 300, ONE, 0);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.MarketNotStarted.selector, GENESIS, GENESIS + 300));
        _sell(alice, Side.YES, ONE);
    }

    /// @notice A house that cannot cover its worst loss does not open, not for a sale either.
    function test_RevertWhen_BudgetIsTooSmall() public {
        vm.prank(creator);
        hub.defundHouse(marketId, BUDGET);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.HouseBudgetTooSmall.selector, OPENING, 0));
        _sell(alice, Side.YES, ONE);
    }

    /// @notice The house holds 2^83 - 1 shares of a side; a sale that would give it more is refused.
    function test_RevertWhen_HouseIsFull() public {
        uint256 most = (1 << 83) - 1;
        _deposit(alice, 2 * most);
        _split(alice, 1, 2 * most);
        (uint256 quoted, uint256 fee) = hub.quoteSell(marketId, Side.YES, 2 * most);
        uint256 wanted = OPENING + 2 * most - quoted;
        assertLt(quoted + fee, OPENING);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, wanted, most));
        _sell(alice, Side.YES, 2 * most);
    }

    /// @notice However much is sold, the house pays less than the shares' face and keeps some of the other side.
    function test_SellToTheEnd() public {
        _deposit(alice, 100_000 * ONE);
        _split(alice, 1, 100_000 * ONE);
        uint256 amount = _sell(alice, Side.YES, 100_000 * ONE);
        assertLt(amount, OPENING);
        (,, uint256 houseNo,) = hub.epochState(marketId, 1);
        assertGt(houseNo, 0);
    }
}

contract HubSell18Test is HubSellTest {
    constructor() HubFixture(18) {}
}

contract HubSell6Test is HubSellTest {
    constructor() HubFixture(6) {}
}
