// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {SignatureCheckerLib} from "solady/utils/SignatureCheckerLib.sol";

import {Side} from "../interfaces/ICompleteSets.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../interfaces/IOrderBook.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {Positions} from "./Positions.sol";

/// @title Order book
/// @notice Settles signed orders on internal balances and positions. What an order says is checked here and nowhere else.
abstract contract OrderBook is IOrderBook, Positions, EIP712 {
    struct OrderState {
        uint128 filled;
        uint64 cancelledAt;
        bool registered;
    }

    /// @dev What a match has come to so far. `minted` and `merged` are shares; `fees` are the makers'.
    struct Tally {
        uint256 size;
        uint256 amount;
        uint256 minted;
        uint256 merged;
        uint256 fees;
    }

    uint256 public constant PRICE_TICK = 1e15;
    uint256 public constant SIZE_LOT = 1000;
    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 10_000;
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(address maker,uint256 marketId,uint256 epoch,uint8 side,bool isBuy,uint256 price,uint256 size,uint256 feeBpsMax,uint256 expiry,uint256 nonce,uint256 salt)"
    );

    mapping(address account => bool) public isMatchOperator;
    mapping(bytes32 orderHash => OrderState) private _orders;

    /// @inheritdoc IOrderBook
    // slither-disable-next-line calls-loop -- one signature each, asked of its maker
    function matchOrders(SignedOrder calldata taker, uint256 takerFee, MakerFill[] calldata makers)
        external
        nonReentrant
        returns (uint256 size, uint256 amount)
    {
        if (!isMatchOperator[msg.sender]) revert NotMatchOperator(msg.sender);
        if (tradingPaused) revert TradingIsPaused();
        if (makers.length == 0) revert NoFills();
        Order calldata order = taker.order;
        uint256 key = _tradableKey(order.marketId, order.epoch);
        bytes32 takerHash = _hash(order);

        // slither-disable-next-line uninitialized-local -- it starts at nothing
        Tally memory tally;
        for (uint256 i; i < makers.length; ++i) {
            _settleMaker(key, order, takerHash, makers[i], tally);
        }
        (size, amount) = (tally.size, tally.amount);
        _announceTaker(key, order, tally);
        _settle(key, order, takerHash, taker.signature, size, amount, takerFee);
        if (tally.minted != 0) _addSets(key, tally.minted);
        if (tally.merged != 0) _removeSets(key, tally.merged);

        uint256 fees = tally.fees + takerFee;
        if (fees == 0) return (size, amount);
        _credit(msg.sender, fees);
        emit FeesCharged(msg.sender, fees);
    }

    /// @inheritdoc IOrderBook
    function registerOrder(Order calldata order, bytes calldata signature)
        external
        nonReentrant
        returns (bytes32 orderHash)
    {
        orderHash = _hash(order);
        if (msg.sender != order.maker) _checkSignature(order.maker, orderHash, signature);
        _orders[orderHash].registered = true;
        emit OrderRegistered(orderHash, order.maker);
    }

    /// @inheritdoc IOrderBook
    function cancelOrder(Order calldata order) external returns (uint256 effectiveAt) {
        if (msg.sender != order.maker) revert NotMaker(msg.sender, order.maker);
        bytes32 orderHash = _hash(order);
        OrderState storage state = _orders[orderHash];
        if (state.cancelledAt != 0) revert OrderIsCancelled(orderHash);
        effectiveAt = _effectiveAt(msg.sender);
        // forge-lint: disable-next-line(unsafe-typecast) -- a time
        state.cancelledAt = uint64(effectiveAt);
        emit OrderCancelled(orderHash, msg.sender, effectiveAt);
    }

    /// @inheritdoc IOrderBook
    function cancelOrdersBelow(uint256 floor) external returns (uint256 effectiveAt) {
        Account storage account = _accounts[msg.sender];
        if (block.timestamp < account.nextFloorAt) revert NonceFloorPending(account.nextFloor, account.nextFloorAt);
        uint32 current = account.nextFloor;
        if (floor <= current || floor > type(uint32).max) {
            revert NonceFloorOutOfRange(floor, uint256(current) + 1, type(uint32).max);
        }
        effectiveAt = _effectiveAt(msg.sender);
        account.nonceFloor = current;
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above, and a time
        (account.nextFloor, account.nextFloorAt) = (uint32(floor), uint40(effectiveAt));
        emit NonceFloorRaised(msg.sender, floor, effectiveAt);
    }

    /// @inheritdoc IOrderBook
    function setMatchOperator(address operator, bool allowed) external onlyOwner {
        isMatchOperator[operator] = allowed;
        emit MatchOperatorSet(operator, allowed);
    }

    /// @inheritdoc IOrderBook
    function hashOrder(Order calldata order) external view returns (bytes32) {
        return _hash(order);
    }

    /// @inheritdoc IOrderBook
    function orderState(bytes32 orderHash)
        external
        view
        returns (uint256 filled, uint256 cancelledAt, bool registered)
    {
        OrderState memory state = _orders[orderHash];
        return (state.filled, state.cancelledAt, state.registered);
    }

    /// @inheritdoc IOrderBook
    function nonceFloorOf(address maker) public view returns (uint256) {
        Account storage account = _accounts[maker];
        return block.timestamp < account.nextFloorAt ? account.nonceFloor : account.nextFloor;
    }

    // ------------------------------------------------------------------ what the markets say

    /// @dev The key of an epoch on which orders are settled now; reverts where none are.
    function _tradableKey(uint256 marketId, uint256 epoch) internal view virtual returns (uint256 key);

    function _addSets(uint256 key, uint256 amount) internal virtual;

    function _removeSets(uint256 key, uint256 amount) internal virtual;

    // ------------------------------------------------------------------ one fill

    /// @dev Settles one maker's part at its own price, and adds the taker's part to the tally.
    function _settleMaker(
        uint256 key,
        Order calldata taker,
        bytes32 takerHash,
        MakerFill calldata fill,
        Tally memory tally
    ) private {
        Order calldata order = fill.order;
        bytes32 orderHash = _hash(order);
        if (order.maker == taker.maker) revert SelfMatch(order.maker);
        if (order.marketId != taker.marketId || order.epoch != taker.epoch) {
            revert DifferentBooks(takerHash, orderHash);
        }
        uint256 takerPrice = _takerPrice(taker, takerHash, order, orderHash);

        uint256 size = fill.size;
        _announceMaker(key, taker, order, size, tally);
        _settle(key, order, orderHash, fill.signature, size, size * order.price / WAD, fill.fee);
        tally.fees += fill.fee;
        tally.size += size;
        tally.amount += size * takerPrice / WAD;
    }

    /// @dev What a share costs or pays the taker: the maker's price in a swap, the rest of a set otherwise.
    function _takerPrice(Order calldata taker, bytes32 takerHash, Order calldata maker, bytes32 makerHash)
        private
        pure
        returns (uint256 price)
    {
        bool swap = taker.side == maker.side;
        if (swap == (taker.isBuy == maker.isBuy)) revert OrdersDoNotCross(takerHash, makerHash);
        if (maker.price > WAD) revert PriceOffTick(maker.price, PRICE_TICK);
        price = swap ? maker.price : WAD - maker.price;
        if (taker.isBuy ? price > taker.price : price < taker.price) revert OrdersDoNotCross(takerHash, makerHash);
    }

    /// @dev Counts `size` towards an order, if that may be settled at all.
    function _fill(Order calldata order, bytes32 orderHash, bytes calldata signature, uint256 size) private {
        if (order.price == 0 || order.price >= WAD || order.price % PRICE_TICK != 0) {
            revert PriceOffTick(order.price, PRICE_TICK);
        }
        if (size == 0 || size % SIZE_LOT != 0) revert SizeOffLot(size, SIZE_LOT);
        if (block.timestamp > order.expiry) revert OrderExpired(orderHash, order.expiry, block.timestamp);
        uint256 floor = nonceFloorOf(order.maker);
        if (order.nonce < floor) revert NonceTooLow(order.maker, order.nonce, floor);
        OrderState storage stored = _orders[orderHash];
        OrderState memory state = stored;
        if (state.cancelledAt != 0 && block.timestamp >= state.cancelledAt) revert OrderIsCancelled(orderHash);
        if (state.filled == order.size) revert OrderIsFilled(orderHash, order.size);
        uint256 remaining = order.size - state.filled;
        if (size > remaining) revert OrderOverfilled(orderHash, size, remaining);
        if (!state.registered) _checkSignature(order.maker, orderHash, signature);
        // forge-lint: disable-next-line(unsafe-typecast) -- shares that exist: below 2^112, as their collateral is
        stored.filled = uint128(state.filled + size);
    }

    /// @dev Counts `size` towards an order and moves what its maker pays and gets for it. A buyer pays before it gets.
    function _settle(
        uint256 key,
        Order calldata order,
        bytes32 orderHash,
        bytes calldata signature,
        uint256 size,
        uint256 amount,
        uint256 fee
    ) private {
        _fill(order, orderHash, signature, size);
        uint256 mostFee = order.feeBpsMax < BPS ? amount * order.feeBpsMax / BPS : amount;
        if (fee > mostFee) revert FeeAboveCap(orderHash, fee, mostFee);
        uint256 id = PositionId.idOf(key, order.side);
        if (order.isBuy) {
            _debit(order.maker, amount + fee);
            _move(address(0), order.maker, id, size);
        } else {
            uint256 held = balanceOf(order.maker, id);
            if (held < size) revert InsufficientShares(order.maker, id, size, held);
            _move(order.maker, address(0), id, size);
            _credit(order.maker, amount - fee);
        }
        emit OrderFilled(
            orderHash, order.maker, order.marketId, order.epoch, order.side, order.isBuy, size, amount, fee
        );
    }

    /// @dev The maker's part as ERC-6909 sees it: in a swap the shares go from one to the other.
    function _announceMaker(uint256 key, Order calldata taker, Order calldata maker, uint256 size, Tally memory tally)
        private
    {
        uint256 id = PositionId.idOf(key, maker.side);
        if (taker.side == maker.side) {
            (address from, address to) = maker.isBuy ? (taker.maker, maker.maker) : (maker.maker, taker.maker);
            emit Transfer(msg.sender, from, to, id, size);
        } else if (maker.isBuy) {
            tally.minted += size;
            emit Transfer(msg.sender, address(0), maker.maker, id, size);
        } else {
            tally.merged += size;
            emit Transfer(msg.sender, maker.maker, address(0), id, size);
        }
    }

    function _announceTaker(uint256 key, Order calldata taker, Tally memory tally) private {
        uint256 id = PositionId.idOf(key, taker.side);
        if (tally.minted != 0) emit Transfer(msg.sender, address(0), taker.maker, id, tally.minted);
        if (tally.merged != 0) emit Transfer(msg.sender, taker.maker, address(0), id, tally.merged);
    }

    /// @dev ecrecover first, which costs no look at the maker's code.
    function _checkSignature(address maker, bytes32 orderHash, bytes calldata signature) private view {
        if (maker != address(0)) {
            if (ECDSA.tryRecoverCalldata(orderHash, signature) == maker) return;
            if (SignatureCheckerLib.isValidERC1271SignatureNowCalldata(maker, orderHash, signature)) return;
        }
        revert InvalidSignature(maker, orderHash);
    }

    /// @dev EIP-712 hashes the words as they stand in the call; encoding them again would cost 400 gas an order.
    // slither-disable-next-line assembly -- one copy into free memory
    function _hash(Order calldata order) private view returns (bytes32) {
        bytes32 typehash = ORDER_TYPEHASH;
        bytes32 structHash;
        // Its eleven words as they came: a word that is no side, bool or address is refused where it is read.
        assembly ("memory-safe") {
            let pointer := mload(0x40)
            mstore(pointer, typehash)
            calldatacopy(add(pointer, 0x20), order, 0x160)
            structHash := keccak256(pointer, 0x180)
        }
        return _hashTypedData(structHash);
    }

    function _effectiveAt(address account) private view returns (uint256) {
        return isTrading(account) ? block.timestamp + TRADING_DELAY : block.timestamp;
    }
}
