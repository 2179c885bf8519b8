// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms} from "../../../contracts/interfaces/IEpochHub.sol";
import {SlotModel} from "./SlotModel.sol";

/// @title Hub model
/// @notice What a hub's events say that it holds, and the word that each of its slots should be.
/// @dev The storage's layout is written here as the compiler prints it; nothing is read from any contract.
abstract contract HubModel is SlotModel {
    struct Account {
        uint256 collateral;
        uint256 tradingUntil;
        uint256 nonceFloor;
        uint256 nextFloor;
        uint256 nextFloorAt;
    }

    struct Release {
        uint256 amount;
        uint256 readyAt;
    }

    struct OrderState {
        uint256 filled;
        uint256 cancelledAt;
        bool registered;
    }

    struct Epoch {
        uint256 sets;
        uint256 quotedYes;
        uint256 quotedNo;
        uint256 step;
        bool settled;
        uint256 retiredYes;
        uint256 retiredNo;
    }

    struct MarketInfo {
        address facade;
        address creator;
        bytes32 feed;
        string symbol;
        uint256 genesis;
        HouseTerms terms;
    }

    struct Budget {
        uint256 available;
        uint256 daily;
        uint256 spent;
        uint256 day;
    }

    uint256 internal constant HALF = 128;

    address public immutable hub;
    address public immutable oracle;
    address public immutable factory;

    address public owner;
    address public pendingOwner;
    address public guardian;
    bool public tradingPaused;
    uint256 public liabilities;
    uint256 public marketCount;
    mapping(address account => Account) public accounts;
    mapping(address account => mapping(uint256 id => Release)) public releases;
    mapping(address account => mapping(uint256 id => uint256)) public shares;
    mapping(address owner => mapping(address spender => bool)) public isOperator;
    mapping(address owner => mapping(address spender => mapping(uint256 id => uint256))) public allowance;
    mapping(address account => bool) public isMatchOperator;
    mapping(bytes32 orderHash => OrderState) public orders;
    mapping(uint256 epochKey => Epoch) public epochs;
    mapping(uint256 marketId => MarketInfo) internal _markets;
    mapping(uint256 marketId => Budget) public budgets;
    mapping(bytes32 feed => uint256) public feedIndex;

    constructor(address hub_, address oracle_, address factory_) {
        (hub, oracle, factory) = (hub_, oracle_, factory_);
    }

    function marketInfo(uint256 marketId) external view returns (MarketInfo memory) {
        return _markets[marketId];
    }

    // ------------------------------------------------------------------ slots, by their place in the layout

    function _putRoles() internal {
        _put(3, uint160(owner));
        _put(4, uint160(pendingOwner));
        _put(5, liabilities | (tradingPaused ? 1 << 112 : 0));
        _put(6, uint160(guardian));
        _put(12, marketCount);
    }

    function _putAccount(address account) internal {
        Account memory state = accounts[account];
        uint256 word = state.collateral | (state.tradingUntil << 112) | (state.nonceFloor << 152)
            | (state.nextFloor << 184) | (state.nextFloorAt << 216);
        _putAt(_mapped(7, uint160(account)), word);
    }

    function _putRelease(address account, uint256 id) internal {
        Release memory release = releases[account][id];
        _putAt(_within(_mapped(8, uint160(account)), id), release.amount | (release.readyAt << HALF));
    }

    function _putPosition(address account, uint256 id) internal {
        uint256 yesId = id - (id & 1);
        uint256 word = shares[account][yesId] | (shares[account][yesId + 1] << HALF);
        _putAt(_within(_mapped(9, id >> 8), uint160(account)), word);
    }

    function _putOperator(address account, address spender) internal {
        _putAt(_within(_mapped(1, uint160(account)), uint160(spender)), isOperator[account][spender] ? 1 : 0);
    }

    function _putAllowance(address account, address spender, uint256 id) internal {
        bytes32 slot = _within(_within(_mapped(2, uint160(account)), uint160(spender)), id);
        _putAt(slot, allowance[account][spender][id]);
    }

    function _putMatchOperator(address account) internal {
        _putAt(_mapped(10, uint160(account)), isMatchOperator[account] ? 1 : 0);
    }

    function _putOrder(bytes32 orderHash) internal {
        OrderState memory state = orders[orderHash];
        uint256 word = state.filled | (state.cancelledAt << HALF) | (state.registered ? 1 << 192 : 0);
        _putAt(_mapped(11, uint256(orderHash)), word);
    }

    function _putEpoch(uint256 key) internal {
        Epoch memory state = epochs[key];
        uint256 word = state.quotedNo | (state.quotedYes << 83) | (state.sets << 166) | (state.step << 251)
            | (state.settled ? 1 << 255 : 0);
        _putAt(_mapped(15, key), word);
        _putAt(_mapped(17, key), state.retiredYes | (state.retiredNo << HALF));
    }

    function _putBudget(uint256 marketId) internal {
        Budget memory budget = budgets[marketId];
        uint256 word = budget.available | (budget.daily << 80) | (budget.spent << 160) | (budget.day << 240);
        _putAt(_mapped(16, marketId), word);
    }

    function _putMarket(uint256 marketId) internal {
        MarketInfo memory info = _markets[marketId];
        uint256 word = (info.genesis / 300) | (info.terms.liquidity << 32) | (feedIndex[info.feed] << 112)
            | (info.terms.feeBps << 136) | (info.terms.closingFeeBps << 152) | (info.terms.closingLiquidityBps << 168);
        _putAt(_mapped(13, marketId), word);
        _putAt(_mapped(14, marketId), uint160(info.creator));
        // The factory's: a feed, and a string of at most 31 bytes with twice its length in the last.
        bytes32 slot = _mapped(0, marketId);
        _explain(factory, slot, info.feed);
        _explain(
            factory, bytes32(uint256(slot) + 1), bytes32(bytes(info.symbol)) | bytes32(2 * bytes(info.symbol).length)
        );
    }

    function _put(uint256 slot, uint256 word) private {
        _putAt(bytes32(slot), word);
    }

    function _putAt(bytes32 slot, uint256 word) private {
        _explain(hub, slot, bytes32(word));
    }
}
