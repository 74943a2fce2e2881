// @anthropic-ai/sdk: Messages, streamed, with thinking.
import Anthropic from '@anthropic-ai/sdk'
import { KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, writeFile } from './tools.mjs'

const client = new Anthropic({ baseURL: URL, apiKey: KEY, maxRetries: 0 })
const messages = [{ role: 'user', content: PROMPT }]
for (;;) {
  const stream = client.messages.stream({
    model: MODEL,
    max_tokens: 8000,
    system: SYSTEM,
    messages,
    thinking: { type: 'enabled', budget_tokens: 2000 },
    tools: [{ name: 'write_file', description: 'Write a text file', input_schema: PARAMETERS }],
  })
  const { content } = await stream.finalMessage()
  const calls = content.filter((block) => block.type === 'tool_use')
  if (calls.length === 0) {
    console.log(content.map((block) => (block.type === 'text' ? block.text : '')).join(''))
    break
  }
  messages.push({ role: 'assistant', content })
  const results = calls.map((call) => ({ type: 'tool_result', tool_use_id: call.id, content: writeFile(call.input) }))
  messages.push({ role: 'user', content: results })
}
