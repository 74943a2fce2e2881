"""A black-box suite for gateways: own clients, own upstreams, and a judge that knows no codec of this project.

Each exchange goes over real HTTP. What is looked at: what of the client's request reached the upstream, what of the
upstream's answer reached the client, and whether what is missing was reported.
"""

from twoapi.conformance.client import Client
from twoapi.conformance.protocols import MODELS, NAMES
from twoapi.conformance.run import Pair, Part, Stage, run
from twoapi.conformance.scenes import MODES, SCENES
from twoapi.conformance.upstream import Upstream
from twoapi.conformance.vendor import Arrival, Vendor
from twoapi.conformance.vendors import VENDORS
from twoapi.conformance.verdict import VERDICTS, Check, Record, Result, record, share, total

__all__ = [
    "MODELS",
    "MODES",
    "NAMES",
    "SCENES",
    "VENDORS",
    "VERDICTS",
    "Arrival",
    "Check",
    "Client",
    "Pair",
    "Part",
    "Record",
    "Result",
    "Stage",
    "Upstream",
    "Vendor",
    "record",
    "run",
    "share",
    "total",
]
