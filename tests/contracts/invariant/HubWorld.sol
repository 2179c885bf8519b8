// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Market, Outcome} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {IHub, IOracle, IToken} from "../support/Kit.sol";

/// @title Hub world
/// @notice The people and markets around a hub, and what an honest book-keeper beside it would have written down.
abstract contract HubWorld is Test {
    struct Setup {
        IHub hub;
        IToken token;
        IOracle oracle;
        address adapter;
        address guardian;
        address creator;
        address[] actors;
        uint256[] markets;
        uint256 one;
    }

    struct Epoch {
        uint256 marketId;
        uint256 epoch;
    }

    /// @notice What has left an epoch: shares given up, and what was paid for them.
    struct Gone {
        uint256 yesShares;
        uint256 noShares;
        uint256 paid;
    }

    /// @notice What somebody has who does not act.
    struct Watch {
        address account;
        uint256 marketId;
        uint256 epoch;
        uint256[5] wealth;
    }

    IHub internal hub;
    IToken internal token;
    IOracle internal oracle;
    address internal adapter;
    address internal guardian;
    address internal creator;
    uint256 internal one;
    address[] internal actors;
    uint256[] internal markets;

    uint256 public donated;
    mapping(uint256 marketId => uint256) public givenToHouse;
    mapping(uint256 marketId => uint256) public takenFromHouse;
    /// What a market's openings have taken out of its budget.
    mapping(uint256 marketId => uint256) public opened;
    /// The liquidity that an epoch's house opened with.
    mapping(uint256 marketId => mapping(uint256 epoch => uint256)) public openingLiquidity;
    mapping(uint256 marketId => mapping(uint256 epoch => Gone)) public gone;
    mapping(uint256 marketId => mapping(uint256 epoch => bool)) private _isTouched;
    Epoch[] private _epochs;
    Watch private _watched;

    /// @dev Whoever does not act loses nothing by it: no shares, no collateral, no tokens, and no claim on an epoch. Looks at
    /// one person and one epoch, chosen by the call's data; whose turn it is, if anybody's, is its first word.
    modifier leavesOthersAlone() {
        _watch(uint256(keccak256(msg.data)), _actor(uint256(bytes32(msg.data[4:36]))));
        _;
        _assertNothingLost();
    }

    constructor(Setup memory setup) {
        (hub, token, oracle) = (setup.hub, setup.token, setup.oracle);
        (adapter, guardian, creator) = (setup.adapter, setup.guardian, setup.creator);
        (actors, markets, one) = (setup.actors, setup.markets, setup.one);
    }

    /// @notice How many epochs anybody has ever held shares of.
    function touchedCount() public view returns (uint256) {
        return _epochs.length;
    }

    function touchedAt(uint256 index) public view returns (uint256 marketId, uint256 epoch) {
        return (_epochs[index].marketId, _epochs[index].epoch);
    }

    function _watch(uint256 seed, address actor) private {
        address account = _actor(seed);
        if (account == actor) account = _actor(seed + 1);
        if (_epochs.length == 0) return;
        (uint256 marketId, uint256 epoch) = _touched(seed >> 8);
        _watched = Watch(account, marketId, epoch, _wealthOf(account, marketId, epoch));
    }

    function _assertNothingLost() private {
        Watch memory watched = _watched;
        if (watched.account == address(0)) return;
        delete _watched;
        uint256[5] memory wealth = _wealthOf(watched.account, watched.marketId, watched.epoch);
        for (uint256 i; i < wealth.length; ++i) {
            assertGe(wealth[i], watched.wealth[i], "what others have");
        }
    }

    function _wealthOf(address account, uint256 marketId, uint256 epoch)
        private
        view
        returns (uint256[5] memory wealth)
    {
        (wealth[0], wealth[1]) = hub.positionOf(marketId, epoch, account);
        (wealth[2], wealth[3]) = (hub.collateralOf(account), token.balanceOf(account));
        wealth[4] = hub.claimable(marketId, epoch, account);
    }

    function _touched(uint256 seed) internal view returns (uint256 marketId, uint256 epoch) {
        // The later half only: earlier epochs have mostly been dealt with.
        uint256 count = _epochs.length;
        return touchedAt(count - 1 - seed % ((count + 1) / 2));
    }

    function _touch(uint256 marketId, uint256 epoch) internal {
        if (_isTouched[marketId][epoch]) return;
        _isTouched[marketId][epoch] = true;
        _epochs.push(Epoch(marketId, epoch));
    }

    /// @dev To be called before a trade: if the house opens with it, this is what it must take.
    function _noteOpening(uint256 marketId, uint256 epoch) internal {
        if (openingLiquidity[marketId][epoch] != 0) return;
        Market memory market = hub.market(marketId);
        uint256 liquidity = _liquidityAt(market, (block.timestamp - market.genesis) % 300 / 30);
        openingLiquidity[marketId][epoch] = liquidity;
        opened[marketId] += (liquidity * 693147180559945310 - 1) / 1e18 + 1;
    }

    function _noteRedeemed(uint256 marketId, uint256 epoch, uint256 yesShares, uint256 noShares, uint256 paid)
        internal
    {
        gone[marketId][epoch].yesShares += yesShares;
        gone[marketId][epoch].noShares += noShares;
        _notePaid(marketId, epoch, paid);
    }

    function _notePaid(uint256 marketId, uint256 epoch, uint256 paid) internal {
        gone[marketId][epoch].paid += paid;
    }

    function _actor(uint256 seed) internal view returns (address) {
        return actors[seed % actors.length];
    }

    function _market(uint256 seed) internal view returns (uint256) {
        return markets[seed % markets.length];
    }

    function _facade(uint256 marketId) internal view returns (IMarketFacade) {
        return IMarketFacade(hub.facadeOf(marketId));
    }

    function _tradingActive(uint256 marketId) internal view returns (bool active) {
        (,,, active,,,,) = _facade(marketId).getCurrentStatus();
    }

    function _outcome(uint256 marketId, uint256 epoch) internal view returns (Outcome outcome) {
        (outcome,,) = hub.outcomeOf(marketId, epoch);
    }

    /// @dev The liquidity of a market in a step, rounded down.
    function _liquidityAt(Market memory market, uint256 step) internal pure returns (uint256) {
        return market.liquidity * (80_000 - (10_000 - market.closingLiquidityBps) * step) / 80_000;
    }

    function _one(uint256 value) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = value;
    }
}
