// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HouseTerms, Outcome} from "../../../contracts/interfaces/IEpochHub.sol";
import {ExpReference} from "../support/ExpReference.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {Status} from "../support/Kit.sol";
import {HubHandler} from "./HubHandler.sol";
import {HubWorld} from "./HubWorld.sol";

/// @notice What holds of a hub after anything that anybody does. Two markets, of which one has a feed that is soon void.
abstract contract HubInvariantTest is HubFixture {
    bytes32 internal constant QUICK_FEED = "ETH/USD";

    HubHandler internal handler;
    address[] internal people;
    uint256[] internal markets;

    function setUp() public override {
        super.setUp();
        vm.prank(owner);
        oracle.registerFeed(QUICK_FEED, address(adapter), 300);
        vm.prank(creator);
        (uint256 second,) = hub.createMarket(QUICK_FEED, "ETH", GENESIS, HouseTerms(50 * ONE, 1000, 0, 300, 200 * ONE));
        _deposit(creator, BUDGET);
        vm.prank(creator);
        hub.fundHouse(second, BUDGET);
        markets = [marketId, second];

        people = [alice, bob, makeAddr("carol"), creator];
        for (uint256 i; i < people.length; ++i) {
            vm.prank(people[i]);
            token.approve(address(hub), NEVER);
        }
        handler = new HubHandler(
            HubWorld.Setup({
                hub: hub,
                token: token,
                oracle: oracle,
                adapter: address(adapter),
                guardian: guardian,
                creator: creator,
                actors: people,
                markets: markets,
                one: ONE
            })
        );
        // The handler mints what its actors bring.
        token.transferOwnership(address(handler));
        _target();
    }

    /// @notice Holds after every call, beside what the handler asserts of the call itself.
    function invariant_HubIsSound() public view {
        _checkReserveCoversLiabilities();
        _checkPricesAddUp();
    }

    /// @notice What would not heal by itself is looked for at the end of every sequence. Then everybody can leave with
    /// everything: nothing stays but gifts and the halves of void epochs.
    function afterInvariant() public {
        _checkLiabilitiesAreTheSumOfTheirParts();
        for (uint256 i; i < handler.touchedCount(); ++i) {
            (uint256 id, uint256 epoch) = handler.touchedAt(i);
            _checkSharesAreCompleteSets(id, epoch);
            _checkEpochCoversItsClaims(id, epoch);
            _checkHouseNeverSellsBelowCost(id, epoch);
        }
        _checkBudgetsPayForOpeningsOnly();
        _checkFacadesHoldNothing();

        handler.everybodyLeaves();
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        assertEq(liabilities + handler.donated(), reserve, "reserve");
        assertLe(liabilities, handler.touchedCount() * (people.length + 1), "what stays");
    }

    /// @dev The prices of a market's two sides come to one.
    function _checkPricesAddUp() private view {
        for (uint256 i; i < markets.length; ++i) {
            Status memory status = _status(markets[i]);
            assertEq(1e18, status.yesPrice + status.noPrice, "prices");
        }
    }

    /// @dev The hub holds what it owes and what was given away to it, to the unit.
    function _checkReserveCoversLiabilities() private view {
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        assertEq(liabilities + handler.donated(), reserve, "reserve");
    }

    /// @dev What the hub owes is what balances, budgets and epochs add up to.
    function _checkLiabilitiesAreTheSumOfTheirParts() private view {
        uint256 sum;
        for (uint256 i; i < people.length; ++i) {
            sum += hub.collateralOf(people[i]);
        }
        for (uint256 i; i < markets.length; ++i) {
            sum += hub.market(markets[i]).houseBudget;
        }
        for (uint256 i; i < handler.touchedCount(); ++i) {
            (uint256 id, uint256 epoch) = handler.touchedAt(i);
            sum += _pot(id, epoch);
        }
        (, uint256 liabilities,) = hub.reserveStatus();
        assertEq(sum, liabilities, "sum of the liabilities");
    }

    /// @dev Every epoch has as many YES as NO as sets: with traders, with the house, or redeemed.
    function _checkSharesAreCompleteSets(uint256 id, uint256 epoch) private view {
        (uint256 sets, uint256 yesSum, uint256 noSum,) = hub.epochState(id, epoch);
        for (uint256 j; j < people.length; ++j) {
            (uint256 yesShares, uint256 noShares) = hub.positionOf(id, epoch, people[j]);
            yesSum += yesShares;
            noSum += noShares;
        }
        (uint256 yesGone, uint256 noGone,) = handler.gone(id, epoch);
        assertEq(sets, yesSum + yesGone, "YES of the sets");
        assertEq(sets, noSum + noGone, "NO of the sets");
    }

    /// @dev What is left of an ended epoch's collateral pays everyone who has not redeemed yet, the house included.
    function _checkEpochCoversItsClaims(uint256 id, uint256 epoch) private view {
        (Outcome outcome,,) = hub.outcomeOf(id, epoch);
        if (outcome == Outcome.OPEN) return;
        uint256 claims;
        for (uint256 j; j < people.length; ++j) {
            claims += hub.claimable(id, epoch, people[j]);
        }
        (, uint256 houseYes, uint256 houseNo, bool settled) = hub.epochState(id, epoch);
        if (!settled && outcome == Outcome.YES) claims += houseYes;
        if (!settled && outcome == Outcome.NO) claims += houseNo;
        if (!settled && outcome == Outcome.VOID) claims += (houseYes + houseNo) / 2;
        assertGe(_pot(id, epoch), claims, "claims on the epoch");
    }

    /// @dev The house never sold below cost: by the scoring rule of the liquidity that it opened with it holds what it may
    /// come to owe, whatever it has retired since. Retiring rounds by a unit a step.
    function _checkHouseNeverSellsBelowCost(uint256 id, uint256 epoch) private view {
        (uint256 quotedYes, uint256 quotedNo, uint256 retiredYes, uint256 retiredNo,) = hub.houseState(id, epoch);
        uint256 liquidity = handler.openingLiquidity(id, epoch);
        assertEq(liquidity == 0, quotedYes == 0, "the house has opened");
        if (liquidity == 0) return;
        assertGt(quotedNo, 0, "NO of the house");
        uint256 sum = ExpReference.sumOf(liquidity, quotedYes + retiredYes + 8, quotedNo + retiredNo + 8, 0);
        assertLe(sum, ExpReference.UNIT + 2 * ExpReference.ERROR, "cost of the house's shares");
    }

    /// @dev A budget never falls by more than the openings that it paid for and what its creator took.
    function _checkBudgetsPayForOpeningsOnly() private view {
        for (uint256 i; i < markets.length; ++i) {
            uint256 left =
                hub.market(markets[i]).houseBudget + handler.takenFromHouse(markets[i]) + handler.opened(markets[i]);
            assertGe(left, BUDGET + handler.givenToHouse(markets[i]), "house budget");
        }
    }

    /// @dev Facades hold nothing.
    function _checkFacadesHoldNothing() private view {
        for (uint256 i; i < markets.length; ++i) {
            assertEq(0, token.balanceOf(hub.facadeOf(markets[i])), "balance of a facade");
        }
    }

    /// @dev Collateral of an epoch: its sets less what was paid for shares of it.
    function _pot(uint256 id, uint256 epoch) private view returns (uint256) {
        (uint256 sets,,,) = hub.epochState(id, epoch);
        (,, uint256 paid) = handler.gone(id, epoch);
        return sets - paid;
    }

    function _target() private {
        // What makes everything else possible comes more often.
        bytes4[26] memory choice = [
            HubHandler.deposit.selector,
            HubHandler.withdraw.selector,
            HubHandler.split.selector,
            HubHandler.merge.selector,
            HubHandler.buy.selector,
            HubHandler.buy.selector,
            HubHandler.buy.selector,
            HubHandler.sell.selector,
            HubHandler.sell.selector,
            HubHandler.sell.selector,
            HubHandler.transferShares.selector,
            HubHandler.redeem.selector,
            HubHandler.redeem.selector,
            HubHandler.fundHouse.selector,
            HubHandler.defundHouse.selector,
            HubHandler.setDailyBudget.selector,
            HubHandler.settleHouse.selector,
            HubHandler.post.selector,
            HubHandler.resolve.selector,
            HubHandler.resolve.selector,
            HubHandler.voidBoundary.selector,
            HubHandler.warp.selector,
            HubHandler.warp.selector,
            HubHandler.warp.selector,
            HubHandler.donate.selector,
            HubHandler.pause.selector
        ];
        bytes4[] memory selectors = new bytes4[](choice.length);
        for (uint256 i; i < choice.length; ++i) {
            selectors[i] = choice[i];
        }
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }
}

contract Hub18InvariantTest is HubInvariantTest {
    constructor() HubFixture(18) {}
}

contract Hub6InvariantTest is HubInvariantTest {
    constructor() HubFixture(6) {}
}
