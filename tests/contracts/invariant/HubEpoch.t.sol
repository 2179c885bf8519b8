// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms} from "../../../contracts/interfaces/IEpochHub.sol";
import {ExpReference} from "../support/ExpReference.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {HubEpochHandler} from "./HubEpochHandler.sol";

/// @notice No free money: one epoch of a house that takes no fee and whose liquidity falls to a tenth, and people who
/// trade with it and with nobody else.
abstract contract HubEpochInvariantTest is HubFixture {
    /// Retiring rounds each side by a unit a step.
    uint256 private constant STEPS = 8;

    HubEpochHandler internal handler;
    address[] internal people;
    uint256 internal liquidity;
    uint256 internal wealth;

    constructor(uint256 liquidity_) {
        liquidity = liquidity_;
    }

    function setUp() public override {
        super.setUp();
        _useMarket(HouseTerms(liquidity, 1000, 0, 0, type(uint80).max), liquidity);
        people = [alice, bob, makeAddr("carol")];
        for (uint256 i; i < people.length; ++i) {
            _deposit(people[i], 50 * liquidity);
            wealth += _worth(people[i]);
        }
        handler = new HubEpochHandler(hub, marketId, people);
        bytes4[] memory selectors = new bytes4[](4);
        // As many buys as sales and waits together.
        selectors[0] = HubEpochHandler.buy.selector;
        selectors[1] = HubEpochHandler.buy.selector;
        selectors[2] = HubEpochHandler.sell.selector;
        selectors[3] = HubEpochHandler.wait.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// @notice The house takes its worst loss once, and the sets are its shares and the traders'. Its shares of both sides
    /// together are never fewer than it opened with: where each is one half it loses nothing, and so nobody can gain
    /// whatever the outcome.
    function invariant_NobodyGainsWithoutRisk() public view {
        uint256 opening = _opening();
        assertEq(liquidity - opening, hub.market(marketId).houseBudget, "what the opening took");
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        assertGe(houseYes + houseNo + 2 * STEPS, 2 * opening, "worth of the house's shares in a void");
        uint256 yesSum = houseYes;
        uint256 noSum = houseNo;
        for (uint256 i; i < people.length; ++i) {
            (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, 1, people[i]);
            yesSum += yesShares;
            noSum += noShares;
        }
        assertEq(sets, yesSum, "YES of the sets");
        assertEq(sets, noSum, "NO of the sets");
    }

    /// @notice However the epoch ends, and who knew it: all traders together gain what the house loses, to the unit, and
    /// that is no more than it took when it opened.
    function afterInvariant() public {
        uint256 opening = _opening();
        if (opening == 0) return;
        _checkRule();
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            _resolve(1, PRICE, PRICE + 1 - i);
            uint256 back = hub.settleHouse(marketId, _one(1));
            uint256 after_;
            for (uint256 j; j < people.length; ++j) {
                if (hub.claimable(marketId, 1, people[j]) != 0) hub.redeemFor(people[j], marketId, _one(1));
                after_ += _worth(people[j]);
            }
            assertLe(after_, wealth + opening, "gain of all traders");
            // A void leaves half a unit with each of them and with the house.
            uint256 dust = i == 1 ? (people.length + 1) / 2 : 0;
            assertLe(after_ + back, wealth + opening, "what came out");
            assertGe(after_ + back + dust, wealth + opening, "what came out");
            vm.revertToState(snapshot);
        }
    }

    /// @dev By the scoring rule of the liquidity at the opening all that the house holds covers what it may owe.
    function _checkRule() private view {
        (, uint256 houseYes, uint256 houseNo,) = hub.epochState(marketId, 1);
        uint256 sum = ExpReference.sumOf(_openingLiquidity(), houseYes + STEPS, houseNo + STEPS, 0);
        assertLe(sum, ExpReference.UNIT + 2 * ExpReference.ERROR, "cost of the house's shares");
    }

    /// @dev b·ln 2 of the step in which the house opened, rounded up; 0 if it has not.
    function _opening() private view returns (uint256) {
        return handler.openedAt() == 0 ? 0 : (_openingLiquidity() * 693147180559945310 - 1) / 1e18 + 1;
    }

    function _openingLiquidity() private view returns (uint256) {
        return liquidity * (80_000 - 9000 * ((handler.openedAt() - GENESIS) / 30)) / 80_000;
    }

    function _worth(address account) private view returns (uint256) {
        return token.balanceOf(account) + hub.collateralOf(account);
    }
}

contract HubEpoch18InvariantTest is HubEpochInvariantTest {
    constructor() HubFixture(18) HubEpochInvariantTest(1000e18) {}
}

/// @notice The least liquidity, where rounding is coarsest.
contract HubEpoch6InvariantTest is HubEpochInvariantTest {
    constructor() HubFixture(6) HubEpochInvariantTest(1e7) {}
}
