"""langchain-openai over Responses."""

from langchain_loop import run
from langchain_openai import ChatOpenAI
from tools import KEY, MODEL, URL

print(run(ChatOpenAI(model=MODEL, base_url=f"{URL}/v1", api_key=KEY, max_retries=0, use_responses_api=True)))
