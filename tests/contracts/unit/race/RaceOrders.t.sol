// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICompleteSets, Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../../../../contracts/interfaces/IOrderBook.sol";
import {IRaceMarket} from "../../../../contracts/interfaces/IRaceMarket.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

/// @notice Signed orders on the books of a race.
contract RaceOrdersTest is RaceFixture {
    uint256 internal book;

    constructor() RaceFixture(6) {}

    function setUp() public override {
        super.setUp();
        book = _book(2, 1);
    }

    /// @notice COMPLEMENTARY: a seller's shares go to a buyer at the maker's price; the pot stays.
    function test_SwapShares() public {
        _split(bob, book, 10 * ONE);
        Order memory maker = _order(bob, book, Side.YES, false, 0.35e18, 4 * ONE);
        Order memory taker = _order(alice, book, Side.YES, true, 0.4e18, 10 * ONE);
        (uint256 size, uint256 amount) = _match(taker, maker);

        assertEq(4 * ONE, size);
        assertEq(1.4e6, amount);
        _assertShares(alice, book, 4 * ONE, 0);
        _assertShares(bob, book, 6 * ONE, 10 * ONE);
        assertEq(1000 * ONE - 1.4e6, races.collateralOf(alice));
        assertEq(990 * ONE + 1.4e6, races.collateralOf(bob));
        assertEq(10 * ONE, races.potOf(raceId, 1, 2));
        (uint256 filled,,) = races.orderState(races.hashOrder(taker));
        assertEq(4 * ONE, filled);
    }

    /// @notice MINT: a buyer of YES and a buyer of NO make sets of the book, whose collateral is in the position's pot.
    function test_MintSets() public {
        Order memory maker = _order(bob, book, Side.NO, true, 0.65e18, 4 * ONE);
        Order memory taker = _order(alice, book, Side.YES, true, 0.4e18, 4 * ONE);
        _match(taker, maker);

        _assertShares(alice, book, 4 * ONE, 0);
        _assertShares(bob, book, 0, 4 * ONE);
        assertEq(1000 * ONE - 1.4e6, races.collateralOf(alice));
        assertEq(1000 * ONE - 2.6e6, races.collateralOf(bob));
        assertEq(4 * ONE, races.potOf(raceId, 1, 2));
        assertEq(0, races.potOf(raceId, 1, 1));
    }

    /// @notice MERGE: a seller of YES and a seller of NO take sets apart, and the pot pays them.
    function test_MergeSets() public {
        test_MintSets();
        Order memory maker = _order(bob, book, Side.NO, false, 0.5e18, 3 * ONE);
        Order memory taker = _order(alice, book, Side.YES, false, 0.4e18, 3 * ONE);
        _match(taker, maker);

        _assertShares(alice, book, ONE, 0);
        _assertShares(bob, book, 0, ONE);
        assertEq(1000 * ONE + 0.1e6, races.collateralOf(alice));
        assertEq(1000 * ONE - 1.1e6, races.collateralOf(bob));
        assertEq(ONE, races.potOf(raceId, 1, 2));
        _assertSolvent();
    }

    /// @notice Fees are the operator's, above what the orders pay.
    function test_Fees() public {
        Order memory maker = _order(bob, book, Side.NO, true, 0.65e18, 4 * ONE);
        Order memory taker = _order(alice, book, Side.YES, true, 0.4e18, 4 * ONE);
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: _sign(maker), size: maker.size, fee: 0.026e6});
        SignedOrder memory signed = SignedOrder({order: taker, signature: _sign(taker)});
        vm.prank(operator);
        races.matchOrders(signed, 0.014e6, fills);
        assertEq(0.04e6, races.collateralOf(operator));
        assertEq(1000 * ONE - 1.414e6, races.collateralOf(alice));
    }

    /// @notice What was bought as YES of each asset from different sellers is a field, worth its collateral.
    function test_BoughtFieldMerges() public {
        for (uint256 i; i < ASSETS; ++i) {
            Order memory maker = _order(bob, _book(2, i), Side.NO, true, 0.8e18, ONE);
            _match(_order(alice, _book(2, i), Side.YES, true, 0.2e18, ONE), maker);
        }
        assertEq(4 * ONE, races.potOf(raceId, 1, 2));
        vm.prank(alice);
        races.mergeField(raceId, 1, 2, ONE);
        assertEq(1000.2e6, races.collateralOf(alice));
        // What is left are the NO of all four: one of them pays nothing, three pay.
        _finishInOrder();
        uint256 paid;
        for (uint256 i; i < ASSETS; ++i) {
            paid += races.redeemFor(bob, _book(2, i), _one(1));
        }
        assertEq(3 * ONE, paid);
        assertEq(3 * ONE, races.potOf(raceId, 1, 2));
        _assertSolvent();
    }

    /// @notice The signature is over the contract's own EIP-712 domain.
    function test_Domain() public view {
        Order memory order = _order(alice, book, Side.YES, true, 0.4e18, ONE);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("chain-kit RaceMarket"),
                keccak256("1"),
                block.chainid,
                address(races)
            )
        );
        bytes32 typeHash = keccak256(
            "Order(address maker,uint256 marketId,uint256 epoch,uint8 side,bool isBuy,uint256 price,uint256 size,uint256 feeBpsMax,uint256 expiry,uint256 nonce,uint256 salt)"
        );
        bytes32 content = keccak256(abi.encode(typeHash, order));
        assertEq(keccak256(abi.encodePacked(hex"1901", domain, content)), races.hashOrder(order));
    }

    /// @notice An order on one book does not match one on another, in the same position neither.
    function test_RevertWhen_BooksDiffer() public {
        Order memory maker = _order(bob, _book(2, 2), Side.NO, true, 0.65e18, ONE);
        Order memory taker = _order(alice, book, Side.YES, true, 0.4e18, ONE);
        _expectNoMatch(
            taker,
            maker,
            abi.encodeWithSelector(IOrderBook.DifferentBooks.selector, races.hashOrder(taker), races.hashOrder(maker))
        );
    }

    /// @notice No orders on books that there are not.
    function test_RevertWhen_BookDoesNotExist() public {
        uint256 beyond = _book(2, 4);
        _expectNoMatch(
            _order(alice, beyond, Side.YES, true, 0.4e18, ONE),
            _order(bob, beyond, Side.NO, true, 0.65e18, ONE),
            abi.encodeWithSelector(IRaceMarket.AssetOutOfRange.selector, 4, 3)
        );
        beyond = _book(4, 0);
        _expectNoMatch(
            _order(alice, beyond, Side.YES, true, 0.4e18, ONE),
            _order(bob, beyond, Side.NO, true, 0.65e18, ONE),
            abi.encodeWithSelector(IRaceMarket.PositionOutOfRange.selector, 4, 3)
        );
    }

    /// @notice Orders of an epoch end with it.
    function test_RevertWhen_EpochHasEnded() public {
        vm.warp(_endOf(1));
        _expectNoMatch(
            _order(alice, book, Side.YES, true, 0.4e18, ONE),
            _order(bob, book, Side.NO, true, 0.65e18, ONE),
            abi.encodeWithSelector(ICompleteSets.EpochEnded.selector, 1, _endOf(1))
        );
    }

    /// @notice Nobody's order is settled without its signature.
    function test_RevertWhen_SignatureIsAnothers() public {
        Order memory maker = _order(bob, book, Side.NO, true, 0.65e18, ONE);
        keyOf[bob] = keyOf[alice];
        _expectNoMatch(
            _order(alice, book, Side.YES, true, 0.4e18, ONE),
            maker,
            abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, bob, races.hashOrder(maker))
        );
    }

    function _expectNoMatch(Order memory taker, Order memory maker, bytes memory expected) private {
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: _sign(maker), size: maker.size, fee: 0});
        SignedOrder memory signed = SignedOrder({order: taker, signature: _sign(taker)});
        vm.expectRevert(expected);
        vm.prank(operator);
        races.matchOrders(signed, 0, fills);
    }
}
