// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {HubFixture} from "../../support/HubFixture.sol";

abstract contract HubSetsTest is HubFixture {
    /// @notice A split turns collateral into as many YES and NO.
    function test_Split() public {
        vm.expectEmit(address(hub));
        emit ICompleteSets.Split(marketId, 1, alice, 5 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, address(0), alice, _idOf(1, Side.YES), 5 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, address(0), alice, _idOf(1, Side.NO), 5 * ONE);
        _split(alice, 1, 5 * ONE);

        _assertPosition(1, 5 * ONE, 5 * ONE);
        assertEq(995 * ONE, hub.collateralOf(alice));
        (uint256 sets, uint256 houseYes, uint256 houseNo, bool settled) = hub.epochState(marketId, 1);
        assertEq(5 * ONE, sets);
        assertEq(0, houseYes);
        assertEq(0, houseNo);
        assertFalse(settled);
    }

    /// @notice A merge is the reverse of a split.
    function test_Merge() public {
        _split(alice, 1, 5 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, alice, address(0), _idOf(1, Side.YES), 2 * ONE);
        vm.expectEmit(address(hub));
        emit IERC6909.Transfer(alice, alice, address(0), _idOf(1, Side.NO), 2 * ONE);
        vm.expectEmit(address(hub));
        emit ICompleteSets.Merged(marketId, 1, alice, 2 * ONE);
        vm.prank(alice);
        hub.merge(marketId, 1, 2 * ONE);

        _assertPosition(1, 3 * ONE, 3 * ONE);
        assertEq(997 * ONE, hub.collateralOf(alice));
        (uint256 sets,,,) = hub.epochState(marketId, 1);
        assertEq(3 * ONE, sets);
    }

    /// @notice Epochs to come can be split, before genesis too.
    function test_SplitAhead() public {
        uint256 id = _createMarket("LATER", GENESIS + 600, ONE, 0);
        vm.startPrank(alice);
        hub.split(id, 1, ONE);
        hub.split(marketId, 1000, ONE);
        (uint256 yesShares, uint256 noShares) = hub.positionOf(id, 1, alice);
        assertEq(ONE, yesShares);
        assertEq(ONE, noShares);
        _assertPosition(1000, ONE, ONE);
    }

    /// @notice Sets can be made up to the last second of their epoch, beyond the house's trading window.
    function test_SplitInTheLastSecond() public {
        vm.warp(_endOf(1) - 1);
        _split(alice, 1, ONE);
        _assertPosition(1, ONE, ONE);
    }

    /// @notice No sets of an epoch that has ended.
    function test_RevertWhen_SplittingAnEndedEpoch() public {
        vm.warp(_endOf(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochEnded.selector, 1, _endOf(1)));
        _split(alice, 1, ONE);
    }

    /// @notice Sets can be merged after the end, whether or not the outcome is known.
    function test_MergeAfterTheEnd() public {
        _split(alice, 1, 3 * ONE);
        vm.warp(_endOf(1));
        vm.prank(alice);
        hub.merge(marketId, 1, ONE);
        _resolve(1, PRICE, PRICE - 1);
        vm.prank(alice);
        hub.merge(marketId, 1, ONE);
        vm.warp(_endOf(1) + 30 days);
        vm.prank(alice);
        hub.merge(marketId, 1, ONE);
        assertEq(1000 * ONE, hub.collateralOf(alice));
    }

    /// @notice Sets are of one epoch: shares of another do not complete them.
    function test_RevertWhen_MergingAcrossEpochs() public {
        _split(alice, 1, ONE);
        _split(alice, 2, ONE);
        vm.startPrank(alice);
        hub.transfer(bob, _idOf(1, Side.NO), ONE);
        uint256 id = _idOf(1, Side.NO);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, 0, ONE, id));
        hub.merge(marketId, 1, ONE);
    }

    /// @notice A merge takes both sides.
    function test_RevertWhen_MergingMoreThanHeld() public {
        _split(alice, 1, ONE);
        uint256 id = _idOf(1, Side.YES);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, ONE, ONE + 1, id));
        vm.prank(alice);
        hub.merge(marketId, 1, ONE + 1);
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_AmountIsZero() public {
        vm.startPrank(alice);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.split(marketId, 1, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        hub.merge(marketId, 1, 0);
    }

    /// @notice A split is paid from the internal balance, and from nothing else.
    function test_RevertWhen_SplittingMoreThanTheBalance() public {
        uint256 balance = 1000 * ONE;
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, balance + 1, balance)
        );
        _split(alice, 1, balance + 1);
    }

    /// @notice An epoch takes 2^85 - 1 sets and no more.
    function test_RevertWhen_EpochIsFull() public {
        uint256 most = (1 << 85) - 1;
        _deposit(alice, most + 1);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, most + 1, most));
        _split(alice, 1, most + 1);
        _split(alice, 1, most);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochFull.selector, most + 1, most));
        _split(alice, 1, 1);
        _assertPosition(1, most, most);
    }

    /// @notice The house's shares are left alone by what traders split and merge.
    function test_SetsBesideTheHouse() public {
        _buy(bob, Side.YES, 10 * ONE);
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        _split(alice, 1, 5 * ONE);
        vm.prank(alice);
        hub.merge(marketId, 1, 2 * ONE);
        (uint256 setsAfter, uint256 houseYesAfter, uint256 houseNoAfter,) = hub.epochState(marketId, 1);
        assertEq(sets + 3 * ONE, setsAfter);
        assertEq(houseYes, houseYesAfter);
        assertEq(houseNo, houseNoAfter);
    }

    function _assertPosition(uint256 epoch, uint256 yesExpected, uint256 noExpected) private view {
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, epoch, alice);
        assertEq(yesExpected, yesShares);
        assertEq(noExpected, noShares);
        assertEq(yesExpected, hub.balanceOf(alice, _idOf(epoch, Side.YES)));
        assertEq(noExpected, hub.balanceOf(alice, _idOf(epoch, Side.NO)));
    }
}

contract HubSets18Test is HubSetsTest {
    constructor() HubFixture(18) {}
}

contract HubSets6Test is HubSetsTest {
    constructor() HubFixture(6) {}
}
