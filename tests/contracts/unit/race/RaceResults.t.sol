// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IRaceMarket, RaceStatus} from "../../../../contracts/interfaces/IRaceMarket.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

contract RaceResultsTest is RaceFixture {
    constructor() RaceFixture(18) {}

    /// @notice The better its end price over its start price, the better an asset's place.
    function test_OrderOfPerformance() public {
        // +1 %, -1 %, +2 %, 0 %: the height of the prices is of no account.
        _finish(_list(100e18, 1e18, 50_000e18, 7), _list(101e18, 0.99e18, 51_000e18, 7));
        _assertResult(RaceStatus.FINISHED, _list(2, 4, 1, 3), _list(1, 1, 1, 1));
        _assertPays(_book(1, 2), 1, 1);
        _assertPays(_book(1, 0), 0, 1);
        _assertPays(_book(2, 0), 1, 1);
        _assertPays(_book(3, 3), 1, 1);
        _assertPays(_book(3, 1), 0, 1);
    }

    /// @notice The smallest difference decides, at prices as high as they can be.
    function test_SmallestDifferenceDecides() public {
        uint256 most = type(uint128).max - 1;
        _finish(_list(most, most, most - 1, most), _list(most - 1, most, most, most - 2));
        _assertResult(RaceStatus.FINISHED, _list(3, 2, 1, 4), _list(1, 1, 1, 1));
    }

    /// @notice Equal performances at different prices are equal: they cover as many places as they are.
    function test_DeadHeat() public {
        _finish(_list(100, 3, 200, 50), _list(110, 4, 220, 55));
        _assertResult(RaceStatus.FINISHED, _list(2, 1, 2, 2), _list(3, 1, 3, 3));
        _assertPays(_book(1, 1), 1, 1);
        _assertPays(_book(1, 0), 0, 3);
        for (uint256 position = 2; position <= 3; ++position) {
            _assertPays(_book(position, 0), 1, 3);
            _assertPays(_book(position, 1), 0, 1);
            _assertPays(_book(position, 2), 1, 3);
            _assertPays(_book(position, 3), 1, 3);
        }
    }

    /// @notice Two dead heats side by side.
    function test_TwoDeadHeats() public {
        _finish(_list(100, 100, 100, 100), _list(90, 110, 90, 110));
        _assertResult(RaceStatus.FINISHED, _list(3, 1, 3, 1), _list(2, 2, 2, 2));
        _assertPays(_book(2, 1), 1, 2);
        _assertPays(_book(2, 0), 0, 2);
        _assertPays(_book(3, 0), 1, 2);
    }

    /// @notice Where nothing moves all have the same part in each place.
    function test_NothingMoves() public {
        _finish(_list(PRICE, PRICE, PRICE, PRICE));
        _assertResult(RaceStatus.FINISHED, _list(1, 1, 1, 1), _list(4, 4, 4, 4));
        _assertPays(_book(1, 0), 1, 4);
        _assertPays(_book(3, 3), 1, 4);
    }

    /// @notice An epoch is open until it ends, whatever prices there are.
    function test_OpenBeforeTheEnd() public {
        _post(_startOf(1), _list(1, 2, 3, 4));
        vm.warp(_endOf(1) - 1);
        _assertOpen(1);
        _assertOpen(1000);
    }

    /// @notice A price that can still come keeps it open, be it the first or the last.
    function test_OpenWhileAPriceCanCome() public {
        vm.warp(_endOf(1));
        _assertOpen(1);
        _post(_startOf(1), _list(1, 1, 1, 1));
        _post(_endOf(1), _list(0, 1, 1, 1));
        _assertOpen(1);
        vm.warp(_endOf(1) + FEED_DEADLINE);
        _assertOpen(1);
        _post(_endOf(1), _list(2, 0, 0, 0));
        _assertResult(RaceStatus.FINISHED, _list(1, 2, 2, 2), _list(1, 3, 3, 3));
    }

    /// @notice One price that has not come voids the whole race: all have the same part in each place.
    function test_VoidWithoutOnePrice() public {
        vm.warp(_endOf(1));
        _post(_startOf(1), _list(1, 1, 1, 1));
        _post(_endOf(1), _list(4, 3, 2, 0));
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        _assertVoid();
    }

    /// @notice A start price that has not come voids the race, while end prices can still come.
    function test_VoidWithoutAStartPrice() public {
        vm.warp(_endOf(1));
        _post(_startOf(1), _list(0, 1, 1, 1));
        vm.warp(_startOf(1) + FEED_DEADLINE);
        _assertOpen(1);
        vm.warp(_startOf(1) + FEED_DEADLINE + 1);
        _assertVoid();
    }

    /// @notice Without any price, and with a stamp of it, the race is void.
    function test_VoidWithoutAnyPrice() public {
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        _assertVoid();
        oracle.voidBoundary(feeds[2], _endOf(1));
        _assertVoid();
    }

    /// @notice A result is stored once, by anyone, and is the same with and without.
    function test_StoreResult() public {
        _finish(_list(100, 3, 200, 50), _list(110, 4, 220, 55));
        assertEq(0, races.storedResult(raceId, 1));
        uint256 packed = 1 << 128 | 0x12 << 24 | 0x12 << 16 | 0x00 << 8 | 0x12;
        vm.expectEmit(address(races));
        emit IRaceMarket.ResultStored(raceId, 1, packed);
        vm.prank(makeAddr("anyone"));
        assertEq(packed, races.storeResult(raceId, 1));
        assertEq(packed, races.storedResult(raceId, 1));
        _assertResult(RaceStatus.FINISHED, _list(2, 1, 2, 2), _list(3, 1, 3, 3));
        _assertPays(_book(1, 1), 1, 1);
        _assertPays(_book(1, 0), 0, 3);
        _assertPays(_book(3, 3), 1, 3);
        vm.recordLogs();
        assertEq(packed, races.storeResult(raceId, 1));
        assertEq(0, vm.getRecordedLogs().length);
    }

    /// @notice A void race is stored as what it pays: a dead heat of all.
    function test_StoreVoidResult() public {
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        uint256 packed = 2 << 128 | 0x03030303;
        vm.expectEmit(address(races));
        emit IRaceMarket.ResultStored(raceId, 1, packed);
        races.storeResult(raceId, 1);
        _assertVoid();
    }

    /// @notice Nothing is stored of an open epoch.
    function test_RevertWhen_StoringAnOpenEpoch() public {
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, raceId, 1));
        races.storeResult(raceId, 1);
        vm.warp(_startOf(1) + FEED_DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, raceId, 1));
        races.storeResult(raceId, 1);
    }

    /// @notice The feeds beyond the eighth run like the others.
    function test_SixteenAssets() public {
        raceId = _createRace(16, 5);
        uint256[] memory ends = new uint256[](16);
        for (uint256 i; i < 16; ++i) {
            // 5 and 16 have no common divisor: every place is taken once.
            ends[i] = PRICE + 1 + (i * 5) % 16;
        }
        _finish(ends);
        for (uint256 round; round < 2; ++round) {
            (RaceStatus status, uint256[] memory firstPlaces, uint256[] memory tied) = races.resultOf(raceId, 1);
            assertEq(uint256(RaceStatus.FINISHED), uint256(status));
            for (uint256 i; i < 16; ++i) {
                uint256 place = 16 - (i * 5) % 16;
                assertEq(place, firstPlaces[i]);
                assertEq(1, tied[i]);
                for (uint256 position = 1; position <= 5; ++position) {
                    _assertPays(_book(position, i), place == position ? 1 : 0, 1);
                }
            }
            races.storeResult(raceId, 1);
        }
    }

    function _assertVoid() private view {
        _assertResult(RaceStatus.VOID, _list(1, 1, 1, 1), _list(4, 4, 4, 4));
        _assertPays(_book(1, 0), 1, 4);
        _assertPays(_book(3, 3), 1, 4);
    }

    function _assertOpen(uint256 epoch) private view {
        (RaceStatus status, uint256[] memory firstPlaces, uint256[] memory tied) = races.resultOf(raceId, epoch);
        assertEq(uint256(RaceStatus.OPEN), uint256(status));
        assertEq(_list(0, 0, 0, 0), firstPlaces);
        assertEq(_list(0, 0, 0, 0), tied);
        (uint256 numerator, uint256 denominator) = races.payoutOf(_book(1, 0), epoch);
        assertEq(0, numerator);
        assertEq(0, denominator);
    }

    function _assertResult(RaceStatus expected, uint256[] memory places, uint256[] memory equals) private view {
        (RaceStatus status, uint256[] memory firstPlaces, uint256[] memory tied) = races.resultOf(raceId, 1);
        assertEq(uint256(expected), uint256(status));
        assertEq(places, firstPlaces);
        assertEq(equals, tied);
    }

    function _assertPays(uint256 book, uint256 numeratorExpected, uint256 denominatorExpected) private view {
        (uint256 numerator, uint256 denominator) = races.payoutOf(book, 1);
        assertEq(numeratorExpected, numerator);
        assertEq(denominatorExpected, denominator);
    }
}
