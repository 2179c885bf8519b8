// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IHub} from "../support/Kit.sol";

/// @title Epoch handler
/// @notice Several people who trade with the house of one epoch and do nothing else, at any instants of its window.
contract HubEpochHandler is Test {
    IHub internal hub;
    uint256 internal marketId;
    uint256 internal genesis;
    uint256 internal liquidity;
    address[] internal actors;

    /// When the house opened; 0 before.
    uint256 public openedAt;

    constructor(IHub hub_, uint256 marketId_, address[] memory actors_) {
        (hub, marketId, actors) = (hub_, marketId_, actors_);
        genesis = hub_.market(marketId_).genesis;
        liquidity = hub_.market(marketId_).liquidity;
    }

    function buy(uint256 actorSeed, bool no, uint256 amount, uint8 scale) external {
        address actor = actors[actorSeed % actors.length];
        uint256 balance = hub.collateralOf(actor);
        amount = bound(amount, 1, 1 + (4 * liquidity >> scale % 24));
        if (amount > balance) amount = balance;
        Side side = no ? Side.NO : Side.YES;
        (uint256 shares,) = hub.quoteBuy(marketId, side, amount);
        if (shares == 0) return;
        vm.prank(actor);
        assertEq(shares, hub.buy(marketId, side, amount, 0, 1, block.timestamp), "shares as quoted");
        if (openedAt == 0) openedAt = block.timestamp;
    }

    function sell(uint256 actorSeed, bool no, uint256 shares, uint8 scale) external {
        address actor = actors[actorSeed % actors.length];
        (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, actor);
        uint256 held = no ? noShares : yesShares;
        if (held == 0) return;
        // As often all as a part.
        shares = scale % 2 == 0 ? held : bound(shares, 1, 1 + (held - 1 >> scale % 24));
        Side side = no ? Side.NO : Side.YES;
        (uint256 amount,) = hub.quoteSell(marketId, side, shares);
        if (amount == 0) return;
        vm.prank(actor);
        assertEq(amount, hub.sell(marketId, side, shares, 0, 1, block.timestamp), "amount as quoted");
    }

    function wait(uint256 time) external {
        uint256 next = block.timestamp + bound(time, 1, 30);
        vm.warp(next < genesis + 270 ? next : genesis + 269);
    }
}
