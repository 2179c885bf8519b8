// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {Side} from "../interfaces/ICompleteSets.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {CollateralLedger} from "./CollateralLedger.sol";

/// @title Positions
/// @notice ERC-6909 over one packed slot per (epoch of a market, account): NO shares in the high half, YES in the low.
/// @dev No side has more shares than there is collateral, below 2^112, so a half never overflows.
abstract contract Positions is ERC6909, CollateralLedger {
    uint256 private constant HALF_BITS = 128;
    uint256 private constant HALF_MAX = (1 << HALF_BITS) - 1;

    /// @dev A struct, so that a position is looked up once to be read and written.
    struct Position {
        uint256 packed;
    }

    mapping(uint256 epochKey => mapping(address account => Position)) private _positions;

    /// @notice The shares of `owner` in the position `id`; 0 for an id that is no position.
    function balanceOf(address owner, uint256 id) public view override returns (uint256) {
        return PositionId.isPosition(id) ? _half(_positions[PositionId.keyOf(id)][owner].packed, id) : 0;
    }

    /// @dev Both sides of an account's position.
    function _sharesOf(uint256 key, address account) internal view returns (uint256 yesShares, uint256 noShares) {
        return _split(_positions[key][account].packed);
    }

    /// @dev Takes all shares of an account in an epoch that has ended: no order on it is settled any more, so that trading
    /// mode has no say.
    function _burnAll(uint256 key, address account) internal returns (uint256 yesShares, uint256 noShares) {
        Position storage position = _positions[key][account];
        (yesShares, noShares) = _split(position.packed);
        position.packed = 0;
        if (yesShares != 0) {
            emit Transfer(msg.sender, account, address(0), PositionId.idOf(key, Side.YES), yesShares);
        }
        if (noShares != 0) emit Transfer(msg.sender, account, address(0), PositionId.idOf(key, Side.NO), noShares);
    }

    /// @dev Every mint, burn and transfer of single shares that somebody asks for comes through here. Ids are positions:
    /// mints make them from epoch keys, and nothing else has a balance to move.
    function _update(address from, address to, uint256 id, uint256 amount) internal override {
        if (from != address(0)) _spendReleased(from, id, amount);
        _move(from, to, id, amount);
        emit Transfer(msg.sender, from, to, id, amount);
    }

    /// @dev Moves shares, from nothing or to nothing if an address is 0, and says so to nobody.
    function _move(address from, address to, uint256 id, uint256 amount) internal {
        uint256 key = PositionId.keyOf(id);
        uint256 unit = PositionId.isNo(id) ? 1 << HALF_BITS : 1;
        if (from != address(0)) {
            Position storage position = _positions[key][from];
            uint256 held = PositionId.isPosition(id) ? _half(position.packed, id) : 0;
            if (held < amount) revert ERC6909InsufficientBalance(from, held, amount, id);
            unchecked {
                position.packed -= amount * unit;
            }
        }
        // An amount that is not held has been refused above, or is minted against collateral: no half can overflow.
        if (to != address(0) && amount != 0) {
            unchecked {
                _positions[key][to].packed += amount * unit;
            }
        }
    }

    function _split(uint256 packed) private pure returns (uint256 yesShares, uint256 noShares) {
        return (packed & HALF_MAX, packed >> HALF_BITS);
    }

    function _half(uint256 packed, uint256 id) private pure returns (uint256) {
        return PositionId.isNo(id) ? packed >> HALF_BITS : packed & HALF_MAX;
    }
}
