"""What the LangChain scripts share: the tool loop, streamed."""

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from tools import PROMPT, SYSTEM, write_file


def run(model: BaseChatModel) -> str:
    """The final text."""
    tools = tool(write_file)
    bound = model.bind_tools([tools])
    messages = [SystemMessage(SYSTEM), HumanMessage(PROMPT)]
    while True:
        answer: AIMessage | None = None
        for chunk in bound.stream(messages):
            assert isinstance(chunk, AIMessageChunk)
            answer = chunk if answer is None else answer + chunk
        assert answer is not None
        assert answer.usage_metadata
        if not answer.tool_calls:
            return str(answer.text)
        messages.append(answer)
        calls = answer.tool_calls
        messages += [ToolMessage(tools.invoke(call["args"]), tool_call_id=call["id"]) for call in calls]
