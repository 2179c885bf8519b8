// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC6909} from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";

import {Side} from "../interfaces/IEpochHub.sol";
import {PositionId} from "../libraries/PositionId.sol";

/// @title Positions
/// @notice ERC-6909 over one packed slot per (epoch of a market, account): NO shares in the high half, YES in the low.
/// @dev An epoch has fewer than 2^87 shares of a side, so a half never overflows.
abstract contract Positions is ERC6909 {
    uint256 private constant HALF_BITS = 128;
    uint256 private constant HALF_MAX = (1 << HALF_BITS) - 1;

    mapping(uint256 epochKey => mapping(address account => uint256 packed)) private _positions;

    /// @notice The shares of `owner` in the position `id`; 0 for an id that is no position.
    function balanceOf(address owner, uint256 id) public view override returns (uint256) {
        return PositionId.isPosition(id) ? _half(_positions[PositionId.keyOf(id)][owner], id) : 0;
    }

    /// @dev Both sides of an account's position.
    function _sharesOf(uint256 key, address account) internal view returns (uint256 yesShares, uint256 noShares) {
        uint256 packed = _positions[key][account];
        return (packed & HALF_MAX, packed >> HALF_BITS);
    }

    /// @dev Takes all shares of an account in an epoch.
    function _burnAll(uint256 key, address account) internal returns (uint256 yesShares, uint256 noShares) {
        (yesShares, noShares) = _sharesOf(key, account);
        delete _positions[key][account];
        if (yesShares != 0) {
            emit Transfer(msg.sender, account, address(0), PositionId.idOf(key, Side.YES), yesShares);
        }
        if (noShares != 0) emit Transfer(msg.sender, account, address(0), PositionId.idOf(key, Side.NO), noShares);
    }

    /// @dev Every mint, burn and transfer of single shares comes through here. Ids are positions: mints make them from
    /// epoch keys, and nothing else has a balance to move.
    function _update(address from, address to, uint256 id, uint256 amount) internal override {
        uint256 key = PositionId.keyOf(id);
        uint256 unit = PositionId.isNo(id) ? 1 << HALF_BITS : 1;
        if (from != address(0)) {
            uint256 held = balanceOf(from, id);
            if (held < amount) revert ERC6909InsufficientBalance(from, held, amount, id);
            unchecked {
                _positions[key][from] -= amount * unit;
            }
        }
        // An amount that is not held has been refused above, or is minted against collateral: no half can overflow.
        if (to != address(0) && amount != 0) {
            unchecked {
                _positions[key][to] += amount * unit;
            }
        }
        emit Transfer(msg.sender, from, to, id, amount);
    }

    function _half(uint256 packed, uint256 id) private pure returns (uint256) {
        return PositionId.isNo(id) ? packed >> HALF_BITS : packed & HALF_MAX;
    }
}
