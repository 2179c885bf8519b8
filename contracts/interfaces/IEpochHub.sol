// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A side of an epoch. `YES` pays when the end price is above the start price, `NO` when it is below.
enum Side {
    YES,
    NO
}

/// @notice How an epoch ended. `OPEN` until both boundary prices are known or can no longer come.
enum Outcome {
    OPEN,
    YES,
    NO,
    VOID
}

/// @notice What a market is, fixed at its creation but for `houseBudget`.
struct Market {
    address facade;
    address creator;
    bytes32 feed;
    string symbol;
    /// Start of epoch 1, UNIX seconds, a multiple of 300.
    uint256 genesis;
    /// LMSR parameter b in base units of the collateral; the house loses at most b·ln 2 an epoch.
    uint256 liquidity;
    /// House fee in basis points of what a trade pays or is paid.
    uint256 feeBps;
    /// Collateral set aside for epochs that the house has not opened yet, in base units.
    uint256 houseBudget;
}

/// @notice What the market shows of the epoch that runs now. All prices, amounts and supplies are 1e18 fixed point.
struct Status {
    uint256 epoch;
    uint256 startPrice;
    uint256 timeRemaining;
    bool tradingActive;
    uint256 yesPrice;
    uint256 noPrice;
    uint256 yesSupply;
    uint256 noSupply;
}

/// @title Epoch hub
/// @notice Holds all collateral and all positions of every market on one collateral token. One unit of collateral is one
/// YES and one NO of the same epoch, always. Epoch `e` covers `[genesis + (e-1)·300 s, genesis + e·300 s)`.
/// @dev Amounts are base units of the collateral; shares have the collateral's decimals.
interface IEpochHub {
    // ------------------------------------------------------------------ events

    event MarketCreated(
        uint256 indexed marketId,
        address indexed facade,
        bytes32 indexed feed,
        address creator,
        string symbol,
        uint256 genesis,
        uint256 liquidity,
        uint256 feeBps
    );
    /// @notice `amount` came from `payer`'s wallet onto `account`'s internal balance.
    event Deposited(address indexed account, address indexed payer, uint256 amount);
    /// @notice `amount` left `account`'s internal balance for `recipient`'s wallet.
    event Withdrawn(address indexed account, address indexed recipient, uint256 amount);
    event Split(uint256 indexed marketId, uint256 indexed epoch, address indexed account, uint256 amount);
    event Merged(uint256 indexed marketId, uint256 indexed epoch, address indexed account, uint256 amount);
    /// @notice `account` gave up `yesShares` and `noShares`; `payout` went to its wallet.
    event Redeemed(
        uint256 indexed marketId,
        uint256 indexed epoch,
        address indexed account,
        uint256 yesShares,
        uint256 noShares,
        uint256 payout
    );
    /// @notice `account` paid `amount` (fee included) to the house for `shares`.
    /// @param fromWallet True if paid from the wallet through the facade, false if from the internal balance.
    event Bought(
        uint256 indexed marketId,
        uint256 indexed epoch,
        address indexed account,
        Side side,
        uint256 amount,
        uint256 fee,
        uint256 shares,
        bool fromWallet
    );
    /// @notice `account` gave `shares` to the house for `amount` (fee already taken off).
    /// @param toWallet True if paid to the wallet through the facade, false if to the internal balance.
    event Sold(
        uint256 indexed marketId,
        uint256 indexed epoch,
        address indexed account,
        Side side,
        uint256 shares,
        uint256 fee,
        uint256 amount,
        bool toWallet
    );
    /// @notice `amount` went from `payer`'s internal balance to the market's house budget.
    event HouseFunded(uint256 indexed marketId, address indexed payer, uint256 amount);
    /// @notice `amount` went from the market's house budget to its creator's internal balance.
    event HouseDefunded(uint256 indexed marketId, address indexed creator, uint256 amount);
    /// @notice The house opened the epoch: `amount` of its budget became as many YES and NO shares of its own.
    event HouseOpened(uint256 indexed marketId, uint256 indexed epoch, uint256 amount);
    /// @notice The house redeemed its shares of an ended epoch into its budget.
    event HouseSettled(
        uint256 indexed marketId, uint256 indexed epoch, uint256 yesShares, uint256 noShares, uint256 payout
    );
    event TradingPaused(bool paused);
    event GuardianSet(address indexed guardian);

    // ------------------------------------------------------------------ errors

    error ZeroAmount();
    error ZeroAddress();
    error UnknownMarket(uint256 marketId);
    error UnknownFeed(bytes32 feed);
    error GenesisOffGrid(uint256 genesis, uint256 grid);
    error GenesisOutOfRange(uint256 genesis, uint256 earliest, uint256 latest);
    error LiquidityOutOfRange(uint256 liquidity, uint256 least, uint256 most);
    error FeeTooHigh(uint256 feeBps, uint256 most);
    error TooManyDecimals(uint256 decimals, uint256 most);
    error SymbolLength(uint256 length, uint256 most);
    error SymbolCharacters(string symbol);
    error NotFacade(address caller, address facade);
    error NotCreator(address caller, address creator);
    error NotGuardian(address caller);
    error TradingIsPaused();
    error MarketNotStarted(uint256 nowAt, uint256 genesis);
    error OutsideTradingWindow(uint256 nowAt, uint256 closedAt);
    error WrongEpoch(uint256 expected, uint256 current);
    error DeadlineExpired(uint256 deadline, uint256 nowAt);
    error SlippageExceeded(uint256 got, uint256 least);
    error EpochEnded(uint256 epoch, uint256 endedAt);
    error EpochStillOpen(uint256 marketId, uint256 epoch);
    error EpochOutOfRange(uint256 epoch, uint256 most);
    error EpochFull(uint256 wanted, uint256 most);
    error NothingToRedeem(address account);
    error NothingToSettle(uint256 marketId);
    error HouseBudgetTooSmall(uint256 needed, uint256 available);
    error HouseBudgetFull(uint256 wanted, uint256 most);
    error InsufficientCollateral(address account, uint256 needed, uint256 available);
    error Undercollateralised(uint256 held, uint256 owed);

    // ------------------------------------------------------------------ markets

    /// @notice Creates a market on a registered feed and its facade. The caller becomes its creator: it owns the house
    /// budget, and so earns the house's fees. Anyone may call.
    /// @param symbol 1 to 31 letters, digits and `-./_`.
    /// @param genesis Start of epoch 1, a multiple of 300 s, from the running epoch to a year ahead.
    /// @param liquidity LMSR parameter b in base units.
    function createMarket(bytes32 feed, string calldata symbol, uint256 genesis, uint256 liquidity, uint256 feeBps)
        external
        returns (uint256 marketId, address facade);

    function market(uint256 marketId) external view returns (Market memory);

    function facadeOf(uint256 marketId) external view returns (address);

    /// @notice The number of markets; their ids are 1 to this number.
    function marketCount() external view returns (uint256);

    // ------------------------------------------------------------------ internal balances

    /// @notice Takes `amount` from the caller's wallet onto `account`'s internal balance.
    function deposit(address account, uint256 amount) external;

    /// @notice `deposit` with an EIP-2612 permit of the caller. A permit that someone else has already used is no
    /// failure as long as the allowance is there.
    function depositWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    function withdraw(address recipient, uint256 amount) external;

    /// @notice The internal balance of `account`, in base units.
    function collateralOf(address account) external view returns (uint256);

    // ------------------------------------------------------------------ complete sets

    /// @notice Turns `amount` of the caller's internal balance into `amount` YES and `amount` NO of an epoch that has
    /// not ended. Works while trading is paused.
    function split(uint256 marketId, uint256 epoch, uint256 amount) external;

    /// @notice The reverse of `split`, for any epoch at any time.
    function merge(uint256 marketId, uint256 epoch, uint256 amount) external;

    /// @notice Pays the caller, to its wallet, for all its shares of the given ended epochs. Losing shares are given up
    /// for nothing. Reverts if one of the epochs is open, or if the caller holds nothing in any of them.
    function redeem(uint256 marketId, uint256[] calldata epochs) external returns (uint256 payout);

    /// @notice `redeem` for somebody else: the payout goes to `account`.
    function redeemFor(address account, uint256 marketId, uint256[] calldata epochs) external returns (uint256 payout);

    // ------------------------------------------------------------------ house maker

    /// @notice Buys from the house with the caller's internal balance.
    /// @param amount What to pay, fee included.
    /// @param minShares Reverts below this.
    /// @param expectedEpoch Reverts unless this epoch runs now; 0 accepts any.
    /// @param deadline UNIX seconds; reverts later.
    function buy(
        uint256 marketId,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 shares);

    /// @notice Sells to the house; the proceeds go to the caller's internal balance.
    function sell(
        uint256 marketId,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 amount);

    /// @notice `buy` for `account` with `amount` that the market's facade has just brought in. The facade only.
    function buyFromFacade(
        uint256 marketId,
        address account,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 shares);

    /// @notice `sell` for `account`, paid to its wallet. The facade only.
    function sellFromFacade(
        uint256 marketId,
        address account,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 amount);

    /// @notice Adds `amount` of the caller's internal balance to the market's house budget, which its creator owns.
    function fundHouse(uint256 marketId, uint256 amount) external;

    /// @notice Moves `amount` of the house budget to the creator's internal balance. The creator only. Epochs that the
    /// house has opened keep their collateral.
    function defundHouse(uint256 marketId, uint256 amount) external;

    /// @notice Redeems the house's shares of ended epochs into its budget. Anyone may call.
    function settleHouse(uint256 marketId, uint256[] calldata epochs) external returns (uint256 payout);

    /// @notice What `buy` of `amount` would give now, whether or not trading is open.
    function quoteBuy(uint256 marketId, Side side, uint256 amount) external view returns (uint256 shares, uint256 fee);

    /// @notice What `sell` of `shares` would give now, whether or not trading is open.
    function quoteSell(uint256 marketId, Side side, uint256 shares) external view returns (uint256 amount, uint256 fee);

    // ------------------------------------------------------------------ answers

    /// @notice The epoch that runs now; 0 before genesis.
    function currentEpoch(uint256 marketId) external view returns (uint256);

    function statusOf(uint256 marketId) external view returns (Status memory);

    /// @notice The outcome of an epoch as of now, with its boundary prices (1e18; 0 where there is none).
    function outcomeOf(uint256 marketId, uint256 epoch)
        external
        view
        returns (Outcome outcome, uint256 startPrice, uint256 endPrice);

    /// @notice Complete sets made and not merged in an epoch, the shares of them that the house holds (or held when it
    /// settled), and whether it has settled. Traders were issued `sets - houseYes` YES and `sets - houseNo` NO.
    function epochState(uint256 marketId, uint256 epoch)
        external
        view
        returns (uint256 sets, uint256 houseYes, uint256 houseNo, bool settled);

    function positionOf(uint256 marketId, uint256 epoch, address account)
        external
        view
        returns (uint256 yesShares, uint256 noShares);

    /// @notice What `redeemFor` would pay for one epoch now; 0 while it is open.
    function claimable(uint256 marketId, uint256 epoch, address account) external view returns (uint256);

    /// @notice The hub's collateral, what it owes to all accounts, houses and epochs, and their ratio (1e18; the
    /// largest uint256 where nothing is owed).
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage);

    // ------------------------------------------------------------------ powers

    /// @notice Stops or resumes new house trades. The guardian only. Everything else goes on.
    function setTradingPaused(bool paused) external;

    /// @notice Names the guardian. The owner only.
    function setGuardian(address guardian) external;
}
