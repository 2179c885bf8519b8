// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICollateralLedger} from "./ICollateralLedger.sol";
import {ICompleteSets} from "./ICompleteSets.sol";
import {IMarketRules} from "./IMarketRules.sol";
import {IOrderBook} from "./IOrderBook.sol";

/// @notice Whether an epoch of a race has a result. `OPEN` until it has ended and every price is known, or one can no
/// longer come, which makes it `VOID`.
enum RaceStatus {
    OPEN,
    FINISHED,
    VOID
}

/// @notice What a race is, fixed at its creation.
struct Race {
    address creator;
    string symbol;
    /// The assets: feeds of the oracle. Asset `i` is the `i`-th of them, from 0.
    bytes32[] feeds;
    /// How many places can be traded, from the first one on.
    uint256 positions;
    /// Start of epoch 1, UNIX seconds, a multiple of 300.
    uint256 genesis;
}

/// @title Race market
/// @notice Races of 2 to 16 assets in epochs of five minutes: which one takes which place by the performance of its price?
/// Each (asset, position) of a race is a book of its own, a question like any other: YES pays one unit of collateral if the
/// asset takes the position, NO if it does not. Epoch `e` covers `[genesis + (e-1)·300 s, genesis + e·300 s)`.
/// @dev A book's market id is `raceId << 16 | position << 8 | asset`, positions from 1, assets from 0; everything of
/// `ICompleteSets` and `IOrderBook` works by it. Of `k` assets that are equal and cover `k` places each has one `k`-th of
/// each of these places. In a void epoch each of `n` assets has one `n`-th of every place. So the YES of all assets in one
/// position always pay one unit together, and the NO of one asset pays what the YES of all others do.
interface IRaceMarket is ICompleteSets, IOrderBook, ICollateralLedger, IMarketRules {
    event RaceCreated(
        uint256 indexed raceId,
        address indexed creator,
        string symbol,
        bytes32[] feeds,
        uint256 positions,
        uint256 genesis
    );
    /// @notice `account` turned `amount` of collateral into as many YES of each asset in `position`.
    event FieldSplit(
        uint256 indexed raceId, uint256 indexed epoch, address indexed account, uint256 position, uint256 amount
    );
    event FieldMerged(
        uint256 indexed raceId, uint256 indexed epoch, address indexed account, uint256 position, uint256 amount
    );
    /// @notice `account` turned `amount` NO of a book into as many YES of every other asset in its position, or, if not
    /// `toField`, the reverse.
    event Converted(
        uint256 indexed marketId, uint256 indexed epoch, address indexed account, bool toField, uint256 amount
    );
    /// @param packed From the 128th bit up the status. Byte `i` below is of asset `i`: how many were better in its high four
    /// bits, how many others were equal in its low four.
    event ResultStored(uint256 indexed raceId, uint256 indexed epoch, uint256 packed);

    error DuplicateAsset(bytes32 feed);
    error TooFewAssets(uint256 assets, uint256 least);
    error TooManyAssets(uint256 assets, uint256 most);
    /// @notice Positions count from 1.
    error PositionsOutOfRange(uint256 positions, uint256 most);
    error PositionOutOfRange(uint256 position, uint256 most);
    error AssetOutOfRange(uint256 asset, uint256 most);

    /// @notice Creates a race. Anyone may call.
    /// @param symbol 1 to 31 letters, digits and `-./_`.
    /// @param feeds 2 to 16 different feeds of the oracle.
    /// @param positions How many places can be traded: from 1 to 5, and no more than there are assets.
    /// @param genesis Start of epoch 1, a multiple of 300 s, from the running epoch to a year ahead.
    function createRace(string calldata symbol, bytes32[] calldata feeds, uint256 positions, uint256 genesis)
        external
        returns (uint256 raceId);

    // ------------------------------------------------------------------ whole positions

    /// @notice Turns `amount` of the caller's internal balance into `amount` YES of each asset in a position of an epoch
    /// that has not ended. Works while trading is paused.
    function splitField(uint256 raceId, uint256 epoch, uint256 position, uint256 amount) external;

    /// @notice The reverse of `splitField`, for any epoch at any time.
    function mergeField(uint256 raceId, uint256 epoch, uint256 position, uint256 amount) external;

    /// @notice Turns `amount` NO of a book into `amount` YES of every other asset in its position. Any epoch, any time.
    function convertToField(uint256 marketId, uint256 epoch, uint256 amount) external;

    /// @notice The reverse: gives up `amount` YES of every other asset in the book's position for `amount` NO of the book.
    function convertFromField(uint256 marketId, uint256 epoch, uint256 amount) external;

    // ------------------------------------------------------------------ results

    /// @notice Stores the result of an epoch, which makes redemption cheaper and changes nothing else. Anyone may call;
    /// nothing happens if it has been stored before.
    /// @return packed The result as `ResultStored` has it.
    function storeResult(uint256 raceId, uint256 epoch) external returns (uint256 packed);

    /// @notice The result as it was stored; 0 if it was not.
    function storedResult(uint256 raceId, uint256 epoch) external view returns (uint256 packed);

    /// @notice Each asset's place: it covers `tied` places from its first place on, which it shares with `tied` assets
    /// (itself included). Zeros while the epoch is open.
    function resultOf(uint256 raceId, uint256 epoch)
        external
        view
        returns (RaceStatus status, uint256[] memory firstPlaces, uint256[] memory tied);

    /// @notice What one YES of a book pays, as a fraction; one NO pays the rest. Both are 0 while the epoch is open.
    function payoutOf(uint256 marketId, uint256 epoch) external view returns (uint256 numerator, uint256 denominator);

    // ------------------------------------------------------------------ answers

    function raceOf(uint256 raceId) external view returns (Race memory);

    /// @notice The number of races; their ids are 1 to this number.
    function raceCount() external view returns (uint256);

    /// @notice The epoch that runs now; 0 before genesis.
    function currentEpoch(uint256 raceId) external view returns (uint256);

    /// @notice The market id of a book.
    function bookOf(uint256 raceId, uint256 position, uint256 asset) external view returns (uint256 marketId);

    /// @notice The collateral of a position: all that was split and not merged in its books and its field. Whatever the
    /// result, its shares are worth no more.
    function potOf(uint256 raceId, uint256 epoch, uint256 position) external view returns (uint256);
}
