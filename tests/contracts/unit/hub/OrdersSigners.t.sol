// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../../support/HubFixture.sol";
import {OrderFixture} from "../../support/OrderFixture.sol";

/// @notice Who may sign an order, how, and what is recorded of it.
contract OrdersSignersTest is OrderFixture {
    Order private taker;
    Order private maker;

    constructor() HubFixture(18) {}

    function setUp() public override {
        super.setUp();
        taker = _buyOrder(alice, Side.YES, 500, 10 * ONE);
        maker = _sellOrder(carol, Side.YES, 500, 10 * ONE);
    }

    /// @notice The digest is EIP-712's of the published type, for the hub on its chain.
    function test_HashIsThePublishedOne() public {
        assertEq(_digest("chain-kit EpochHub", 31337, address(hub), taker), hub.hashOrder(taker));
        vm.chainId(8453);
        assertEq(_digest("chain-kit EpochHub", 8453, address(hub), taker), hub.hashOrder(taker));
    }

    /// @notice A wallet signs in 65 bytes or in 64.
    function test_BothFormsOfAWalletsSignature() public {
        MakerFill[] memory fills = _fills(maker, ONE);
        assertEq(65, fills[0].signature.length);
        _match(taker, 0, fills);
        fills[0].signature = _signShort(carol, _hash(maker));
        assertEq(64, fills[0].signature.length);
        _match(taker, 0, fills);
        _assertShares(alice, 2 * ONE, 0);
    }

    /// @notice A smart wallet signs by ERC-1271, as a maker and as a taker.
    function test_SmartWalletSigns() public {
        _match(taker, _sellOrder(address(wallet), Side.YES, 500, 10 * ONE), 10 * ONE);
        _match(_buyOrder(address(wallet), Side.YES, 500, 10 * ONE), maker, 10 * ONE);
        _assertShares(alice, 10 * ONE, 0);
        _assertShares(address(wallet), 100 * ONE, 100 * ONE);
    }

    /// @notice An account with code that signs by its key is asked nothing: the key is enough.
    function test_KeyOfAnAccountWithCodeIsEnough() public {
        MakerFill[] memory fills = _fills(maker, ONE);
        vm.etch(carol, hex"00");
        _match(taker, 0, fills);
        _assertShares(alice, ONE, 0);
    }

    /// @notice Another's signature, none, and one of another order are refused; the maker's and the taker's alike.
    function test_RevertWhen_SignatureIsNotTheMakers() public {
        bytes memory expected = abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, carol, _hash(maker));
        bytes[4] memory wrong = [_sign(alice, _hash(maker)), bytes(""), _sign(carol, _hash(taker)), new bytes(65)];
        MakerFill[] memory fills = _fills(maker, ONE);
        for (uint256 i; i < wrong.length; ++i) {
            fills[0].signature = wrong[i];
            _refused(expected, taker, 0, fills);
        }
        expected = abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, alice, _hash(taker));
        SignedOrder memory forged = SignedOrder({order: taker, signature: _sign(carol, _hash(taker))});
        _refused(expected, forged, 0, _fills(maker, ONE));
    }

    /// @notice Any field that changes makes another order, which nobody has signed.
    function test_RevertWhen_AFieldIsNotWhatWasSigned() public {
        bytes memory signature = _signatureOf(maker);
        for (uint256 field; field < 9; ++field) {
            Order memory changed = _sellOrder(carol, Side.YES, 500, 10 * ONE);
            changed.salt = maker.salt;
            if (field == 0) changed.price = _at(499);
            if (field == 1) changed.size += 1;
            if (field == 2) changed.feeBpsMax += 1;
            if (field == 3) changed.expiry += 1;
            if (field == 4) changed.nonce += 1;
            if (field == 5) changed.salt += 1;
            if (field == 6) changed.maker = dave;
            if (field == 7) (changed.side, changed.isBuy) = (Side.NO, true);
            if (field == 8) (changed.isBuy, changed.price) = (false, _at(501));
            Order memory against = field == 8 ? _buyOrder(alice, Side.YES, 501, ONE) : taker;
            MakerFill[] memory fills = new MakerFill[](1);
            fills[0] = MakerFill({order: changed, signature: signature, size: ONE, fee: 0});
            bytes memory expected =
                abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, changed.maker, _hash(changed));
            _refused(expected, against, 0, fills);
        }
    }

    /// @notice Nobody is the maker of an order from address 0, which ecrecover returns for a signature that is none.
    function test_RevertWhen_MakerIsNobody() public {
        maker = _buyOrder(address(0), Side.NO, 500, ONE);
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: new bytes(65), size: ONE, fee: 0});
        bytes memory expected = abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, address(0), _hash(maker));
        // It is asked first whether the order is any good, then for what it costs.
        _refused(expected, taker, 0, fills);
        vm.expectRevert(expected);
        hub.registerOrder(maker, new bytes(65));
    }

    /// @notice A maker registers its order without a signature; then none is asked for.
    function test_RegisterByTheMaker() public {
        vm.expectEmit(address(hub));
        emit IOrderBook.OrderRegistered(_hash(maker), carol);
        vm.prank(carol);
        assertEq(_hash(maker), hub.registerOrder(maker, ""));
        _assertState(maker, 0, 0, true);

        MakerFill[] memory fills = _fills(maker, ONE);
        fills[0].signature = "";
        _match(taker, 0, fills);
        _assertState(maker, ONE, 0, true);
    }

    /// @notice Anyone registers an order that its maker has signed, again without harm.
    function test_RegisterByAnyone() public {
        bytes memory signature = _signatureOf(maker);
        hub.registerOrder(maker, signature);
        vm.prank(bob);
        hub.registerOrder(maker, signature);
        _assertState(maker, 0, 0, true);
    }

    /// @notice Without the maker's signature nobody else registers its order.
    function test_RevertWhen_RegisteringForAnotherWithoutItsSignature() public {
        bytes memory expected = abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, carol, _hash(maker));
        bytes memory forged = _sign(bob, _hash(maker));
        vm.startPrank(bob);
        vm.expectRevert(expected);
        hub.registerOrder(maker, "");
        vm.expectRevert(expected);
        hub.registerOrder(maker, forged);
        _assertState(maker, 0, 0, false);
    }

    /// @notice A smart wallet that takes its signature back is refused; one whose order was registered is settled.
    function test_SmartWalletCannotTakeARegisteredOrderBack() public {
        maker = _sellOrder(address(wallet), Side.YES, 500, 10 * ONE);
        MakerFill[] memory fills = _fills(maker, ONE);
        wallet.revoke(_hash(maker));
        bytes memory expected =
            abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, address(wallet), _hash(maker));
        _refused(expected, taker, 0, fills);

        wallet.approve(_hash(maker));
        hub.registerOrder(maker, "");
        wallet.revoke(_hash(maker));
        _match(taker, 0, fills);
        _assertShares(alice, ONE, 0);
    }

    function _assertState(Order memory order, uint256 filled, uint256 cancelledAt, bool registered) private view {
        (uint256 filledNow, uint256 cancelledAtNow, bool registeredNow) = hub.orderState(_hash(order));
        assertEq(filled, filledNow);
        assertEq(cancelledAt, cancelledAtNow);
        assertEq(registered, registeredNow);
    }
}
