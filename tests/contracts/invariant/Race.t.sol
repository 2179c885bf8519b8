// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RaceFixture} from "../support/RaceFixture.sol";
import {RaceHandler} from "./RaceHandler.sol";
import {RaceWorld} from "./RaceWorld.sol";

/// @notice What holds of a race market after anything that anybody does. Two races: three assets in two positions, and
/// two assets in one.
contract RaceInvariantTest is RaceFixture {
    RaceHandler internal handler;
    address[] internal people;
    uint256[] internal assetsOf = [3, 2];
    uint256[] internal positionsOf = [2, 1];

    /// @dev Nothing in a race depends on the decimals.
    constructor() RaceFixture(6) {}

    function setUp() public override {
        super.setUp();
        races = _deployRaces(address(token));
        for (uint256 i; i < assetsOf.length; ++i) {
            _createRace(assetsOf[i], positionsOf[i]);
        }
        people = [_trader("alice"), _trader("bob"), _trader("carol")];
        uint256[] memory keys = new uint256[](people.length);
        for (uint256 i; i < people.length; ++i) {
            keys[i] = keyOf[people[i]];
        }
        handler = new RaceHandler(
            RaceWorld.Setup({
                races: races,
                token: token,
                oracle: oracle,
                adapter: address(adapter),
                guardian: guardian,
                operator: operator,
                actors: people,
                keys: keys,
                assets: assetsOf,
                positions: positionsOf,
                one: ONE
            })
        );
        // The handler mints what its actors bring.
        token.transferOwnership(address(handler));
        _target();
    }

    /// @notice All that follows holds after every call: of the position that was used last, and of all in the end. One
    /// campaign for all of it: each sequence is checked for everything.
    function invariant_RaceMarketIsSound() public view {
        _checkReserveCoversLiabilities();
        if (handler.fieldCount() != 0) _checkField(handler.lastField());
    }

    /// @notice In the end everybody can leave with everything: nothing stays but gifts and what redemptions rounded.
    function afterInvariant() public {
        for (uint256 i; i < handler.fieldCount(); ++i) {
            _checkField(i);
        }
        handler.everybodyLeaves();
        (uint256 reserve, uint256 liabilities,) = races.reserveStatus();
        assertEq(liabilities + handler.donated(), reserve, "reserve");
        assertLe(liabilities, handler.redemptions(), "what stays");
    }

    /// @dev The market holds what it owes and what was given away to it, to the unit; it owes balances and pots.
    function _checkReserveCoversLiabilities() private view {
        (uint256 reserve, uint256 liabilities,) = races.reserveStatus();
        assertEq(liabilities + handler.donated(), reserve, "reserve");
        uint256 sum = handler.heldInFields();
        for (uint256 i; i < people.length; ++i) {
            sum += races.collateralOf(people[i]);
        }
        assertEq(sum, liabilities, "sum of the liabilities");
    }

    function _checkField(uint256 index) private view {
        RaceWorld.Field memory field = handler.fieldAt(index);
        uint256 pot = races.potOf(field.raceId, field.epoch, field.position);
        uint256 assets = assetsOf[field.raceId - 1];
        uint256[] memory yesSums = new uint256[](assets);
        uint256[] memory noSums = new uint256[](assets);
        uint256 noSum;
        uint256 claims;
        for (uint256 i; i < assets; ++i) {
            uint256 book = races.bookOf(field.raceId, field.position, i);
            (yesSums[i], noSums[i]) = _checkedSupply(book, field.epoch);
            noSum += noSums[i];
            for (uint256 j; j < people.length; ++j) {
                claims += races.claimable(book, field.epoch, people[j]);
            }
        }
        // Whichever asset takes a position, its YES and the NO of the others, redeemed or not, are the pot. A void race and
        // a dead heat pay a mean of these.
        for (uint256 i; i < assets; ++i) {
            assertEq(pot, yesSums[i] + noSum - noSums[i], "owed where this asset wins");
        }
        // What is left of a pot pays everybody who has not redeemed yet.
        assertGe(pot, handler.paid(index) + claims, "claims on the pot");
    }

    /// @dev The shares of a book that there are or were redeemed. Everybody has those that its own calls and signed orders
    /// have left it.
    function _checkedSupply(uint256 book, uint256 epoch) private view returns (uint256 yesSum, uint256 noSum) {
        (yesSum, noSum) = handler.gone(book, epoch);
        for (uint256 j; j < people.length; ++j) {
            (uint256 yesShares, uint256 noShares) = races.positionOf(book, epoch, people[j]);
            (uint256 yesWritten, uint256 noWritten) = handler.written(book, epoch, people[j]);
            assertEq(yesWritten, yesShares, "YES as written down");
            assertEq(noWritten, noShares, "NO as written down");
            yesSum += yesShares;
            noSum += noShares;
        }
    }

    function _target() private {
        // What makes everything else possible comes more often.
        bytes4[20] memory choice = [
            RaceHandler.deposit.selector,
            RaceHandler.withdraw.selector,
            RaceHandler.split.selector,
            RaceHandler.split.selector,
            RaceHandler.splitField.selector,
            RaceHandler.splitField.selector,
            RaceHandler.merge.selector,
            RaceHandler.mergeField.selector,
            RaceHandler.convertToField.selector,
            RaceHandler.convertFromField.selector,
            RaceHandler.transferShares.selector,
            RaceHandler.matchOrders.selector,
            RaceHandler.matchOrders.selector,
            RaceHandler.redeem.selector,
            RaceHandler.redeem.selector,
            RaceHandler.storeResult.selector,
            RaceHandler.resolve.selector,
            RaceHandler.warp.selector,
            RaceHandler.donate.selector,
            RaceHandler.pause.selector
        ];
        bytes4[] memory selectors = new bytes4[](choice.length);
        for (uint256 i; i < choice.length; ++i) {
            selectors[i] = choice[i];
        }
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }
}
