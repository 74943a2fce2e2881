"""langchain-anthropic."""

from langchain_anthropic import ChatAnthropic
from langchain_loop import run
from tools import KEY, MODEL, URL

print(run(ChatAnthropic(model=MODEL, base_url=URL, api_key=KEY, max_retries=0, max_tokens=4000)))
