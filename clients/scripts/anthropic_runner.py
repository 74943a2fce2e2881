"""anthropic: the beta tool runner, which keeps its conversation in a thread of the service."""

import anthropic
from tools import KEY, MODEL, PROMPT, URL, write_file

with anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0) as client:
    runner = client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=4000,
        tools=[anthropic.beta_tool(write_file)],
        messages=[{"role": "user", "content": PROMPT}],
    )
    message = runner.until_done()
print("".join(block.text for block in message.content if block.type == "text"))
