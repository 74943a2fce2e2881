"""The vendors' own chains of credentials, by the vendors' own libraries: profiles, roles, managed identities.

They block, so they are asked in a thread; they are extras, so each is imported when it is first asked.
"""

from twoapi.transport.chains.chain import CHAINS, Chain, open_chain

__all__ = ["CHAINS", "Chain", "open_chain"]
