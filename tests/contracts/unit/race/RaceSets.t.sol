// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets, Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IRaceMarket} from "../../../../contracts/interfaces/IRaceMarket.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

/// @notice Complete sets of one book: what every market can do.
contract RaceSetsTest is RaceFixture {
    constructor() RaceFixture(6) {}

    /// @notice A split makes YES and NO of one book, and adds to the pot of its position.
    function test_Split() public {
        uint256 book = _book(2, 3);
        vm.expectEmit(address(races));
        emit ICompleteSets.Split(book, 1, alice, 5 * ONE);
        _split(alice, book, 5 * ONE);

        _assertShares(alice, book, 5 * ONE, 5 * ONE);
        _assertShares(alice, _book(2, 2), 0, 0);
        _assertShares(alice, _book(1, 3), 0, 0);
        assertEq(995 * ONE, races.collateralOf(alice));
        assertEq(5 * ONE, races.potOf(raceId, 1, 2));
        assertEq(0, races.potOf(raceId, 1, 1));
        assertEq(0, races.potOf(raceId, 2, 2));
    }

    /// @notice A merge is the reverse, after the end too, and takes from the pot.
    function test_Merge() public {
        uint256 book = _book(2, 3);
        _split(alice, book, 5 * ONE);
        vm.startPrank(alice);
        races.merge(book, 1, 2 * ONE);
        vm.warp(_endOf(1) + 30 days);
        vm.expectEmit(address(races));
        emit ICompleteSets.Merged(book, 1, alice, 3 * ONE);
        races.merge(book, 1, 3 * ONE);
        _assertShares(alice, book, 0, 0);
        assertEq(1000 * ONE, races.collateralOf(alice));
        assertEq(0, races.potOf(raceId, 1, 2));
    }

    /// @notice All books of a position share one pot, and no other position's.
    function test_PotOfManyBooks() public {
        for (uint256 i; i < ASSETS; ++i) {
            _split(alice, _book(3, i), (i + 1) * ONE);
            _split(alice, _book(1, i), ONE);
        }
        assertEq(10 * ONE, races.potOf(raceId, 1, 3));
        assertEq(0, races.potOf(raceId, 1, 2));
        assertEq(4 * ONE, races.potOf(raceId, 1, 1));
    }

    /// @notice Epochs to come can be split; races, and their epochs, are apart.
    function test_SplitAhead() public {
        uint256 first = raceId;
        raceId = _createRace(4, 3);
        vm.startPrank(alice);
        races.split(_book(1, 0), 7, ONE);
        (uint256 yesShares,) = races.positionOf(_book(1, 0), 7, alice);
        assertEq(ONE, yesShares);
        assertEq(ONE, races.potOf(raceId, 7, 1));
        assertEq(0, races.potOf(first, 7, 1));
    }

    /// @notice Shares of a book are tokens that anyone can be sent.
    function test_TransferShares() public {
        uint256 book = _book(1, 0);
        _split(alice, book, ONE);
        vm.prank(alice);
        races.transfer(bob, _id(book, Side.YES), ONE);
        _assertShares(alice, book, 0, ONE);
        _assertShares(bob, book, ONE, 0);
    }

    /// @notice YES of one asset and NO of another are no set.
    function test_RevertWhen_MergingAcrossBooks() public {
        _split(alice, _book(1, 0), ONE);
        vm.startPrank(alice);
        races.transfer(bob, _id(_book(1, 0), Side.NO), ONE);
        races.split(_book(1, 1), 1, ONE);
        uint256 id = _id(_book(1, 0), Side.NO);
        vm.expectRevert(abi.encodeWithSelector(ERC6909.ERC6909InsufficientBalance.selector, alice, 0, ONE, id));
        races.merge(_book(1, 0), 1, ONE);
    }

    /// @notice No sets of an epoch that has ended.
    function test_RevertWhen_EpochHasEnded() public {
        vm.warp(_endOf(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochEnded.selector, 1, _endOf(1)));
        _split(alice, _book(1, 0), ONE);
    }

    /// @notice No sets, and no positions, of books and epochs that cannot be.
    function test_RevertWhen_BookDoesNotExist() public {
        bytes memory position = abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 4, POSITIONS);
        bytes memory asset = abi.encodeWithSelector(IRaceMarket.AssetOutOfRange.selector, 4, ASSETS - 1);
        uint256 unknown = 2 << 16 | 0x100;
        vm.startPrank(alice);
        vm.expectRevert(position);
        races.split(_book(4, 0), 1, ONE);
        vm.expectRevert(position);
        races.merge(_book(4, 0), 1, ONE);
        vm.expectRevert(position);
        races.claimable(_book(4, 0), 1, alice);
        vm.expectRevert(asset);
        races.split(_book(1, 4), 1, ONE);
        vm.expectRevert(asset);
        races.positionOf(_book(1, 4), 1, alice);
        vm.expectRevert(asset);
        races.redeem(_book(1, 4), _one(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, unknown));
        races.split(unknown, 1, ONE);
    }

    /// @notice There is no epoch 0, and none from 2^40 on: its key could be that of another book.
    function test_RevertWhen_EpochCannotBe() public {
        uint256 book = _book(1, 0);
        uint256 most = (1 << 40) - 1;
        uint256[2] memory epochs = [uint256(0), most + 1];
        vm.startPrank(alice);
        for (uint256 i; i < 2; ++i) {
            bytes memory wrong = abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, epochs[i], most);
            vm.expectRevert(wrong);
            races.split(book, epochs[i], ONE);
            vm.expectRevert(wrong);
            races.merge(book, epochs[i], ONE);
            vm.expectRevert(wrong);
            races.splitField(raceId, epochs[i], 1, ONE);
            vm.expectRevert(wrong);
            races.redeem(book, _one(epochs[i]));
            vm.expectRevert(wrong);
            races.claimable(book, epochs[i], alice);
            vm.expectRevert(wrong);
            races.payoutOf(book, epochs[i]);
            vm.expectRevert(wrong);
            races.storeResult(raceId, epochs[i]);
            vm.expectRevert(wrong);
            races.potOf(raceId, epochs[i], 1);
        }
    }

    /// @notice An epoch number that would make another book's key redeems nothing of it.
    function test_RevertWhen_EpochAliasesAnotherBook() public {
        _split(alice, _book(1, 1), ONE);
        _finishInOrder();
        // (book << 56) | epoch of asset 0 with this epoch is the key of asset 1.
        uint256 alias_ = 1 << 56 | 1;
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, alias_, (1 << 40) - 1));
        races.redeemFor(alice, _book(1, 0), _one(alias_));
        _assertShares(alice, _book(1, 1), ONE, ONE);
    }

    /// @notice Nothing is not an amount, and a split is paid from the internal balance.
    function test_RevertWhen_AmountIsWrong() public {
        uint256 balance = 1000 * ONE;
        vm.expectRevert(ICollateralLedger.ZeroAmount.selector);
        _split(alice, _book(1, 0), 0);
        vm.expectRevert(
            abi.encodeWithSelector(ICollateralLedger.InsufficientCollateral.selector, alice, balance + 1, balance)
        );
        _split(alice, _book(1, 0), balance + 1);
    }
}
