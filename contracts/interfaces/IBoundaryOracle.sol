// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What is known of a boundary. `VOID` once its deadline has passed without a price, stamped or not.
enum BoundaryStatus {
    NONE,
    POSTED,
    VOID
}

/// @notice One price at one instant, as an adapter vouches for it.
struct BoundaryPrice {
    bytes32 feed;
    /// UNIX seconds, a multiple of 300.
    uint256 boundary;
    /// 1e18 fixed point, above zero.
    uint256 price;
}

/// @title Boundary oracle
/// @notice Stores one price per (feed, boundary instant), shared by every market on that feed. The first valid report
/// wins; nothing is ever changed. Posting is open to anyone: the feed's adapters decide what a valid report is.
/// @dev A feed has one to four adapters in a fixed order, each with a deadline later than the one before. From a boundary
/// to the first deadline only the first adapter's price counts, from the second after that to the second deadline only
/// the second's, and so on; after the last deadline the boundary is void. At every instant there is one adapter at most
/// whose price can be posted: with two sources nobody has a choice between them.
interface IBoundaryOracle {
    /// @param adapter The first one.
    /// @param deadline The last one.
    event FeedRegistered(bytes32 indexed feed, uint256 index, address adapter, uint256 deadline);
    /// @notice An adapter of a feed that has more than one, with its own deadline, the first (`rank` 0) included.
    event FallbackRegistered(bytes32 indexed feed, uint256 indexed rank, address adapter, uint256 deadline);
    event BoundaryPosted(bytes32 indexed feed, uint256 indexed boundary, uint256 price);
    event BoundaryVoided(bytes32 indexed feed, uint256 indexed boundary);

    error ZeroAddress();
    error FeedExists(bytes32 feed);
    error TooManyFeeds(uint256 index, uint256 most);
    error UnknownFeed(bytes32 feed);
    error DeadlineOutOfRange(uint256 deadline, uint256 least, uint256 most);
    error NoAdapters();
    error TooManyAdapters(uint256 count, uint256 most);
    error AdaptersAndDeadlinesDiffer(uint256 adapters, uint256 deadlines);
    error DuplicateAdapter(address adapter);
    error DeadlinesNotAscending(uint256 previous, uint256 deadline);
    /// @param expected The feed's first adapter.
    error WrongAdapter(bytes32 feed, address given, address expected);
    /// @param from The first second in which this adapter's price for the boundary can be posted.
    /// @param to The last one.
    error AdapterNotDue(bytes32 feed, uint256 boundary, address adapter, uint256 from, uint256 to);
    error BoundaryOffGrid(uint256 boundary, uint256 grid);
    error BoundaryInFuture(uint256 boundary, uint256 nowAt);
    error BoundaryDeadlinePassed(bytes32 feed, uint256 boundary, uint256 deadlineAt);
    error BoundaryDeadlineNotPassed(bytes32 feed, uint256 boundary, uint256 deadlineAt);
    error BoundaryAlreadyPosted(bytes32 feed, uint256 boundary, uint256 price);
    error BoundaryAlreadyVoid(bytes32 feed, uint256 boundary);
    error DifferentPrice(bytes32 feed, uint256 boundary, uint256 posted, uint256 given);
    error PriceOutOfRange(bytes32 feed, uint256 boundary, uint256 price);
    error EmptyReport();

    /// @notice Adds a feed with one adapter. The owner only; a feed never changes afterwards.
    /// @param adapter The contract that verifies the feed's reports.
    /// @param deadline Seconds after a boundary within which its price must be posted, from 300 to 7 days.
    function registerFeed(bytes32 feed, address adapter, uint256 deadline) external;

    /// @notice Adds a feed with one to four adapters. The owner only; a feed never changes afterwards.
    /// @param adapters In the order in which they are due, each once.
    /// @param deadlines Until when each is due, in seconds after a boundary: strictly ascending, from 300 to 7 days.
    function registerFeed(bytes32 feed, address[] calldata adapters, uint256[] calldata deadlines) external;

    /// @notice Posts every price of a report that `adapter` finds valid, which must be the adapter that is due. A price
    /// that stands already is skipped if it is the same, and refused if it differs.
    /// @return posted How many prices were new.
    function post(address adapter, bytes calldata report) external payable returns (uint256 posted);

    /// @notice Stamps a boundary whose deadline has passed without a price, so that logs tell it too. Anyone may call;
    /// outcomes are the same with and without.
    function voidBoundary(bytes32 feed, uint256 boundary) external;

    function isFeed(bytes32 feed) external view returns (bool);

    /// @notice The feed's number, by which `endsOf` asks.
    function feedIndex(bytes32 feed) external view returns (uint256 index);

    /// @notice A feed's first adapter, and its last deadline (seconds), after which a boundary is void.
    function feedOf(bytes32 feed) external view returns (address adapter, uint256 deadline);

    /// @notice All adapters of a feed in their order, and until when each is due, in seconds after a boundary.
    function adaptersOf(bytes32 feed) external view returns (address[] memory adapters, uint256[] memory deadlines);

    /// @notice What is known of a boundary as of now; `price` is 0 unless posted. Reverts off the grid.
    function boundaryOf(bytes32 feed, uint256 boundary) external view returns (BoundaryStatus status, uint256 price);

    /// @notice `boundaryOf` for the two ends of an epoch, by feed number. Both must be on the grid and below 2^64.
    function endsOf(uint256 index, uint256 startAt, uint256 endAt)
        external
        view
        returns (BoundaryStatus startStatus, uint256 startPrice, BoundaryStatus endStatus, uint256 endPrice);
}
