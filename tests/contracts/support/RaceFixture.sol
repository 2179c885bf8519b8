// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {BoundaryPrice} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {Side} from "../../../contracts/interfaces/ICompleteSets.sol";
import {MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {IRaceMarket} from "../../../contracts/interfaces/IRaceMarket.sol";
import {PlainAdapter} from "../doubles/PlainAdapter.sol";
import {Deployer} from "./Deployer.sol";
import {IOracle, IOwned, IToken} from "./Kit.sol";

/// @notice The race market as the tests call it.
interface IRaces is IRaceMarket, IERC6909, IOwned {
    function collateralToken() external view returns (address);
    function oracle() external view returns (address);
    function multicall(bytes[] calldata calls) external returns (bytes[] memory answers);
}

/// @title Race fixture
/// @notice A race market on a token of the given decimals, with a race of four assets and three positions in its first
/// epoch, sixteen feeds, an operator, and two traders with a balance.
abstract contract RaceFixture is Deployer {
    string internal constant SYMBOL = "MAJORS";
    uint256 internal constant GENESIS = 1_800_000_000;
    uint256 internal constant EPOCH = 300;
    uint256 internal constant FEED_DEADLINE = 3600;
    uint256 internal constant ASSETS = 4;
    uint256 internal constant POSITIONS = 3;
    uint256 internal constant PRICE = 1000e18;
    uint256 internal constant NEVER = type(uint256).max;

    uint8 internal immutable DECIMALS;
    /// One token in base units.
    uint256 internal immutable ONE;

    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal operator = makeAddr("operator");
    address internal creator = makeAddr("creator");
    address internal alice;
    address internal bob;
    mapping(address account => uint256) internal keyOf;

    IToken internal token;
    IOracle internal oracle;
    PlainAdapter internal adapter;
    IRaces internal races;
    uint256 internal raceId;
    bytes32[] internal feeds;

    constructor(uint8 decimals_) {
        DECIMALS = decimals_;
        ONE = 10 ** decimals_;
    }

    function setUp() public virtual {
        vm.warp(GENESIS);
        token = IToken(deploy("TestToken.sol:TestToken", abi.encode("Collateral", "COL", DECIMALS, address(this))));
        oracle = IOracle(deploy("BoundaryOracle.sol:BoundaryOracle", abi.encode(owner)));
        adapter = new PlainAdapter();
        for (uint256 i; i < 16; ++i) {
            feeds.push(bytes32(bytes(string.concat("ASSET", vm.toString(i), "/USD"))));
            vm.prank(owner);
            oracle.registerFeed(feeds[i], address(adapter), FEED_DEADLINE);
        }
        races = _deployRaces(address(token));
        raceId = _createRace(ASSETS, POSITIONS);
        alice = _trader("alice");
        bob = _trader("bob");
    }

    function _deployRaces(address collateral) internal returns (IRaces deployed) {
        deployed = IRaces(deploy("RaceMarket.sol:RaceMarket", abi.encode(owner, collateral, address(oracle), guardian)));
        vm.prank(owner);
        deployed.setMatchOperator(operator, true);
    }

    function _createRace(uint256 assets, uint256 positions) internal returns (uint256) {
        vm.prank(creator);
        return races.createRace(SYMBOL, _feeds(assets), positions, GENESIS);
    }

    /// @dev An account that can sign, with a thousand tokens in the market.
    function _trader(string memory name) internal returns (address account) {
        uint256 key;
        (account, key) = makeAddrAndKey(name);
        keyOf[account] = key;
        _deposit(account, 1000 * ONE);
    }

    function _deposit(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.startPrank(account);
        token.approve(address(races), type(uint256).max);
        races.deposit(account, amount);
        vm.stopPrank();
    }

    function _split(address account, uint256 marketId, uint256 amount) internal {
        vm.prank(account);
        races.split(marketId, 1, amount);
    }

    function _splitField(address account, uint256 position, uint256 amount) internal {
        vm.prank(account);
        races.splitField(raceId, 1, position, amount);
    }

    // ------------------------------------------------------------------ prices

    /// @dev Posts a price for each of the first feeds; none where it is 0.
    function _post(uint256 boundary, uint256[] memory prices) internal {
        uint256 count;
        for (uint256 i; i < prices.length; ++i) {
            if (prices[i] != 0) ++count;
        }
        if (count == 0) return;
        BoundaryPrice[] memory report = new BoundaryPrice[](count);
        for (uint256 i = prices.length; i > 0; --i) {
            if (prices[i - 1] == 0) continue;
            report[--count] = BoundaryPrice({feed: feeds[i - 1], boundary: boundary, price: prices[i - 1]});
        }
        oracle.post(address(adapter), abi.encode(report));
    }

    /// @dev Lets the first epoch end with these prices; every asset has started from `PRICE`.
    function _finish(uint256[] memory ends) internal {
        uint256[] memory starts = new uint256[](ends.length);
        for (uint256 i; i < ends.length; ++i) {
            starts[i] = PRICE;
        }
        _finish(starts, ends);
    }

    function _finish(uint256[] memory starts, uint256[] memory ends) internal {
        if (block.timestamp < _endOf(1)) vm.warp(_endOf(1));
        _post(_startOf(1), starts);
        _post(_endOf(1), ends);
    }

    /// @dev Lets the first epoch of the race end in this order: the first asset first and so on.
    function _finishInOrder() internal {
        _finish(_list(PRICE + 40, PRICE + 30, PRICE + 20, PRICE + 10));
    }

    // ------------------------------------------------------------------ orders

    /// @dev An order on the first epoch of a book, valid for ever, with a fee of 1 % at most.
    function _order(address maker, uint256 marketId, Side side, bool isBuy, uint256 price, uint256 size)
        internal
        pure
        returns (Order memory)
    {
        return Order({
            maker: maker,
            marketId: marketId,
            epoch: 1,
            side: side,
            isBuy: isBuy,
            price: price,
            size: size,
            feeBpsMax: 100,
            expiry: NEVER,
            nonce: 0,
            salt: 1
        });
    }

    function _sign(Order memory order) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[order.maker], races.hashOrder(order));
        return abi.encodePacked(r, s, v);
    }

    /// @dev Settles all of `maker` against `taker`, without fees.
    function _match(Order memory taker, Order memory maker) internal returns (uint256 size, uint256 amount) {
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: _sign(maker), size: maker.size, fee: 0});
        SignedOrder memory signed = SignedOrder({order: taker, signature: _sign(taker)});
        vm.prank(operator);
        return races.matchOrders(signed, 0, fills);
    }

    // ------------------------------------------------------------------ names and numbers

    function _feeds(uint256 count) internal view returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            list[i] = feeds[i];
        }
    }

    function _list(uint256 a, uint256 b, uint256 c, uint256 d) internal pure returns (uint256[] memory list) {
        list = new uint256[](4);
        (list[0], list[1], list[2], list[3]) = (a, b, c, d);
    }

    function _startOf(uint256 epoch) internal pure returns (uint256) {
        return GENESIS + (epoch - 1) * EPOCH;
    }

    function _endOf(uint256 epoch) internal pure returns (uint256) {
        return GENESIS + epoch * EPOCH;
    }

    /// @dev The market id of one of the race's books, written out.
    function _book(uint256 position, uint256 asset) internal view returns (uint256) {
        return raceId * 2 ** 16 + position * 2 ** 8 + asset;
    }

    /// @dev The ERC-6909 id of a side of a book's first epoch, written out.
    function _id(uint256 marketId, Side side) internal pure returns (uint256) {
        return marketId * 2 ** 64 + 2 ** 8 + uint256(side);
    }

    function _shares(address account, uint256 marketId) internal view returns (uint256 yesShares, uint256 noShares) {
        return races.positionOf(marketId, 1, account);
    }

    function _assertShares(address account, uint256 marketId, uint256 yesExpected, uint256 noExpected) internal view {
        (uint256 yesShares, uint256 noShares) = _shares(account, marketId);
        assertEq(yesExpected, yesShares, "YES");
        assertEq(noExpected, noShares, "NO");
        assertEq(yesExpected, races.balanceOf(account, _id(marketId, Side.YES)), "YES token");
        assertEq(noExpected, races.balanceOf(account, _id(marketId, Side.NO)), "NO token");
    }

    function _assertSolvent() internal view {
        (uint256 reserve, uint256 liabilities,) = races.reserveStatus();
        assertGe(reserve, liabilities, "the market covers what it owes");
    }
}
