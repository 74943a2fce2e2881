"""Which exchanges there are: one explicit table, by the names that providers/schemes.py gives them."""

from collections.abc import Mapping

from twoapi.providers.tokens.baidu_iam import BaiduIAM
from twoapi.providers.tokens.baidu_oauth import BaiduOAuth
from twoapi.providers.tokens.entra import Entra
from twoapi.providers.tokens.google_service_account import GoogleServiceAccount
from twoapi.providers.tokens.source import Exchange

EXCHANGES: Mapping[str, Exchange] = {
    "baidu-iam": BaiduIAM(),
    "baidu-oauth": BaiduOAuth(),
    "entra": Entra(),
    "google-service-account": GoogleServiceAccount(),
}
