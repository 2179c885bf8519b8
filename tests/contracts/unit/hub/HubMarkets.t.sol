// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {VmSafe} from "forge-std/Vm.sol";

import {ICollateralLedger} from "../../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Market, Outcome, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../../contracts/interfaces/IMarketFacade.sol";
import {IMarketFactory} from "../../../../contracts/interfaces/IMarketFactory.sol";
import {IMarketRules} from "../../../../contracts/interfaces/IMarketRules.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {IHub} from "../../support/Kit.sol";

abstract contract HubMarketsTest is HubFixture {
    uint256 internal constant EPOCH_MAX = (1 << 40) - 1;

    /// @notice A new hub knows its token, its oracle, its owner and its guardian.
    function test_Constructor() public {
        vm.expectEmit(vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        emit ICollateralLedger.GuardianSet(guardian);
        IHub created = _deployHub(address(token));
        assertEq(address(token), created.collateralToken());
        assertEq(address(oracle), address(created.oracle()));
        assertEq(owner, created.owner());
        assertEq(guardian, created.guardian());
        assertEq(0, created.marketCount());
        // What a chain takes: EIP-170. Code for measuring coverage is larger.
        if (!vm.isContext(VmSafe.ForgeContext.Coverage)) assertLe(address(created).code.length, 24_576);
    }

    /// @notice A hub needs a collateral token, an oracle and an owner.
    function test_RevertWhen_ConstructedWithoutAddresses() public {
        vm.expectRevert(ICollateralLedger.ZeroAddress.selector);
        this.deploy("EpochHub.sol:EpochHub", abi.encode(owner, address(0), oracle, guardian));
        vm.expectRevert(ICollateralLedger.ZeroAddress.selector);
        this.deploy("EpochHub.sol:EpochHub", abi.encode(owner, token, address(0), guardian));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        this.deploy("EpochHub.sol:EpochHub", abi.encode(address(0), token, oracle, guardian));
    }

    /// @notice A token of more than 18 decimals is no collateral.
    function test_RevertWhen_CollateralHasTooManyDecimals() public {
        address fine = deploy("TestToken.sol:TestToken", abi.encode("Fine", "FINE", uint8(19), address(this)));
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.TooManyDecimals.selector, 19, 18));
        this.deploy("EpochHub.sol:EpochHub", abi.encode(owner, fine, oracle, guardian));
    }

    /// @notice Anyone creates a market; it has the next id, a facade of its own and what it was created with.
    function test_CreateMarket() public {
        assertEq(0, hub.facadeOf(2).code.length);
        vm.expectEmit(true, false, true, true, address(hub));
        emit IEpochHub.MarketCreated(
            2, address(0), FEED, alice, "BTC-B", GENESIS + 600, 7 * ONE, 25, 10_000, 25, type(uint80).max
        );
        vm.prank(alice);
        (uint256 id, address created) = hub.createMarket(FEED, "BTC-B", GENESIS + 600, _flat(7 * ONE, 25));

        assertEq(2, id);
        assertEq(2, hub.marketCount());
        assertEq(hub.facadeOf(2), created);
        assertGt(created.code.length, 0);
        assertEq(2, IMarketFacade(created).marketId());
        assertNotEq(address(facade), created);
        Market memory market = hub.market(2);
        assertEq(created, market.facade);
        assertEq(alice, market.creator);
        assertEq(FEED, market.feed);
        assertEq("BTC-B", market.symbol);
        assertEq(GENESIS + 600, market.genesis);
        assertEq(7 * ONE, market.liquidity);
        assertEq(25, market.feeBps);
        assertEq(0, market.houseBudget);
    }

    /// @notice The limits of every setting are themselves accepted.
    function test_CreateMarketAtTheLimits() public {
        vm.warp(GENESIS + 299);
        hub.createMarket(FEED, "B", GENESIS, _flat(1e6, 0));
        hub.createMarket(FEED, "ABCDEFGHIJKLMNOPQRSTUVWXYZ12345", GENESIS + 366 days, _flat(1 << 79, 1000));
        assertEq(3, hub.marketCount());
        assertEq(1 << 79, hub.market(3).liquidity);
        assertEq(GENESIS + 366 days, hub.market(3).genesis);
    }

    /// @notice A market needs a feed that the oracle knows.
    function test_RevertWhen_FeedIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.UnknownFeed.selector, bytes32("ETH/USD")));
        hub.createMarket("ETH/USD", "ETH", GENESIS, _flat(ONE, 0));
    }

    /// @notice A symbol has 1 to 31 bytes.
    function test_RevertWhen_SymbolLengthIsWrong() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolLength.selector, 0, 31));
        hub.createMarket(FEED, "", GENESIS, _flat(ONE, 0));
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolLength.selector, 32, 31));
        hub.createMarket(FEED, "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456", GENESIS, _flat(ONE, 0));
    }

    /// @notice A symbol is made of letters, digits and - . / _ alone, which every program can read and print.
    function test_RevertWhen_SymbolHasOtherCharacters() public {
        hub.createMarket(FEED, "BTC-1.a/Z_9", GENESIS, _flat(ONE, 0));
        string[6] memory symbols = ["B TC", "BTC\n", "BTC\"", "B,C", unicode"BTĆ", "B\x00"];
        for (uint256 i; i < symbols.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolCharacters.selector, symbols[i]));
            hub.createMarket(FEED, symbols[i], GENESIS, _flat(ONE, 0));
        }
    }

    /// @notice Epochs start on the oracle's grid.
    function test_RevertWhen_GenesisIsOffGrid() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.GenesisOffGrid.selector, GENESIS + 1, EPOCH));
        hub.createMarket(FEED, "B", GENESIS + 1, _flat(ONE, 0));
    }

    /// @notice Genesis is neither before the running epoch nor more than a year ahead.
    function test_RevertWhen_GenesisIsOutOfRange() public {
        vm.warp(GENESIS + 299);
        uint256 latest = block.timestamp + 366 days;
        vm.expectRevert(
            abi.encodeWithSelector(IMarketRules.GenesisOutOfRange.selector, GENESIS - EPOCH, GENESIS, latest)
        );
        hub.createMarket(FEED, "B", GENESIS - EPOCH, _flat(ONE, 0));
        uint256 beyond = GENESIS + 366 days + EPOCH;
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.GenesisOutOfRange.selector, beyond, GENESIS, latest));
        hub.createMarket(FEED, "B", beyond, _flat(ONE, 0));
    }

    /// @notice Liquidity has bounds, within which the house's arithmetic holds.
    function test_RevertWhen_LiquidityIsOutOfRange() public {
        uint256 most = 1 << 79;
        vm.expectRevert(abi.encodeWithSelector(IMarketFactory.LiquidityOutOfRange.selector, 1e6 - 1, 1e6, most));
        hub.createMarket(FEED, "B", GENESIS, _flat(1e6 - 1, 0));
        vm.expectRevert(abi.encodeWithSelector(IMarketFactory.LiquidityOutOfRange.selector, most + 1, 1e6, most));
        hub.createMarket(FEED, "B", GENESIS, _flat(most + 1, 0));
    }

    /// @notice The house takes ten per cent at most.
    function test_RevertWhen_FeeIsTooHigh() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketFactory.FeeTooHigh.selector, 1001, 1000));
        hub.createMarket(FEED, "B", GENESIS, _flat(ONE, 1001));
    }

    /// @notice The clock alone moves epochs: 0 before genesis, then one every 300 seconds.
    function test_CurrentEpoch() public {
        uint256 id = _createMarket("LATER", GENESIS + 600, ONE, 0);
        assertEq(0, hub.currentEpoch(id));
        vm.warp(GENESIS + 599);
        assertEq(0, hub.currentEpoch(id));
        vm.warp(GENESIS + 600);
        assertEq(1, hub.currentEpoch(id));
        vm.warp(GENESIS + 899);
        assertEq(1, hub.currentEpoch(id));
        vm.warp(GENESIS + 900);
        assertEq(2, hub.currentEpoch(id));
        assertEq(4, hub.currentEpoch(marketId));
    }

    /// @notice An outcome is the same for every market whose epoch has the same ends.
    function test_MarketsOnOneFeedShareItsBoundaries() public {
        uint256 id = _createMarket("LATER", GENESIS + 600, ONE, 0);
        _resolve(3, PRICE, PRICE + 1);
        (Outcome outcome, uint256 startPrice, uint256 endPrice) = hub.outcomeOf(marketId, 3);
        (Outcome same, uint256 sameStart, uint256 sameEnd) = hub.outcomeOf(id, 1);
        assertEq(uint256(Outcome.YES), uint256(outcome));
        assertEq(uint256(outcome), uint256(same));
        assertEq(startPrice, sameStart);
        assertEq(endPrice, sameEnd);
    }

    /// @notice Whatever is asked of a market that does not exist is refused by its id.
    function test_RevertWhen_MarketIsUnknown() public {
        for (uint256 i; i < 2; ++i) {
            uint256 id = i == 0 ? 0 : 2;
            bytes[] memory calls = _callsWith(id, 1);
            for (uint256 j; j < calls.length; ++j) {
                _assertReverts(calls[j], abi.encodeWithSelector(ICompleteSets.UnknownMarket.selector, id));
            }
        }
    }

    /// @notice Epochs are 1 to 2^40 - 1; no other number has a key, a position or an outcome.
    function test_RevertWhen_EpochIsOutOfRange() public {
        for (uint256 i; i < 3; ++i) {
            uint256 epoch = [0, EPOCH_MAX + 1, type(uint256).max][i];
            bytes[] memory calls = _callsWith(marketId, epoch);
            // Those before take an epoch, those after only a market.
            for (uint256 j; j < 8; ++j) {
                _assertReverts(
                    calls[j], abi.encodeWithSelector(ICompleteSets.EpochOutOfRange.selector, epoch, EPOCH_MAX)
                );
            }
        }
    }

    /// @notice The last epoch can be split and merged.
    function test_LastEpochIsInRange() public {
        _split(alice, EPOCH_MAX, ONE);
        vm.prank(alice);
        hub.merge(marketId, EPOCH_MAX, ONE);
        assertEq(1000 * ONE, hub.collateralOf(alice));
    }

    function _callsWith(uint256 id, uint256 epoch) private view returns (bytes[] memory calls) {
        calls = new bytes[](18);
        calls[0] = abi.encodeCall(hub.split, (id, epoch, 1));
        calls[1] = abi.encodeCall(hub.merge, (id, epoch, 1));
        calls[2] = abi.encodeCall(hub.redeem, (id, _one(epoch)));
        calls[3] = abi.encodeCall(hub.redeemFor, (alice, id, _one(epoch)));
        calls[4] = abi.encodeCall(hub.outcomeOf, (id, epoch));
        calls[5] = abi.encodeCall(hub.epochState, (id, epoch));
        calls[6] = abi.encodeCall(hub.claimable, (id, epoch, alice));
        calls[7] = abi.encodeCall(hub.positionOf, (id, epoch, alice));
        calls[8] = abi.encodeCall(hub.settleHouse, (id, _one(epoch)));
        calls[9] = abi.encodeCall(hub.market, (id));
        calls[10] = abi.encodeCall(hub.currentEpoch, (id));
        calls[11] = abi.encodeCall(hub.setDailyBudget, (id, 1));
        calls[12] = abi.encodeCall(hub.buy, (id, Side.YES, 1, 0, 0, NEVER));
        calls[13] = abi.encodeCall(hub.sell, (id, Side.YES, 1, 0, 0, NEVER));
        calls[14] = abi.encodeCall(hub.fundHouse, (id, 1));
        calls[15] = abi.encodeCall(hub.defundHouse, (id, 1));
        calls[16] = abi.encodeCall(hub.quoteBuy, (id, Side.YES, 1));
        calls[17] = abi.encodeCall(hub.quoteSell, (id, Side.YES, 1));
    }

    function _assertReverts(bytes memory call, bytes memory expected) private {
        vm.prank(alice);
        (bool success, bytes memory answer) = address(hub).call(call);
        assertFalse(success);
        assertEq(expected, answer);
    }
}

contract HubMarkets18Test is HubMarketsTest {
    constructor() HubFixture(18) {}
}

contract HubMarkets6Test is HubMarketsTest {
    constructor() HubFixture(6) {}
}
