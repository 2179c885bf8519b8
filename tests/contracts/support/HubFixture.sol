// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {HouseTerms, Market, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {PlainAdapter} from "../doubles/PlainAdapter.sol";
import {Deployer} from "./Deployer.sol";
import {IHub, IOracle, IToken, Status} from "./Kit.sol";

/// @title Hub fixture
/// @notice A hub on a token of the given decimals, with one market in its first epoch, a funded house, and two traders
/// with a balance in the hub, a wallet and approvals.
abstract contract HubFixture is Deployer {
    bytes32 internal constant FEED = "BTC/USD";
    string internal constant SYMBOL = "BTC";
    uint256 internal constant GENESIS = 1_800_000_000;
    uint256 internal constant EPOCH = 300;
    uint256 internal constant FEED_DEADLINE = 3600;
    uint256 internal constant FEE_BPS = 100;
    uint256 internal constant PRICE = 60_000e18;
    uint256 internal constant NEVER = type(uint256).max;

    uint8 internal immutable DECIMALS;
    /// One token in base units.
    uint256 internal immutable ONE;
    /// LMSR parameter b of the market.
    uint256 internal immutable LIQUIDITY;
    /// b·ln 2, rounded up.
    uint256 internal immutable OPENING;
    uint256 internal immutable BUDGET;

    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal creator = makeAddr("creator");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    IToken internal token;
    IOracle internal oracle;
    PlainAdapter internal adapter;
    IHub internal hub;
    IMarketFacade internal facade;
    uint256 internal marketId;

    constructor(uint8 decimals_) {
        DECIMALS = decimals_;
        ONE = 10 ** decimals_;
        LIQUIDITY = 1000 * ONE;
        OPENING = (LIQUIDITY * 693147180559945310 - 1) / 1e18 + 1;
        BUDGET = 10_000 * ONE;
    }

    function setUp() public virtual {
        vm.warp(GENESIS);
        token = IToken(deploy("TestToken.sol:TestToken", abi.encode("Collateral", "COL", DECIMALS, address(this))));
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(owner)));
        adapter = new PlainAdapter();
        vm.prank(owner);
        oracle.registerFeed(FEED, address(adapter), FEED_DEADLINE);
        hub = _deployHub(address(token));
        marketId = _createMarket(SYMBOL, GENESIS, LIQUIDITY, FEE_BPS);
        facade = IMarketFacade(hub.facadeOf(marketId));

        _deposit(creator, BUDGET);
        vm.prank(creator);
        hub.fundHouse(marketId, BUDGET);
        _equip(alice);
        _equip(bob);
    }

    function _deployHub(address collateral) internal returns (IHub) {
        return IHub(deploy("EpochHub.sol:EpochHub", abi.encode(owner, collateral, address(oracle), guardian)));
    }

    function _createMarket(string memory symbol, uint256 genesis, uint256 liquidity, uint256 feeBps)
        internal
        returns (uint256 id)
    {
        vm.prank(creator);
        (id,) = hub.createMarket(FEED, symbol, genesis, _flat(liquidity, feeBps));
    }

    /// @dev A house that trades alike through the whole window, and without a bound for a day.
    function _flat(uint256 liquidity, uint256 feeBps) internal pure returns (HouseTerms memory) {
        return HouseTerms({
            liquidity: liquidity,
            closingLiquidityBps: 10_000,
            feeBps: feeBps,
            closingFeeBps: feeBps,
            dailyBudget: type(uint80).max
        });
    }

    /// @dev A house whose liquidity falls to a fifth while its fee rises fivefold.
    function _falling() internal view returns (HouseTerms memory) {
        return HouseTerms({
            liquidity: LIQUIDITY,
            closingLiquidityBps: 2000,
            feeBps: FEE_BPS,
            closingFeeBps: 5 * FEE_BPS,
            dailyBudget: type(uint80).max
        });
    }

    /// @dev Creates a market, funds its house with `budget` and makes it the tested one.
    function _useMarket(HouseTerms memory terms, uint256 budget) internal {
        vm.prank(creator);
        (marketId,) = hub.createMarket(FEED, "OTHER", GENESIS, terms);
        facade = IMarketFacade(hub.facadeOf(marketId));
        _deposit(creator, budget);
        vm.prank(creator);
        hub.fundHouse(marketId, budget);
        vm.prank(alice);
        token.approve(address(facade), NEVER);
    }

    /// @dev A market's terms in one word, written out.
    function _termsOf(uint256 id) internal view returns (uint256) {
        Market memory m = hub.market(id);
        return m.genesis / EPOCH + m.liquidity * 2 ** 32 + oracle.feedIndex(m.feed) * 2 ** 112 + m.feeBps * 2 ** 136
            + m.closingFeeBps * 2 ** 152 + m.closingLiquidityBps * 2 ** 168;
    }

    /// @dev What the market's facade says of the running epoch.
    function _status(uint256 id) internal view returns (Status memory) {
        (bool success, bytes memory answer) =
            hub.facadeOf(id).staticcall(abi.encodeCall(IMarketFacade.getCurrentStatus, ()));
        require(success, "no status");
        return abi.decode(answer, (Status));
    }

    /// @dev A thousand tokens in the hub, a thousand in the wallet, and approvals for both ways.
    function _equip(address account) internal {
        _deposit(account, 1000 * ONE);
        token.mint(account, 1000 * ONE);
        vm.prank(account);
        token.approve(address(facade), type(uint256).max);
    }

    function _deposit(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.startPrank(account);
        token.approve(address(hub), type(uint256).max);
        hub.deposit(account, amount);
        vm.stopPrank();
    }

    function _split(address account, uint256 epoch, uint256 amount) internal {
        vm.prank(account);
        hub.split(marketId, epoch, amount);
    }

    function _buy(address account, Side side, uint256 amount) internal returns (uint256) {
        vm.prank(account);
        return hub.buy(marketId, side, amount, 0, 0, NEVER);
    }

    function _sell(address account, Side side, uint256 shares) internal returns (uint256) {
        vm.prank(account);
        return hub.sell(marketId, side, shares, 0, 0, NEVER);
    }

    function _post(uint256 boundary, uint256 price) internal {
        BoundaryPrice[] memory prices = new BoundaryPrice[](1);
        prices[0] = BoundaryPrice({feed: FEED, boundary: boundary, price: price});
        oracle.post(address(adapter), abi.encode(prices));
    }

    /// @dev Lets the epoch end with these prices; the clock never runs backwards.
    function _resolve(uint256 epoch, uint256 startPrice, uint256 endPrice) internal {
        if (block.timestamp < _endOf(epoch)) vm.warp(_endOf(epoch));
        _post(_startOf(epoch), startPrice);
        _post(_endOf(epoch), endPrice);
    }

    function _startOf(uint256 epoch) internal pure returns (uint256) {
        return GENESIS + (epoch - 1) * EPOCH;
    }

    function _endOf(uint256 epoch) internal pure returns (uint256) {
        return GENESIS + epoch * EPOCH;
    }

    /// @dev The ERC-6909 id of a side of the market's epoch, written out.
    function _idOf(uint256 epoch, Side side) internal view returns (uint256) {
        return marketId * 2 ** 64 + epoch * 2 ** 8 + uint256(side);
    }

    function _assertSolvent() internal view {
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        assertGe(reserve, liabilities, "the hub covers what it owes");
    }
}
