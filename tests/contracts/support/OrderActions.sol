// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../contracts/interfaces/IMarketFacade.sol";
import {IOrderBook, Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";

import {OrderFixture} from "./OrderFixture.sol";

/// @title Order actions
/// @notice All that Carol can do without anybody's order: what takes something off her comes first, then what takes her
/// orders back, then the rest. In epoch 2, with shares of epoch 1, which has ended, a budget of a house of her own, and
/// Dave as her operator.
abstract contract OrderActions is OrderFixture {
    /// Actions 0 to 4 spend collateral; up to 9 YES shares; 10 both sides; 11 and 12 take orders back.
    uint256 internal constant SPEND_SHARES = 5;
    uint256 internal constant MERGE = 10;
    uint256 internal constant CANCEL = 11;
    uint256 internal constant LAST_DELAYED = 12;
    uint256 internal constant ACTIONS = 20;

    uint256 internal carolsMarket;
    Order internal order;

    function setUp() public virtual override {
        super.setUp();
        _split(carol, 2, 100 * ONE);
        vm.startPrank(carol);
        (carolsMarket,) = hub.createMarket(FEED, "CAROL", GENESIS, _flat(LIQUIDITY, FEE_BPS));
        hub.fundHouse(carolsMarket, 50 * ONE);
        hub.setOperator(dave, true);
        hub.approve(bob, _yes(), NEVER);
        vm.stopPrank();
        _resolve(1, PRICE, PRICE + 1);
        order = _sellOrder(carol, Side.YES, 500, 10 * ONE);
        (order.epoch, order.expiry) = (2, _endOf(2));
    }

    /// @dev YES of epoch 2.
    function _yes() internal view returns (uint256) {
        return _idOf(2, Side.YES);
    }

    /// @dev Does it; false if the hub refuses.
    function _act(uint256 action, uint256 amount) internal returns (bool done) {
        (address sender, address target, bytes memory data) = action < SPEND_SHARES
            ? _spendsCollateral(action, amount)
            : action < CANCEL ? _spendsShares(action, amount) : _takesBack(action, amount);
        vm.prank(sender);
        (done,) = target.call(data);
    }

    function _spendsCollateral(uint256 action, uint256 amount)
        private
        view
        returns (address sender, address target, bytes memory data)
    {
        (sender, target) = (carol, address(hub));
        if (action == 0) data = abi.encodeCall(ICollateralLedger.withdraw, (bob, amount));
        else if (action == 1) data = abi.encodeCall(ICompleteSets.split, (marketId, 2, amount));
        else if (action == 2) data = abi.encodeCall(IEpochHub.fundHouse, (marketId, amount));
        else if (action == 3) data = abi.encodeCall(IEpochHub.buy, (marketId, Side.NO, amount, 0, 0, NEVER));
        else data = abi.encodeCall(IEpochHub.buy, (marketId, Side.YES, amount, 0, 2, NEVER));
    }

    function _spendsShares(uint256 action, uint256 amount)
        private
        view
        returns (address sender, address target, bytes memory data)
    {
        (sender, target) = (carol, address(hub));
        if (action == 5) {
            data = abi.encodeCall(IERC6909.transfer, (bob, _yes(), amount));
        } else if (action == 6) {
            data = abi.encodeCall(IERC6909.transferFrom, (carol, dave, _yes(), amount));
            sender = dave;
        } else if (action == 7) {
            data = abi.encodeCall(IERC6909.transferFrom, (carol, alice, _yes(), amount));
            sender = bob;
        } else if (action == 8) {
            data = abi.encodeCall(IEpochHub.sell, (marketId, Side.YES, amount, 0, 0, NEVER));
        } else if (action == 9) {
            data = abi.encodeCall(IMarketFacade.sellYes, (amount, 0, 0, NEVER));
            target = address(facade);
        } else {
            data = abi.encodeCall(ICompleteSets.merge, (marketId, 2, amount));
        }
    }

    function _takesBack(uint256 action, uint256 amount)
        private
        view
        returns (address sender, address target, bytes memory data)
    {
        (sender, target) = (carol, address(hub));
        if (action == 11) data = abi.encodeCall(IOrderBook.cancelOrder, (order));
        else if (action == 12) data = abi.encodeCall(IOrderBook.cancelOrdersBelow, (1 + amount % 1000));
        else if (action == 13) data = abi.encodeCall(ICollateralLedger.leaveTradingMode, ());
        else if (action == 14) data = abi.encodeCall(ICollateralLedger.enterTradingMode, ());
        else if (action == 15) data = abi.encodeCall(ICollateralLedger.requestRelease, (0, amount));
        else if (action == 16) data = abi.encodeCall(ICollateralLedger.requestRelease, (_yes(), amount));
        else if (action == 17) data = abi.encodeCall(ICompleteSets.redeem, (marketId, _one(1)));
        else if (action == 18) data = abi.encodeCall(IEpochHub.defundHouse, (carolsMarket, amount));
        else (target, data) = (address(facade), abi.encodeWithSignature("buyYes(uint256)", amount));
    }
}
