"""Compiles and deploys, with ape. The one package that imports ape; what runs in production does without.

`deploy` is what stands behind `chain-kit deploy` and `ape run deploy`.
"""

from chain_kit.deploy.chain import DeploymentReport, Step, Waiting
from chain_kit.deploy.deployer import deploy
from chain_kit.deploy.feed_specification import ChainlinkSpec, FeedSpec, PythSpec
from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, RaceSpec, TokenSpec

__all__ = [
    "ChainlinkSpec",
    "DeploymentReport",
    "DeploymentSpec",
    "FeedSpec",
    "MarketSpec",
    "PythSpec",
    "RaceSpec",
    "Step",
    "TokenSpec",
    "Waiting",
    "deploy",
]
