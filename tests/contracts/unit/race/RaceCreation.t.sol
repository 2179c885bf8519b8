// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IMarketRules} from "../../../../contracts/interfaces/IMarketRules.sol";
import {IRaceMarket, Race} from "../../../../contracts/interfaces/IRaceMarket.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

contract RaceCreationTest is RaceFixture {
    constructor() RaceFixture(6) {}

    /// @notice Anyone creates a race; its id is the next one and all of it is told and kept.
    function test_CreateRace() public {
        address anyone = makeAddr("anyone");
        vm.expectEmit(address(races));
        emit IRaceMarket.RaceCreated(2, anyone, "AI-5", _feeds(5), 2, GENESIS + 600);
        vm.prank(anyone);
        uint256 id = races.createRace("AI-5", _feeds(5), 2, GENESIS + 600);

        assertEq(2, id);
        assertEq(2, races.raceCount());
        Race memory race = races.raceOf(2);
        assertEq(anyone, race.creator);
        assertEq("AI-5", race.symbol);
        assertEq(abi.encode(_feeds(5)), abi.encode(race.feeds));
        assertEq(2, race.positions);
        assertEq(GENESIS + 600, race.genesis);
    }

    /// @notice The least race and the greatest one.
    function test_CreateTheLeastAndTheGreatest() public {
        uint256 least = _createRace(2, 1);
        assertEq(2, races.raceOf(least).feeds.length);
        assertEq(1, races.raceOf(least).positions);
        uint256 greatest = _createRace(16, 5);
        assertEq(16, races.raceOf(greatest).feeds.length);
        assertEq(5, races.raceOf(greatest).positions);
        assertEq(2, races.raceOf(_createRace(2, 2)).positions);
    }

    /// @notice The clock counts a race's epochs from its genesis, 0 before.
    function test_CurrentEpoch() public {
        vm.prank(creator);
        uint256 later = races.createRace(SYMBOL, _feeds(2), 1, GENESIS + 300);
        assertEq(1, races.currentEpoch(raceId));
        assertEq(0, races.currentEpoch(later));
        vm.warp(GENESIS + 299);
        assertEq(1, races.currentEpoch(raceId));
        vm.warp(GENESIS + 300);
        assertEq(2, races.currentEpoch(raceId));
        assertEq(1, races.currentEpoch(later));
    }

    /// @notice A book's market id is made of its race, position and asset.
    function test_BookOf() public view {
        assertEq(0x10100, races.bookOf(1, 1, 0));
        assertEq(0x10303, races.bookOf(1, 3, 3));
    }

    /// @notice There is no book beyond a race's positions and assets, and none of a race that there is not.
    function test_RevertWhen_BookDoesNotExist() public {
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 0, POSITIONS));
        races.bookOf(raceId, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 4, POSITIONS));
        races.bookOf(raceId, 4, 0);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 257, POSITIONS));
        races.bookOf(raceId, 257, 0);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.AssetOutOfRange.selector, ASSETS, ASSETS - 1));
        races.bookOf(raceId, 1, ASSETS);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 2));
        races.bookOf(2, 1, 0);
    }

    /// @notice Nothing is said of a race that there is not.
    function test_RevertWhen_RaceDoesNotExist() public {
        bytes memory unknown = abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 9);
        vm.expectRevert(unknown);
        races.raceOf(9);
        vm.expectRevert(unknown);
        races.currentEpoch(9);
        vm.expectRevert(unknown);
        races.resultOf(9, 1);
        vm.expectRevert(unknown);
        races.storeResult(9, 1);
        vm.expectRevert(unknown);
        races.potOf(9, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, 0x90100));
        races.payoutOf(0x90100, 1);
    }

    /// @notice One asset is no race, and a result has room for sixteen.
    function test_RevertWhen_NumberOfAssetsIsWrong() public {
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.TooFewAssets.selector, 1, 2));
        _createRace(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.TooFewAssets.selector, 0, 2));
        _createRace(0, 1);
        bytes32[] memory many = new bytes32[](17);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.TooManyAssets.selector, 17, 16));
        races.createRace(SYMBOL, many, 1, GENESIS);
    }

    /// @notice No asset runs against itself.
    function test_RevertWhen_AssetComesTwice() public {
        bytes32[] memory field = _feeds(4);
        field[3] = field[1];
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.DuplicateAsset.selector, feeds[1]));
        races.createRace(SYMBOL, field, 1, GENESIS);
    }

    /// @notice Every asset is a feed of the oracle.
    function test_RevertWhen_AssetHasNoFeed() public {
        bytes32[] memory field = _feeds(4);
        field[3] = "DOGE/USD";
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.UnknownFeed.selector, bytes32("DOGE/USD")));
        races.createRace(SYMBOL, field, 1, GENESIS);
    }

    /// @notice From one to five positions, and no more than there are assets.
    function test_RevertWhen_NumberOfPositionsIsWrong() public {
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionsOutOfRange.selector, 0, 4));
        _createRace(4, 0);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionsOutOfRange.selector, 5, 4));
        _createRace(4, 5);
        vm.expectRevert(abi.encodeWithSelector(IRaceMarket.PositionsOutOfRange.selector, 6, 5));
        _createRace(16, 6);
    }

    /// @notice A race's symbol and genesis obey the rules of every market.
    function test_RevertWhen_MarketRulesAreBroken() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolLength.selector, 0, 31));
        races.createRace("", _feeds(2), 1, GENESIS);
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolCharacters.selector, "A B"));
        races.createRace("A B", _feeds(2), 1, GENESIS);
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.GenesisOffGrid.selector, GENESIS + 1, EPOCH));
        races.createRace(SYMBOL, _feeds(2), 1, GENESIS + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketRules.GenesisOutOfRange.selector, GENESIS - EPOCH, GENESIS, GENESIS + 366 days
            )
        );
        races.createRace(SYMBOL, _feeds(2), 1, GENESIS - EPOCH);
    }

    /// @notice The market keeps what it was made with and tells its guardian.
    function test_Construction() public {
        assertEq(owner, races.owner());
        assertEq(address(token), races.collateralToken());
        assertEq(address(oracle), races.oracle());
        assertEq(guardian, races.guardian());
        vm.expectEmit();
        emit ICollateralLedger.GuardianSet(guardian);
        _deployRaces(address(token));
    }

    /// @notice No collateral, no oracle, or a token of more than 18 decimals: no market.
    function test_RevertWhen_ConstructedWrongly() public {
        vm.expectRevert(ICollateralLedger.ZeroAddress.selector);
        this.deploy("RaceMarket.sol:RaceMarket", abi.encode(owner, address(0), address(oracle), guardian));
        vm.expectRevert(ICollateralLedger.ZeroAddress.selector);
        this.deploy("RaceMarket.sol:RaceMarket", abi.encode(owner, address(token), address(0), guardian));
        address odd = deploy("TestToken.sol:TestToken", abi.encode("Odd", "ODD", uint8(19), address(this)));
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.TooManyDecimals.selector, 19, 18));
        this.deploy("RaceMarket.sol:RaceMarket", abi.encode(owner, odd, address(oracle), guardian));
    }
}
