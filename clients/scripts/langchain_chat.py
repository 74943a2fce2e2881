"""langchain-openai over Chat Completions."""

from langchain_loop import run
from langchain_openai import ChatOpenAI
from tools import KEY, MODEL, URL

# Before a base URL of one's own the library does not ask for the usage of a stream.
model = ChatOpenAI(
    model=MODEL, base_url=f"{URL}/v1", api_key=KEY, max_retries=0, use_responses_api=False, stream_usage=True
)
print(run(model))
