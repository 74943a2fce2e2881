// @anthropic-ai/sdk: the beta tool runner, which keeps its conversation in a thread of the service.
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { KEY, MODEL, PARAMETERS, PROMPT, URL, writeFile } from './tools.mjs'

const client = new Anthropic({ baseURL: URL, apiKey: KEY, maxRetries: 0 })
const tool = betaTool({ name: 'write_file', description: 'Write', inputSchema: PARAMETERS, run: writeFile })
const message = await client.beta.messages.toolRunner({
  model: MODEL,
  max_tokens: 4000,
  messages: [{ role: 'user', content: PROMPT }],
  tools: [tool],
})
console.log(message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''))
