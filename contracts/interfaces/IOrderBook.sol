// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "./ICompleteSets.sol";

/// @notice A signed limit order. Nobody can settle it at a worse price, beyond its size, or at a higher fee.
struct Order {
    address maker;
    uint256 marketId;
    uint256 epoch;
    Side side;
    bool isBuy;
    /// Collateral per share, 1e18 fixed point, between 0 and 1, a multiple of `PRICE_TICK`.
    uint256 price;
    /// Shares in base units.
    uint256 size;
    /// The most that may be charged, in basis points of the collateral that the order pays or is paid.
    uint256 feeBpsMax;
    /// UNIX seconds; not settled later.
    uint256 expiry;
    /// Not settled once the maker's nonce floor is above it.
    uint256 nonce;
    /// Makes otherwise equal orders different.
    uint256 salt;
}

/// @notice An order with its maker's EIP-712 signature; empty if the order has been registered.
struct SignedOrder {
    Order order;
    bytes signature;
}

/// @notice A maker's order, how much of it to settle (shares), and the fee to charge it (base units of collateral).
struct MakerFill {
    Order order;
    bytes signature;
    uint256 size;
    uint256 fee;
}

/// @title Order book
/// @notice Settles orders that were matched off chain, on internal balances: COMPLEMENTARY (a buyer and a seller of one
/// side swap), MINT (a buyer of YES and a buyer of NO make complete sets) and MERGE (a seller of YES and a seller of NO
/// take them apart). Every fill is at its maker's price; the taker has what that leaves.
/// @dev The signed type is `Order(address maker,uint256 marketId,uint256 epoch,uint8 side,bool isBuy,uint256 price,uint256
/// size,uint256 feeBpsMax,uint256 expiry,uint256 nonce,uint256 salt)`; the domain's name is the contract's (`chain-kit
/// EpochHub`, `chain-kit RaceMarket`), its version `1`. Prices are multiples of 0.001 and fills of 1,000 base units, so
/// that what a fill costs is a whole number: nothing is ever rounded.
interface IOrderBook {
    /// @notice `size` shares of the order were settled for `amount` of collateral; beside it the order paid `fee`.
    event OrderFilled(
        bytes32 indexed orderHash,
        address indexed maker,
        uint256 indexed marketId,
        uint256 epoch,
        Side side,
        bool isBuy,
        uint256 size,
        uint256 amount,
        uint256 fee
    );
    /// @notice `amount` of fees went onto the internal balance of the operator that settled.
    event FeesCharged(address indexed operator, uint256 amount);
    event OrderRegistered(bytes32 indexed orderHash, address indexed maker);
    /// @notice The order is settled no more from `effectiveAt` on.
    event OrderCancelled(bytes32 indexed orderHash, address indexed maker, uint256 effectiveAt);
    /// @notice Orders of `maker` with a nonce below `floor` are settled no more from `effectiveAt` on.
    event NonceFloorRaised(address indexed maker, uint256 floor, uint256 effectiveAt);
    event MatchOperatorSet(address indexed operator, bool allowed);

    error NotMatchOperator(address caller);
    error NotMaker(address caller, address maker);
    error NoFills();
    error InvalidSignature(address maker, bytes32 orderHash);
    error PriceOffTick(uint256 price, uint256 tick);
    error SizeOffLot(uint256 size, uint256 lot);
    error OrderExpired(bytes32 orderHash, uint256 expiry, uint256 nowAt);
    error OrderIsCancelled(bytes32 orderHash);
    error OrderIsFilled(bytes32 orderHash, uint256 size);
    error OrderOverfilled(bytes32 orderHash, uint256 wanted, uint256 remaining);
    error NonceTooLow(address maker, uint256 nonce, uint256 floor);
    error NonceFloorOutOfRange(uint256 floor, uint256 least, uint256 most);
    error NonceFloorPending(uint256 floor, uint256 effectiveAt);
    error FeeAboveCap(bytes32 orderHash, uint256 fee, uint256 most);
    error SelfMatch(address maker);
    error DifferentBooks(bytes32 takerHash, bytes32 makerHash);
    error OrdersDoNotCross(bytes32 takerHash, bytes32 makerHash);
    error InsufficientShares(address account, uint256 id, uint256 needed, uint256 available);

    /// @notice Settles one taker's order against makers' orders. An operator only, while trading is not paused and the
    /// epoch has not ended. All or nothing.
    /// @param takerFee Fee of the taker's order for all fills, in base units.
    /// @return size Shares settled of the taker's order.
    /// @return amount Collateral that the taker paid or was paid, its fee left out.
    function matchOrders(SignedOrder calldata taker, uint256 takerFee, MakerFill[] calldata makers)
        external
        returns (uint256 size, uint256 amount);

    /// @notice Records that `order` bears its maker's valid signature, or comes from its maker. From then on no signature
    /// is asked for: an ERC-1271 account cannot take it back. Anyone may call.
    function registerOrder(Order calldata order, bytes calldata signature) external returns (bytes32 orderHash);

    /// @notice Cancels one order. Its maker only. At once, or after `TRADING_DELAY` if the maker is in trading mode.
    function cancelOrder(Order calldata order) external returns (uint256 effectiveAt);

    /// @notice Cancels all the caller's orders with a nonce below `floor`, with the same delay.
    function cancelOrdersBelow(uint256 floor) external returns (uint256 effectiveAt);

    /// @notice Allows or forbids an account to settle orders. The owner only.
    function setMatchOperator(address operator, bool allowed) external;

    /// @notice The order's EIP-712 digest, which its maker signs.
    function hashOrder(Order calldata order) external view returns (bytes32);

    /// @notice How much of an order has been settled (shares), from when on it is cancelled (UNIX seconds; 0 if never),
    /// and whether its signature has been recorded.
    function orderState(bytes32 orderHash) external view returns (uint256 filled, uint256 cancelledAt, bool registered);

    /// @notice The lowest nonce at which `maker`'s orders are settled now.
    function nonceFloorOf(address maker) external view returns (uint256);

    function isMatchOperator(address account) external view returns (bool);
}
