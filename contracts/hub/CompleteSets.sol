// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICompleteSets, Side} from "../interfaces/ICompleteSets.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {OrderBook} from "./OrderBook.sol";

/// @title Complete sets
/// @notice Sets are made of collateral, taken apart into it, and paid out when their question is answered. None of this
/// asks the owner, the guardian or an operator.
abstract contract CompleteSets is ICompleteSets, OrderBook {
    /// @inheritdoc ICompleteSets
    function split(uint256 marketId, uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        uint256 key = _tradableKey(marketId, epoch);
        _spendCollateral(msg.sender, amount);
        _addSets(key, amount);
        emit Split(marketId, epoch, msg.sender, amount);
        _mint(msg.sender, PositionId.idOf(key, Side.YES), amount);
        _mint(msg.sender, PositionId.idOf(key, Side.NO), amount);
    }

    /// @inheritdoc ICompleteSets
    function merge(uint256 marketId, uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        uint256 key = _knownKey(marketId, epoch);
        _burn(msg.sender, PositionId.idOf(key, Side.YES), amount);
        _burn(msg.sender, PositionId.idOf(key, Side.NO), amount);
        _removeSets(key, amount);
        _credit(msg.sender, amount);
        emit Merged(marketId, epoch, msg.sender, amount);
    }

    /// @inheritdoc ICompleteSets
    function redeem(uint256 marketId, uint256[] calldata epochs) external nonReentrant returns (uint256) {
        return _redeem(msg.sender, marketId, epochs);
    }

    /// @inheritdoc ICompleteSets
    function redeemFor(address account, uint256 marketId, uint256[] calldata epochs)
        external
        nonReentrant
        returns (uint256)
    {
        return _redeem(account, marketId, epochs);
    }

    /// @inheritdoc ICompleteSets
    function positionOf(uint256 marketId, uint256 epoch, address account) external view returns (uint256, uint256) {
        return _sharesOf(_knownKey(marketId, epoch), account);
    }

    /// @inheritdoc ICompleteSets
    function claimable(uint256 marketId, uint256 epoch, address account) external view returns (uint256 payout) {
        (uint256 yesShares, uint256 noShares) = _sharesOf(_knownKey(marketId, epoch), account);
        (, payout) = _payoutDown(_termsWord(marketId), marketId, epoch, yesShares, noShares);
    }

    /// @dev The key of an epoch that there is, ended or not.
    function _knownKey(uint256 marketId, uint256 epoch) internal view virtual returns (uint256 key);

    /// @dev What `_payoutDown` needs of a market and is the same for all its epochs.
    function _termsWord(uint256 marketId) internal view virtual returns (uint256 terms);

    /// @dev What shares are worth, rounded down; nothing unless the question is answered.
    function _payoutDown(uint256 terms, uint256 marketId, uint256 epoch, uint256 yesShares, uint256 noShares)
        internal
        view
        virtual
        returns (bool answered, uint256 payout);

    function _redeem(address account, uint256 marketId, uint256[] calldata epochs) private returns (uint256 payout) {
        uint256 terms = _termsWord(marketId);
        bool redeemedAny = false;
        for (uint256 i; i < epochs.length; ++i) {
            uint256 epoch = epochs[i];
            (uint256 yesShares, uint256 noShares) = _burnAll(PositionId.epochKey(marketId, epoch), account);
            (bool answered, uint256 paid) = _payoutDown(terms, marketId, epoch, yesShares, noShares);
            if (!answered) revert EpochStillOpen(marketId, epoch);
            // slither-disable-next-line incorrect-equality -- nothing held, nothing to pay
            if (yesShares | noShares == 0) continue;
            emit Redeemed(marketId, epoch, account, yesShares, noShares, paid);
            payout += paid;
            redeemedAny = true;
        }
        if (!redeemedAny) revert NothingToRedeem(account);
        if (payout != 0) _push(account, payout);
    }
}
