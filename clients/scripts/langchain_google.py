"""langchain-google-genai."""

from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_loop import run
from tools import KEY, MODEL, URL

print(run(ChatGoogleGenerativeAI(model=MODEL, base_url=URL, google_api_key=KEY, max_retries=1)))
