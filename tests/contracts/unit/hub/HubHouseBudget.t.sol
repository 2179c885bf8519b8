// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubHouseBudgetTest is HubFixture {
    /// @notice Anyone may give to a house's budget.
    function test_FundHouse() public {
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseFunded(marketId, alice, 5 * ONE);
        vm.prank(alice);
        hub.fundHouse(marketId, 5 * ONE);
        assertEq(BUDGET + 5 * ONE, hub.market(marketId).houseBudget);
        assertEq(995 * ONE, hub.collateralOf(alice));
    }

    /// @notice The budget is the creator's to take back.
    function test_DefundHouse() public {
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseDefunded(marketId, creator, BUDGET);
        vm.prank(creator);
        hub.defundHouse(marketId, BUDGET);
        assertEq(0, hub.market(marketId).houseBudget);
        assertEq(BUDGET, hub.collateralOf(creator));
    }

    /// @notice Nobody but the creator takes from the budget, the hub's owner neither.
    function test_RevertWhen_DefundedByAnother() public {
        address[3] memory others = [alice, owner, guardian];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEpochHub.NotCreator.selector, others[i], creator));
            vm.prank(others[i]);
            hub.defundHouse(marketId, 1);
        }
    }

    /// @notice What epochs have taken out of the budget cannot be taken by the creator.
    function test_RevertWhen_DefundingMoreThanTheBudget() public {
        _buy(alice, Side.YES, ONE);
        uint256 left = BUDGET - OPENING;
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.HouseBudgetTooSmall.selector, left + 1, left));
        vm.prank(creator);
        hub.defundHouse(marketId, left + 1);
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_AmountIsZero() public {
        vm.startPrank(creator);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.fundHouse(marketId, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.defundHouse(marketId, 0);
    }

    /// @notice A budget is paid from the internal balance.
    function test_RevertWhen_FundingMoreThanTheBalance() public {
        uint256 balance = 1000 * ONE;
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, balance + 1, balance)
        );
        vm.prank(alice);
        hub.fundHouse(marketId, balance + 1);
    }

    /// @notice A budget has 80 bits.
    function test_RevertWhen_BudgetIsFull() public {
        uint256 most = type(uint80).max;
        _deposit(alice, most);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.HouseBudgetFull.selector, BUDGET + most, most));
        vm.prank(alice);
        hub.fundHouse(marketId, most);
    }

    /// @notice A house that wins more than a budget can be settles all the same: the rest is the creator's.
    function test_SettleHouseBeyondAFullBudget() public {
        uint256 most = type(uint80).max;
        _deposit(alice, 4 * most);
        _buy(alice, Side.YES, 4 * most);
        _resolve(1, PRICE, PRICE - 1);
        uint256 rest = BUDGET + 4 * most - most;
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseSettled(marketId, 1, _houseYes(1), OPENING + 4 * most, OPENING + 4 * most);
        vm.expectEmit(address(hub));
        emit IEpochHub.HouseDefunded(marketId, creator, rest);
        assertEq(OPENING + 4 * most, hub.settleHouse(marketId, _one(1)));
        assertEq(most, hub.market(marketId).houseBudget);
        assertEq(0, hub.market(marketId).spentToday);
        assertEq(rest, hub.collateralOf(creator));
        vm.prank(creator);
        hub.withdraw(creator, rest);
        _assertSolvent();
    }

    /// @notice After YES the house gets its YES shares back into the budget.
    function test_SettleHouseAfterYes() public {
        _settle(PRICE + 1, true, false);
    }

    /// @notice After NO the house gets its NO shares back into the budget.
    function test_SettleHouseAfterNo() public {
        _settle(PRICE - 1, false, true);
    }

    /// @notice After a tie the house gets half of its shares back into the budget.
    function test_SettleHouseAfterVoid() public {
        _settle(PRICE, true, true);
    }

    /// @notice Several epochs settle at once; those already settled, or never opened, are passed over.
    function test_SettleHouseOfManyEpochs() public {
        _buy(alice, Side.YES, ONE);
        vm.warp(_startOf(3));
        _buy(alice, Side.NO, ONE);
        _resolve(1, PRICE, PRICE + 1);
        hub.settleHouse(marketId, _one(1));
        _resolve(3, PRICE - 1, PRICE + 1);
        (, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 3);
        uint256 budget = hub.market(marketId).houseBudget;

        vm.expectEmit(address(hub));
        emit IEpochHub.HouseSettled(marketId, 3, houseYes, houseNo, houseYes);
        assertEq(houseYes, hub.settleHouse(marketId, _range(1, 3)));
        assertEq(budget + houseYes, hub.market(marketId).houseBudget);
    }

    /// @notice An epoch named twice is settled once.
    function test_SettleHouseTwiceInOneCall() public {
        _buy(alice, Side.YES, ONE);
        _resolve(1, PRICE, PRICE + 1);
        (, uint256 houseYes,,) = hub.epochState(marketId, 1);
        uint256[] memory epochs = new uint256[](2);
        (epochs[0], epochs[1]) = (1, 1);
        assertEq(houseYes, hub.settleHouse(marketId, epochs));
    }

    /// @notice An open epoch does not settle, whether it runs or waits for its price.
    function test_RevertWhen_EpochIsOpen() public {
        _buy(alice, Side.YES, ONE);
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, marketId, 1));
            hub.settleHouse(marketId, _one(1));
            vm.warp(_endOf(1));
        }
    }

    /// @notice Where the house holds nothing there is nothing to settle.
    function test_RevertWhen_NothingIsToSettle() public {
        _resolve(1, PRICE, PRICE + 1);
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.NothingToSettle.selector, marketId));
        hub.settleHouse(marketId, _one(1));
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.NothingToSettle.selector, marketId));
        hub.settleHouse(marketId, new uint256[](0));
    }

    /// @notice A settled house does not settle again.
    function test_RevertWhen_SettledBefore() public {
        _buy(alice, Side.YES, ONE);
        _resolve(1, PRICE, PRICE + 1);
        hub.settleHouse(marketId, _one(1));
        vm.expectRevert(abi.encodeWithSelector(IEpochHub.NothingToSettle.selector, marketId));
        hub.settleHouse(marketId, _one(1));
    }

    /// @notice An epoch number that would make another market's key settles nothing of it.
    function test_RevertWhen_SettledEpochAliasesAnotherBook() public {
        uint256 second = _createMarket("TWO", GENESIS, LIQUIDITY, FEE_BPS);
        _useMarket(_flat(LIQUIDITY, FEE_BPS), BUDGET);
        _buy(alice, Side.YES, ONE);
        _resolve(1, PRICE, PRICE + 1);
        uint256 alias_ = 1 << 56 | 1;
        assertEq(marketId << 56 | 1, second << 56 | alias_);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, alias_, (1 << 40) - 1));
        hub.settleHouse(second, _one(alias_));
        (,,, bool settled) = hub.epochState(marketId, 1);
        assertFalse(settled);
    }

    /// @notice One lopsided epoch costs the house what it has set aside and no more.
    function test_WorstLossIsTheOpening() public {
        _deposit(alice, 1_000_000 * ONE);
        _buy(alice, Side.YES, 1_000_000 * ONE);
        _resolve(1, PRICE, PRICE + 1);
        hub.settleHouse(marketId, _one(1));
        uint256 budget = hub.market(marketId).houseBudget;
        assertGe(budget, BUDGET - OPENING);
        _assertSolvent();
    }

    /// @notice Fees on balanced trade make the budget grow, and so the creator earns them.
    function test_FeesGoToTheBudget() public {
        for (uint256 i; i < 5; ++i) {
            _buy(alice, Side.YES, 20 * ONE);
            _buy(bob, Side.NO, 20 * ONE);
        }
        _resolve(1, PRICE, PRICE);
        hub.settleHouse(marketId, _one(1));
        assertGt(hub.market(marketId).houseBudget, BUDGET);
    }

    function _houseYes(uint256 epoch) private view returns (uint256 houseYes) {
        (, houseYes,,) = hub.epochState(marketId, epoch);
    }

    function _settle(uint256 endPrice, bool yesPays, bool noPays) private {
        _buy(alice, Side.YES, 10 * ONE);
        _resolve(1, PRICE, endPrice);
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        uint256 expected = (yesPays ? houseYes : 0) + (noPays ? houseNo : 0);
        if (yesPays && noPays) expected /= 2;

        vm.expectEmit(address(hub));
        emit IEpochHub.HouseSettled(marketId, 1, houseYes, houseNo, expected);
        vm.prank(bob);
        assertEq(expected, hub.settleHouse(marketId, _one(1)));

        assertEq(BUDGET - OPENING + expected, hub.market(marketId).houseBudget);
        (uint256 setsAfter, uint256 yesAfter, uint256 noAfter, bool settled) = hub.epochState(marketId, 1);
        assertEq(sets, setsAfter);
        assertEq(houseYes, yesAfter);
        assertEq(houseNo, noAfter);
        assertTrue(settled);
    }
}

contract HubHouseBudget18Test is HubHouseBudgetTest {
    constructor() HubFixture(18) {}
}

contract HubHouseBudget6Test is HubHouseBudgetTest {
    constructor() HubFixture(6) {}
}
