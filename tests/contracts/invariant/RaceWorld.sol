// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Side} from "../../../contracts/interfaces/ICompleteSets.sol";
import {RaceStatus} from "../../../contracts/interfaces/IRaceMarket.sol";
import {IOracle, IToken} from "../support/Kit.sol";
import {IRaces} from "../support/RaceFixture.sol";

/// @title Race world
/// @notice The people around a race market, and what an honest book-keeper beside it would have written down: of every
/// position the shares that each account has by its own calls and signatures.
abstract contract RaceWorld is Test {
    struct Setup {
        IRaces races;
        IToken token;
        IOracle oracle;
        address adapter;
        address guardian;
        address operator;
        address[] actors;
        uint256[] keys;
        /// By race, from the first one on.
        uint256[] assets;
        uint256[] positions;
        uint256 one;
    }

    /// @notice A position of an epoch of a race.
    struct Field {
        uint256 raceId;
        uint256 epoch;
        uint256 position;
    }

    struct Shares {
        uint256 yesShares;
        uint256 noShares;
    }

    IRaces internal races;
    IToken internal token;
    IOracle internal oracle;
    address internal adapter;
    address internal guardian;
    address internal operator;
    uint256 internal one;
    address[] internal actors;
    uint256[] private _assetsOf;
    uint256[] private _positionsOf;
    mapping(address account => uint256) internal keyOf;

    uint256 public donated;
    /// What redemptions have been paid out of a field.
    mapping(uint256 index => uint256) public paid;
    mapping(uint256 marketId => mapping(uint256 epoch => mapping(address account => Shares))) public written;
    /// The shares of a book that were redeemed.
    mapping(uint256 marketId => mapping(uint256 epoch => Shares)) public gone;
    uint256 public redemptions;
    /// The field that was used last.
    uint256 public lastField;
    mapping(bytes32 field => uint256 indexPlusOne) private _indexOf;
    Field[] private _fields;

    constructor(Setup memory setup) {
        (races, token, oracle, adapter) = (setup.races, setup.token, setup.oracle, setup.adapter);
        (guardian, operator, one) = (setup.guardian, setup.operator, setup.one);
        (actors, _assetsOf, _positionsOf) = (setup.actors, setup.assets, setup.positions);
        for (uint256 i; i < actors.length; ++i) {
            keyOf[actors[i]] = setup.keys[i];
        }
    }

    /// @notice How many positions anybody has ever held shares of.
    function fieldCount() public view returns (uint256) {
        return _fields.length;
    }

    function fieldAt(uint256 index) public view returns (Field memory) {
        return _fields[index];
    }

    /// @notice What the positions hold for shares that have not been redeemed.
    function heldInFields() external view returns (uint256 sum) {
        for (uint256 i; i < _fields.length; ++i) {
            Field memory field = _fields[i];
            sum += races.potOf(field.raceId, field.epoch, field.position) - paid[i];
        }
    }

    /// @dev Mostly late ones: earlier fields have been dealt with.
    function _field(uint256 seed) internal returns (Field memory) {
        uint256 count = _fields.length;
        lastField = count - 1 - seed % ((count + 1) / 2);
        return _fields[lastField];
    }

    /// @dev A position that can be traded now, known from now on.
    function _running(uint256 seed, uint256 ahead) internal returns (Field memory field) {
        field.raceId = seed % _assetsOf.length + 1;
        field.epoch = races.currentEpoch(field.raceId) + ahead % 2;
        field.position = (seed >> 16) % _positionsOf[field.raceId - 1] + 1;
        bytes32 key = keccak256(abi.encode(field));
        if (_indexOf[key] == 0) {
            _fields.push(field);
            _indexOf[key] = _fields.length;
        }
        lastField = _indexOf[key] - 1;
    }

    function _assets(Field memory field) internal view returns (uint256) {
        return _assetsOf[field.raceId - 1];
    }

    function _book(Field memory field, uint256 asset) internal pure returns (uint256) {
        return field.raceId << 16 | field.position << 8 | asset;
    }

    function _shares(Field memory field, uint256 asset, address account)
        internal
        view
        returns (uint256 yesShares, uint256 noShares)
    {
        return races.positionOf(_book(field, asset), field.epoch, account);
    }

    /// @dev The least YES that an account holds, of all assets but `except`.
    function _leastYes(Field memory field, uint256 except, address account) internal view returns (uint256 least) {
        least = type(uint256).max;
        for (uint256 i; i < _assets(field); ++i) {
            (uint256 yesShares,) = _shares(field, i, account);
            if (i != except && yesShares < least) least = yesShares;
        }
    }

    function _isOpen(Field memory field) internal view returns (bool) {
        (RaceStatus status,,) = races.resultOf(field.raceId, field.epoch);
        return status == RaceStatus.OPEN;
    }

    // ------------------------------------------------------------------ the book-keeper

    function _write(Field memory field, uint256 asset, address account, Side side, int256 change) internal {
        Shares storage shares = written[_book(field, asset)][field.epoch][account];
        if (side == Side.YES) shares.yesShares = uint256(int256(shares.yesShares) + change);
        else shares.noShares = uint256(int256(shares.noShares) + change);
    }

    function _writeField(Field memory field, uint256 except, address account, int256 change) internal {
        for (uint256 i; i < _assets(field); ++i) {
            if (i != except) _write(field, i, account, Side.YES, change);
        }
    }

    function _writeRedeemed(Field memory field, uint256 asset, address account, uint256 payout) internal {
        uint256 book = _book(field, asset);
        Shares memory shares = written[book][field.epoch][account];
        gone[book][field.epoch].yesShares += shares.yesShares;
        gone[book][field.epoch].noShares += shares.noShares;
        delete written[book][field.epoch][account];
        paid[_indexOf[keccak256(abi.encode(field))] - 1] += payout;
        ++redemptions;
    }

    function _actor(uint256 seed) internal view returns (address) {
        return actors[seed % actors.length];
    }

    function _one(uint256 value) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = value;
    }
}
