// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Payout vault
/// @notice USDC owed to accounts by off-chain accrual, posted as cumulative Merkle roots. A leaf is
/// `keccak256(keccak256(abi.encode(chainId, vault, account, cumulativeTotal)))`; a claim pays the total less what was
/// claimed before, so a replay pays nothing. Roots go propose, delay, (veto,) activate.
/// @dev Amounts are base units of the payout token.
interface IPayoutVault {
    event RootProposed(bytes32 indexed root, uint256 total, uint256 activeAt, string uri);
    event RootVetoed(bytes32 indexed root);
    event RootActivated(bytes32 indexed root, uint256 total);
    event Claimed(address indexed account, address indexed recipient, uint256 amount, uint256 cumulativeTotal);
    event SurplusRequested(address indexed recipient, uint256 amount, uint256 executableAt);
    event SurplusCancelled();
    event SurplusWithdrawn(address indexed recipient, uint256 amount);
    event OperatorSet(address indexed operator);
    event GuardianSet(address indexed guardian);

    error ZeroAddress();
    error ZeroAmount();
    error ZeroRoot();
    error NotOperator(address caller);
    error NotGuardian(address caller);
    error DelayOutOfRange(uint256 delay, uint256 least, uint256 most);
    error RootPending(bytes32 root);
    error NoPendingRoot();
    error RootNotReady(uint256 activeAt, uint256 nowAt);
    error TotalShrinks(uint256 proposed, uint256 active);
    error RootNotCovered(uint256 needed, uint256 reserve);
    error InvalidProof(address account, uint256 cumulativeTotal);
    error NothingToClaim(address account, uint256 cumulativeTotal, uint256 claimed);
    error RootExhausted(uint256 wouldBeClaimed, uint256 total);
    error SignatureExpired(uint256 expiry, uint256 nowAt);
    error InvalidSignature(address account);
    error NoSurplusRequest();
    error SurplusNotReady(uint256 executableAt, uint256 nowAt);
    error SurplusTooSmall(uint256 requested, uint256 surplus);

    /// @notice Proposes the next root. The operator only; one at a time.
    /// @param total Sum of the cumulative totals of all leaves; never less than the active root's.
    /// @param uri Where the leaves are published.
    function proposeRoot(bytes32 root, uint256 total, string calldata uri) external;

    /// @notice Drops the pending root. The guardian, the operator or the owner.
    function vetoRoot() external;

    /// @notice Makes the pending root the active one once its delay has passed, if the reserve still covers it. Anyone.
    function activateRoot() external;

    /// @notice Pays `account` what the proven total leaves unclaimed. Anyone may call.
    function claim(address account, uint256 cumulativeTotal, bytes32[] calldata proof) external returns (uint256 amount);

    /// @notice `claim` to another address, by the account's EIP-712 signature (EOA or ERC-1271) of
    /// `ClaimTo(address account,address recipient,uint256 cumulativeTotal,uint256 expiry)`.
    function claimTo(
        address account,
        address recipient,
        uint256 cumulativeTotal,
        bytes32[] calldata proof,
        uint256 expiry,
        bytes calldata signature
    ) external returns (uint256 amount);

    /// @notice Announces that `amount` of surplus shall leave. The owner only.
    function requestSurplus(address recipient, uint256 amount) external;

    function cancelSurplus() external;

    /// @notice Pays out the announced surplus once the timelock has passed, if it is surplus still. The owner only.
    function withdrawSurplus() external;

    function leafOf(address account, uint256 cumulativeTotal) external view returns (bytes32);

    function claimed(address account) external view returns (uint256);

    /// @notice The active root, the sum of its totals, and what has been claimed in all.
    function activeRoot() external view returns (bytes32 root, uint256 total, uint256 claimedTotal);

    /// @notice The pending root (0 if none), its total and when it can be activated.
    function pendingRoot() external view returns (bytes32 root, uint256 total, uint256 activeAt);

    /// @notice The vault's balance, what it owes under the active and the pending root, and their ratio (1e18; the
    /// largest uint256 where nothing is owed).
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage);

    function payoutToken() external view returns (address);

    /// @notice Seconds between proposal and activation of a root.
    function rootDelay() external view returns (uint256);

    /// @notice Seconds between announcement and withdrawal of surplus.
    function surplusDelay() external view returns (uint256);
}
