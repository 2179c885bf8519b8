// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/ICompleteSets.sol";
import {RaceStatus} from "../../../contracts/interfaces/IRaceMarket.sol";
import {RaceFixture} from "../support/RaceFixture.sol";
import {RaceHarness} from "../support/RaceHarness.sol";

/// @notice Rankings and payouts against a plain reference that compares fractions digit by digit.
contract RaceMarketFuzzTest is RaceFixture {
    uint256 internal constant PRICE_MAX = type(uint128).max - 1;
    RaceHarness internal lib;

    constructor() RaceFixture(6) {}

    function setUp() public override {
        super.setUp();
        lib = new RaceHarness();
    }

    /// @notice The packed ranking and the place of each single asset are the reference's, ties included.
    function testFuzz_RankingIsTheReferences(uint256 seed, uint256 assets) public view {
        (uint256[] memory starts, uint256[] memory ends) = _prices(seed, bound(assets, 2, 16));
        uint256[] memory runs = _runs(starts, ends);
        uint256 packed = lib.finished(runs);
        assertEq(uint256(RaceStatus.FINISHED), uint256(lib.statusOf(packed)));
        for (uint256 i; i < runs.length; ++i) {
            (uint256 better, uint256 tied) = _reference(starts, ends, i);
            (uint256 betterPacked, uint256 tiedPacked) = lib.placeAt(packed, i);
            (uint256 betterAlone, uint256 tiedAlone) = lib.placeOf(runs, i);
            assertEq(better, betterPacked, "better, packed");
            assertEq(tied, tiedPacked, "tied, packed");
            assertEq(better, betterAlone, "better, alone");
            assertEq(tied, tiedAlone, "tied, alone");
        }
    }

    /// @notice The parts of a position are one together, whatever the prices; those of an asset in all places too.
    function testFuzz_PartsOfAPositionAreOne(uint256 seed, uint256 assets) public view {
        (uint256[] memory starts, uint256[] memory ends) = _prices(seed, bound(assets, 2, 16));
        _assertPartsAreOne(lib.finished(_runs(starts, ends)), starts.length);
    }

    /// @notice So are those of a void race.
    function test_PartsOfAVoidRaceAreOne() public view {
        for (uint256 assets = 2; assets <= 16; ++assets) {
            uint256 packed = lib.voided(assets);
            assertEq(uint256(RaceStatus.VOID), uint256(lib.statusOf(packed)));
            _assertPartsAreOne(packed, assets);
        }
    }

    /// @notice The market says what the reference says, before the result is stored and after.
    function testFuzz_MarketPaysByTheReference(uint256 seed, uint256 assets) public {
        assets = bound(assets, 2, 16);
        raceId = _createRace(assets, assets < 5 ? assets : 5);
        (uint256[] memory starts, uint256[] memory ends) = _prices(seed, assets);
        _finish(starts, ends);
        for (uint256 round; round < 2; ++round) {
            (RaceStatus status, uint256[] memory firstPlaces, uint256[] memory tied) = races.resultOf(raceId, 1);
            assertEq(uint256(RaceStatus.FINISHED), uint256(status));
            for (uint256 i; i < assets; ++i) {
                (uint256 better, uint256 equal) = _reference(starts, ends, i);
                assertEq(better + 1, firstPlaces[i]);
                assertEq(equal, tied[i]);
                for (uint256 position = 1; position <= assets && position <= 5; ++position) {
                    (uint256 numerator, uint256 denominator) = races.payoutOf(_book(position, i), 1);
                    assertEq(position > better && position <= better + equal ? 1 : 0, numerator);
                    assertEq(equal, denominator);
                }
            }
            races.storeResult(raceId, 1);
        }
    }

    /// @notice A field pays what it has cost but for what is rounded, at most one unit a share; so does a NO as its field.
    function testFuzz_FieldPaysItsCollateral(uint256 seed, uint256 assets, uint256 amount, bool isVoid) public {
        assets = bound(assets, 2, 16);
        amount = bound(amount, 1, 1000 * ONE);
        raceId = _createRace(assets, 1);
        _split(alice, _book(1, 0), amount);
        vm.prank(alice);
        races.convertToField(_book(1, 0), 1, amount);
        if (isVoid) {
            vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        } else {
            (uint256[] memory starts, uint256[] memory ends) = _prices(seed, assets);
            _finish(starts, ends);
        }
        uint256 paid;
        for (uint256 i; i < assets; ++i) {
            paid += races.redeemFor(alice, _book(1, i), _one(1));
        }
        assertLe(paid, amount);
        assertLt(amount, paid + assets);
        assertEq(paid, token.balanceOf(alice));
        _assertSolvent();
    }

    /// @notice Whatever two traders do with a position and however it ends, together they get their collateral back, but
    /// for what is rounded.
    function testFuzz_CollateralIsConserved(uint256[24] memory seeds, uint256 priceSeed, bool isVoid) public {
        for (uint256 i; i < seeds.length; ++i) {
            _act(seeds[i]);
        }
        if (isVoid) {
            vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        } else {
            (uint256[] memory starts, uint256[] memory ends) = _prices(priceSeed, ASSETS);
            _finish(starts, ends);
        }
        for (uint256 i; i < ASSETS; ++i) {
            if (_holds(alice, i)) races.redeemFor(alice, _book(1, i), _one(1));
            if (_holds(bob, i)) races.redeemFor(bob, _book(1, i), _one(1));
        }
        uint256 left = races.collateralOf(alice) + races.collateralOf(bob);
        uint256 back = left + token.balanceOf(alice) + token.balanceOf(bob);
        assertLe(back, 2000 * ONE);
        // A unit for each redemption at most.
        assertLe(2000 * ONE, back + 2 * ASSETS);
        (uint256 reserve, uint256 liabilities,) = races.reserveStatus();
        assertEq(reserve, liabilities);
        assertEq(2000 * ONE - back, liabilities - left);
    }

    /// @dev One thing that one of the traders does with the first position, as far as it can.
    function _act(uint256 seed) private {
        address account = seed & 1 == 0 ? alice : bob;
        uint256 asset = (seed >> 8) % ASSETS;
        uint256 book = _book(1, asset);
        uint256 action = (seed >> 16) % 7;
        (uint256 yesShares, uint256 noShares) = _shares(account, book);
        uint256 most = action < 2 ? races.collateralOf(account) / 4 : noShares;
        if (action == 2 && yesShares < noShares) most = yesShares;
        if (action == 3) most = _leastYes(account, ASSETS);
        if (action == 5) most = _leastYes(account, asset);
        if (action == 6) most = yesShares;
        if (most == 0) return;
        uint256 amount = (seed >> 32) % most + 1;
        vm.startPrank(account);
        if (action == 0) races.split(book, 1, amount);
        if (action == 1) races.splitField(raceId, 1, 1, amount);
        if (action == 2) races.merge(book, 1, amount);
        if (action == 3) races.mergeField(raceId, 1, 1, amount);
        if (action == 4) races.convertToField(book, 1, amount);
        if (action == 5) races.convertFromField(book, 1, amount);
        if (action == 6) races.transfer(account == alice ? bob : alice, _id(book, Side.YES), amount);
        vm.stopPrank();
    }

    function _holds(address account, uint256 asset) private view returns (bool) {
        (uint256 yesShares, uint256 noShares) = _shares(account, _book(1, asset));
        return yesShares + noShares != 0;
    }

    /// @dev The least YES of the first position that an account holds, one asset left out.
    function _leastYes(address account, uint256 except) private view returns (uint256 least) {
        least = NEVER;
        for (uint256 i; i < ASSETS; ++i) {
            (uint256 yesShares,) = _shares(account, _book(1, i));
            if (i != except && yesShares < least) least = yesShares;
        }
    }

    // ------------------------------------------------------------------ the reference

    /// @dev Prices of four kinds: any; a few digits, so that many tie; the same fractions in other terms; at the upper end.
    function _prices(uint256 seed, uint256 assets)
        private
        pure
        returns (uint256[] memory starts, uint256[] memory ends)
    {
        (starts, ends) = (new uint256[](assets), new uint256[](assets));
        for (uint256 i; i < assets; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            (uint256 start, uint256 end) = (uint128(random), random >> 128);
            if (seed % 4 == 1) (start, end) = (start % 3 + 1, end % 3 + 1);
            if (seed % 4 == 2) {
                uint256 factor = random % (1 << 120) + 1;
                (start, end) = ((start % 4 + 1) * factor, (end % 4 + 1) * factor);
            }
            if (seed % 4 == 3) (start, end) = (PRICE_MAX - start % 3, PRICE_MAX - end % 3);
            (starts[i], ends[i]) = (_price(start), _price(end));
        }
    }

    function _price(uint256 value) private pure returns (uint256) {
        return value == 0 ? 1 : value > PRICE_MAX ? PRICE_MAX : value;
    }

    function _runs(uint256[] memory starts, uint256[] memory ends) private pure returns (uint256[] memory runs) {
        runs = new uint256[](starts.length);
        for (uint256 i; i < starts.length; ++i) {
            runs[i] = ends[i] << 128 | starts[i];
        }
    }

    function _reference(uint256[] memory starts, uint256[] memory ends, uint256 asset)
        private
        pure
        returns (uint256 better, uint256 tied)
    {
        for (uint256 i; i < starts.length; ++i) {
            int256 order = _compare(ends[i], starts[i], ends[asset], starts[asset]);
            if (order > 0) ++better;
            if (order == 0) ++tied;
        }
    }

    /// @dev -1, 0 or 1 as a / b is below, equal to or above c / d: by whole parts, and then by what is left, upside down.
    function _compare(uint256 a, uint256 b, uint256 c, uint256 d) private pure returns (int256) {
        for (int256 sign = 1;; sign = -sign) {
            (uint256 whole, uint256 other) = (a / b, c / d);
            if (whole != other) return whole > other ? sign : -sign;
            (a, c) = (a % b, c % d);
            if (a == 0 || c == 0) return a == c ? int256(0) : a != 0 ? sign : -sign;
            (a, b, c, d) = (b, a, d, c);
        }
        return 0;
    }

    /// @dev 720,720 is a multiple of every tie of 2 to 16.
    function _assertPartsAreOne(uint256 packed, uint256 assets) private view {
        uint256[] memory ofAsset = new uint256[](assets);
        for (uint256 position = 1; position <= assets; ++position) {
            uint256 sum;
            for (uint256 i; i < assets; ++i) {
                (uint256 better, uint256 tied) = lib.placeAt(packed, i);
                (uint256 numerator, uint256 denominator) = lib.partOf(better, tied, position);
                sum += numerator * 720_720 / denominator;
                ofAsset[i] += numerator * 720_720 / denominator;
            }
            assertEq(720_720, sum, "a position");
        }
        for (uint256 i; i < assets; ++i) {
            assertEq(720_720, ofAsset[i], "an asset");
        }
    }
}
