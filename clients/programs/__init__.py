"""All programs, in the order of the table."""

from clients.program import Program
from clients.programs import ai_sdk, anthropic_sdk, claude_code, codex, gemini_cli, google_sdk, langchain, openai_sdk

PROGRAMS: tuple[Program, ...] = tuple(
    program
    for module in (claude_code, codex, gemini_cli, openai_sdk, anthropic_sdk, google_sdk, ai_sdk, langchain)
    for program in module.PROGRAMS
)
