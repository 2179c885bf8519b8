// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {OrderFixture} from "../support/OrderFixture.sol";

/// @notice Random books, matched in random ways.
abstract contract OrdersFuzzTest is OrderFixture {
    /// @dev What all accounts have, together and one by one.
    struct Books {
        uint256 collateral;
        uint256 yesShares;
        uint256 noShares;
        uint256[6] collateralOf;
        uint256[6] yesOf;
        uint256[6] noOf;
    }

    address[6] private accounts;
    uint256 private entropy;

    function setUp() public override {
        super.setUp();
        _split(alice, 1, 100 * ONE);
        _split(bob, 1, 100 * ONE);
        accounts = [alice, bob, carol, dave, address(wallet), operator];
    }

    /// @notice Collateral and shares are conserved to the unit, everyone pays or is paid its price and its fee exactly,
    /// the taker no worse than its limit, and the operator gains the fees.
    function testFuzz_MatchesConserve(uint256 seed) public {
        entropy = seed;
        uint256 count = _random(6) + 1;
        Order memory taker = _order(alice, Side(_random(2)), _random(2) == 0, 1 + _random(999), 0);
        taker.feeBpsMax = _random(12_000);
        (MakerFill[] memory fills, uint256 size, uint256 amount) = _book(taker, count);
        taker.size = size + _random(3) * 500;
        uint256 takerFee = _random(_capOf(taker, amount) + 1);

        Books memory before = _books();
        (uint256 sizeMatched, uint256 amountMatched) = _match(taker, takerFee, fills);
        assertEq(size, sizeMatched);
        assertEq(amount, amountMatched);
        if (taker.isBuy) assertLe(amount * WAD, taker.price * size, "a buyer's limit");
        else assertGe(amount * WAD, taker.price * size, "a seller's limit");
        _assertBooks(before, taker, takerFee, fills, amount);
        _assertSolvent();
    }

    /// @notice In a MINT and in a MERGE the two sides' prices are one unit together, to the unit.
    function testFuzz_BothPricesAreOneUnit(uint256 thousandths, uint256 better, uint256 lots, bool sells) public {
        thousandths = bound(thousandths, 1, 999);
        uint256 size = bound(lots, 1, 100 * ONE / 1000) * 1000;
        // The taker's limit crosses by `better`; it pays, or is paid, what the maker's price leaves all the same.
        uint256 limit = sells ? bound(better, 1, 1000 - thousandths) : bound(better, 1000 - thousandths, 999);
        Order memory taker = _order(carol, Side.YES, !sells, limit, size);
        Order memory maker = _order(dave, Side.NO, !sells, thousandths, size);
        (uint256 carols, uint256 daves) = (hub.collateralOf(carol), hub.collateralOf(dave));
        _match(taker, maker, size);
        int256 carolPaid = int256(carols) - int256(hub.collateralOf(carol));
        int256 davePaid = int256(daves) - int256(hub.collateralOf(dave));
        assertEq((sells ? -int256(1) : int256(1)) * int256(size), carolPaid + davePaid);
        assertEq(size * thousandths, uint256(sells ? -davePaid : davePaid) * 1000);
    }

    /// @notice However often a signed order is matched, no more than its size is ever settled.
    function testFuzz_NoMoreThanItsSize(uint256 orderSize, uint256[8] memory parts) public {
        orderSize = bound(orderSize, 1000, 100 * ONE);
        Order memory maker = _sellOrder(carol, Side.YES, 10, orderSize);
        MakerFill[] memory fills = _fills(maker, 0);
        uint256 filled;
        for (uint256 i; i < parts.length; ++i) {
            fills[0].size = bound(parts[i], 1, orderSize / 1000) * 1000;
            SignedOrder memory taker = _signed(_buyOrder(alice, Side.YES, 10, 100 * ONE));
            vm.prank(operator);
            if (filled + fills[0].size > orderSize) vm.expectPartialRevert(_full(filled == orderSize));
            else filled += fills[0].size;
            hub.matchOrders(taker, 0, fills);
        }
        (uint256 settled,,) = hub.orderState(_hash(maker));
        assertEq(filled, settled);
        assertLe(settled, orderSize);
        assertEq(100 * ONE - settled, hub.balanceOf(carol, _idOf(1, Side.YES)));
    }

    /// @notice No fee above the cap, by however little or much; at the cap it is taken.
    function testFuzz_NoFeeAboveTheCap(uint256 capBps, uint256 excess, uint256 lots, bool ofTaker) public {
        capBps = bound(capBps, 0, 20_000);
        uint256 size = bound(lots, 1, 10 * ONE / 1000) * 1000;
        Order memory taker = _buyOrder(alice, Side.YES, 500, size);
        Order memory maker = _sellOrder(carol, Side.YES, 500, size);
        (taker.feeBpsMax, maker.feeBpsMax) = (capBps, capBps);
        uint256 cap = _capOf(taker, size / 2);
        uint256 fee = cap + bound(excess, 1, type(uint256).max - 1 - cap);
        MakerFill[] memory fills = _fills(maker, size);
        if (!ofTaker) fills[0].fee = fee;
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.FeeAboveCap.selector, _hash(ofTaker ? taker : maker), fee, cap);
        _refused(expected, taker, ofTaker ? fee : 0, fills);
        fills[0].fee = cap;
        _match(taker, cap, fills);
        assertEq(2 * cap, hub.collateralOf(operator));
    }

    /// @notice The digest is EIP-712's, written independently, of any order on any chain.
    function testFuzz_Hash(address maker, bool no, bool isBuy, uint256[8] memory words, uint64 chainId) public {
        vm.chainId(bound(chainId, 1, type(uint64).max - 1));
        Order memory order = Order({
            maker: maker,
            marketId: words[0],
            epoch: words[1],
            side: no ? Side.NO : Side.YES,
            isBuy: isBuy,
            price: words[2],
            size: words[3],
            feeBpsMax: words[4],
            expiry: words[5],
            nonce: words[6],
            salt: words[7]
        });
        assertEq(_hash(order), hub.hashOrder(order));
    }

    /// @dev Makers' orders that cross the taker's, in either kind of match, and what the taker comes to.
    function _book(Order memory taker, uint256 count)
        private
        returns (MakerFill[] memory fills, uint256 size, uint256 amount)
    {
        fills = new MakerFill[](count);
        for (uint256 i; i < count; ++i) {
            bool swap = _random(2) == 0;
            // In thousandths, as the taker sees it: up to a buyer's limit, from a seller's on.
            uint256 limit = taker.price / 1e15;
            uint256 price = taker.isBuy ? 1 + _random(limit) : limit + _random(1000 - limit);
            Order memory maker = _order(
                accounts[1 + _random(4)],
                swap ? taker.side : Side(1 - uint256(taker.side)),
                swap != taker.isBuy,
                swap ? price : 1000 - price,
                (1 + _random(10 * ONE / 1000)) * 1000 + _random(1000)
            );
            maker.feeBpsMax = _random(12_000);
            uint256 part = (1 + _random(maker.size / 1000)) * 1000;
            uint256 cap = _capOf(maker, part / 1000 * (maker.price / 1e15));
            fills[i] = _fill(maker, part, _random(cap + 1));
            size += part;
            amount += part / 1000 * price;
        }
    }

    function _assertBooks(
        Books memory before,
        Order memory taker,
        uint256 takerFee,
        MakerFill[] memory fills,
        uint256 amount
    ) private view {
        Books memory expected = before;
        uint256 fees = takerFee;
        uint256 size;
        for (uint256 i; i < fills.length; ++i) {
            Order memory maker = fills[i].order;
            _apply(expected, maker, fills[i].size, fills[i].size / 1000 * (maker.price / 1e15), fills[i].fee);
            fees += fills[i].fee;
            size += fills[i].size;
        }
        _apply(expected, taker, size, amount, takerFee);
        expected.collateralOf[5] += fees;
        Books memory found = _books();
        for (uint256 i; i < accounts.length; ++i) {
            assertEq(expected.collateralOf[i], found.collateralOf[i], "collateral of an account");
            assertEq(expected.yesOf[i], found.yesOf[i], "YES of an account");
            assertEq(expected.noOf[i], found.noOf[i], "NO of an account");
        }
        (uint256 sets,,,) = hub.epochState(marketId, 1);
        assertEq(sets, found.yesShares, "every set has a YES");
        assertEq(sets, found.noShares, "every set has a NO");
        (, uint256 liabilities,) = hub.reserveStatus();
        assertEq(liabilities, found.collateral + sets + BUDGET, "all that is owed is somebody's");
    }

    function _apply(Books memory books, Order memory order, uint256 size, uint256 amount, uint256 fee) private view {
        uint256 place;
        while (accounts[place] != order.maker) ++place;
        uint256[6] memory shares = order.side == Side.YES ? books.yesOf : books.noOf;
        if (order.isBuy) {
            books.collateralOf[place] -= amount + fee;
            shares[place] += size;
        } else {
            books.collateralOf[place] += amount - fee;
            shares[place] -= size;
        }
    }

    function _books() private view returns (Books memory books) {
        for (uint256 i; i < accounts.length; ++i) {
            books.collateralOf[i] = hub.collateralOf(accounts[i]);
            (books.yesOf[i], books.noOf[i]) = hub.positionOf(marketId, 1, accounts[i]);
            books.collateral += books.collateralOf[i];
            books.yesShares += books.yesOf[i];
            books.noShares += books.noOf[i];
        }
        books.collateral += hub.collateralOf(creator);
    }

    function _capOf(Order memory order, uint256 amount) private pure returns (uint256) {
        return order.feeBpsMax < 10_000 ? amount * order.feeBpsMax / 10_000 : amount;
    }

    function _full(bool filled) private pure returns (bytes4) {
        return filled ? IOrderBook.OrderIsFilled.selector : IOrderBook.OrderOverfilled.selector;
    }

    function _random(uint256 below) private returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return entropy % below;
    }
}

contract OrdersFuzz18Test is OrdersFuzzTest {
    constructor() HubFixture(18) {}
}

contract OrdersFuzz6Test is OrdersFuzzTest {
    constructor() HubFixture(6) {}
}
