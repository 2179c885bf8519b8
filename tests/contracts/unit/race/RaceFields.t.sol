// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets, Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IRaceMarket} from "../../../../contracts/interfaces/IRaceMarket.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

/// @notice Whole positions: one YES of each asset, and NO against the YES of all others.
contract RaceFieldsTest is RaceFixture {
    constructor() RaceFixture(18) {}

    /// @notice Collateral becomes one YES of each asset in the position, and of nothing else.
    function test_SplitField() public {
        vm.expectEmit(address(races));
        emit IRaceMarket.FieldSplit(raceId, 1, alice, 2, 5 * ONE);
        for (uint256 i; i < ASSETS; ++i) {
            vm.expectEmit(address(races));
            emit IERC6909.Transfer(alice, address(0), alice, _id(_book(2, i), Side.YES), 5 * ONE);
        }
        _splitField(alice, 2, 5 * ONE);

        for (uint256 i; i < ASSETS; ++i) {
            _assertShares(alice, _book(2, i), 5 * ONE, 0);
            _assertShares(alice, _book(1, i), 0, 0);
        }
        assertEq(995 * ONE, races.collateralOf(alice));
        assertEq(5 * ONE, races.potOf(raceId, 1, 2));
        assertEq(0, races.potOf(raceId, 1, 1));
        _assertSolvent();
    }

    /// @notice The reverse gives the collateral back, whether or not the epoch has ended or its result is known.
    function test_MergeField() public {
        _splitField(alice, 2, 5 * ONE);
        vm.startPrank(alice);
        races.mergeField(raceId, 1, 2, ONE);
        vm.warp(_endOf(1));
        races.mergeField(raceId, 1, 2, ONE);
        _finishInOrder();
        vm.expectEmit(address(races));
        emit IERC6909.Transfer(alice, alice, address(0), _id(_book(2, 0), Side.YES), 3 * ONE);
        vm.expectEmit(address(races));
        emit IRaceMarket.FieldMerged(raceId, 1, alice, 2, 3 * ONE);
        races.mergeField(raceId, 1, 2, 3 * ONE);

        for (uint256 i; i < ASSETS; ++i) {
            _assertShares(alice, _book(2, i), 0, 0);
        }
        assertEq(1000 * ONE, races.collateralOf(alice));
        assertEq(0, races.potOf(raceId, 1, 2));
    }

    /// @notice A NO becomes one YES of each of the others; the pot stays as it is.
    function test_ConvertToField() public {
        _split(alice, _book(1, 2), 5 * ONE);
        vm.expectEmit(address(races));
        emit IERC6909.Transfer(alice, alice, address(0), _id(_book(1, 2), Side.NO), 2 * ONE);
        vm.expectEmit(address(races));
        emit IRaceMarket.Converted(_book(1, 2), 1, alice, true, 2 * ONE);
        vm.prank(alice);
        races.convertToField(_book(1, 2), 1, 2 * ONE);

        _assertShares(alice, _book(1, 2), 5 * ONE, 3 * ONE);
        _assertShares(alice, _book(1, 0), 2 * ONE, 0);
        _assertShares(alice, _book(1, 1), 2 * ONE, 0);
        _assertShares(alice, _book(1, 3), 2 * ONE, 0);
        assertEq(995 * ONE, races.collateralOf(alice));
        assertEq(5 * ONE, races.potOf(raceId, 1, 1));
    }

    /// @notice One YES of each of the others becomes a NO.
    function test_ConvertFromField() public {
        _splitField(alice, 1, 5 * ONE);
        vm.expectEmit(address(races));
        emit IRaceMarket.Converted(_book(1, 2), 1, alice, false, 2 * ONE);
        vm.expectEmit(address(races));
        emit IERC6909.Transfer(alice, address(0), alice, _id(_book(1, 2), Side.NO), 2 * ONE);
        vm.prank(alice);
        races.convertFromField(_book(1, 2), 1, 2 * ONE);

        _assertShares(alice, _book(1, 2), 5 * ONE, 2 * ONE);
        _assertShares(alice, _book(1, 0), 3 * ONE, 0);
        _assertShares(alice, _book(1, 1), 3 * ONE, 0);
        _assertShares(alice, _book(1, 3), 3 * ONE, 0);
        assertEq(5 * ONE, races.potOf(raceId, 1, 1));
    }

    /// @notice What was split as a field can be merged as a set of each book, and the other way round.
    function test_FieldsAndSetsAreTheSame() public {
        _splitField(alice, 1, ONE);
        vm.startPrank(alice);
        races.convertFromField(_book(1, 0), 1, ONE);
        races.merge(_book(1, 0), 1, ONE);
        assertEq(1000 * ONE, races.collateralOf(alice));
        races.split(_book(1, 3), 1, ONE);
        races.convertToField(_book(1, 3), 1, ONE);
        races.mergeField(raceId, 1, 1, ONE);
        assertEq(1000 * ONE, races.collateralOf(alice));
        assertEq(0, races.potOf(raceId, 1, 1));
    }

    /// @notice Conversions go on after the end: they change nothing about what anybody is owed.
    function test_ConvertAfterTheEnd() public {
        _split(alice, _book(1, 2), ONE);
        _finishInOrder();
        vm.startPrank(alice);
        races.convertToField(_book(1, 2), 1, ONE);
        assertEq(ONE, races.claimable(_book(1, 0), 1, alice));
        races.convertFromField(_book(1, 2), 1, ONE);
        assertEq(ONE, races.claimable(_book(1, 2), 1, alice));
        assertEq(0, races.claimable(_book(1, 0), 1, alice));
    }

    /// @notice In a race of two, NO of the one is YES of the other.
    function test_ConvertInARaceOfTwo() public {
        raceId = _createRace(2, 2);
        _split(alice, _book(1, 0), ONE);
        vm.startPrank(alice);
        races.convertToField(_book(1, 0), 1, ONE);
        _assertShares(alice, _book(1, 1), ONE, 0);
        races.convertFromField(_book(1, 0), 1, ONE);
        _assertShares(alice, _book(1, 0), ONE, ONE);
    }

    /// @notice A field is split while its epoch runs only, and always of a race and position that there are.
    function test_RevertWhen_FieldIsNotOpen() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 5));
        races.splitField(5, 1, 1, ONE);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 5));
        races.mergeField(5, 1, 1, ONE);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 4, POSITIONS));
        races.splitField(raceId, 1, 4, ONE);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 0, POSITIONS));
        races.mergeField(raceId, 1, 0, ONE);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 4, POSITIONS));
        races.potOf(raceId, 1, 4);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.AssetOutOfRange.selector, 4, 3));
        races.convertToField(_book(1, 4), 1, ONE);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.AssetOutOfRange.selector, 4, 3));
        races.convertFromField(_book(1, 4), 1, ONE);
        vm.warp(_endOf(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochEnded.selector, 1, _endOf(1)));
        races.splitField(raceId, 1, 1, ONE);
    }

    /// @notice A position number that would spill into the race's is refused, not taken for another race's.
    function test_RevertWhen_PositionAliasesAnotherRace() public {
        _createRace(4, 3);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 0x101, POSITIONS));
        _splitField(alice, 0x101, ONE);
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_AmountIsZero() public {
        vm.startPrank(alice);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        races.splitField(raceId, 1, 1, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        races.mergeField(raceId, 1, 1, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        races.convertToField(_book(1, 0), 1, 0);
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        races.convertFromField(_book(1, 0), 1, 0);
    }

    /// @notice One asset missing is no field; nothing of the others is taken.
    function test_RevertWhen_FieldIsNotComplete() public {
        _splitField(alice, 1, ONE);
        uint256 id = _id(_book(1, 3), Side.YES);
        vm.startPrank(alice);
        races.transfer(bob, id, 1);
        bytes memory short =
            abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, ONE - 1, ONE, id);
        vm.expectRevert(short);
        races.mergeField(raceId, 1, 1, ONE);
        vm.expectRevert(short);
        races.convertFromField(_book(1, 0), 1, ONE);
        races.convertFromField(_book(1, 3), 1, ONE);
        _assertShares(alice, _book(1, 3), ONE - 1, ONE);
    }

    /// @notice Only NO that is held is converted, and a field is paid from the internal balance.
    function test_RevertWhen_NotHeld() public {
        _splitField(alice, 1, ONE);
        uint256 id = _id(_book(1, 0), Side.NO);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, 0, 1, id));
        races.convertToField(_book(1, 0), 1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, 1000 * ONE, 999 * ONE)
        );
        races.splitField(raceId, 1, 1, 1000 * ONE);
    }
}
