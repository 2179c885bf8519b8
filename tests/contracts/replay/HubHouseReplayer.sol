// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {HouseTerms, IEpochHub} from "../../../contracts/interfaces/IEpochHub.sol";
import {HubModel} from "./HubModel.sol";

/// @title Hub house replayer
/// @notice The part of a replay that markets and their houses speak of.
abstract contract HubHouseReplayer is HubModel {
    /// @dev What `MarketCreated` says beside its topics.
    struct Created {
        address creator;
        string symbol;
        uint256 genesis;
        uint256 liquidity;
        uint256 feeBps;
        uint256 closingLiquidityBps;
        uint256 closingFeeBps;
        uint256 dailyBudget;
    }

    function _house(Vm.Log memory log, bytes32 topic, uint256 blockTime) internal returns (bool) {
        if (topic == IEpochHub.MarketCreated.selector) _created(log);
        else if (topic == IEpochHub.Bought.selector) _bought(log, blockTime);
        else if (topic == IEpochHub.Sold.selector) _sold(log, blockTime);
        else if (topic == IEpochHub.HouseOpened.selector) _opened(log, blockTime);
        else if (topic == IEpochHub.HouseRetired.selector) _retired(log);
        else if (topic == IEpochHub.HouseSettled.selector) _settled(log, blockTime);
        else return _budget(log, topic);
        return true;
    }

    function _created(Vm.Log memory log) private {
        uint256 marketId = uint256(log.topics[1]);
        MarketInfo storage info = _markets[marketId];
        (info.facade, info.feed) = (_address(log, 2), log.topics[3]);
        // The fields of an event lie as those of a struct do, but for the word that says where it begins.
        Created memory told = abi.decode(bytes.concat(bytes32(uint256(0x20)), log.data), (Created));
        (info.creator, info.symbol, info.genesis) = (told.creator, told.symbol, told.genesis);
        info.terms = HouseTerms({
            liquidity: told.liquidity,
            closingLiquidityBps: told.closingLiquidityBps,
            feeBps: told.feeBps,
            closingFeeBps: told.closingFeeBps,
            dailyBudget: told.dailyBudget
        });
        marketCount = marketId;
        budgets[marketId].daily = info.terms.dailyBudget;
        _putMarket(marketId);
        _putBudget(marketId);
    }

    function _bought(Vm.Log memory log, uint256 blockTime) private {
        (uint8 side, uint256 amount,, uint256 shares, bool wallet) =
            abi.decode(log.data, (uint8, uint256, uint256, uint256, bool));
        Epoch storage epoch = epochs[_key(log)];
        epoch.sets += amount;
        epoch.quotedYes += amount;
        epoch.quotedNo += amount;
        if (side == 0) epoch.quotedYes -= shares;
        else epoch.quotedNo -= shares;
        epoch.step = _step(log, blockTime);
        if (wallet) liabilities += amount;
        else accounts[_address(log, 3)].collateral -= amount;
        _putTrade(log);
    }

    function _sold(Vm.Log memory log, uint256 blockTime) private {
        (uint8 side, uint256 shares,, uint256 amount, bool wallet) =
            abi.decode(log.data, (uint8, uint256, uint256, uint256, bool));
        Epoch storage epoch = epochs[_key(log)];
        epoch.sets -= amount;
        if (side == 0) epoch.quotedYes += shares;
        else epoch.quotedNo += shares;
        epoch.quotedYes -= amount;
        epoch.quotedNo -= amount;
        epoch.step = _step(log, blockTime);
        if (wallet) liabilities -= amount;
        else accounts[_address(log, 3)].collateral += amount;
        _putTrade(log);
    }

    function _putTrade(Vm.Log memory log) private {
        _putEpoch(_key(log));
        _putAccount(_address(log, 3));
    }

    function _opened(Vm.Log memory log, uint256 blockTime) private {
        uint256 amount = abi.decode(log.data, (uint256));
        Epoch storage epoch = epochs[_key(log)];
        epoch.sets += amount;
        (epoch.quotedYes, epoch.quotedNo) = (amount, amount);
        _putEpoch(_key(log));

        Budget storage budget = budgets[uint256(log.topics[1])];
        budget.available -= amount;
        budget.spent = _spentOn(budget, blockTime) + amount;
        budget.day = blockTime / 1 days;
        _putBudget(uint256(log.topics[1]));
    }

    function _retired(Vm.Log memory log) private {
        (uint256 step, uint256 yesShares, uint256 noShares) = abi.decode(log.data, (uint256, uint256, uint256));
        Epoch storage epoch = epochs[_key(log)];
        epoch.step = step;
        epoch.quotedYes -= yesShares;
        epoch.quotedNo -= noShares;
        epoch.retiredYes += yesShares;
        epoch.retiredNo += noShares;
        _putEpoch(_key(log));
    }

    function _settled(Vm.Log memory log, uint256 blockTime) private {
        (,, uint256 payout) = abi.decode(log.data, (uint256, uint256, uint256));
        epochs[_key(log)].settled = true;
        _putEpoch(_key(log));

        Budget storage budget = budgets[uint256(log.topics[1])];
        uint256 spent = _spentOn(budget, blockTime);
        budget.available += payout;
        budget.spent = spent > payout ? spent - payout : 0;
        budget.day = blockTime / 1 days;
        _putBudget(uint256(log.topics[1]));
    }

    function _budget(Vm.Log memory log, bytes32 topic) private returns (bool) {
        uint256 marketId = _word(log, 1);
        if (topic == IEpochHub.HouseFunded.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            budgets[marketId].available += amount;
            accounts[_address(log, 2)].collateral -= amount;
            _putAccount(_address(log, 2));
        } else if (topic == IEpochHub.HouseDefunded.selector) {
            uint256 amount = abi.decode(log.data, (uint256));
            budgets[marketId].available -= amount;
            accounts[_address(log, 2)].collateral += amount;
            _putAccount(_address(log, 2));
        } else if (topic == IEpochHub.HouseDailyBudgetSet.selector) {
            budgets[marketId].daily = abi.decode(log.data, (uint256));
        } else {
            return false;
        }
        _putBudget(marketId);
        return true;
    }

    function _spentOn(Budget storage budget, uint256 blockTime) private view returns (uint256) {
        return budget.day == blockTime / 1 days ? budget.spent : 0;
    }

    /// @dev The step of 30 s of the window in which a trade was made; the last one lasts to the window's end.
    function _step(Vm.Log memory log, uint256 blockTime) private view returns (uint256) {
        uint256 startAt = _markets[uint256(log.topics[1])].genesis + (uint256(log.topics[2]) - 1) * 300;
        uint256 step = (blockTime - startAt) / 30;
        return step < 8 ? step : 8;
    }

    function _key(Vm.Log memory log) internal pure returns (uint256) {
        return (_word(log, 1) << 56) | _word(log, 2);
    }
}
