// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Outcome} from "../../../contracts/interfaces/IEpochHub.sol";
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
    mapping(uint256 marketId => uint256) public openings;
    mapping(uint256 marketId => mapping(uint256 epoch => Gone)) public gone;
    mapping(uint256 marketId => mapping(uint256 epoch => bool)) private _isTouched;
    Epoch[] private _epochs;

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

    function _noteOpening(uint256 marketId, uint256 epoch) internal {
        (, uint256 houseYes,,) = hub.epochState(marketId, epoch);
        if (houseYes == 0) ++openings[marketId];
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

    function _outcome(uint256 marketId, uint256 epoch) internal view returns (Outcome outcome) {
        (outcome,,) = hub.outcomeOf(marketId, epoch);
    }

    function _one(uint256 value) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = value;
    }
}
