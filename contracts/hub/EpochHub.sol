// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {IEpochHub, Outcome, Side} from "../interfaces/IEpochHub.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {EpochState} from "../libraries/EpochState.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {HouseMaker} from "./HouseMaker.sol";
import {MarketBook} from "./MarketBook.sol";

/// @title Epoch hub
/// @notice Complete sets and their redemption, over the markets, the house and the collateral ledger. `split`, `merge`,
/// `redeem` and `withdraw` work whatever the oracle's reporters, the owner or the guardian do.
contract EpochHub is HouseMaker, Multicall {
    /// @param owner_ Names the guardian, and nothing else.
    /// @param collateralToken_ An ERC-20 of at most 18 decimals that delivers what it is told to.
    constructor(address owner_, address collateralToken_, address oracle_, address guardian_)
        MarketBook(owner_, collateralToken_, oracle_, guardian_)
    {}

    /// @inheritdoc IEpochHub
    function split(uint256 marketId, uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        uint256 key = _epochKey(marketId, epoch);
        uint256 endAt = EpochClock.endOf(_genesis(_marketSlot(marketId)), epoch);
        if (block.timestamp >= endAt) revert EpochEnded(epoch, endAt);

        EpochState state = _epochs[key];
        _debit(msg.sender, amount);
        _epochs[key] = state.withSets(state.sets() + amount);
        emit Split(marketId, epoch, msg.sender, amount);
        _mint(msg.sender, PositionId.idOf(key, Side.YES), amount);
        _mint(msg.sender, PositionId.idOf(key, Side.NO), amount);
    }

    /// @inheritdoc IEpochHub
    function merge(uint256 marketId, uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        uint256 key = _epochKey(marketId, epoch);
        _burn(msg.sender, PositionId.idOf(key, Side.YES), amount);
        _burn(msg.sender, PositionId.idOf(key, Side.NO), amount);
        EpochState state = _epochs[key];
        _epochs[key] = state.withSets(state.sets() - amount);
        _collateral[msg.sender] += amount;
        emit Merged(marketId, epoch, msg.sender, amount);
    }

    /// @inheritdoc IEpochHub
    function redeem(uint256 marketId, uint256[] calldata epochs) external nonReentrant returns (uint256) {
        return _redeem(msg.sender, marketId, epochs);
    }

    /// @inheritdoc IEpochHub
    function redeemFor(address account, uint256 marketId, uint256[] calldata epochs)
        external
        nonReentrant
        returns (uint256)
    {
        return _redeem(account, marketId, epochs);
    }

    /// @inheritdoc IEpochHub
    function positionOf(uint256 marketId, uint256 epoch, address account) external view returns (uint256, uint256) {
        return _sharesOf(_epochKey(marketId, epoch), account);
    }

    /// @inheritdoc IEpochHub
    function claimable(uint256 marketId, uint256 epoch, address account) external view returns (uint256) {
        (Outcome outcome,,) = _outcomeOf(_marketSlot(marketId), epoch);
        (uint256 yesShares, uint256 noShares) = _sharesOf(_epochKey(marketId, epoch), account);
        return Settlement.payoutDown(outcome, yesShares, noShares);
    }

    function _redeem(address account, uint256 marketId, uint256[] calldata epochs) private returns (uint256 payout) {
        MarketSlot memory slot = _marketSlot(marketId);
        bool redeemedAny = false;
        for (uint256 i; i < epochs.length; ++i) {
            uint256 epoch = epochs[i];
            (Outcome outcome,,) = _outcomeOf(slot, epoch);
            if (outcome == Outcome.OPEN) revert EpochStillOpen(marketId, epoch);
            (uint256 yesShares, uint256 noShares) = _burnAll(PositionId.epochKey(marketId, epoch), account);
            if (yesShares | noShares == 0) continue;
            uint256 paid = Settlement.payoutDown(outcome, yesShares, noShares);
            emit Redeemed(marketId, epoch, account, yesShares, noShares, paid);
            payout += paid;
            redeemedAny = true;
        }
        if (!redeemedAny) revert NothingToRedeem(account);
        if (payout != 0) _push(account, payout);
    }
}
